"""A table of two columns, for tests that care about when a row is seen and not about what it means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from xivo_confgend.testing.postgresql import PostgreSQL

ITEMS = "SELECT id, value FROM item ORDER BY id"


class Items:
    """The table `item` in the database at `uri`."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @contextmanager
    def connect(self) -> Iterator[psycopg2.extensions.connection]:
        """A connection in autocommit mode."""
        connection = psycopg2.connect(self.uri)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def run(self, statement: str, *values: object) -> None:
        """Execute and commit one statement."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def value(self, statement: str) -> object:
        """The only value that a statement returns."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0]

    def make(self, *values: str) -> None:
        """Make the table anew with these values, numbered from 1."""
        self.run("DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, value text NOT NULL)")
        for number, value in enumerate(values, 1):
            self.run("INSERT INTO item VALUES (%s, %s)", number, value)


@pytest.fixture
def items(postgresql: PostgreSQL) -> Items:
    """The rows `1 one` and `2 two` in a database of their own."""
    made = Items(postgresql.create_database("items"))
    made.make("one", "two")
    return made
