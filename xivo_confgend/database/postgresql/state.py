"""Which moment of which database: what two generations compare to know that they saw the same.

Two snapshots of one running server with the same text see exactly the same rows
(https://www.postgresql.org/docs/current/functions-info.html, pg_current_snapshot). What could bring
the same text back with other rows is part of the state as well: another cluster, timeline or
database, a restart, and crash recovery, which may lose asynchronously committed transactions and
always ends with a new checkpoint. A reloaded server configuration can change how values are
printed and which tables are found, so the settings that decide it are part of it too (the time of
the reload would not do: each connection has its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SETTINGS = (
    "array_nulls", "bytea_output", "DateStyle", "default_text_search_config", "extra_float_digits", "IntervalStyle",
    "lc_monetary", "lc_numeric", "lc_time", "quote_all_identifiers", "role", "row_security", "search_path", "TimeZone",
    "xmlbinary", "xmloption",
)  # fmt: skip
"""Of https://www.postgresql.org/docs/current/runtime-config-client.html: those that change what a statement returns."""

STATE_STATEMENT = f"""
SELECT pg_current_snapshot()::text,
       pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END::text,
       concat_ws('/', s.system_identifier, c.timeline_id, c.checkpoint_lsn, a.datid,
                 extract(epoch FROM pg_postmaster_start_time()),
                 {", ".join(f"current_setting('{name}')" for name in SETTINGS)})
FROM pg_control_system() s, pg_control_checkpoint() c, pg_stat_get_activity(pg_backend_pid()) a
"""  # noqa: S608 - nothing but names of this module
"""Locks no relation: those that are locked at the end of a generation are what the driver has read."""


@dataclass(frozen=True)
class DatabaseState:
    """A moment of a database. Equal states that are `exact` mean equal rows.

    On a standby the text of a snapshot does not list what runs on the primary, so there the
    position of the replay takes its place, and that is read after the snapshot was taken: the
    state of a generation is exact there only if a state taken before it began is the same.
    """

    text: str
    exact: bool

    @classmethod
    def from_row(cls, row: Sequence[object]) -> DatabaseState:
        """`row`: snapshot text, whether in recovery, replay position, identity of the database."""
        snapshot, standby, replayed, identity = row
        if standby:
            return cls(f"standby {snapshot} {replayed} {identity}", exact=False)
        return cls(f"{snapshot} {identity}", exact=True)
