"""Writing Asterisk's configuration grammar from database values that nobody has checked.

Rules of docs/spec/00-output-format.md, sections 2 to 4, and one of our own: a control character or
line break never leaves a value, because it could open a section or an option of somebody else.
"""

from __future__ import annotations

import logging
import re

CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""All of C0 but the tab, DEL, NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR."""

PRINTABLE_ASCII = bytes(range(0x20, 0x7F))

NO_OPTION = ("[", "#")
"""How lines begin that Asterisk reads as something else: a section, a directive."""


def is_printable(text: str) -> bool:
    """`text.isprintable()`, which takes nearly three times as long for megabytes of ASCII."""
    left = text.encode("utf-8", "surrogatepass").translate(None, PRINTABLE_ASCII)
    return not left or left.decode("utf-8", "surrogatepass").isprintable()


def option(name: str, value: object) -> str:
    """The line `NAME = VALUE` with its LF, trimmed as a whole; NULL is written as `None`."""
    return f"{name} = {value}".strip() + "\n"


def object_option(name: str, value: object) -> str:
    """The line `NAME => VALUE` with its LF, trimmed as a whole."""
    return f"{name} => {value}".strip() + "\n"


class SafeText:
    """Makes database values safe to write, and says once per file that it had to.

    One instance a generation. `warn()` logs at most one warning for replaced characters, and
    one for each section that was left out was logged when it was met.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._first = ""
        self._count = 0
        self._first_shifted = ""
        self._count_shifted = 0

    def value(self, value: str, table: str, row: object, column: str) -> str:
        """`value` with each control character or line break as one space."""
        if value.isprintable() or not CONTROL.search(value):
            return value
        self._count += 1
        if not self._first:
            self._first = f"{table} row {row} column {column}"
        return CONTROL.sub(" ", value)

    def section_name(self, name: str, table: str, row: object, column: str) -> str | None:
        """`name`, or None when it cannot be a section's: then the object is to be left out."""
        if "]" not in name and (name.isprintable() or not CONTROL.search(name)):
            return name
        self._logger.warning("%s row %s is left out: column %s cannot be a section name", table, row, column)
        return None

    def named_line(self, line: str, table: str, row: object, column: str) -> str:
        """`line`, which begins with the value of `column`, made such that Asterisk reads an option.

        A name that begins like a section or a directive could redirect the options after it, or run a program
        (`#exec`). A no-break space in front keeps Asterisk, which trims only ASCII, from seeing it.
        """
        if not line.lstrip().startswith(NO_OPTION):
            return line
        self._count_shifted += 1
        if not self._first_shifted:
            self._first_shifted = f"{table} row {row} column {column}"
        return f"\u00a0{line}"

    def warn(self) -> None:
        """Log what was changed, if anything was. Call at the end of the generation."""
        if self._count_shifted:
            self._logger.warning(
                "a no-break space was put in front of %d option(s) that begin like a section or directive, first in %s",
                self._count_shifted,
                self._first_shifted,
            )
        if self._count:
            self._logger.warning(
                "control characters were written as spaces in %d value(s), first in %s", self._count, self._first
            )
