"""What is remembered: of each file what it was made from, of the database what was read for all files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from xivo_confgend.database.postgresql.file_state import FileState, Known, Mode
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.worker import stamp

MOST_TABLES = 10_000
"""Of which it is remembered what they were: tables that are made anew each day have a new number each time."""
UNCHANGED_DATABASE, UNCHANGED_TABLES, GENERATED = "unchanged database", "unchanged tables", "generated"
"""Why a content is the answer."""


@dataclass(frozen=True)
class Remembered:
    """What makes a stored content reusable: its digest and what it was made from.

    `state`: None if the driver asked no database. `exact`: whether the same snapshot means the same rows, see
    `DatabaseState`. `dependencies`: files, with their stamps.
    """

    digest: str
    state: FileState | None
    exact: bool
    dependencies: tuple[tuple[str, str], ...]

    def holds_at(self, moment: DatabaseState | None) -> bool:
        """Whether a generation at `moment` would give the same, as far as this tells without looking at tables."""
        if self.state is None:
            return self._files_hold()
        same = self.exact and moment is not None and moment.same_moment(self.state.moment)
        return same and self.state.mode is not Mode.NEVER and self._files_hold()

    def is_worth_a_check(self) -> bool:
        """Whether its tables may tell that it still holds."""
        return self.state is not None and self.state.mode is Mode.TABLES and self._files_hold()

    def at(self, state: FileState) -> Remembered:
        """The same, after a check: it holds at the moment of `state`."""
        return replace(self, state=state, exact=state.moment.exact)

    def _files_hold(self) -> bool:
        return all(stamp(path) == kept for path, kept in self.dependencies)


@dataclass(frozen=True)
class Freshness:
    """What an operator may want to know of how a file is kept fresh.

    `why`: why the last answer was what it was, empty if there was none. `mode`, `reason`: see `FileState`; `mode` is
    empty if nothing is known. `tables`: what it depends on; `changed`: what of it changed last, and when (seconds since
    the epoch), None if nothing has since the daemon began to look.
    """

    why: str = ""
    mode: str = ""
    reason: str = ""
    tables: tuple[str, ...] = ()
    changed: tuple[str, float] | None = None


def describe(state: FileState | None, why: str, changed: tuple[str, float] | None) -> Freshness:
    """What is told of a file that was made from `state`."""
    if state is None:
        return Freshness(why)
    return Freshness(why, str(state.mode), state.reason, state.names, changed)


def first_change(before: FileState | None, after: FileState | None) -> str:
    """The name of a table that is not the same in both; empty if none is known to be."""
    if before is None or after is None:
        return ""
    changed = (oid for oid, digest in after.tables.items() if before.tables.get(oid, digest) != digest)
    oid = next(changed, None)
    return "" if oid is None else after.versions.relations[oid].name


@dataclass
class SharedKnowledge:
    """What was read of the database, by any worker for any file: no table is read twice for one snapshot."""

    known: Known = field(default_factory=Known)
    _last: dict[int, str] = field(default_factory=dict)
    _changed: dict[int, float] = field(default_factory=dict)

    def learn(self, known: Known) -> None:
        """Add what a worker has read; what is older than what is known already tells nothing."""
        if known.moment is None:
            return
        if self.known.moment is not None and known.moment.began < self.known.moment.began:
            return
        for oid, digest in known.tables.items():
            if digest is not None and self._last.get(oid, digest) != digest:
                self._changed.pop(oid, None)
                self._changed[oid] = time.time()
            if digest is not None:
                self._last.pop(oid, None)
                self._last[oid] = digest
        for kept in (self._last, self._changed):
            while len(kept) > MOST_TABLES:
                del kept[next(iter(kept))]
        self.known = self.known.merged(known)

    @property
    def recent(self) -> tuple[int, ...]:
        """The tables that have changed, by oid, the last one first."""
        return tuple(reversed(self._changed))
