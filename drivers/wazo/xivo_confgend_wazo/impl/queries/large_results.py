"""Rows of statements that give tens of thousands, as plain tuples with every text safe to write.

Texts are looked at column by column, all rows at once: a value is only touched where a column has something to
replace. For few rows see `safe_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy.sql import Select

from xivo_confgend.database import ReadAhead
from xivo_confgend.plugin_helpers.asterisk import SafeText, are_plain


class Source(NamedTuple):
    """Where a selected text comes from, for the warning: `table`, position of its `key` in the row, `column`.

    `comment`: it is only written in comments, where nothing is escaped.
    """

    table: str
    key: int
    column: str
    comment: bool = False


class Reader(ReadAhead):
    """Reads such results: `ahead` are statements to ask before their rows are wanted. A context manager."""

    def __init__(self, safe: SafeText, *ahead: Select[Any]) -> None:
        super().__init__(*ahead)
        self.safe = safe

    def read(self, statement: Select[Any], sources: Mapping[int, Source]) -> Sequence[Any]:
        """The rows of `statement`; `sources` are its texts by position, None among them stays None.

        Values are as the database driver gives them: SQLAlchemy's types do not convert them.
        """
        rows: Sequence[Any] = self.rows(statement)
        for at, source in sources.items():
            if are_plain(list(filter(None, map(itemgetter(at), rows)))):
                continue
            rows = [(*row[:at], self._safe_value(row, at, source), *row[at + 1 :]) for row in rows]
        return rows

    def _safe_value(self, row: Sequence[Any], at: int, source: Source) -> str | None:
        value = row[at]
        written = self.safe.comment if source.comment else self.safe.value
        return None if value is None else written(value, source.table, row[source.key], source.column)


def without(separator: str, at: int, rows: Sequence[Any], source: Source, safe: SafeText) -> Sequence[Any]:
    """`rows` without those whose text at position `at` holds `separator`, at which Asterisk would cut it."""
    if separator not in "".join(filter(None, map(itemgetter(at), rows))):
        return rows
    return [
        row
        for row in rows
        if row[at] is None or safe.item(row[at], separator, source.table, row[source.key], source.column) is not None
    ]


def blanked(separator: str, at: int, rows: Sequence[Any], source: Source, safe: SafeText) -> Sequence[Any]:
    """`rows` with None for the text at position `at` where that holds `separator`; their other columns are needed."""
    if separator not in "".join(filter(None, map(itemgetter(at), rows))):
        return rows
    return [
        row
        if row[at] is None or safe.item(row[at], separator, source.table, row[source.key], source.column) is not None
        else (*row[:at], None, *row[at + 1 :])
        for row in rows
    ]
