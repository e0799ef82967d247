"""Rows of statements that give tens of thousands, as plain tuples with every text safe to write.

Texts are looked at column by column, all rows at once: a value is only touched where a column has something to
replace. For few rows see `safe_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.sql import Select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText


class Source(NamedTuple):
    """Where a selected text comes from, for the warning: `table`, position of its `key` in the row, `column`."""

    table: str
    key: int
    column: str


def fetch_safe(statement: Select[Any], safe: SafeText, sources: Mapping[int, Source]) -> Sequence[Any]:
    """The rows of `statement`; `sources` are its texts by position, None among them stays None.

    Values are as the database driver gives them: SQLAlchemy's types do not convert them.
    """
    rows: Sequence[Any] = _fetch(statement)
    for at, source in sources.items():
        if "".join([row[at] or "" for row in rows]).isprintable():
            continue
        rows = [(*row[:at], _safe(row, at, source, safe), *row[at + 1 :]) for row in rows]
    return rows


def _fetch(statement: Select[Any]) -> list[tuple[Any, ...]]:
    """Past SQLAlchemy's rows: ten thousands of them cost as much as asking, mostly in garbage collections."""
    result: Any = Session.execute(statement)
    rows: list[tuple[Any, ...]] = result.cursor.fetchall()
    result.close()
    return rows


def _safe(row: Sequence[Any], at: int, source: Source, safe: SafeText) -> str | None:
    value = row[at]
    return None if value is None else safe.value(value, source.table, row[source.key], source.column)
