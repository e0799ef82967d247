"""What `xivo-confgend --list-drivers` says: every installed driver, which one is chosen, why one does not load."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xivo_confgend.drivers import PACKAGE_FACTS, Catalogue, Driver, Examination, examine
from xivo_confgend.exceptions import DriverError

COLUMNS = ("FILE", "DRIVER", "CHOSEN", "CLASS", "DISTRIBUTION", *PACKAGE_FACTS)
IMPORTANT = ("FILE", "DRIVER", "CHOSEN", "DISTRIBUTION", "CLASS", *PACKAGE_FACTS)
"""The columns again, the most important first."""
GAP = 2
INDENT = " " * 6
LONGEST_LINE = 1000


@dataclass(frozen=True)
class ListedDriver:
    """One installed driver; `problem` is empty if it loads and may serve its file."""

    driver: Driver
    chosen: bool
    facts: Mapping[str, str]
    problem: str

    def cells(self) -> tuple[str, ...]:
        """As in `COLUMNS`."""
        driver = self.driver
        return (
            str(driver.file),
            driver.name,
            "yes" if self.chosen else "no",
            driver.target,
            f"{driver.distribution} {driver.version}",
            *(self.facts.get(name, "-") for name in PACKAGE_FACTS),
        )


def listed(catalogue: Catalogue) -> list[ListedDriver]:
    """All installed drivers, imported once to see whether they load. Blocks while they are imported."""
    examinations = [examine(driver) for driver in catalogue.installed()]
    packages = packages_by_name(examinations)
    found = []
    for examination in examinations:
        driver, problem = examination.driver, examination.problem
        try:
            chosen = catalogue.choose(driver.file) == driver
        except DriverError as error:
            chosen, problem = False, problem or str(error)
        namesakes = packages.get(examination.facts.get("NAME", ""), [])
        if not problem and len(namesakes) > 1:
            problem = f"NAME {examination.facts['NAME']} is that of several packages: {', '.join(namesakes)}"
        found.append(ListedDriver(driver, chosen, examination.facts, problem))
    return found


def packages_by_name(examinations: Iterable[Examination]) -> dict[str, list[str]]:
    """For each NAME the packages that bear it, with their distributions, sorted."""
    found: dict[str, set[str]] = {}
    for one in examinations:
        if "NAME" in one.facts:
            package = one.driver.target.partition(":")[0].partition(".")[0]
            found.setdefault(one.facts["NAME"], set()).add(f"{package} ({one.driver.distribution})")
    return {name: sorted(packages) for name, packages in found.items()}


def table(catalogue: Catalogue, width: int | None = None) -> str:
    """The drivers as aligned text, those with a problem first, with the problem below them.

    `width`: columns of the terminal; what does not fit is left out, the less important first. None: everything.
    """
    drivers = sorted(listed(catalogue), key=lambda one: not one.problem)
    rows = [COLUMNS, *(one.cells() for one in drivers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    shown = sorted(_fitting(widths, width))
    lines = [_line(COLUMNS, widths, shown)]
    for one in drivers:
        lines.append(_line(one.cells(), widths, shown))
        if one.problem:
            lines += textwrap.wrap(
                one.problem, width or LONGEST_LINE, initial_indent=INDENT, subsequent_indent=INDENT,
                break_long_words=width is not None, break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines)


def _fitting(widths: Sequence[int], width: int | None) -> list[int]:
    """The numbers of the columns that fit into `width`."""
    if width is None:
        return list(range(len(widths)))
    shown: list[int] = []
    for name in IMPORTANT:
        column = COLUMNS.index(name)
        if shown and sum(widths[one] + GAP for one in shown) + widths[column] > width:
            break
        shown.append(column)
    return shown


def _line(cells: Sequence[str], widths: Sequence[int], shown: Sequence[int]) -> str:
    return (" " * GAP).join(cells[column].ljust(widths[column]) for column in shown).rstrip()
