"""One engine, one scoped `Session`, one read-only transaction a generation.

Everything that a driver reads inside `session_scope()` comes from a single REPEATABLE READ
snapshot, so one file shows one moment of the database (defect D19 of docs/spec/30-daemon.md).
The transaction begins at the first statement: a driver that asks nothing needs no database. Which relations it has
touched is asked before it ends, whoever ends it, and compared by `consistency` afterwards.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import scoped_session, sessionmaker

from xivo_confgend.database.postgresql import xivo_dao
from xivo_confgend.database.postgresql.connection import begin_anew, make_engine, psycopg2_url
from xivo_confgend.database.postgresql.state import STATE_STATEMENT, DatabaseState, monotonic
from xivo_confgend.database.postgresql.versions import read_counters, read_locked

__all__ = ["Session", "bind", "current_scope", "psycopg2_url", "session_scope"]

SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
"""Beginnings of statements that are not the driver's own: see `xivo_dao`."""
ROLLBACK_TO = re.compile(r"\brollback\b[\w\s]*\bto\b", re.IGNORECASE)
LOCK_TIMEOUT = "500ms"
"""How long a new try waits for each lock: less than deadlock_timeout, so that it is never the other side that loses."""
FLUSHES_COUNTERS = 150000
"""From this server version on, the counters of a transaction can be had to begin at 0."""

Session = scoped_session(sessionmaker(future=True, autoflush=False))


@dataclass
class Transaction:
    """One transaction of a scope.

    `moment`: what its snapshot shows; `tracked`: whether the server counts what it reads; `counted_before`: its
    counters before the driver read anything; `locked`: relations that were locked when a savepoint was rolled back.
    """

    moment: DatabaseState
    tracked: bool
    counted_before: dict[int, int]
    locked: set[int] = field(default_factory=set)


@dataclass
class Scope:
    """What a scope knows of its transactions.

    `note` is called with a cursor when one ends, whoever ends it. `statements` counts those of the driver only; `exits`
    is left while the session is still there; `lock` names tables, as SQL writes them, that each transaction locks
    before it takes its snapshot.
    """

    note: Callable[[Any, Transaction], None] = lambda _cursor, _transaction: None
    lock: tuple[str, ...] = ()
    transactions: list[Transaction] = field(default_factory=list)
    statements: int = 0
    exits: ExitStack = field(default_factory=ExitStack)
    current: Transaction | None = None


_scopes: list[Scope] = []
"""The open scope of this process, if any: not kept in the session, which a driver may end or replace."""


def bind(uri: str, statement_timeout: float) -> Engine:
    """Bind `Session` to the database at `uri` (an SQLAlchemy URL) and return the engine.

    `statement_timeout` is in seconds. Connects as `make_engine` says. Raises `sqlalchemy.exc.ArgumentError` on a bad
    URL.
    """
    engine = make_engine(uri)

    @event.listens_for(engine, "before_cursor_execute")
    def count(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not _scopes or connection.info.get("opening"):
            return
        if not statement.startswith(SAVEPOINTS):
            _scopes[-1].statements += 1
        if _scopes[-1].current and ROLLBACK_TO.search(statement):
            _note_locks(connection, _scopes[-1].current)

    event.listen(engine, "rollback", _note)
    event.listen(engine, "commit", _note)
    Session.remove()
    Session.configure(bind=engine, info={"statement_timeout": statement_timeout})
    return engine


@event.listens_for(Session, "after_begin")
def open_transaction(session: OrmSession, transaction: Any, connection: Connection) -> None:
    """Take the snapshot, limit the time of each statement and remember the moment, in one round trip."""
    if transaction.nested:
        return
    begin_anew(connection.connection.dbapi_connection)
    lock = _scopes[-1].lock if _scopes else ()
    opening = _opening(connection, session.info["statement_timeout"], lock)
    connection.info["opening"] = True
    try:
        began = monotonic()
        row = connection.exec_driver_sql(opening).one()
        counted = _counted_before(connection) if _scopes else {}
    finally:
        connection.info["opening"] = False
    if _scopes:
        moment = DatabaseState.from_row(row, began, connection.info["backend"])
        _scopes[-1].current = Transaction(moment, row[-1], counted)
        _scopes[-1].transactions.append(_scopes[-1].current)


def _opening(connection: Connection, statement_timeout: float, lock: tuple[str, ...]) -> str:
    """The statements that begin a transaction; the last one takes the snapshot."""
    statements = []
    if lock:
        # These take no snapshot: what was committed while we waited for the locks is in it.
        tables = ", ".join(f"ONLY {table}" for table in lock)
        statements += [f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'", f"LOCK TABLE {tables} IN ACCESS SHARE MODE",
                       "SET LOCAL lock_timeout TO DEFAULT"]  # fmt: skip
    # Compiling statements pays for analyses that run for minutes; large installations would only wait for it.
    statements += [f"SET LOCAL statement_timeout = {int(statement_timeout * 1000)}", "SET LOCAL jit = off"]
    if _server_version(connection) >= FLUSHES_COUNTERS:
        # At the end of this transaction, so that the next one counts from 0.
        statements.append("SELECT pg_stat_force_next_flush()")
    return "; ".join([*statements, STATE_STATEMENT]).replace("%", "%%")


def _server_version(connection: Connection) -> int:
    raw: Any = connection.connection.dbapi_connection
    return int(raw.server_version)


def _counted_before(connection: Connection) -> dict[int, int]:
    """What older servers still count of earlier transactions."""
    if _server_version(connection) >= FLUSHES_COUNTERS:
        return {}
    with cursor_of(connection) as cursor:
        return read_counters_unnoticed(cursor)


def read_counters_unnoticed(cursor: Any) -> dict[int, int]:
    """As `read_counters`, without a lock that looks like one of the driver."""
    cursor.execute("SAVEPOINT counted")
    counted = read_counters(cursor)
    cursor.execute("ROLLBACK TO SAVEPOINT counted; RELEASE SAVEPOINT counted")
    return counted


def _note(connection: Connection) -> None:
    """Ask what the transaction that ends now has touched."""
    ending = _scopes[-1].current if _scopes else None
    if ending is None:
        return
    _scopes[-1].current = None
    with contextlib.suppress(Exception), cursor_of(connection) as cursor:
        _scopes[-1].note(cursor, ending)


def _note_locks(connection: Connection, transaction: Transaction) -> None:
    """Ask for the locks that a savepoint gives back now; where a statement in it failed, they are gone already."""
    with contextlib.suppress(psycopg2.Error), cursor_of(connection) as cursor:
        transaction.locked |= read_locked(cursor)


def cursor_of(connection: Connection) -> Any:
    """A cursor of psycopg2, for statements that are not the driver's."""
    raw: Any = connection.connection.dbapi_connection
    return raw.cursor()


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
    with open_scope(Scope()):
        yield Session()


@contextmanager
def open_scope(scope: Scope) -> Iterator[None]:
    """Have `scope` know what is read until it is left; there is no other one open."""
    _scopes.append(scope)
    try:
        with xivo_dao.joined(Session, _is_open), scope.exits:
            yield
    finally:
        try:
            Session.remove()
        finally:
            _scopes.clear()


def current_scope() -> Scope:
    """The open scope. Raises LookupError outside of a scope."""
    return _scopes[-1]
