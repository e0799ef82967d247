"""Which moment of which database: what two transactions compare to know that they saw the same (rule R1).

Two snapshots of one running server with the same text see exactly the same rows
(https://www.postgresql.org/docs/current/functions-info.html, pg_current_snapshot). What could bring the same text
back with other rows is compared as well; the rule is R1 of docs/spec/44-exact-freshness.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

OUR_SETTINGS = (
    "default_transaction_isolation", "default_transaction_read_only", "in_hot_standby", "jit", "lock_timeout",
    "row_security", "statement_timeout", "transaction_deferrable", "transaction_isolation", "transaction_read_only",
)  # fmt: skip
"""Those in which our own connections differ; none of them changes what a statement of a driver returns."""

BACKEND = "concat_ws('/', a.pid, extract(epoch FROM a.backend_start))"
BACKEND_STATEMENT = f"SELECT {BACKEND} FROM pg_stat_get_activity(pg_backend_pid()) a"
STATE_STATEMENT = f"""
SELECT pg_current_snapshot()::text,
       pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END::text,
       concat_ws('/', s.system_identifier, c.timeline_id, a.datid, extract(epoch FROM pg_postmaster_start_time()),
                 session_user, current_user,
                 (SELECT sum(hashtextextended(concat(g.name, '=', g.setting), 0)) FROM pg_show_all_settings() g
                  WHERE g.name NOT IN ({", ".join(f"'{name}'" for name in OUR_SETTINGS)})
                    AND NOT (position('.' in g.name) > 0 AND g.source = 'default'))),
       c.checkpoint_lsn::text,
       {BACKEND},
       current_setting('track_counts') = 'on'
FROM pg_control_system() s, pg_control_checkpoint() c, pg_stat_get_activity(pg_backend_pid()) a
"""
"""Settings with a dot are those of a library, which are there only once a statement has needed it.

Locks no relation: those that are locked at the end of a generation are what the driver has read."""


@dataclass(frozen=True)
class Backend:
    """The server process of a connection: `identity` is its number and start; `opened` as `time.monotonic` says."""

    identity: str
    opened: float


@dataclass(frozen=True)
class DatabaseState:
    """A moment of a database, as one connection saw it. Ask `same_moment`, not `==`, whether two are the same.

    `text`: identity of the database and snapshot. `exact`: False on a standby, where the text of a snapshot does not
    list what runs on the primary: there the position of the replay takes its place, and that is read after the
    snapshot was taken. So the state of a generation is exact there only if one taken before it began is the same.

    `identity`: which database; `checkpoint`: the last one; `oldest` and `next`: the oldest transaction that was running
    and the next one (64 bits). `began`: a time before the snapshot was taken; `opened`: when the connection was opened,
    infinity if it now leads to another server process; both of `time.monotonic`, the same for all processes here.
    """

    text: str
    exact: bool = True
    identity: str = ""
    checkpoint: str = ""
    oldest: int = 0
    next: int = 0
    began: float = 0.0
    opened: float = 0.0

    @classmethod
    def from_row(cls, row: Sequence[object], began: float, backend: Backend) -> DatabaseState:
        """`row`: of `STATE_STATEMENT`, asked by the connection to `backend`; `began`: `monotonic()` before that."""
        snapshot, standby, replayed, identity, checkpoint, identified = map(str, row[:6])
        oldest, following, _ = snapshot.split(":")
        position = f"standby {replayed} " if row[1] else ""
        opened = backend.opened if identified == backend.identity else math.inf
        return cls(f"{position}{snapshot} {identity}", not row[1], f"{standby} {identity}", checkpoint, int(oldest),
                   int(following), began, opened)  # fmt: skip

    def same_history(self, earlier: DatabaseState) -> bool:
        """Whether the rows and transaction numbers of `earlier` still mean the same: nothing was lost by a crash.

        A crash takes back what was committed asynchronously and gives its transaction numbers again. A connection that
        was open before `earlier` was read proves that there was none: each crash ends all connections. Without it the
        same last checkpoint does: recovery always makes a new one.
        """
        unbroken = self.opened <= earlier.began
        return self.identity == earlier.identity and (unbroken or self.checkpoint == earlier.checkpoint)

    def same_moment(self, other: DatabaseState) -> bool:
        """Whether both see the same rows. The text alone does not tell on a standby: see `exact`."""
        earlier, later = sorted((self, other), key=lambda state: state.began)
        return self.text == other.text and later.same_history(earlier)


def monotonic() -> float:
    """Seconds of a clock that all processes of this machine share."""
    return time.monotonic()
