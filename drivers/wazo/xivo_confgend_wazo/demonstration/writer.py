"""The one place that writes rows: COPY, in pieces, so that a large company needs little memory.

What is in the rows is said by the other modules of this package.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from psycopg2 import sql
from sqlalchemy import Integer, MetaData, Table

PIECE = 20_000
"""Rows sent at once."""

NEXT = sql.SQL(
    "SELECT setval(pg_get_serial_sequence(%s, %s), greatest(max({column}), 1), max({column}) IS NOT NULL) FROM {table}"
)

Value = str | int | float | bool | None
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Rows:
    """Rows of one table.

    `columns` names what the tuples of `rows` hold, separated by spaces; other columns take their default.
    """

    table: Table
    columns: str
    rows: Iterable[Row]


def array(pairs: Iterable[Sequence[str]]) -> str:
    """A two-dimensional text array as PostgreSQL reads it."""
    return "{" + ",".join("{" + ",".join(map(_element, pair)) + "}" for pair in pairs) + "}"


def _element(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _field(value: Value) -> str:
    if value is None:
        return "\\N"
    if type(value) is not str:
        return str(value)
    if value.isprintable() and "\\" not in value:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def write(cursor: Any, content: Rows) -> None:
    """COPY `content` through a psycopg2 cursor. Raises `psycopg2.Error` on a row that does not fit."""
    columns = ", ".join(f'"{name}"' for name in content.columns.split())
    statement = f'COPY "{content.table.name}" ({columns}) FROM STDIN'
    rows = iter(content.rows)
    while piece := list(islice(rows, PIECE)):
        text = "".join(["\t".join(map(_field, row)) + "\n" for row in piece])
        cursor.copy_expert(statement, io.BytesIO(text.encode()))


def reset_sequences(cursor: Any, metadata: MetaData) -> None:
    """Let every serial column of `metadata` go on after its greatest value."""
    for table in metadata.sorted_tables:
        for column in (column for column in table.primary_key if isinstance(column.type, Integer)):
            # A column without sequence has none to set: setval(NULL, …) is NULL.
            name = sql.Identifier(column.name)
            cursor.execute(NEXT.format(column=name, table=sql.Identifier(table.name)), (f'"{table.name}"', column.name))
