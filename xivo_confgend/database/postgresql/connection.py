"""The connection of a worker: opened when it is needed, as if it were new for each transaction, replaced when dead."""

from __future__ import annotations

from typing import Any

import psycopg2
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DisconnectionError

from xivo_confgend.database.postgresql import unreadable
from xivo_confgend.database.postgresql.state import BACKEND_STATEMENT, Backend, monotonic

CONNECT_TIMEOUT = 5
COPY_TO = "xivo_confgend_copy_to"
"""The execution option that holds what the rows of a statement are copied to: see `copied`."""
SETTINGS_STATEMENT = "SELECT name, setting FROM pg_settings UNION ALL SELECT 'role', current_setting('role')"


def psycopg2_url(uri: str) -> URL:
    """`uri` with the psycopg2 driver if it names none: which one is SQLAlchemy's default depends on its version.

    Raises `sqlalchemy.exc.ArgumentError` on a text that is not a URL.
    """
    url = make_url(uri)
    return url.set(drivername="postgresql+psycopg2") if url.drivername in {"postgresql", "postgres"} else url


def make_engine(uri: str) -> Engine:
    """An engine of one connection, which begins transactions as `begin_anew` says.

    Connects lazily, waits `CONNECT_TIMEOUT` seconds for a connection, and for another one when PostgreSQL has ended it
    since. Raises `sqlalchemy.exc.ArgumentError` on a bad URL.
    """
    engine = create_engine(
        psycopg2_url(uri),
        pool_size=1,
        max_overflow=0,
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
        future=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            # So that a transaction that a driver begins by itself cannot write either.
            cursor.execute("SET default_transaction_read_only = on")
        unreadable.set_up(connection)
        record.info["own_settings"] = _own_settings(connection)
        record.info["backend"] = backend_of(connection)

    @event.listens_for(engine, "checkout")
    def clean(connection: Any, record: Any, _proxy: object) -> None:
        try:
            _clean(connection, record.info["own_settings"])
        except psycopg2.Error as error:
            raise DisconnectionError from error

    event.listen(engine, "do_execute", _copy)
    return engine


def begin_anew(connection: Any) -> None:
    """Have the next statement of a psycopg2 connection begin a transaction that shows one moment and cannot write."""
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)


def _clean(connection: Any, own_settings: tuple[tuple[str, str], ...]) -> None:
    """Leave nothing of earlier transactions: a cursor WITH HOLD, or a plan with a folded function, reads old rows.

    Each statement is a transaction of its own then, until `begin_anew`. Also tells whether PostgreSQL is still there.
    """
    # In this order psycopg2 asks the server for nothing: it keeps these for the BEGIN that comes next.
    connection.set_session(isolation_level="DEFAULT", readonly="DEFAULT")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
        if own_settings:
            calls = ", ".join(["set_config(%s, %s, false)"] * len(own_settings))
            cursor.execute(f"SELECT {calls}", [text for setting in own_settings for text in setting])


def _own_settings(connection: Any) -> tuple[tuple[str, str], ...]:
    """What we, psycopg2 or the role that logged in set for this connection and `DISCARD ALL` takes away.

    The connection is in autocommit mode.
    """
    with connection.cursor() as cursor:
        before = _settings(cursor)
        cursor.execute("DISCARD ALL")
        after = _settings(cursor)
    return tuple((name, value) for name, value in before.items() if after.get(name) != value)


def backend_of(connection: Any) -> Backend:
    """Which server process a psycopg2 connection leads to that was opened just now and is in autocommit mode."""
    with connection.cursor() as cursor:
        cursor.execute(BACKEND_STATEMENT)
        (identity,) = cursor.fetchone()
    return Backend(identity, monotonic())


def _settings(cursor: Any) -> dict[str, str]:
    cursor.execute(SETTINGS_STATEMENT)
    return dict(cursor.fetchall())


def _copy(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
    """Copy the rows of a statement that asks for it: here, so that it is counted and fails as every other one."""
    receiver = context.execution_options.get(COPY_TO)
    if receiver is None:
        return None
    try:
        cursor.copy_expert(b"COPY (" + cursor.mogrify(statement, parameters) + b") TO STDOUT", receiver)
    except psycopg2.Error:
        raise
    except BaseException:
        # Or leaving the transaction would wait for all the rows that nobody takes.
        cursor.connection.cancel()
        raise
    return True
