"""The rows of each table as one value, and whether reading them is worth it: rules R5, R6 and R8 (budget)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xivo_confgend.database.postgresql.rows import rows_value
from xivo_confgend.database.postgresql.versions import Relation

SECONDS_A_ROW = 0.2e-6
SECONDS_A_BYTE = 0.3e-9
"""What a server needs as long as nothing was measured."""
WIDEST_ROW = 64
"""Bytes that a row is taken to need where the server has not counted any."""
SHARE = 0.3
"""Of the cost of a generation, what a check may cost."""

LEAST_TIMEOUT = 0.05
"""Seconds for a statement at least: a small file is not generated because of a moment of load."""
UNFILTERED = "SET LOCAL row_security = off"
"""An error where a policy would hide rows, whose changes nobody would see (rule R5)."""
ROWS = "SELECT {oid}::bigint, {value} FROM ONLY {name} x"
MOVED = """
SELECT t.oid::bigint, NULL
FROM unnest(%(oids)s::oid[], %(names)s::text[]) t(oid, name)
LEFT JOIN pg_class c ON c.oid = t.oid
WHERE to_regclass(t.name)::oid IS DISTINCT FROM t.oid
   OR NOT coalesce(c.relfilenode IN (0, pg_relation_filenode(t.oid)), false)
"""
"""Those whose name means another table now, or whose rows are in another file: what was read is not what it was.

In the same statement, which has locked all the tables before it reads any: nobody can do that any more.
"""


def read_digests(cursor: Any, relations: Sequence[Relation], oldest: int | None = None) -> dict[int, str | None]:
    """The value of all rows of each of `relations`, by oid; None if they cannot be read as the snapshot has them.

    `oldest`: as for `rows_value`. Raises psycopg2.Error if a table must not be read as a whole, or takes too long.
    """
    if not relations:
        return {}
    value = rows_value("x", cursor.connection.server_version, oldest).replace("%", "%%")
    parts = [ROWS.format(oid=one.oid, value=value, name=one.name.replace("%", "%%")) for one in relations]
    given = {"oids": [one.oid for one in relations], "names": [one.name for one in relations]}
    cursor.execute(" UNION ALL ".join([*parts, MOVED]), given)
    rows: list[tuple[int, str | None]] = cursor.fetchall()
    moved = {oid for oid, digest in rows if digest is None}
    return {oid: None if oid in moved else digest for oid, digest in rows}


def predicted_cost(relations: Iterable[Relation], pace: float) -> float:
    """Seconds that `read_digests` is expected to need; `pace`: how much longer than expected it took the last time."""
    return pace * sum(
        SECONDS_A_ROW * (relation.rows or relation.size / WIDEST_ROW) + SECONDS_A_BYTE * relation.size
        for relation in relations
    )
