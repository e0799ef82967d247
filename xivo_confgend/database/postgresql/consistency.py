"""A generation whose tables were changed under its snapshot is repeated (rule R7 of docs/spec/44-exact-freshness.md).

TRUNCATE and statements that rewrite a table are not MVCC-safe: a transaction that took its snapshot before they were
committed and reads the table afterwards finds it empty (https://www.postgresql.org/docs/current/mvcc-caveats.html). So
the relations that were touched are compared in a new transaction. If they differ, the content is discarded. The next
try locks them before it takes its snapshot, so that they cannot be rewritten in between.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError

from xivo_confgend.database.postgresql import unreadable
from xivo_confgend.database.postgresql.catalogues import differing, read_catalogues
from xivo_confgend.database.postgresql.check import is_current
from xivo_confgend.database.postgresql.file_state import FileState, Known
from xivo_confgend.database.postgresql.notes import Notes, NoteTaker
from xivo_confgend.database.postgresql.problems import reason, sqlstate, was_cut
from xivo_confgend.database.postgresql.session import Scope, Session, cursor_of, open_scope, read_counters_unnoticed
from xivo_confgend.database.postgresql.state import STATE_STATEMENT, DatabaseState, monotonic
from xivo_confgend.database.postgresql.versions import changed_since, read_again
from xivo_confgend.exceptions import GenerationError

logger = logging.getLogger(__name__)

TRIES = 3
COMPARISON_TIMEOUT = 5
"""Seconds for each statement that compares."""
MOST_NAMES = 5
LOCK_NOT_AVAILABLE = "55P03"
GIVEN_UP = frozenset({"40001", "40P01"})
"""serialization_failure, on a standby a conflict with what it replays, and deadlock_detected: the same may succeed."""

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
class Question:
    """What may spare the generation of a file.

    `state`: what the stored content was made from, None if there is none or it is to be made anew; `known`: what has
    been read for other files; `recent`: oids of tables that changed, the last one first; `deterministic`: whether the
    driver says that it is.
    """

    deterministic: bool = False
    state: FileState | None = None
    known: Known = field(default_factory=Known)
    recent: tuple[int, ...] = ()


@dataclass(frozen=True)
class Checked:
    """`changed`: names of what was not as it was, empty if the stored content is current; `seconds` that it took."""

    changed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Consistent(Generic[Value]):
    """What a function read; `value` is None if it was spared, because the state is current.

    `state`: what was read, None if it asked nothing; `known`: what is known now, for other files; `checked`: None if
    there was no state that could be current.
    """

    value: Value | None
    state: FileState | None
    statements: int
    known: Known
    checked: Checked | None = None


def read_consistently(
    read: Callable[[], Value], discard: Callable[[Value], None], question: Question
) -> Consistent[Value]:
    """Call `read` in a session scope, and again if something that it touched was changed under its snapshot.

    What it returned then is given to `discard`; what it raised then does not count. It is not called at all if the
    state of `question` is current. All of it is done once more if PostgreSQL gave the transaction up, or ended the
    connection, which a standby does as well. Raises ChangedMeanwhile after `TRIES`, psycopg2.Error if the comparison
    fails, and what `read` raises.
    """
    try:
        return _Reading(read, discard, question).run()
    except Exception as error:
        if sqlstate(error) not in GIVEN_UP and not was_cut(error):
            raise
        logger.debug("read again: %s", reason(error))
    return _Reading(read, discard, question).run()


@dataclass
class _Reading(Generic[Value]):
    """All tries. `changed` and `lock` are those of the last one."""

    read: Callable[[], Value]
    discard: Callable[[Value], None]
    question: Question
    checked: Checked | None = None
    changed: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()

    def run(self) -> Consistent[Value]:
        """As `read_consistently`."""
        notes = NoteTaker(self.question.known, self.question.deterministic)
        for number in range(TRIES):
            notes = NoteTaker(notes.known, self.question.deterministic)
            scope = Scope(notes.take, self.lock)
            value: list[Value] = []
            problem: Exception | None = None
            try:
                with open_scope(scope):
                    if scope.lock and not _lock(scope):
                        continue
                    if number == 0 and (current := self._check(scope, notes)):
                        return current
                    with unreadable.counted() as replaced:
                        value.append(self.read())
            except Exception as error:
                problem = error
            if self._holds(notes, value, problem):
                if replaced.count:
                    _warn_of(replaced, notes.notes)
                state = notes.state(time.perf_counter() - notes.began)
                return Consistent(value[0], state, scope.statements, notes.known, self.checked)
        raise ChangedMeanwhile(self.changed)

    def _check(self, scope: Scope, notes: NoteTaker) -> Consistent[Value] | None:
        """Whether the state is current; what changed in the meantime is left to the comparison afterwards."""
        state = self.question.state
        if state is None:
            return None
        began = time.perf_counter()
        connection = Session.connection()
        transaction = scope.transactions[0]
        with cursor_of(connection) as cursor:
            answer = is_current(cursor, state, transaction.moment, notes.known, self.question.recent)
            if answer.changed:
                transaction.counted_before = read_counters_unnoticed(cursor)
        seconds = time.perf_counter() - began
        self.checked = Checked(answer.changed, seconds)
        notes.known = answer.known
        notes.began += seconds
        if answer.changed:
            return None
        scope.current = None
        return Consistent(None, state.at(transaction.moment), 0, answer.known, self.checked)

    def _holds(self, notes: NoteTaker, value: Sequence[Value], problem: Exception | None) -> bool:
        """Whether nothing was changed meanwhile; if so, raises `problem`, if there is one."""
        try:
            if not (isinstance(problem, DBAPIError) and problem.connection_invalidated):
                self._compare(notes.notes)
            if not self.changed:
                if problem is not None:
                    raise problem
                return True
        except BaseException:
            for one in value:
                self.discard(one)
            raise
        logger.debug("changed while it was read: %s", ", ".join(self.changed))
        for one in value:
            self.discard(one)
        return False

    def _compare(self, notes: Sequence[Notes]) -> None:
        """Compare what the transactions touched with what a new transaction shows."""
        self.changed, self.lock = (), ()
        if not notes:
            return
        changed: list[str] = []
        lockable: set[str] = set()
        with Session.session_factory.kw["bind"].connect() as connection, cursor_of(connection) as cursor:
            began = monotonic()
            cursor.execute(f"SET statement_timeout = '{COMPARISON_TIMEOUT}s'; {STATE_STATEMENT}")
            now = DatabaseState.from_row(cursor.fetchone(), began, connection.info["backend"])
            for noted in notes:
                moment = noted.transaction.moment
                if now.exact and now.same_moment(moment):
                    continue
                if noted.versions is None:
                    changed += changed_since(cursor, moment.oldest)
                    continue
                later = read_again(cursor, noted.versions.relations.keys())
                changed += [relation.name for relation in noted.versions.differences(later)]
                lockable |= later.lockable()
                if noted.catalogues:
                    changed += differing(noted.catalogues, read_catalogues(cursor))
        self.changed, self.lock = tuple(dict.fromkeys(changed)), tuple(sorted(lockable))


def _warn_of(replaced: unreadable.Replaced, notes: Sequence[Notes]) -> None:
    tables = {name for noted in notes if noted.versions is not None for name in noted.versions.lockable()}
    with Session.session_factory.kw["bind"].connect() as connection, cursor_of(connection) as cursor:
        unreadable.warn(replaced, cursor, sorted(tables))


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
