"""Is this state still current? The one question behind which the rules of docs/spec/44-exact-freshness.md are asked.

The cheap things come first: history, catalogues and relations, then the rows, those that changed last before all
others. The first difference ends it. Everything is read in one transaction, which goes on to generate the file if it
must.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg2

from xivo_confgend.database.postgresql.catalogues import differing, read_catalogues
from xivo_confgend.database.postgresql.digests import LEAST_TIMEOUT, UNFILTERED, read_digests
from xivo_confgend.database.postgresql.file_state import FileState, Known, Mode, is_wrapped
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.database.postgresql.versions import Relation, read_again

HALF_OF_NUMBERS = 1 << 31
"""PostgreSQL compares the 32 bits of transaction numbers by the shorter way around."""


@dataclass(frozen=True)
class Answer:
    """`changed`: names of what is not as it was, empty if the state is current; `known`: everything that was read."""

    changed: tuple[str, ...]
    known: Known


def is_current(
    cursor: Any, state: FileState, moment: DatabaseState, known: Known, recent: Sequence[int] = ()
) -> Answer:
    """Whether a generation in this transaction, whose snapshot is `moment`, would read what `state` was made from.

    `known`: what has been read already; `recent`: oids of tables that changed, the last one first. If it has changed,
    the transaction is as it was before: locks and settings are given back. Raises psycopg2.Error if it is broken.
    """
    known = known.at(moment)
    if not moment.same_history(state.moment):
        return Answer(("the database",), known)
    if state.moment.exact and moment.exact and moment.same_moment(state.moment):
        return Answer((), known)
    if state.mode is not Mode.TABLES:
        return Answer(("the snapshot",), known)
    if is_wrapped(moment) and moment.next - state.moment.oldest >= HALF_OF_NUMBERS:
        return Answer(("too many transactions",), known)
    limit = int(max(state.cost, LEAST_TIMEOUT) * 1000)
    cursor.execute(f"SAVEPOINT checking; SET LOCAL statement_timeout = {limit}; {UNFILTERED}")
    questions = _Questions(cursor, state, known, state.moment.oldest if is_wrapped(moment) else None)
    changed = questions.first_difference(recent)
    if changed:
        cursor.execute("ROLLBACK TO SAVEPOINT checking; RELEASE SAVEPOINT checking")
    return Answer(changed, questions.known)


@dataclass
class _Questions:
    """Asked one after the other until something is not as it was; `known` grows. `oldest`: as for `rows_value`."""

    cursor: Any
    state: FileState
    known: Known
    oldest: int | None

    def first_difference(self, recent: Sequence[int]) -> tuple[str, ...]:
        """The names of what has changed, empty if nothing has."""
        try:
            return next((tuple(changed) for changed in self._differences(recent) if changed), ())
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise
            # It takes too long, or must not be read any more.
            return (str(error).partition("\n")[0],)

    def _differences(self, recent: Sequence[int]) -> Iterator[list[str]]:
        if not self.known.catalogues:
            self.known = replace(self.known, catalogues=read_catalogues(self.cursor, self.oldest))
        yield differing(self.state.catalogues, self.known.catalogues)
        later = read_again(self.cursor, self.state.versions.relations.keys(), self.oldest)
        yield [relation.name for relation in self.state.versions.differences(later)]
        for relations in _in_order(self.state.versions.with_rows(), recent):
            unknown = [relation for relation in relations if relation.oid not in self.known.tables]
            found = read_digests(self.cursor, unknown, self.oldest)
            self.known = replace(self.known, tables={**self.known.tables, **found})
            yield [one.name for one in relations if self.known.tables[one.oid] != self.state.tables[one.oid]]


def _in_order(relations: Sequence[Relation], recent: Sequence[int]) -> Iterator[list[Relation]]:
    """The one that changed last by itself, then all others at once: few round trips, and mostly little to read."""
    last = next((oid for oid in recent if any(relation.oid == oid for relation in relations)), None)
    yield [relation for relation in relations if relation.oid == last]
    yield [relation for relation in relations if relation.oid != last]
