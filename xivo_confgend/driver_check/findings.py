"""What an examination finds: one line each, with the remedy, and what that makes the exit status."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from xivo_confgend.client.wording import counted
from xivo_confgend.exceptions import one_line


class Level(IntEnum):
    """How bad a finding is; the worst one is the exit status of the command."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """`where`: the file, package or entry point; `text`: what is the matter; `remedy`: what to do about it."""

    level: Level
    where: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {one_line(self.text)}; {one_line(self.remedy)}"


def note(where: str, text: str, remedy: str) -> Finding:
    """A finding that may stay."""
    return Finding(Level.NOTE, where, text, remedy)


def warning(where: str, text: str, remedy: str) -> Finding:
    """A finding that will trouble somebody."""
    return Finding(Level.WARNING, where, text, remedy)


def error(where: str, text: str, remedy: str) -> Finding:
    """A finding that keeps a driver from working."""
    return Finding(Level.ERROR, where, text, remedy)


@dataclass(frozen=True)
class Generation:
    """What one run of a driver showed. `milliseconds` and `statements` are what the daemon would count.

    `mode`: what spares the daemon another run, `tables`, `snapshot` or `never`, empty if the driver asked nothing;
    `reason`: why not `tables`.
    """

    file: str
    driver: str
    size: int
    lines: int
    milliseconds: float
    statements: int
    tables: tuple[str, ...]
    mode: str = ""
    reason: str = ""

    def __str__(self) -> str:
        tables = ", ".join(self.tables) or "none"
        return (
            f"{self.file} ({self.driver}): {self.size:,} bytes, {self.lines:,} lines, {self.milliseconds:,.1f} ms, "
            f"{counted(self.statements, 'statement')}, tables read: {tables}{self._reuse()}"
        )

    def _reuse(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f", reused by: {self.mode}{reason}" if self.mode else ""


@dataclass(frozen=True)
class Dependency:
    """How strongly `package` depends on another driver package, and the modules of that one that say so."""

    package: str
    on: str
    strength: str
    modules: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.package} depends on {self.on}: {self.strength} ({', '.join(self.modules)})"


@dataclass
class Report:
    """Everything that is known of a distribution after its examination."""

    target: str
    distribution: str = ""
    version: str = ""
    packages: dict[str, dict[str, str]] = field(default_factory=dict)
    generations: list[Generation] = field(default_factory=list)
    dependencies: list[Dependency] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: 0, 1 with warnings, 2 with errors."""
        return int(max((finding.level for finding in self.findings), default=Level.NOTE))

    def lines(self) -> Iterator[str]:
        """The report for people, the worst findings last, where they are seen."""
        yield f"{self.distribution or self.target} {self.version}".rstrip()
        for package, facts in self.packages.items():
            yield f"  {package}: " + (", ".join(f"{name} {value}" for name, value in facts.items()) or "says nothing")
        yield from (f"  {generation}" for generation in self.generations)
        yield from (f"  {dependency}" for dependency in self.dependencies)
        yield from (str(finding) for finding in sorted(self.findings, key=lambda finding: finding.level))
        numbers = [(level, sum(finding.level == level for finding in self.findings)) for level in reversed(Level)]
        yield ", ".join(counted(number, str(level)) for level, number in numbers)

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        made = dataclasses.asdict(self)
        for finding in made["findings"]:
            finding["level"] = str(finding["level"])
        return {**made, "status": self.status}
