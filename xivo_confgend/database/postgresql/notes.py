"""What a generation takes down of itself before its transaction ends, and what follows from it for the next one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2

from xivo_confgend.database.postgresql.catalogues import read_catalogues
from xivo_confgend.database.postgresql.digests import LEAST_TIMEOUT, SHARE, UNFILTERED, predicted_cost, read_digests
from xivo_confgend.database.postgresql.file_state import FileState, Known, Mode
from xivo_confgend.database.postgresql.session import Transaction
from xivo_confgend.database.postgresql.versions import Versions, read_touched

LEAST_MEASURED = 1e-3
"""Seconds: shorter reading says more about the moment than about the server."""


@dataclass
class Notes:
    """Of one transaction of a generation, as its snapshot shows it.

    `versions`: None if that could not be asked: a statement had failed, and locks and counters are gone. `catalogues`
    and `tables` are empty, and `reason` says why, where they cannot be had or are not worth it.
    """

    transaction: Transaction
    versions: Versions | None = None
    catalogues: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[int, str | None] = field(default_factory=dict)
    reason: str = ""


@dataclass
class NoteTaker:
    """Takes notes of each transaction of one try of a generation.

    `known`: what has been read already; it grows. `deterministic`: whether the driver says so: otherwise no state is
    ever asked whether it is current. `began`: when the try did (`time.perf_counter`).
    """

    known: Known
    deterministic: bool
    began: float = field(default_factory=time.perf_counter)
    notes: list[Notes] = field(default_factory=list)

    def take(self, cursor: Any, transaction: Transaction) -> None:
        """As `Scope.note`. Raises psycopg2.Error; what was noted until then stays."""
        cost = time.perf_counter() - self.began
        noted = Notes(transaction, reason="a statement failed")
        self.notes.append(noted)
        began = time.perf_counter()
        noted.versions = read_touched(cursor, transaction.locked, transaction.counted_before)
        self.known = self.known.at(transaction.moment)
        noted.reason = self._read(cursor, noted, cost, began)

    def _read(self, cursor: Any, noted: Notes, cost: float, began: float) -> str:
        """Read what is not known; why not all of it, if not."""
        assert noted.versions is not None
        try:
            if not self.known.catalogues:
                self.known = replace(self.known, catalogues=read_catalogues(cursor))
            noted.catalogues = self.known.catalogues
            if not self.deterministic or noted.versions.volatile():
                return ""
            if not noted.transaction.tracked:
                return "track_counts is off"
            relations = noted.versions.with_rows()
            expected = time.perf_counter() - began + predicted_cost(relations, self.known.pace)
            if expected > SHARE * cost:
                # Or one slow moment would keep us from ever measuring again.
                self.known = replace(self.known, pace=(1 + self.known.pace) / 2)
                return f"a check takes about {expected * 1000:.1f} ms, a generation {cost * 1000:.1f} ms"
            unknown = [one for one in relations if one.oid not in self.known.tables]
            self._read_tables(cursor, unknown, cost)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise
            return str(error).partition("\n")[0]
        tables = {one.oid: self.known.tables[one.oid] for one in relations}
        if None in tables.values():
            return "a table was rewritten meanwhile"
        noted.tables = tables
        return ""

    def _read_tables(self, cursor: Any, relations: list[Any], cost: float) -> None:
        began = time.perf_counter()
        cursor.execute(f"SET LOCAL statement_timeout = {int(max(cost, LEAST_TIMEOUT) * 1000)}; {UNFILTERED}")
        found = read_digests(cursor, relations)
        measured, expected = time.perf_counter() - began, predicted_cost(relations, 1.0)
        pace = self.known.pace if expected < LEAST_MEASURED else measured / expected
        self.known = replace(self.known, tables={**self.known.tables, **found}, pace=pace)

    def state(self, cost: float) -> FileState | None:
        """What the next generation is to be spared by, after one of `cost` seconds; None if nothing was read."""
        if not self.notes:
            return None
        last = self.notes[-1]
        mode, reason = self._mode(last)
        return FileState(
            last.transaction.moment, mode, reason, last.versions or Versions({}), last.catalogues, last.tables, cost
        )

    def _mode(self, last: Notes) -> tuple[Mode, str]:
        """Rule R8."""
        if not self.deterministic:
            return Mode.NEVER, "the driver does not say that it is deterministic"
        if len(self.notes) > 1:
            return Mode.NEVER, "the driver reads in several transactions"
        if last.versions is None:
            return Mode.NEVER, last.reason
        if volatile := last.versions.volatile():
            return Mode.NEVER, f"reads {', '.join(volatile)}"
        return (Mode.SNAPSHOT, last.reason) if last.reason else (Mode.TABLES, "")
