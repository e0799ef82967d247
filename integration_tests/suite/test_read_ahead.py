"""ReadAhead: statements asked in a thread, one after the other, in the transaction of the generation."""

import threading
import time

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from xivo_confgend.database import ReadAhead, Session, plain_rows, session_scope
from xivo_confgend.database.postgresql.session import bind

ONE, TWO = text("SELECT 1, 'one'"), text("SELECT 2, 'two'")
NUMBERS = text("SELECT generate_series(1, 2)")
ENDLESS = text("SELECT pg_sleep(3600)")
STATEMENT_TIMEOUT = 3600
WRONG = text("SELECT 1 / 0")
SNAPSHOT = text("SELECT pg_current_snapshot()::text, pg_backend_pid()")


def driver(generate):
    """A driver class whose generate() is the function `generate`."""
    return type("DemoConf", (), {"__init__": lambda _self, _config: None, "generate": lambda _self: generate()})


def nothing_is_left(database):
    """Whether no statement of an earlier generation runs, and the one thread of this process asks for the next."""
    connection = psycopg2.connect(database.uri)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state != 'idle' AND datname = current_database() AND pid != pg_backend_pid()"
            )
            ((running,),) = cursor.fetchall()
    finally:
        connection.close()
    readers = [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
    return running == 0 and len(readers) <= 1 and database.generate(driver(the_next)).content == "[(1, 'one')]"


def the_next():
    with ReadAhead(ONE) as ahead:
        return str(ahead.rows(ONE))


def test_rows_may_be_taken_in_any_order_and_of_statements_that_were_not_asked_early(database):
    def generate():
        with ReadAhead(ONE, TWO) as ahead:
            return str([ahead.rows(one) for one in (TWO, ONE, ONE, text("SELECT 3"))])

    generated = database.generate(driver(generate))

    assert generated.content == "[[(2, 'two')], [(1, 'one')], [(1, 'one')], [(3,)]]"


def test_it_reads_in_the_transaction_of_the_generation(database):
    def generate():
        before = Session.execute(SNAPSHOT).all()
        with ReadAhead(SNAPSHOT) as ahead:
            inside = ahead.rows(SNAPSHOT)
        return str({*map(tuple, before), *inside, *map(tuple, Session.execute(SNAPSHOT).all())})

    generated = database.generate(driver(generate))

    assert generated.content.count("(") == 1


def test_plain_rows_are_those_of_the_transaction_without_a_type_of_their_own(database):
    def generate():
        (row,) = plain_rows(SNAPSHOT)
        return str((type(row) is tuple, row == tuple(Session.execute(SNAPSHOT).one()), plain_rows(NUMBERS)))

    assert database.generate(driver(generate)).content == "(True, True, [(1,), (2,)])"


def test_the_database_works_before_the_rows_are_wanted(database):
    early = text("SELECT 'asked early'")

    def generate():
        with ReadAhead(ONE, early) as ahead:
            seen = asked_in_the_end(database.uri, "SELECT 'asked early'")
            return f"{seen} {ahead.rows(early)}"

    assert database.generate(driver(generate)).content == "True [('asked early',)]"


def test_what_to_ask_may_follow_from_earlier_rows(database):
    def generate():
        with ReadAhead(ONE) as ahead:
            ((number, name),) = ahead.rows(ONE)
            late = text(f"SELECT '{name} asked late {number}'")
            ahead.ask(late, TWO)
            seen = asked_in_the_end(database.uri, "SELECT 2, 'two'")
            return f"{seen} {ahead.rows(TWO)} {ahead.rows(late)}"

    generated = database.generate(driver(generate))

    assert generated.content == "True [(2, 'two')] [('one asked late 1',)]"
    assert generated.statements == 3


def asked_in_the_end(uri, statement):
    """Whether some other connection comes to ask `statement` within half a minute."""
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for _ in range(300):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND pid != pg_backend_pid()", [statement]
                )
                if cursor.fetchone() != (0,):
                    return True
                time.sleep(0.1)
    finally:
        connection.close()
    return False


def test_an_error_comes_when_its_rows_are_wanted_and_leaves_nothing_behind(database):
    def generate():
        with ReadAhead(ONE, WRONG) as ahead:
            ahead.rows(ONE)
            with pytest.raises(DBAPIError, match="division by zero"):
                ahead.rows(WRONG)
        return "told"

    assert database.generate(driver(generate)).content == "told"
    assert nothing_is_left(database)


def test_an_error_is_told_by_whatever_is_wanted_after_it(database):
    def generate():
        with ReadAhead(WRONG, ONE) as ahead:
            with pytest.raises(DBAPIError, match="division by zero"):
                ahead.rows(ONE)
            with pytest.raises(DBAPIError, match="division by zero"):
                ahead.rows(TWO)
        return "told"

    assert database.generate(driver(generate)).content == "told"


def test_a_driver_that_fails_half_way_waits_for_no_statement(database):
    def generate():
        with ReadAhead(ONE, ENDLESS, TWO) as ahead:
            ahead.rows(ONE)
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        database.generate(driver(generate))

    assert nothing_is_left(database)


def test_a_generator_that_somebody_keeps_does_not_outlive_the_scope(database):
    def generate():
        with ReadAhead(ONE, ENDLESS, TWO) as ahead:
            ahead.rows(ONE)
            yield "half"
            yield "the other half"

    engine = bind(database.uri, STATEMENT_TIMEOUT)
    kept = generate()
    with pytest.raises(ValueError, match="half-way"), session_scope():
        next(kept)
        raise ValueError("half-way")

    assert nothing_is_left(database)
    assert engine.pool.checkedout() == 0
    engine.dispose()


def test_outside_of_a_scope_there_is_nothing_to_read_and_nothing_is_left_open(database):
    engine = bind(database.uri, STATEMENT_TIMEOUT)

    with pytest.raises(LookupError):
        ReadAhead(ONE)

    assert engine.pool.checkedout() == 0
    engine.dispose()
