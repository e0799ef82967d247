"""What an operator is told about a file beside its content: warnings of its generation, why the newest one failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
class GenerationFailure:
    """Why the newest generation of a file failed.

    `reason`: one line; `since`: when the first of the failures after the last success was, in seconds since the epoch.
    """

    reason: str
    since: float
