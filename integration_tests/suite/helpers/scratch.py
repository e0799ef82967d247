"""A database for tests that write their own rows: empty before and after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Boolean, Integer, String, Table, create_engine
from sqlalchemy.dialects.postgresql import ENUM

from integration_tests.suite.helpers.base import fill_database
from xivo_confgend.database import psycopg2_url
from xivo_confgend.testing.generation import Generated, generate
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.meta import METADATA

CONTROLS = "".join(chr(code) for code in (*range(1, 9), *range(10, 32), 0x7F, 0x85, 0x2028, 0x2029))
"""Every character that must not leave a value; PostgreSQL itself refuses NUL."""


class Scratch:
    """The database at `uri`, and what was written into it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._engine = create_engine(psycopg2_url(uri), future=True)
        self._touched: set[Table] = set()

    def add(self, table: Table, **values: Any) -> None:
        """Insert a row; a column that needs a value and is not given one gets an empty one.

        A hyphen in the name of a column is written as an underscore.
        """
        named = {column.name.replace("-", "_"): column for column in table.columns}
        row = {named[name].name: value for name, value in values.items()}
        for column in table.columns:
            optional = column.nullable or column.server_default is not None or is_serial(column)
            if column.name not in row and not optional:
                row[column.name] = empty_value(column)
        self._touched.add(table)
        with self._engine.begin() as connection:
            connection.execute(table.insert().values(row))

    def generate(self, driver: Any, config: dict[str, Any] | None = None) -> Generated:
        """Run the driver class `driver` on it."""
        return generate(driver, self.uri, config)

    def clear(self) -> None:
        """Delete everything that was written."""
        with self._engine.begin() as connection:
            for table in self._touched:
                connection.execute(table.delete())
        self._touched.clear()

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()


def hostile_texts(table: Table, text: str) -> dict[str, str]:
    """`text`, as much of it as fits, for each text column of `table`: arguments of `Scratch.add`."""
    return {
        column.name.replace("-", "_"): text[: column.type.length]
        for column in table.columns
        if isinstance(column.type, String) and not isinstance(column.type, ENUM)
    }


def is_serial(column: Any) -> bool:
    """Whether the database counts the values of `column`."""
    return column.primary_key and isinstance(column.type, Integer) and column.autoincrement in {"auto", True}


def empty_value(column: Any) -> Any:
    """A value that says nothing, of the type of `column`."""
    if isinstance(column.type, ENUM):
        return column.type.enums[0]
    if isinstance(column.type, Boolean):
        return False
    return 0 if isinstance(column.type, Integer) else ""


@pytest.fixture(scope="session")
def scratch_database(postgresql: PostgreSQL) -> Iterator[Scratch]:
    """The one database of all these tests."""
    scratch = Scratch(fill_database(postgresql, "scratch", METADATA))
    yield scratch
    scratch.close()


@pytest.fixture
def database(scratch_database: Scratch) -> Iterator[Scratch]:
    """The database, empty."""
    yield scratch_database
    scratch_database.clear()
