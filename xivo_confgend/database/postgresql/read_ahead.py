"""Statements that PostgreSQL works on while the driver works on the rows of earlier ones.

Worth it for files with several large results: database and worker are two processors' work. The statements still
go one after the other over the one connection of the session, so they see the same snapshot.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg2
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.sql.base import Executable

from xivo_confgend.database.postgresql.session import Session, current_scope

Rows = list[tuple[Any, ...]]

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
"""One for all generations of the process: to start and end one takes longer than to ask what a small table has."""


def plain_rows(statement: Executable) -> Rows:
    """All rows of `statement`, which is one that gives rows, as plain tuples.

    Ten thousand of SQLAlchemy's cost as much as asking. Values are as psycopg2 gives them: SQLAlchemy's types do not
    convert them. Not while a `ReadAhead` uses the session. Raises what `Session.execute` raises.
    """
    return _rows(_cursor(Session(), statement))


def _cursor(session: OrmSession, statement: Executable) -> Any:
    result: Any = session.execute(statement)
    return result.cursor


def _rows(cursor: Any) -> Rows:
    with cursor:
        rows: Rows = cursor.fetchall()
    return rows


class ReadAhead:
    """Asks `statements` in their order, beginning now; a context manager, which leaves no statement behind.

    Until it is left nothing else may use the session. Statements are those that give rows. Raises LookupError outside
    of a session scope, which is where `generate()` runs.
    """

    def __init__(self, *statements: Executable) -> None:
        scope = current_scope()
        self._session = Session()
        self._connection: Any = None
        self._failure: BaseException | None = None
        # Who keeps a generator keeps what it is in the middle of: the scope ends before that, and ends this too.
        scope.exits.push(self)
        self._asked: dict[Executable, Future[Any]] = {}
        self.ask(*statements)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the statement at hand, which an error cancels; those that wait behind it are not asked."""
        for asked in self._asked.values():
            asked.cancel()
        if kind is not None and not all(asked.done() for asked in self._asked.values()):
            self._failure = self._failure or error
            if self._connection is not None:
                with suppress(psycopg2.Error):
                    self._connection.cancel()
        wait(self._asked.values())

    def ask(self, *statements: Executable) -> None:
        """Ask `statements` behind those that were asked before: for what follows from the rows of earlier ones."""
        for statement in statements:
            if statement not in self._asked:
                self._asked[statement] = _thread.submit(self._execute, statement)

    def rows(self, statement: Executable) -> Rows:
        """All rows of `statement`, which may be one of those that were asked (the same object) or another one.

        Values are as psycopg2 gives them: SQLAlchemy's types do not convert them. Raises what `Session.execute` raises,
        for this statement or the first one before it that failed.
        """
        self.ask(statement)
        # Made objects here, not in the thread: PostgreSQL is at the next statement meanwhile.
        rows = _rows(self._asked[statement].result())
        del self._asked[statement]
        return rows

    def _execute(self, statement: Executable) -> Any:
        try:
            if self._connection is None:
                # Opens the transaction: waiting for that here spares handing over what it opened.
                self._connection = self._session.connection().connection
            if self._failure is not None:
                raise self._failure
            return _cursor(self._session, statement)
        except BaseException as error:
            self._failure = error
            raise
