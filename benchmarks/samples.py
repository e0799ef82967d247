"""Values that were measured several times, and how they are written."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST = 50
"""How often something short is measured at most."""


@dataclass(frozen=True)
class Sample:
    """The same thing measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    def percentile(self, percent: float) -> float:
        """The smallest value that `percent` of all do not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * percent // 100) - 1))]

    def scaled(self, factor: float) -> Sample:
        """Each value times `factor`."""
        return Sample(tuple(value * factor for value in self.values))

    def __str__(self) -> str:
        if len(self.values) == 1:
            return number(self.values[0])
        return f"{number(self.median)} ({number(min(self.values))}–{number(max(self.values))})"


Cell = str | int | float | Sample


@dataclass(frozen=True)
class Table:
    """Some results: `name` is its key in the JSON output, `note` says what one has to know to read it."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def value(self, column: str, **where: Cell) -> Cell | None:
        """The cell of `column` in the row in which the columns named by `where` have these values."""
        for row in self.rows:
            cells = dict(zip(self.columns, row, strict=True))
            if all(cells[name.replace("_", " ")] == wanted for name, wanted in where.items()):
                return cells[column]
        return None


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 3 - len(str(int(abs(value)))) if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def timed(function: Callable[[], object]) -> float:
    """Seconds that `function` takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def repeated(runs: int, function: Callable[[], object]) -> Sample:
    """Seconds that `function` takes, `runs` times."""
    return Sample(tuple(timed(function) for _ in range(runs)))


@dataclass(frozen=True)
class Often:
    """How often something is measured that may be short: `runs` times, and again until `seconds` are full.

    Five times a few milliseconds would show how fast the machine was at that moment.
    """

    runs: int
    seconds: float

    def values(self, measure: Callable[[], float]) -> list[float]:
        """What `measure` returned, in seconds."""
        values = [measure() for _ in range(self.runs)]
        while sum(values) < self.seconds and len(values) < MOST:
            values.append(measure())
        return values
