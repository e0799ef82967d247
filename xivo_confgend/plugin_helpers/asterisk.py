"""Writing database values as Asterisk's configuration language, by the rules of docs/spec/01-asterisk-grammar.md.

What Asterisk reads is the value in the database, and nothing in one row changes what Asterisk reads of another row.

A driver makes one `SafeText` for each generation, passes every value of the database through one of its methods
before it becomes part of a line, and returns `safe.written(pieces)`:

* a section name: `section_name`; the text of a comment line above it: `comment`
* an option whose key comes from the database: `option`; whose key is the driver's own: `option()` of this module with
  a `value`
* a value, an argument in the dialplan: `value`
* an item of a list that Asterisk cuts at a separator: `item`
* one of the fields of a mailbox: `mailbox_field`
* names that have to be unique in a file: `repeated_names`

Text that an administrator wrote in Asterisk's language (templates, `contexts.conf`) is not changed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from io import StringIO
from typing import NamedTuple, SupportsIndex

from xivo_confgend.plugin_helpers.asterisk_reader import BLANKS, CONTROL, NAME_BYTES
from xivo_confgend.plugin_helpers.wording import counted

PRINTABLE_ASCII = bytes(range(0x20, 0x7F))

COMMENT = re.compile(r"(?<!\\);")
"""Where Asterisk would begin a comment. `\\;` is read as `;` already."""

SPECIAL_START = ("\\", "[", "#")
"""First characters of a key that Asterisk reads as a key only behind one more backslash."""

LINE_BYTES = 8190
"""Longest line, with its LF, that Asterisk reads."""

LONG_VALUE = 2000
"""Characters from which the origin of a value is remembered, because its line may be too long."""

MOST_REMEMBERED = 100
"""Long values, and objects left out, of one generation that are named one by one."""

PIECE = 64 * 1024
"""Least number of characters in each piece of `SafeText.written` but the last."""

_SAFE_LINE = LINE_BYTES // 4 - 1
"""Characters that have less than `LINE_BYTES` bytes in UTF-8."""


def is_printable(text: str) -> bool:
    """`text.isprintable()`, which takes nearly three times as long for megabytes of ASCII."""
    left = text.encode("utf-8", "surrogatepass").translate(None, PRINTABLE_ASCII)
    return not left or left.decode("utf-8", "surrogatepass").isprintable()


def is_plain(text: str) -> bool:
    """Whether `text` can be written as a value, or as a part of one, without any change."""
    return ";" not in text and is_printable(text)


def are_plain(values: Collection[str]) -> bool:
    """Whether each of `values` can be written without any change and is short enough for any line.

    For thousands of values at once: only if this is false, they need `SafeText` one by one.
    """
    return is_plain("".join(values)) and max(map(len, values), default=0) <= LONG_VALUE


def has_long_line(text: str, limit: int = LONG_VALUE) -> bool:
    """Whether a line of `text` has more than `limit` characters.

    Looks at one place in `limit` characters, not at all of them.
    """
    start = 0
    while len(text) - start > limit:
        end = text.rfind("\n", start, start + limit + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def option(name: str, value: object) -> str:
    """The line `NAME = VALUE` with its LF, trimmed as a whole; NULL is written as `None`.

    `name` is a constant of the driver, or comes from `SafeText.key`; a text from the database comes from
    `SafeText.value`.
    """
    return f"{name} = {value}".strip() + "\n"


def object_option(name: str, value: object) -> str:
    """The line `NAME => VALUE` with its LF, trimmed as a whole; see `option`."""
    return f"{name} => {value}".strip() + "\n"


def name_as_read(name: str) -> bytes:
    """What Asterisk keeps of the section name that is written as `name`."""
    return name.replace("\\;", ";").encode("utf-8", "surrogatepass")[:NAME_BYTES]


def are_distinct(names: Collection[str], reserved: Collection[str], ignore_case: bool) -> bool:
    """Whether all of `names` can be written as they are, and Asterisk tells them apart; quick for thousands."""
    together = "".join(names)
    if not (together.isascii() and "]" not in together and are_plain(names) and all(names)):
        return False
    if max(map(len, names), default=0) > NAME_BYTES:
        return False
    compared = {name.lower() for name in names} if ignore_case else set(names)
    return len(compared) == len(names) and compared.isdisjoint(reserved)


Row = int | str
"""A primary key."""


def key_as_read(key: str) -> str:
    """What Asterisk reads of a key that `option` writes as `key`, in lower case: modules compare keys without case."""
    return key.lstrip().removeprefix("\\").replace("\\;", ";").strip(BLANKS).lower()


class Claim(NamedTuple):
    """A row that gives a section the name `name`, as it is written.

    `row` is its primary key, `table` and `column` are where the name is stored. `what`: the part of the row that is
    named so, as for `SafeText.left_out`; claims of one row that are alike in it are of one object.
    """

    name: str
    row: Row
    table: str
    column: str
    what: str = ""

    @property
    def place(self) -> str:
        """Where the name is stored, as warnings say it."""
        return _place(self.table, self.row, self.column)


class SafeText:
    """Makes database values safe to write and logs, once per generation, what could not be written as it is.

    Warnings go to `logger`, one line each, and never hold a value: it may be a secret. `table`, `row` (the primary
    key) and `column` say in each method where the value comes from.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._controls = 0
        self._first_control = ""
        self._left_out = 0
        self._long: list[tuple[str, str]] = []

    def value(self, value: str, table: str, row: object, column: str) -> str:
        """`value` as it is written: each control character or line break as one space, `;` as `\\;`."""
        if _has_controls(value):
            value = self._without_controls(value, table, row, column)
        if ";" in value:
            value = _Escaped(COMMENT.sub(r"\\;", value))
        self._remember(value, table, row, column)
        return value

    def comment(self, text: str, table: str, row: object, column: str) -> str:
        """`text` as it is written in a comment line, in which nothing but control characters is replaced."""
        if _has_controls(text):
            text = self._without_controls(text, table, row, column)
        self._remember(text, table, row, column)
        return text

    def section_name(self, name: str, table: str, row: object, column: str, what: str = "") -> str | None:
        """`name` as it is written between the brackets of a section; `what`: see `left_out`.

        None if it cannot be a section's name (it is empty, holds `]` or is too long for a line): the object is to be
        left out. See `repeated_names` for names that are the same to Asterisk.
        """
        if name and "]" not in name and len(name) <= LONG_VALUE:
            return self.value(name, table, row, column)
        self.left_out(table, row, column, "cannot be a section name", what)
        return None

    def section_names(
        self,
        rows: Iterable[tuple[Row, str]],
        table: str,
        column: str,
        reserved: Collection[str] = (),
        ignore_case: bool = False,
    ) -> dict[Row, str]:
        """Name as it is written, by primary key, for the `rows` (primary key, name) that can be sections of one file.

        A row may come more than once. See `section_name` and `repeated_names` for what is left out.
        """
        names = dict(rows)
        if are_distinct(names.values(), reserved, ignore_case):
            return names
        written = {row: self.section_name(name, table, row, column) for row, name in names.items()}
        claims = [Claim(name, row, table, column) for row, name in written.items() if name is not None]
        repeated = self.repeated_names(claims, reserved, ignore_case)
        return {claim.row: claim.name for claim in claims if claim not in repeated}

    def key(self, key: str, table: str, row: object, column: str) -> str | None:
        """`key` as it is written in front of `=`; None if the option is to be left out, which was warned of."""
        if _has_controls(key):
            key = self._without_controls(key, table, row, column).lstrip()
        if "=" in key or not key.strip():
            self.left_out(table, row, column, "holds =" if "=" in key else "is empty", what="an option of ")
            return None
        begin = "\\" if key.lstrip().startswith(SPECIAL_START) else ""
        return begin + self.value(key.lstrip() if begin else key, table, row, column)

    def option(self, key: str, value: str, table: str, row: object, columns: tuple[str, str] = ("key", "value")) -> str:
        """The line `KEY = VALUE` with its LF, trimmed as a whole; empty if it is to be left out.

        `columns` are those of `key` and `value`.
        """
        written = self.key(key, table, row, columns[0])
        return "" if written is None else option(written, self.value(value, table, row, columns[1]))

    def item(self, value: str, separator: str, table: str, row: object, column: str) -> str | None:
        """`value` as an item of a list that Asterisk cuts at `separator`; None if it holds that: leave the item out."""
        if separator not in value:
            return self.value(value, table, row, column)
        self.left_out(table, row, column, f"holds {separator!r}, at which Asterisk cuts", what="an item of ")
        return None

    def mailbox_field(self, value: str, table: str, row: object, column: str) -> str:
        """`value` as one of the first four fields of a mailbox in voicemail.conf: a comma is written as a space."""
        return self.value(value, table, row, column).replace(",", " ")

    def repeated_names(
        self, claims: Iterable[Claim], reserved: Iterable[str] = (), ignore_case: bool = False
    ) -> set[Claim]:
        """Those of `claims` whose object is to be left out, because Asterisk reads its name as that of another one.

        Names are compared by the bytes that Asterisk keeps of them. The first one stays, in the order of the full
        name, then of the primary key, then of `claims`; `reserved` are names of sections that the file has anyway.
        """
        claims = list(claims)
        taken: dict[bytes, Claim | None] = {_compared(name, ignore_case): None for name in reserved}
        compared = [_compared(claim.name, ignore_case) for claim in claims]
        if len(taken.keys() | set(compared)) == len(taken) + len(claims):
            return set()
        repeated = set()
        for claim in sorted(claims, key=lambda claim: (claim.name, isinstance(claim.row, str), claim.row)):
            first = taken.setdefault(_compared(claim.name, ignore_case), claim)
            if first is None or first[1:] != claim[1:]:
                of = f"the same name as {first.place}" if first else "a name that the file uses itself"
                self.left_out(claim.table, claim.row, claim.column, f"is, to Asterisk, {of}", claim.what)
                repeated.add(claim)
        return repeated

    def left_out(self, table: str, row: object, column: str, reason: str, what: str = "") -> None:
        """Warn that the object of a row, or only `what` ("an option of "), is left out because `column` `reason`."""
        self._warn(f"{what}{table} row {row} is left out: column {column} {reason}")

    def written_anyway(self, table: str, row: object, column: str, reason: str) -> None:
        """Warn that the value `reason`, though it is written: only administrators can store it."""
        self._warn(f"{_place(table, row, column)} {reason}")

    def written(self, pieces: Iterable[str]) -> Iterator[str]:
        """`pieces`, joined to larger ones of whole lines, without lines that Asterisk would not read; then `warn`.

        With a line that is too long go the lines that depend on it: those of its section where it is a header, the
        `same` lines behind it where it is an `exten` line.
        """
        lines = _Lines(self)
        waiting: list[str] = []
        length = 0
        for piece in pieces:
            waiting.append(piece)
            length += len(piece)
            if length >= PIECE:
                together = "".join(waiting)
                end = together.rfind("\n") + 1
                yield lines.kept(together[:end])
                waiting, length = [together[end:]], len(together) - end
        yield lines.kept("".join(waiting))
        self.warn()

    def warn(self) -> None:
        """Log what was not logged when it was met. `written` does this at its end."""
        if self._controls:
            self._logger.warning(
                "control characters were written as spaces in %s, first in %s",
                counted(self._controls, "value"),
                self._first_control,
            )
        if self._left_out > MOST_REMEMBERED:
            more = counted(self._left_out - MOST_REMEMBERED, "more object or line is", "more objects or lines are")
            self._logger.warning("%s left out", more)

    def too_long(self, line: str, size: int, section: str) -> None:
        """Warn that `line` of `size` bytes in `section` is left out."""
        key = line.partition("=")[0].strip()[:NAME_BYTES]
        place = next((place for value, place in self._long if value in line), f"section [{section}], option {key}")
        self._warn(f"{place}: the line of {size} bytes is left out, Asterisk reads at most {LINE_BYTES}")

    def _warn(self, line: str) -> None:
        self._left_out += 1
        if self._left_out <= MOST_REMEMBERED:
            self._logger.warning("%s", line)

    def _remember(self, written: str, table: str, row: object, column: str) -> None:
        if len(written) > LONG_VALUE and len(self._long) < MOST_REMEMBERED:
            self._long.append((written, _place(table, row, column)))

    def _without_controls(self, value: str, table: str, row: object, column: str) -> str:
        self._controls += 1
        self._first_control = self._first_control or _place(table, row, column)
        return CONTROL.sub(" ", value)


