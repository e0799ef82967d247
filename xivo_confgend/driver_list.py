"""What `xivo-confgend --list-drivers` says: every installed driver, which one is chosen, why one does not load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xivo_confgend.drivers import PACKAGE_FACTS, Catalogue, Driver, Examination, examine
from xivo_confgend.exceptions import DriverError

COLUMNS = ("FILE", "DRIVER", "CHOSEN", "CLASS", "DISTRIBUTION", *PACKAGE_FACTS, "PROBLEM")


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
            self.problem or "-",
        )


def listed(plugins: Mapping[str, str | None]) -> list[ListedDriver]:
    """All installed drivers, imported once to see whether they load. Blocks while they are imported."""
    catalogue = Catalogue(plugins)
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


def table(plugins: Mapping[str, str | None]) -> str:
    """The drivers as aligned text."""
    rows = [COLUMNS, *(one.cells() for one in listed(plugins))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
