"""Rows of a table as one value: the same value means the same rows in the same versions.

A row version has a place (ctid) and a transaction that wrote it (xmin); an UPDATE makes a new version at another
place, and a place that is used again is written by a later transaction. Nobody who only reads can change either.
"""

from __future__ import annotations

HAS_HASH_OF_XID = 180000
HAS_HASH_OF_TID = 140000


def rows_value(table: str, version: int, oldest: int | None = None) -> str:
    """SQL for the value of all rows of `table`, an alias, on a server of `version` (as `server_version` of psycopg2).

    It holds their number, without which the sum could not tell a table of none from one whose sum is zero.

    With `oldest`, a transaction (64 bits), the value is another one than without if a row was written since: rule R6.
    Transaction numbers begin again after 2^32, and a frozen row keeps its number, so a new row may have place and
    number of one that is gone. Only rows as young as that can.
    """
    seed = f"hashxidextended({table}.xmin, 0)" if version >= HAS_HASH_OF_XID else f"{table}.xmin::text::bigint"
    place = f"hashtidextended({table}.ctid, {seed})"
    if version < HAS_HASH_OF_TID:
        place = f"hashtextextended({table}.ctid::text, {seed})"
    young = ""
    if oldest is not None:
        number = oldest % (1 << 32)
        count = f"count(*) FILTER (WHERE age({table}.xmin) BETWEEN 0 AND age('{number}'::xid))"
        young = f", 'young ' || nullif({count}, 0)"
    return f"concat_ws('+', count(*), sum({place}){young})"
