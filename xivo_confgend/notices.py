"""What an operator is told about a file beside its content: warnings, a loss of lines, a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Warnings:
    """The warnings of one generation.

    `lines`: the first of them, one line of text each, every line once; `count`: how many there were in all.
    """

    lines: tuple[str, ...] = ()
    count: int = 0

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Warnings:
        """What `dataclasses.asdict` and JSON made of warnings. Raises TypeError, KeyError or ValueError on others."""
        return cls(tuple(map(str, kept["lines"])), int(kept["count"]))

    @property
    def more(self) -> int:
        """How many warnings are counted only."""
        return self.count - len(self.lines)


@dataclass(frozen=True)
class Shrinkage:
    """How much smaller a content is than the one before it: number of lines and bytes of both."""

    lines_before: int
    lines: int
    size_before: int
    size: int

    LEAST_LINES: ClassVar[int] = 10
    """Fewer lines are never worth a word, whatever part of a small file they are."""

    @property
    def lost(self) -> int:
        """How many lines fewer there are."""
        return self.lines_before - self.lines

    def is_drastic(self, percent: float) -> bool:
        """Whether at least `percent` of the lines are gone, and at least `LEAST_LINES`; with 0 it never is."""
        return percent > 0 and self.lost >= max(self.LEAST_LINES, self.lines_before * percent / 100)


@dataclass(frozen=True)
class GenerationFailure:
    """Why the newest generation of a file failed.

    `reason`: one line; `since`: when the first of the failures after the last success was, in seconds since the epoch.
    """

    reason: str
    since: float
