"""What a database lacks of the tables and columns that a driver reads: its `meta`, compared with the catalogue."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection

COLUMNS = """
SELECT wanted.name, a.attname, has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM unnest(%(names)s::text[]) AS wanted(name)
LEFT JOIN pg_attribute a ON a.attrelid = to_regclass(wanted.name) AND a.attnum > 0 AND NOT a.attisdropped
"""
MOST_NAMED = 3
WORD = re.compile(r"\w+")


@dataclass(frozen=True, order=True)
class Place:
    """A table, or one of its columns."""

    table: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.table}.{self.column}" if self.column else f"the table {self.table}"

    def is_named_in(self, words: Collection[str]) -> bool:
        """Whether a statement of these `words` may be about it."""
        return self.table.rpartition(".")[2] in words and (not self.column or self.column in words)


@dataclass(frozen=True)
class Differences:
    """What a database has not, or does not let its account read; sorted."""

    missing: tuple[Place, ...] = ()
    forbidden: tuple[Place, ...] = ()


def compare(connection: Connection, metadata: MetaData) -> Differences:
    """The differences between `metadata` and what `connection` finds by its search path. One statement."""
    tables = {_quoted(table): table for table in metadata.tables.values()}
    found: dict[str, dict[str, bool]] = {name: {} for name in tables}
    for name, column, readable in connection.exec_driver_sql(COLUMNS, {"names": list(tables)}):
        if column is not None:
            found[name][column] = readable
    missing: list[Place] = []
    forbidden: list[Place] = []
    for name, table in tables.items():
        missing += _without(table, found[name], [c.name for c in table.columns if c.name not in found[name]])
        forbidden += _without(table, found[name], [c.name for c in table.columns if found[name].get(c.name) is False])
    return Differences(tuple(sorted(missing)), tuple(sorted(forbidden)))


def _quoted(table: Table) -> str:
    """The name as SQL writes it."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (table.schema, table.name) if part)


def _without(table: Table, found: Mapping[str, bool], columns: Collection[str]) -> list[Place]:
    """The `columns` of `table`, or the table itself if they are all that it has in the metadata."""
    if columns and (len(columns) == len(table.columns) or not found):
        return [Place(table.fullname)]
    return [Place(table.fullname, column) for column in columns]


def named(places: Collection[Place], statement: str) -> list[Place]:
    """Those of `places` that `statement` names; all of them if it names none."""
    words = set(WORD.findall(statement))
    return [place for place in places if place.is_named_in(words)] or list(places)


def listed(places: Collection[Place]) -> str:
    """`endpoint_sip.name`, `the table queue and endpoint_sip.name`, `… and 5 more`."""
    texts = [str(place) for place in places]
    if len(texts) > MOST_NAMED + 1:
        texts = [*texts[:MOST_NAMED], f"{len(texts) - MOST_NAMED} more"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
