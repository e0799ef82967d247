"""Statements that PostgreSQL works on while the driver works on the rows of earlier ones.

Worth it for files with several large results: database and worker are two processors' work. The statements still
go one after the other over the one connection of the session, so they see the same snapshot.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.sql.base import Executable

from xivo_confgend.database.session import Session

Rows = list[tuple[Any, ...]]


class ReadAhead:
    """Asks `statements` in their order, beginning now; a context manager, which leaves no thread behind.

    Nothing else may use the session meanwhile. To be made inside of a session scope, as in `generate()`.
    """

    def __init__(self, *statements: Executable) -> None:
        self._session = Session()
        # Here, not in the thread: whoever asks first opens the transaction, and that is only for one thread.
        self._session.connection()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._asked = {statement: self._ask(statement) for statement in statements}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the statement at hand, at most its timeout; those that wait behind it are not asked."""
        self._thread.shutdown(cancel_futures=True)

    def rows(self, statement: Executable) -> Rows:
        """All rows of `statement`, which may be one of those that were asked (the same object) or another one.

        Values are as psycopg2 gives them: SQLAlchemy's types do not convert them. Raises what `Session.execute` raises.
        """
        asked = self._asked.pop(statement, None) or self._ask(statement)
        return asked.result()

    def _ask(self, statement: Executable) -> Future[Rows]:
        return self._thread.submit(_fetch, self._session, statement)


def _fetch(session: OrmSession, statement: Executable) -> Rows:
    """Past SQLAlchemy's rows: ten thousands of them cost as much as asking."""
    result: Any = session.execute(statement)
    rows: Rows = result.cursor.fetchall()
    result.close()
    return rows
