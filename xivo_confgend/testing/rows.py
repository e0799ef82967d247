"""Rows of a database in a file: the COPY blocks of a pg_dump, without its schema."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg2

COPY = re.compile(rb'COPY public\.("?[\w]+"?) \((.*)\) FROM stdin;\n')


def copy_blocks(path: Path | str) -> Iterator[tuple[str, bytes, bytes]]:
    """Table name, COPY statement and data of each block of the gzipped dump at `path`."""
    with gzip.open(path) as lines:
        for line in lines:
            match = COPY.fullmatch(line)
            if match:
                data = b"".join(iter(lines.readline, b"\\.\n"))
                yield match[1].decode().strip('"'), line, data


def load_rows(uri: str, path: Path | str) -> None:
    """Fill the tables of the database at `uri` (made from a driver's `meta`) with the rows at `path`.

    Raises `psycopg2.Error` if a table or column is missing.
    """
    connection = psycopg2.connect(uri)
    try:
        with connection, connection.cursor() as cursor:
            for _table, statement, data in copy_blocks(path):
                cursor.copy_expert(statement.decode().rstrip().rstrip(";"), io.BytesIO(data))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    finally:
        connection.close()
