"""What a generation leaves behind in its connection is gone before the next one; what the connection needs is there."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from integration_tests.suite.helpers.items import Items
from xivo_confgend.database import Session, session_scope
from xivo_confgend.database.postgresql.session import bind

STATEMENT_TIMEOUT = 60
Ask = Callable[[str], object]


@contextmanager
def bound(uri: str) -> Iterator[Ask]:
    """Asks for one value, in a generation of its own."""
    engine = bind(uri, STATEMENT_TIMEOUT)

    def ask(statement: str) -> object:
        with session_scope():
            return Session.execute(text(statement)).scalar()

    yield ask
    engine.dispose()


@pytest.fixture
def ask(items: Items) -> Iterator[Ask]:
    """As the superuser."""
    with bound(items.uri) as asking:
        yield asking


def leave(*statements: str) -> None:
    """Execute and commit them in the connection of the generations."""
    with session_scope():
        for statement in statements:
            Session.execute(text(statement))
        Session.commit()


def test_a_cursor_with_hold_does_not_show_old_rows(ask: Ask, items: Items) -> None:
    leave("DECLARE held CURSOR WITH HOLD FOR SELECT value FROM item ORDER BY id")
    items.run("UPDATE item SET value = 'new'")

    with pytest.raises(DBAPIError, match="held"):
        ask("FETCH held")


def test_a_prepared_statement_with_a_folded_function_is_gone(ask: Ask) -> None:
    leave("PREPARE kept AS SELECT 1")

    assert ask("SELECT count(*) FROM pg_prepared_statements") == 0


def test_settings_of_a_driver_are_gone(ask: Ask) -> None:
    before = ask("SHOW search_path")
    leave("SET search_path = pg_catalog")

    assert ask("SHOW search_path") == before


def test_dates_are_understood_whatever_the_role_prints(ask: Ask, items: Items) -> None:
    """psycopg2 sets DateStyle when it connects and knows no other."""
    items.run(
        "DROP ROLE IF EXISTS german; CREATE ROLE german LOGIN SUPERUSER; ALTER ROLE german SET datestyle = German"
    )
    uri = make_url(items.uri).set(username="german").render_as_string(hide_password=False)

    with bound(uri) as asking:
        assert [asking("SELECT date '2026-02-01'") for _ in range(2)] == [datetime.date(2026, 2, 1)] * 2


def test_the_role_of_the_connection_is_kept(ask: Ask, items: Items) -> None:
    items.run("DROP ROLE IF EXISTS reading; CREATE ROLE reading")
    uri = make_url(items.uri).set(query={"options": "-c role=reading"}).render_as_string(hide_password=False)

    with bound(uri) as asking:
        assert [asking("SELECT current_user") for _ in range(2)] == ["reading"] * 2
