"""Which driver serves a file, what is installed, and why one does not load.

Entry points are found by stevedore in three namespaces, ours first (docs/spec/30-daemon.md
section 6). The catalogue is cheap and imports no driver; `make` imports one and is called in a
worker process only.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stevedore.driver import DriverManager

from xivo_confgend.client.wording import near
from xivo_confgend.exceptions import DriverError, NoSuchFile, reason_of
from xivo_confgend.names import NAME, FileName

NAMESPACES = ("confgend", "xivo_confgend", "wazo_confgend")
"""Ours takes the configuration; the two older ones take `{"config": …, "tpl_helper": …}`."""

PACKAGE_FACTS = ("NAME", "GROUP", "VERSION", "DESCRIPTION")


@dataclass(frozen=True)
class Driver:
    """An installed driver, not imported: what its entry point and its distribution say."""

    file: FileName
    name: str
    namespace: str
    target: str
    distribution: str
    version: str

    @property
    def group(self) -> str:
        """The entry point group."""
        return f"{self.namespace}.{self.file.key}"

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version}, {self.group})"


class Catalogue:
    """The drivers that are installed now and the operator's choice among them.

    `plugins`: the map of the configuration, `resource.filename` → driver name or None (switched off).
    """

    def __init__(self, plugins: Mapping[str, str | None]) -> None:
        self._plugins = plugins
        self._installed: dict[FileName, list[Driver]] = {}
        entries = importlib.metadata.entry_points()
        for group in sorted(entries.groups):
            self._add_group(group, entries.select(group=group))

    def _add_group(self, group: str, entries: Iterable[importlib.metadata.EntryPoint]) -> None:
        namespace = next((n for n in NAMESPACES if group.startswith(n + ".")), None)
        resource, _, filename = group.removeprefix(f"{namespace}.").partition(".")
        if namespace is None or not (NAME.fullmatch(resource) and NAME.fullmatch(filename)):
            return
        file = FileName(resource, filename)
        found = {
            Driver(
                file,
                entry.name,
                namespace,
                entry.value,
                entry.dist.name if entry.dist else "unknown",
                entry.dist.version if entry.dist else "unknown",
            )
            for entry in entries
        }
        self._installed.setdefault(file, []).extend(sorted(found, key=str))

    def installed(self) -> list[Driver]:
        """All drivers, by file, namespace (ours first) and name."""
        drivers = [driver for file in self._installed.values() for driver in file]
        return sorted(drivers, key=lambda d: (d.file, NAMESPACES.index(d.namespace), d.name))

    def files(self) -> list[FileName]:
        """The files that a driver is chosen for, sorted."""
        return [file for file in sorted(self._installed) if self.serves(file)]

    def serves(self, file: FileName) -> bool:
        """Whether `choose` finds a driver for `file`."""
        try:
            self.choose(file)
        except DriverError:
            return False
        return True

    def choose(self, file: FileName) -> Driver:
        """The driver that serves `file`.

        The one that `plugins` names; without a name the only one of the first namespace that has any.
        Raises NoSuchFile if there is none or the file is switched off, DriverError if the choice is not clear.
        """
        installed = self._installed.get(file, [])
        listed = ", ".join(map(str, installed)) or "none"
        if file.key in self._plugins:
            name = self._plugins[file.key]
            if not name:
                raise NoSuchFile(f"{file} is switched off in the plugins map")
            named = [driver for driver in installed if driver.name == name]
            if not named:
                raise NoSuchFile(f"{file}: driver {name} of the plugins map is not installed (installed: {listed})")
            return self._only(file, [d for d in named if d.namespace == self._first_namespace(named)])
        if not installed:
            meant = near(str(file), map(str, self.files()))
            advice = f"did you mean {meant}?" if meant else "confgen list shows every file that there is"
            raise NoSuchFile(f"{file}: no driver is installed for it; {advice}")
        return self._only(file, [d for d in installed if d.namespace == self._first_namespace(installed)])

    @staticmethod
    def _first_namespace(drivers: list[Driver]) -> str:
        return min((d.namespace for d in drivers), key=NAMESPACES.index)

    @staticmethod
    def _only(file: FileName, drivers: list[Driver]) -> Driver:
        if len(drivers) > 1:
            listed = ", ".join(map(str, drivers))
            raise DriverError(f"{file}: several drivers are installed, name one in the plugins map: {listed}")
        return drivers[0]


def make(driver: Driver, config: Mapping[str, Any]) -> Any:
    """Import `driver` and call its constructor with `config` (older namespaces: with config and template helper).

    Raises DriverError saying why it does not load.
    """
    argument = config if driver.namespace == NAMESPACES[0] else _older_argument(config)
    failures: list[BaseException] = []
    try:
        manager: Any = DriverManager(
            driver.group,
            driver.name,
            invoke_on_load=True,
            invoke_args=(argument,),
            on_load_failure_callback=lambda _manager, _entry, error: failures.append(error),
            warn_on_missing_entrypoint=False,
        )
        made = manager.driver
    except (Exception, SystemExit) as error:
        cause = failures[0] if failures else error
        raise DriverError(f"driver {driver} does not load: {reason_of(cause)}") from cause
    if not callable(getattr(made, "generate", None)):
        raise DriverError(f"driver {driver} has no method generate()")
    return made


def _older_argument(config: Mapping[str, Any]) -> Mapping[str, Any]:
    from xivo_confgend.plugin_helpers.templates import TemplateHelper

    return {"config": config, "tpl_helper": TemplateHelper(config)}


def metadata_of(driver: Driver) -> object:
    """The tables that `driver` reads: `METADATA` of the nearest package `meta` above its module. None without one.

    Imports that package. Raises whatever its import raises.
    """
    packages = driver.target.partition(":")[0].split(".")[:-1]
    for depth in range(len(packages), 0, -1):
        name = ".".join([*packages[:depth], "meta"])
        if importlib.util.find_spec(name) is not None:
            return getattr(importlib.import_module(name), "METADATA", None)
    return None


@dataclass(frozen=True)
class Examination:
    """What importing a driver without making it tells: package facts by name, or why it fails."""

    driver: Driver
    facts: Mapping[str, str]
    problem: str = ""


def examine(driver: Driver) -> Examination:
    """Import `driver`'s class and read NAME, GROUP, VERSION and DESCRIPTION of its top package."""
    module, _, attribute = driver.target.partition(":")
    try:
        loaded: Any = importlib.import_module(module)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
    except (Exception, SystemExit) as error:
        return Examination(driver, {}, reason_of(error))
    problem = "" if callable(getattr(loaded, "generate", None)) else f"{driver.target} has no method generate()"
    package = importlib.import_module(module.partition(".")[0])
    facts = {name: str(getattr(package, name)) for name in PACKAGE_FACTS if hasattr(package, name)}
    return Examination(driver, facts, problem)
