"""Rows of a statement with every text already safe to write.

For statements of which a file shows hundreds of rows. For tens of thousands see
`large_results`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Column, String, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Select

from xivo_confgend.plugin_helpers.asterisk import SafeText, are_plain


@cache
def _named_row(names: tuple[str, ...]) -> Any:
    return namedtuple("named_row", names)


def select_named(columns: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    """A statement that selects `columns`, each under its name."""
    return select(*(column.label(name) for name, column in columns.items()))


def safe_rows(
    columns: Mapping[str, Column[Any]], rows: Iterable[Any], safe: SafeText, names: Mapping[Any, str] | None = None
) -> Iterator[Any]:
    """`rows` of a statement made by `select_named(columns)`, as named tuples, texts as they are written.

    `names`: what `SafeText.section_names` gives for the first column as primary key and the column `name`; rows that
    are not among them are left out. A warning names the row by its table's primary key if that is among `columns`,
    else by the first column.
    """
    named_row = _named_row(tuple(columns))
    keys = {column.table.name: at for at, column in enumerate(columns.values()) if column.primary_key}
    texts = {
        at: (column.table.name, keys.get(column.table.name, 0), column.name)
        for at, (name, column) in enumerate(columns.items())
        if isinstance(column.type, String)
    }
    rows = [row for row in rows if names is None or row[0] in names]
    if are_plain(["".join([row[at] or "" for at in texts]) for row in rows]):
        yield from map(named_row._make, rows)
        return
    for row in rows:
        values = list(row)
        for at, (table, key, column) in texts.items():
            if values[at] is not None:
                values[at] = safe.value(values[at], table, row[key], column)
        yield named_row._make(values)
