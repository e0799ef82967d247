"""The last hour minute by minute, in memory: what the console draws."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xivo_confgend.generation import Observer
from xivo_confgend.names import FileName
from xivo_confgend.services import written_time
from xivo_confgend.store import Facts

INTERVAL = 60
POINTS = 60
RESULTS = ("fresh", "cached", "stale", "pinned", "error")


@dataclass
class Seconds:
    """Durations of many."""

    count: int = 0
    total: float = 0.0
    maximum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.total += seconds
        self.maximum = max(self.maximum, seconds)

    def described(self) -> dict[str, float | None]:
        """As the schema `Seconds` says."""
        if not self.count:
            return {"mean": None, "maximum": None}
        return {"mean": round(self.total / self.count, 6), "maximum": round(self.maximum, 6)}


@dataclass
class _File:
    """Generations of one file in one minute."""

    succeeded: int = 0
    failed: int = 0
    seconds: Seconds = field(default_factory=Seconds)


@dataclass
class _Minute:
    """What happened in the minute that began at `at` (seconds since the epoch)."""

    at: int
    requests: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESULTS, 0))
    seconds: Seconds = field(default_factory=Seconds)
    files: dict[FileName, _File] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """As the schema `MetricsPoint` says."""
        generations = [
            {"file": str(name), "succeeded": one.succeeded, "failed": one.failed, "seconds": one.seconds.described()}
            for name, one in sorted(self.files.items())
        ]
        return {
            "at": written_time(self.at),
            "requests": self.requests,
            "request_seconds": self.seconds.described(),
            "generations": generations,
        }


class RecentMinutes(Observer):
    """Counts by the minute; `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._minutes: deque[_Minute] = deque([_Minute(self._begin())], maxlen=POINTS)

    def answered(self, name: FileName, state: str, seconds: float) -> None:
        """A request was answered."""
        minute = self._current()
        minute.requests[state] += 1
        minute.seconds.add(seconds)

    def generated(self, name: FileName, facts: Facts, changed: bool) -> None:
        """A generation succeeded."""
        file = self._current().files.setdefault(name, _File())
        file.succeeded += 1
        file.seconds.add(facts.duration)

    def failed(self, name: FileName, reason: str, stale: bool) -> None:
        """A generation failed."""
        self._current().files.setdefault(name, _File()).failed += 1

    def points(self) -> dict[str, Any]:
        """The minutes, the oldest first."""
        self._current()
        return {"interval": INTERVAL, "points": [minute.described() for minute in self._minutes]}

    def _begin(self) -> int:
        return int(self._clock()) // INTERVAL * INTERVAL

    def _current(self) -> _Minute:
        """This minute; those in which nothing happened are filled in. A clock that was set back changes nothing."""
        begin = self._begin()
        last = self._minutes[-1].at
        for at in range(max(last + INTERVAL, begin - (POINTS - 1) * INTERVAL), begin + 1, INTERVAL):
            self._minutes.append(_Minute(at))
        return self._minutes[-1]
