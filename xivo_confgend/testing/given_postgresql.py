"""A PostgreSQL that somebody else runs, for tests: databases of their own in it, gone at the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url


class GivenPostgreSQL:
    """The server of the SQLAlchemy URL `uri`, whose account may create databases.

    The database that `uri` names is only connected to. `close` drops the databases that were made.
    """

    def __init__(self, uri: str) -> None:
        self._url = make_url(uri).set(drivername="postgresql")
        self._made: list[str] = []

    def uri(self, database: str) -> str:
        """The URL of `database`, with the account of the given one."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create_database(self, name: str) -> str:
        """Make an empty database, called like `name` and this process, anew and return its URL."""
        database = f"confgend_test_{os.getpid()}_{name}"
        self._drop(database)
        with self._administrate() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
        self._made.append(database)
        return self.uri(database)

    def close(self) -> None:
        """Drop every database that was made."""
        while self._made:
            self._drop(self._made.pop())

    def _drop(self, database: str) -> None:
        with self._administrate() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    @contextlib.contextmanager
    def _administrate(self) -> Iterator[psycopg2.extensions.cursor]:
        connection = psycopg2.connect(self._url.render_as_string(hide_password=False))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
