"""One engine, one scoped `Session`, one read-only transaction a generation.

Everything that a driver reads inside `session_scope()` comes from a single REPEATABLE READ
snapshot, so one file shows one moment of the database (defect D19 of docs/spec/30-daemon.md).
The transaction begins at the first statement: a driver that asks nothing needs no database.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import scoped_session, sessionmaker

from xivo_confgend.database.postgresql import xivo_dao
from xivo_confgend.database.postgresql.state import STATE_STATEMENT, DatabaseState

CONNECT_TIMEOUT = 5
SURELY_ALIVE = 5
"""Seconds for which a connection that was just used is not asked whether it is still there."""
SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
"""Beginnings of statements that are not the driver's own: see `xivo_dao`."""

COPY_TO = "xivo_confgend_copy_to"
"""The execution option that holds what the rows of a statement are copied to: see `copied`."""

Session = scoped_session(sessionmaker(future=True, autoflush=False))


SEVERAL = DatabaseState("several transactions", exact=False)
"""The state of a driver that ended its transaction half-way: what it read belongs to no single moment."""


@dataclass
class Transaction:
    """What a scope knows of its transaction.

    `state` is None as long as nothing was asked; `statements` counts those of the driver only; `exits` is left
    while the session is still there.
    """

    state: DatabaseState | None = None
    statements: int = 0
    exits: ExitStack = field(default_factory=ExitStack)

    def begin(self, state: DatabaseState) -> None:
        """A transaction began that sees `state`."""
        self.state = state if self.state in (None, state) else SEVERAL


_scopes: list[Transaction] = []
"""The open scope of this process, if any: not kept in the session, which a driver may end or replace."""


def psycopg2_url(uri: str) -> URL:
    """`uri` with the psycopg2 driver if it names none: which one is SQLAlchemy's default depends on its version.

    Raises `sqlalchemy.exc.ArgumentError` on a text that is not a URL.
    """
    url = make_url(uri)
    return url.set(drivername="postgresql+psycopg2") if url.drivername in {"postgresql", "postgres"} else url


def bind(uri: str, statement_timeout: float) -> Engine:
    """Bind `Session` to the database at `uri` (an SQLAlchemy URL) and return the engine.

    `statement_timeout` is in seconds. Connects lazily, waits `CONNECT_TIMEOUT` seconds for a
    connection, and for another one when PostgreSQL has ended it since. Raises `sqlalchemy.exc.ArgumentError` on a bad
    URL.
    """
    engine = create_engine(
        psycopg2_url(uri),
        pool_size=1,
        max_overflow=0,
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
        future=True,
    )

    @event.listens_for(engine, "connect")
    def read_only(connection: Any, _record: object) -> None:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)

    @event.listens_for(engine, "checkin")
    def remember(_connection: object, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, _proxy: object) -> None:
        idle = time.monotonic() - record.info.get("idle_since", time.monotonic())
        if not _is_alive(connection, ask=idle > SURELY_ALIVE):
            raise DisconnectionError

    @event.listens_for(engine, "before_cursor_execute")
    def count(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if _scopes and not connection.info.get("opening") and not statement.startswith(SAVEPOINTS):
            _scopes[-1].statements += 1

    event.listen(engine, "do_execute", _copy)
    Session.remove()
    Session.configure(bind=engine, info={"statement_timeout": statement_timeout})
    return engine


def _is_alive(connection: Any, ask: bool) -> bool:
    """Whether PostgreSQL is still at the other end of an idle connection.

    All that it says unasked is that it has ended it. To ask is a round trip, and the only way to find out that
    something between the two forgot the connection.
    """
    try:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        if poll.poll(0):
            return False
        if ask:
            with connection.cursor() as cursor:
                cursor.execute("SELECT")
            connection.rollback()
    except psycopg2.Error:
        return False
    return True


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


@event.listens_for(Session, "after_begin")
def open_transaction(session: OrmSession, _transaction: object, connection: Connection) -> None:
    """Take the snapshot, limit the time of each statement and remember the state in one round trip."""
    milliseconds = int(session.info["statement_timeout"] * 1000)
    # Compiling statements pays for analyses that run for minutes; large installations would only wait for it.
    settings = f"SET LOCAL statement_timeout = {milliseconds}; SET LOCAL jit = off"
    connection.info["opening"] = True
    try:
        row = connection.exec_driver_sql(f"{settings}; {STATE_STATEMENT}").one()
    finally:
        connection.info["opening"] = False
    if _scopes:
        _scopes[-1].begin(DatabaseState.from_row(row))


def _is_open() -> bool:
    return bool(_scopes)


@contextmanager
def session_scope() -> Iterator[OrmSession]:
    """A session in one read-only transaction; a scope inside another one joins it.

    Nothing is ever written: leaving the scope rolls the transaction back.
    """
    if _scopes:
        yield Session()
        return
    scope = Transaction()
    _scopes.append(scope)
    try:
        with xivo_dao.joined(Session, _is_open), scope.exits:
            yield Session()
    finally:
        _scopes.clear()
        Session.remove()


def current_transaction() -> Transaction:
    """The transaction of the open scope. Raises LookupError outside of a scope."""
    return _scopes[-1]
