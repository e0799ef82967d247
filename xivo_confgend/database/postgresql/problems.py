"""What went wrong with the database, decided by SQLSTATE: PostgreSQL translates its texts, which are only shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg2
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from xivo_confgend.exceptions import one_line, reason_of

UNDEFINED = frozenset({"42P01", "42703"})
"""undefined_table and undefined_column (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
FORBIDDEN = frozenset({"42501"})
"""insufficient_privilege."""
LIBPQ_OUT_OF_MEMORY = re.compile("out of memory|cannot allocate memory")
CONNECTION_ERRORS = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised for, as a traceback shows it."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE that PostgreSQL gave, of `error` or of what caused it; empty if there is none."""
    codes = (getattr(_original(one), "pgcode", None) for one in causes(error))
    return next((str(code) for code in codes if code), "")


def statement(error: BaseException) -> str:
    """The statement that failed, as far as SQLAlchemy knows it."""
    texts = (one.statement for one in causes(error) if isinstance(one, DBAPIError))
    return next((text for text in texts if text), "")


def is_away(error: BaseException) -> bool:
    """Whether PostgreSQL could not be reached or broke off, as opposed to refusing a statement."""
    if was_cut(error):
        return True
    for one in causes(error):
        if isinstance(one, CONNECTION_ERRORS):
            # Class 57014 is a cancelled statement, for example by statement_timeout: the database is there.
            return getattr(_original(one), "pgcode", None) is None
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this process, not PostgreSQL, has no memory left."""
    return any(
        isinstance(one, MemoryError) or (
            # libpq has no SQLSTATE for it, as it is no answer of the server, and no other way to tell it.
            isinstance(one, psycopg2.Error) and one.pgcode is None and LIBPQ_OUT_OF_MEMORY.search(str(one)) is not None
        )
        for one in map(_original, causes(error))
    )  # fmt: skip


def was_cut(error: BaseException) -> bool:
    """Whether a connection that had been made was lost."""
    return any(isinstance(one, DBAPIError) and one.connection_invalidated for one in causes(error))


def could_not_connect(error: BaseException) -> bool:
    """Whether the connection was not made, as opposed to one that was lost."""
    return any(isinstance(one, DBAPIError) and one.statement is None and not one.connection_invalidated
               for one in causes(error))  # fmt: skip


def reason(error: BaseException) -> str:
    """`error` as one line: kind and text, without the statement, its place in it, and links to SQLAlchemy's pages."""
    original = _original(error)
    if isinstance(original, psycopg2.Error):
        primary = getattr(original.diag, "message_primary", None)
        return one_line(f"{type(original).__name__}: {primary}") if primary else reason_of(original)
    if isinstance(original, SQLAlchemyError) and original.args:
        return one_line(f"{type(original).__name__}: {original.args[0]}")
    return reason_of(original)


def _original(error: BaseException) -> BaseException:
    """What the driver of the database raised, if SQLAlchemy wrapped it."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