class _Escaped(str):
    """A text whose semicolons are escaped already.

    Older drivers and templates escape them by `replace(";", "\\\\;")`, which must not happen twice: Asterisk takes one
    backslash away.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        """As that of `str`, but for that one replacement."""
        return self if (old, new) == (";", "\\;") else super().replace(old, new, count)


class _Lines:
    """Leaves out what stands in a line that is too long, from texts of whole lines that follow one another."""

    def __init__(self, safe: SafeText) -> None:
        self._safe = safe
        self._section = ""
        self._dropping: tuple[str, ...] = ()
        """How lines begin that go with the one that was left out."""

    def kept(self, text: str) -> str:
        """`text` without those lines."""
        if not self._dropping and not has_long_line(text, _SAFE_LINE):
            self._note_section(text)
            return text
        return "".join(filter(self._keeps, StringIO(text, newline="\n")))

    def _note_section(self, text: str) -> None:
        start = text.rfind("\n[") + 1
        if text.startswith("[", start):
            self._section = text[start + 1 : text.find("]", start)]

    def _keeps(self, line: str) -> bool:
        is_header = line.startswith("[")
        if is_header:
            self._section = line[1:].partition("]")[0]
        size = len(line.encode("utf-8", "surrogatepass"))
        if size > LINE_BYTES:
            self._safe.too_long(line, size, self._section[:NAME_BYTES])
            self._dropping = ("",) if is_header else ("same",) if line.lstrip().startswith("exten") else ()
            return False
        if is_header or not line.lstrip().startswith(self._dropping):
            self._dropping = ()
            return True
        return False


def _has_controls(text: str) -> bool:
    # isprintable is quicker, and nearly always enough
    return not text.isprintable() and CONTROL.search(text) is not None


def _compared(name: str, ignore_case: bool) -> bytes:
    read = name_as_read(name)
    return read.lower() if ignore_case else read


def _place(table: str, row: object, column: str) -> str:
    return f"{table} row {row} column {column}"
