"""What an operator is told about a generated file beside its content. Kept with the content and with its version."""

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
