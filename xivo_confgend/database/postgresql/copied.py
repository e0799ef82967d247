"""Rows that a driver works on while PostgreSQL finds the next ones, without a Python object for each value."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy.sql.base import Executable

from xivo_confgend.database.postgresql.connection import COPY_TO
from xivo_confgend.database.postgresql.session import Session

ESCAPED = re.compile(r"\\(.)", re.DOTALL)
WRITTEN_AS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
NULL = r"\N"


class _Receiver(io.TextIOBase):
    """What psycopg2 writes rows to: it gives text to a `TextIOBase` and bytes to everything else."""

    def __init__(self, write: Callable[[str], object]) -> None:
        vars(self)["write"] = write


def copy_rows(statement: Executable, receive: Callable[[str], object]) -> None:
    """Call `receive` with each row of `statement` as it comes: its values as text, with tabs between and a line end.

    That is the text format of COPY (PostgreSQL documentation, "COPY", File Formats): NULL is `\\N`, and a backslash
    begins what stands for a character that would be mistaken. `copied_values` reads it; a driver that has many rows
    does so for the few with a backslash and splits the others. Worth it for large results that are not sorted or
    grouped: PostgreSQL is at the next rows meanwhile. `receive` must not use the session, and neither may a
    `ReadAhead`. Raises what `Session.execute` and `receive` raise.
    """
    Session.execute(statement, execution_options={COPY_TO: _Receiver(receive)})


def copied_values(row: str) -> list[Any]:
    """The values of a row that `copy_rows` gave, or of a part of one that was cut at a tab: text, and None for NULL."""
    values = row.removesuffix("\n").split("\t")
    if "\\" not in row:
        return values
    return [value if "\\" not in value else _value(value) for value in values]


def _value(copied: str) -> str | None:
    return None if copied == NULL else ESCAPED.sub(_character, copied)


def _character(escaped: re.Match[str]) -> str:
    return WRITTEN_AS.get(escaped[1], escaped[1])
