"""Text that is not UTF-8, which only a database with the encoding SQL_ASCII holds: it converts and checks nothing.

What is not UTF-8 is replaced by U+FFFD, so that one such value does not cost the file that it is in. psycopg2 looks up
the Python codec of a connection by the name of its encoding; the one of SQL_ASCII is defined here.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import encodings

logger = logging.getLogger(__name__)

ENCODING = "SQL_ASCII"
CODEC = "xivo_confgend_sql_ascii"
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
MOST_ROWS = 1000
"""Rows of a table that hold the bytes searched for and are looked at: in others they may be part of valid text."""
SEARCH_TIMEOUT = 5
"""Seconds for each statement of the search."""
COLUMNS = """
SELECT format('%%I', a.attname), coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass
class Replaced:
    """How many values were replaced, and one of them."""

    count: int = 0
    sample: bytes = b""


_replaced = Replaced()


def _decode(data: Any, errors: str = "strict") -> tuple[str, int]:
    raw = bytes(data)
    try:
        return raw.decode("utf-8"), len(raw)
    except UnicodeDecodeError:
        _replaced.count += 1
        _replaced.sample = _replaced.sample or raw
        return raw.decode("utf-8", "replace"), len(raw)


def _find(name: str) -> codecs.CodecInfo | None:
    return codecs.CodecInfo(codecs.utf_8_encode, _decode, name=CODEC) if name == CODEC else None


codecs.register(_find)
# psycopg2 looks for the name without its underscore.
encodings[ENCODING] = encodings[ENCODING.replace("_", "")] = CODEC


def set_up(connection: Any) -> None:
    """Have a psycopg2 connection give the text of its database as it is, where nothing else can be had."""
    if connection.info.parameter_status("server_encoding") == ENCODING:
        connection.set_client_encoding(ENCODING)


@contextlib.contextmanager
def counted() -> Iterator[Replaced]:
    """What is replaced while the context is open."""
    global _replaced  # noqa: PLW0603 - codecs have no context
    before, _replaced = _replaced, Replaced()
    try:
        yield _replaced
    finally:
        _replaced = before


def warn(replaced: Replaced, cursor: Any, tables: Collection[str]) -> None:
    """One warning for what was replaced; `cursor` searches `tables`, named as SQL writes them, for where it is."""
    with counted(), contextlib.suppress(psycopg2.Error):
        cursor.execute(f"SET statement_timeout = '{SEARCH_TIMEOUT}s'")
        for table in tables:
            if place := _place(cursor, table, replaced.sample):
                break
        else:
            place = "a value that was read"
    more = f"; so are {replaced.count - 1} other value(s)" if replaced.count > 1 else ""
    logger.warning("%s is not UTF-8: what cannot be read of it is replaced by U+FFFD%s", place, more)


def _place(cursor: Any, table: str, sample: bytes) -> str:
    """Table, row and column of a value that is not UTF-8 and has the same bytes as `sample`; empty if there is none."""
    cursor.execute(COLUMNS, [table])
    columns = cursor.fetchall()
    keys = [name for name, is_key in columns if is_key] or ["ctid"]
    values = [f"textsend({name}::text)" for name, _ in columns]
    needle = rf"'\x{_unreadable_bytes(sample).hex()}'::bytea"
    selected = ", ".join([*(f"{key}::text" for key in keys), *values])
    holds = " OR ".join([f"position({needle} in {value}) > 0" for value in values] or ["false"])
    cursor.execute(f"SELECT {selected} FROM ONLY {table} WHERE {holds} LIMIT {MOST_ROWS}")
    for row in cursor.fetchall():
        for (name, _), value in zip(columns, row[len(keys) :], strict=True):
            if value is not None and not _is_readable(bytes(value)):
                where = ", ".join(f"{key} = {value}" for key, value in zip(keys, row[: len(keys)], strict=True))
                return f"table {table}, row {where}: column {name}"
    return ""


def _unreadable_bytes(sample: bytes) -> bytes:
    """The bytes beyond ASCII around the first one of `sample` that is not UTF-8: part of any value it was made from."""
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        runs = HIGH_BYTES.finditer(sample)
        return next(run[0] for run in runs if run.end() > error.start)
    return sample


def _is_readable(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
