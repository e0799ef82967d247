"""copy_rows: rows as PostgreSQL copies them, one by one, in the transaction of the generation."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Integer, String, Text, bindparam, column, select, text, values
from sqlalchemy.exc import DBAPIError

from xivo_confgend.database import Session, copied_values, copy_rows, session_scope
from xivo_confgend.database.postgresql.session import bind, current_scope

STATEMENT_TIMEOUT = 3600
ONE = text("SELECT 1, 'one'")
WRONG = text("SELECT 1 / 0")
ENDLESS = text("SELECT generate_series(1, 9000000000)")
SNAPSHOT = text("SELECT pg_current_snapshot()::text, pg_backend_pid()")
PROCESS = text("SELECT pg_backend_pid()")
NO_TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(NO_TEXT | st.sampled_from("\\\t\n\r\b\f\vNntx0'%:"), max_size=8)


@pytest.fixture(scope="module")
def engine(scratch_database):
    engine = bind(scratch_database.uri, STATEMENT_TIMEOUT)
    yield engine
    engine.dispose()


@pytest.fixture
def scope(engine):
    with session_scope():
        yield


def copied(statement):
    rows = []
    copy_rows(statement, lambda row: rows.append(copied_values(row)))
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), min_size=1, max_size=4))
def test_every_text_comes_back_as_it_was(scope, rows):
    numbered = [(number, *row) for number, row in enumerate(rows)]
    table = values(column("number", Integer), column("one", Text), column("two", Text), name="asked").data(numbered)

    found = copied(select(table).order_by(table.c.number))

    assert found == [[str(number), one, two] for number, one, two in numbered]


def test_a_part_of_a_row_is_read_too(scope):
    kept = []
    copy_rows(text(r"SELECT 1, NULL, E'a\\b\tc', ''"), kept.append)

    assert kept == ["1\t\\N\ta\\\\b\\tc\t\n"]
    assert copied_values(kept[0].split("\t", 1)[1]) == [None, "a\\b\tc", ""]


def test_parameters_are_given_as_to_every_other_statement(scope):
    statement = select(bindparam("quoted", "it's 100 %", String), bindparam("empty", None, String))

    assert copied(statement) == [["it's 100 %", None]]


def test_it_reads_in_the_transaction_of_the_generation(scope):
    before = Session.execute(SNAPSHOT).one()

    assert copied(SNAPSHOT) == [[before[0], str(before[1])]]


def test_it_is_counted_as_one_statement(scope):
    before = current_scope().statements

    copied(ONE)

    assert current_scope().statements == before + 1


def test_an_error_of_the_statement_is_one_of_sqlalchemy(scope):
    with pytest.raises(DBAPIError, match="division by zero"):
        copied(WRONG)


def test_a_driver_that_fails_at_a_row_waits_for_no_other_and_leaves_a_connection_that_works(engine):
    def fail(row):
        raise ValueError(row)

    with session_scope():
        before = copied(PROCESS)
        with pytest.raises(ValueError, match="1"):
            copy_rows(ENDLESS, fail)
    with session_scope():
        assert copied(PROCESS) == before
    assert engine.pool.checkedout() == 0
