"""A generation whose tables were changed under its snapshot is repeated (rule R7 of docs/spec/44-exact-freshness.md).

TRUNCATE and statements that rewrite a table are not MVCC-safe: a transaction that took its snapshot before they were
committed and reads the table afterwards finds it empty (https://www.postgresql.org/docs/current/mvcc-caveats.html). So
the relations that were touched are compared in a new transaction. If they differ, the content is discarded. The next
try locks them before it takes its snapshot, so that they cannot be rewritten in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError

from xivo_confgend.database.postgresql.session import Scope, Session, Transaction, open_scope
from xivo_confgend.database.postgresql.state import STATE_STATEMENT, DatabaseState
from xivo_confgend.database.postgresql.versions import changed_since, read_again
from xivo_confgend.exceptions import GenerationError

logger = logging.getLogger(__name__)

TRIES = 3
COMPARISON_TIMEOUT = 5
"""Seconds for each statement that compares."""
MOST_NAMES = 5
LOCK_NOT_AVAILABLE = "55P03"
SEVERAL = DatabaseState("several transactions", exact=False)
"""The state of a driver that ended its transaction half-way: what it read belongs to no single moment."""
UNKNOWN = DatabaseState("a statement failed", exact=False)
"""The state where it could not be asked which relations were touched, and something was committed meanwhile."""

Value = TypeVar("Value")


class ChangedMeanwhile(GenerationError):
    """Tables were truncated, rewritten or altered while they were read, at each try."""

    def __init__(self, names: Sequence[str]) -> None:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        super().__init__(
            f"truncated, rewritten or altered while it was read, {TRIES} times: {', '.join(names[:MOST_NAMES])}{more};"
            " see which transaction does that"
        )


@dataclass(frozen=True)
class Consistent(Generic[Value]):
    """What a function read. `state`: the moment that it belongs to, None if it asked nothing."""

    value: Value
    state: DatabaseState | None
    statements: int


@dataclass(frozen=True)
class _Comparison:
    """`current`: nothing was committed since; `names`: what differs; `lockable`: the tables that can be locked."""

    current: bool = True
    names: tuple[str, ...] = ()
    lockable: tuple[str, ...] = ()


def read_consistently(read: Callable[[], Value], discard: Callable[[Value], None]) -> Consistent[Value]:
    """Call `read` in a session scope, and again if a relation that it touched was changed under its snapshot.

    What it returned then is given to `discard`; what it raised then does not count. Raises ChangedMeanwhile after
    `TRIES`, psycopg2.Error if the comparison fails, and what `read` raises.
    """
    compared = _Comparison()
    for _ in range(TRIES):
        scope = Scope(compared.lockable)
        value: list[Value] = []
        problem: Exception | None = None
        try:
            with open_scope(scope):
                if scope.lock and not _lock(scope):
                    continue
                value.append(read())
        except Exception as error:
            problem = error
        try:
            if not _is_broken(problem):
                compared = _compare(scope.transactions)
        except BaseException:
            for one in value:
                discard(one)
            raise
        if problem is not None and not compared.names:
            raise problem
        if not compared.names:
            return Consistent(value[0], _state(scope.transactions, compared.current), scope.statements)
        logger.debug("changed while it was read: %s", ", ".join(compared.names))
        for one in value:
            discard(one)
    raise ChangedMeanwhile(compared.names)


def _lock(scope: Scope) -> bool:
    """Open the transaction with its locks; False if some other transaction keeps one of them."""
    try:
        Session.connection()
    except DBAPIError as error:
        Session.rollback()
        if getattr(error.orig, "pgcode", None) == LOCK_NOT_AVAILABLE:
            return False
        # A table is gone or must not be locked: the locks only make it likelier that this try is the last.
        scope.lock = ()
    return True


def _is_broken(problem: Exception | None) -> bool:
    return isinstance(problem, DBAPIError) and problem.connection_invalidated


def _compare(transactions: Sequence[Transaction]) -> _Comparison:
    """Compare what the transactions touched with what a new transaction shows."""
    if not transactions:
        return _Comparison()
    names: list[str] = []
    lockable: set[str] = set()
    with Session.session_factory.kw["bind"].connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"SET statement_timeout = '{COMPARISON_TIMEOUT}s'; {STATE_STATEMENT}")
        now = DatabaseState.from_row(cursor.fetchone())
        changed = [one for one in transactions if not (now.exact and now == one.moment)]
        for transaction in changed:
            if transaction.versions is None:
                names += changed_since(cursor, transaction.oldest)
                continue
            later = read_again(cursor, transaction.versions.touched)
            names += [relation.name for relation in transaction.versions.differences(later)]
            lockable |= later.lockable()
    return _Comparison(not changed, tuple(dict.fromkeys(names)), tuple(sorted(lockable)))


def _state(transactions: Sequence[Transaction], current: bool) -> DatabaseState | None:
    """The moment of all that was read; one that is not exact if another generation may read something else."""
    if not transactions:
        return None
    if len(transactions) > 1:
        return SEVERAL
    (transaction,) = transactions
    if transaction.versions is None:
        return transaction.moment if current else UNKNOWN
    volatile = transaction.versions.volatile()
    return DatabaseState(f"reads {', '.join(volatile)}", exact=False) if volatile else transaction.moment
