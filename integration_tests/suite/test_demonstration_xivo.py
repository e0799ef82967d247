"""The demonstration company of the XiVO schema: the same everywhere, and a database that one can go on with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, func, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ProgrammingError

from xivo_confgend.database import psycopg2_url
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_xivo import meta
from xivo_confgend_xivo.demonstration import company, fill

USERS = 60


@pytest.fixture
def filled(postgresql: PostgreSQL) -> Iterator[Connection]:
    """A connection to a company of 60 users."""
    uri = postgresql.create_database("demonstration_xivo")
    fill(uri, USERS)
    engine = create_engine(psycopg2_url(uri), future=True)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_two_companies_of_one_size_are_equal() -> None:
    first, second = ([(rows.table, list(rows.rows)) for rows in company(USERS)] for _ in range(2))

    assert first == second


def test_no_table_is_empty(filled: Connection) -> None:
    counts = {
        name: filled.execute(select(func.count()).select_from(table)).scalar()
        for name, table in meta.METADATA.tables.items()
    }

    assert [name for name, count in counts.items() if not count] == []


def test_there_are_as_many_users_as_asked_for(filled: Connection) -> None:
    assert filled.execute(select(func.count()).select_from(meta.userfeatures)).scalar() == USERS


@pytest.mark.parametrize("table", [meta.usersip, meta.extensions, meta.staticsip], ids=lambda table: table.name)
def test_new_rows_find_free_ids(filled: Connection, table) -> None:
    last = filled.execute(select(func.max(table.c.id))).scalar()

    next_one = filled.execute(select(func.nextval(func.pg_get_serial_sequence(table.name, "id")))).scalar()

    assert next_one == last + 1


def test_the_planner_knows_the_rows(filled: Connection) -> None:
    estimate = filled.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'userfeatures'").scalar()

    assert estimate == USERS


def test_a_database_that_holds_a_table_is_refused_and_stays_as_it_was(postgresql: PostgreSQL) -> None:
    uri = postgresql.create_database("demonstration_xivo")
    engine = create_engine(psycopg2_url(uri), future=True)
    meta.voicemail.create(engine)

    with pytest.raises(ProgrammingError, match="already exists"):
        fill(uri, USERS)

    assert inspect(engine).get_table_names() == ["voicemail"]
    engine.dispose()


def test_a_company_without_users_is_refused(postgresql: PostgreSQL) -> None:
    with pytest.raises(ValueError, match="at least one user"):
        fill(postgresql.uri(), 0)
