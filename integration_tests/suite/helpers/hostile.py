"""Values that a tenant may write into a text column, and rows of every table that hold one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import sql
from sqlalchemy import ARRAY, Column, MetaData, String, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import ENUM

from xivo_confgend.plugin_helpers.asterisk_reader import AsteriskFile

LINE_BYTES = 8191
NAME_BYTES = 79
HOSTILE = [
    # comments
    ";", "a;b", ";x", "x;", "\\;", "a\\;b", "\\\\;", ";--", "--;", "a;--b", "a--;b", "x ;-- y", ";-- x --;", ";---",
    "--\\;", "-", "--", '"Bob ;-- x" <10014>',
    # what ends or begins a section, a directive, an option
    "]", "a]b", "[x]", "[x](!)", "[", "[x", "](!)", "a](b)", "(", ")", "!", "+", "#exec x", "#include x", "#", "\\",
    "\\x", "\\[x]", "x\\", "\\\\", "=", "a=b", "+=", "=>", "> x", "a+", "a = b", ">",
    # second readers
    ",", "a,b", "1,1,Hangup()", "&", "a&b", "|", "a|b", "${X}", "$[1+1]", '"', "'", "<x>", "a@b", "a/b", ":", "\\,",
    # lines, controls, blanks
    "a\nb", "\n[x]\ny = z", "a\r\n[x]", "\r", "\x01", "a\x1bb", "\x7f", "\t", "a\tb", "\x85", "a\x85[x]", "\u2028",
    "a\u2029b", " ", "", " a ", "\u00a0", "\u00a0[x]", "\u3000a", "\ufeff", "\x0b[x]", "a\n;--\n", "\n#exec x\n",
    # long ones: names of more than 79 bytes, lines of more than 8,190
    "n" * (NAME_BYTES + 1), "é" * 40, "n" * (NAME_BYTES - 1) + "é", "v" * LINE_BYTES, ";" * 4096, "é" * 5000,
    # words that drivers and Asterisk give a meaning
    "None", "general", "default", "same", "exten", "type", "endpoint", "0", "é",
]  # fmt: skip
"""No NUL and no lone surrogate: PostgreSQL refuses both."""
HARMLESS = "\ue000"
"""Stands for a value without a meaning to anything: one character, so that it fits into every column."""
IDENTIFYING = {
    "category", "categoryval", "channel", "context", "contexttype", "event", "feature", "filename", "mode",
    "queue_name", "tenant_uuid", "typeval", "uuid",
}  # fmt: skip
"""Columns by which a driver finds a row: where they are changed, the others of the row may not be read."""
FIRST = {
    "context": "contexttype = 'incall'",
    "func_key_mapping": "template_id = 3",
    "groupfeatures": "id = 2",
    "ivr": "id <> 1",
    "moh": "mode = 'custom'",
    "queue": "name LIKE 'gro-djzwos-%'",
    "queuemember": "interface LIKE 'Local/%@%'",
    "queueskill": "id IN (SELECT skillid FROM agentqueueskill)",
    "userfeatures": "id = 3",
}
"""Which row of a table is changed first, where most rows show less of themselves in a file."""
SWITCHED_OFF = "commented"
"""Column of the rows that are not written."""

Unit = tuple[str, ...]
"""What must stay whole: section, type of the section, key, value, and the `same` lines that belong to it."""


@dataclass
class _Row:
    """A row to change: where it lies now, and the columns that get the value."""

    ctid: str
    columns: list[Column[str]] = field(default_factory=list)


class HostileRows:
    """Changes rows of the database at `uri`: of each table one row for each text column, and one in all of them.

    In a table with fewer rows, several columns of one row are changed. The same rows are changed each time.
    `tables`: which ones, all of `metadata` without it.
    """

    def __init__(self, uri: str, metadata: MetaData, tables: Callable[[str], bool] = bool) -> None:
        self._connection = psycopg2.connect(uri)
        with self._connection, self._connection.cursor() as cursor:
            chosen = [table for name, table in metadata.tables.items() if tables(name)]
            self._rows = {table: list(self._choose(cursor, table)) for table in chosen}

    @property
    def columns(self) -> list[Column[str]]:
        """Every text column that is changed."""
        return list(dict.fromkeys(column for rows in self._rows.values() for row in rows for column in row.columns))

    def write(self, value: str | Callable[[Column[str]], str]) -> None:
        """Put `value`, or what it makes for a column, as much of it as fits, into every chosen place."""
        with self._connection, self._connection.cursor() as cursor:
            for table, rows in self._rows.items():
                for row in rows:
                    self._write(cursor, table, row, value)

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()

    def _choose(self, cursor: psycopg2.extensions.cursor, table: Table) -> Iterator[_Row]:
        columns = [column for column in table.columns if is_text(column)]
        if not columns:
            return
        names = [SWITCHED_OFF] if SWITCHED_OFF in table.columns else []
        order = [sql.SQL(f"{FIRST[table.name]} DESC")] if table.name in FIRST else []
        order += [sql.Identifier(name) for name in [*names, *table.primary_key.columns.keys()]]
        statement = sql.SQL("SELECT ctid::text FROM {} ORDER BY {}")
        cursor.execute(statement.format(sql.Identifier(table.name), sql.SQL(", ").join(order)))
        rows = [_Row(ctid) for (ctid,) in cursor.fetchall()]
        plain = [column for column in columns if column.name not in IDENTIFYING]
        sets = [plain, *([column] for column in columns), plain, columns]
        if len(rows) < 2 * len(sets):
            sets = [plain, columns] if len(rows) > 1 else [columns]
        sets = [one for one in sets if one]
        for place, one in enumerate(sets if rows else ()):
            rows[place * (len(rows) - 1) // max(1, len(sets) - 1)].columns = one
        yield from (row for row in rows if row.columns)

    def _write(
        self, cursor: psycopg2.extensions.cursor, table: Table, row: _Row, value: str | Callable[[Column[str]], str]
    ) -> None:
        """Change one row; columns of a unique key get a number behind the value if the value is there already."""
        keyed = _keyed(table)
        names = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column.name)) for column in row.columns)
        statement = sql.SQL("UPDATE {} SET {} WHERE ctid = %s RETURNING ctid::text")
        statement = statement.format(sql.Identifier(table.name), names)
        for number in ("", *map(str, range(2, 10))):
            texts = [
                _fitting(value if isinstance(value, str) else value(column), column, number if column in keyed else "")
                for column in row.columns
            ]
            values = [
                [["key", text], [text, text]] if isinstance(column.type, ARRAY) else text
                for column, text in zip(row.columns, texts, strict=True)
            ]
            cursor.execute("SAVEPOINT before")
            try:
                cursor.execute(statement, (*values, row.ctid))
            except psycopg2.errors.UniqueViolation:
                cursor.execute("ROLLBACK TO SAVEPOINT before")
                continue
            ((row.ctid,),) = cursor.fetchall()
            return
        raise AssertionError(f"{table.name}: {value!r} fits in no row")


def is_text(column: Column[str]) -> bool:
    """Whether a column takes any text, or a list of pairs of texts."""
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, String) and not isinstance(kind, ENUM)


def _keyed(table: Table) -> set[Column[str]]:
    """The columns that a key of the table needs."""
    keys = [constraint.columns for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    indexes = [index.columns for index in table.indexes if index.unique]
    return {column for key in [*keys, *indexes, table.primary_key.columns] for column in key}


def _fitting(text: str, column: Column[str], number: str) -> str:
    """As much of `text` as fits into `column`, with the number behind it."""
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return text[: None if kind.length is None else kind.length - len(number)] + number


def units(path: str, file: AsteriskFile) -> Counter[Unit]:
    """What Asterisk holds of the file `path`, how often: sections, and their options."""
    counted: Counter[Unit] = Counter()
    for name, pairs in file.resolved():
        kind = next((value for key, value in pairs if key == "type"), "") if path.endswith("/pjsip.conf") else ""
        unit: Unit = (name, kind)
        for key, value in pairs:
            if key == "same" and len(unit) > 2 and path.endswith("/extensions.conf"):
                unit += (key, value)
                continue
            counted[unit] += 1
            unit = (name, kind, key, value)
        counted[unit] += 1
    return counted


def by_section(counted: Counter[Unit]) -> Counter[Unit]:
    """How many options each section has."""
    sections: Counter[Unit] = Counter()
    for unit, count in counted.items():
        sections[unit[:2]] += count
    return sections
