"""Sections of accounts from rows of the database, in chunks, written by the rules of docs/spec/01-asterisk-grammar.md.

PostgreSQL puts the lines of an account together. It ends each with a text that is chosen at random for one generation,
so that a value cannot hold it; lines are taken apart there and only then cleaned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from secrets import token_urlsafe
from typing import Any, TypeVar

from sqlalchemy.sql.selectable import Select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, are_plain, has_long_line, is_plain
from xivo_confgend.plugin_helpers.wording import counted
from xivo_confgend_xivo.impl.options import END

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 500
"""Accounts in a chunk: 200 to 300 kB."""

Account = TypeVar("Account", bound=Any)
"""A NamedTuple with the fields `id`, `name`, `options` (lines of the columns) and `extra` (pairs).

Its method `identity()` says which rows of one account are the same and give one section.
"""

Sources = Mapping[str, tuple[str, str, str]]
"""Field of an account -> table and column it comes from, and the field that holds the row's id."""


class Sections:
    """Writes the sections of one generation. Call `warn()` at its end.

    `names`: the name as it is written of each account that has a section, by id; None if all are as they are stored.
    """

    def __init__(self, safe: SafeText, names: Mapping[Any, str] | None) -> None:
        self._end = token_urlsafe(6)
        self._safe = safe
        self._names = names
        self._without_pairs: dict[int, None] = {}
        self._account: int | None = None
        self._seen: set[object] = set()

    def write(
        self,
        statement: Select[Any],
        account: type[Account],
        sources: Sources,
        head: Callable[[Account], Iterable[str]],
    ) -> Iterator[str]:
        """The sections of the rows of `statement`, each followed by an empty line, in chunks.

        `statement` is ordered by account; `account` is what a row is; `head` gives the lines of a
        section that stand before the options.
        """
        result = Session.execute(statement, {END: self._end}, execution_options={"yield_per": ROWS_AT_ONCE})
        for rows in result.partitions():
            yield self._chunk(self._distinct(map(account._make, rows)), sources, head)

    def warn(self) -> None:
        """Log which accounts had extra options that are none, if any had."""
        if self._without_pairs:
            logger.warning(
                "column options of %s of usersip holds something that is not a pair, which is left out,"
                " first in row %s",
                counted(len(self._without_pairs), "row"),
                next(iter(self._without_pairs)),
            )

    def _distinct(self, rows: Iterable[Account]) -> Iterator[Account]:
        for row in rows:
            if row.id != self._account:
                self._account = row.id
                self._seen.clear()
            identity = row.identity()
            if identity not in self._seen:
                self._seen.add(identity)
                yield row

    def _chunk(self, rows: Iterable[Account], sources: Sources, head: Callable[[Account], Iterable[str]]) -> str:
        names = self._names
        if names is not None:
            rows = [row._replace(name=names[row.id]) for row in rows if row.id in names]
        named = [self._with_keys(row) if row.extra else row for row in rows]
        lines = self._lines(named, head)
        text = "\n".join([*lines, ""])
        if is_plain("".join(lines)) and not has_long_line(text):
            return text
        clean = [row if are_plain(self._lines([row], head)) else self._clean(row, sources) for row in named]
        return "\n".join([*self._lines(clean, head), ""])

    def _lines(self, rows: Iterable[Account], head: Callable[[Account], Iterable[str]]) -> list[str]:
        lines: list[str] = []
        for row in rows:
            lines += head(row)
            # behind the end of the last option there is an empty text: the empty line after the section
            lines += (self._options(row) if row.extra else row.options).split(self._end)
        return lines

    def _with_keys(self, row: Account) -> Account:
        """`row` with those extra options that are pairs whose names can be written."""
        keys = [(self._safe.key(str(name), "usersip", row.id, "options"), value) for name, value in self._pairs(row)]
        return row._replace(extra=[(key, value) for key, value in keys if key is not None])

    def _options(self, row: Account) -> str:
        """Section 5 for a row that has extra options: behind its own, and an allow wants a disallow in front."""
        disallow = f"disallow = all{self._end}"
        extra = "".join([f"{name} = {value}{self._end}" for name, value in row.extra])
        allowed_late = any(name == "allow" for name, _ in row.extra) and not row.options.startswith(disallow)
        return f"{disallow if allowed_late else ''}{row.options}{extra}"

    def _pairs(self, row: Account) -> Iterator[tuple[str | None, str | None]]:
        for element in row.extra:
            match element:
                case [str() | None as name, str() | None as value]:
                    yield name, value
                case _:
                    self._without_pairs[row.id] = None

    def _clean(self, row: Account, sources: Sources) -> Account:
        """`row` with its texts made safe."""
        values = {
            field: self._safe.value(value, table, getattr(row, key), column)
            for field, (table, column, key) in sources.items()
            if (value := getattr(row, field)) is not None
        }
        lines = [
            self._safe.value(line, "usersip", row.id, line.partition(" = ")[0]) for line in row.options.split(self._end)
        ]
        extra = [(name, self._safe.value(str(value), "usersip", row.id, "options")) for name, value in row.extra]
        return row._replace(options=self._end.join(lines), extra=extra, **values)
