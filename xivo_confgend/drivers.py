"""Which driver serves a file, what is installed, and why one does not load.

Entry points are found by stevedore in three namespaces, ours first (docs/spec/30-daemon.md
section 6). The catalogue is cheap and imports no driver; `make` imports one and is called in a
worker process only.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stevedore.driver import DriverManager

from xivo_confgend.client.wording import near
from xivo_confgend.exceptions import DriverError, NoSuchFile, reason_of
from xivo_confgend.names import NAME, FileName

NAMESPACES = ("confgend", "xivo_confgend", "wazo_confgend")
"""Ours takes the configuration; the two older ones take `{"config": …, "tpl_helper": …}`."""

WRITTEN = re.compile(r"(?P<name>.+) \((?P<distribution>\S+) \S+, \S+\)")
"""A driver as text: see `Driver`."""

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

    def has_made(self, maker: str) -> bool:
        """Whether `maker`, as `__str__` wrote it, is this driver, in whatever version and namespace."""
        match = WRITTEN.fullmatch(maker)
        return match is not None and (match["name"], _canonical(match["distribution"])) == (
            self.name,
            _canonical(self.distribution),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version}, {self.group})"


def _canonical(distribution: str) -> str:
    """The name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


class Made(Protocol):
    """What is known of the contents that were made so far."""

    def maker(self, name: FileName) -> str:
        """The driver that made the content of `name`, as `Driver` writes itself; empty if that is not known."""

    def names(self) -> list[FileName]:
        """The files that have a content."""


class Nothing:
    """Nothing was made so far."""

    def maker(self, name: FileName) -> str:
        """No driver."""
        return ""

    def names(self) -> list[FileName]:
        """No file."""
        return []


class Catalogue:
    """The drivers that are installed now and the choice among them.

    `plugins`: the map of the configuration, `resource.filename` → driver name or None (switched off). Where it names
    no driver, the one that made the content in `stored` stays: installing or removing a driver never changes
    by itself what is served.
    """

    def __init__(self, plugins: Mapping[str, str | None], stored: Made | None = None) -> None:
        self._plugins = plugins
        self._stored = stored or Nothing()
        self._installed: dict[FileName, list[Driver]] = {}
        entries = importlib.metadata.entry_points()
        for group in sorted(entries.groups):
            self._add_group(group, entries.select(group=group))
        self._orphans = [name for name in self._stored.names() if name not in self._installed and self._maker(name)]

    def _maker(self, file: FileName) -> str:
        """The driver that made the stored content, empty if that cannot be told."""
        maker = self._stored.maker(file)
        return maker if WRITTEN.fullmatch(maker) else ""

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

    def knows(self, file: FileName) -> bool:
        """Whether a driver is chosen for `file`, or would be if the choice were clear."""
        try:
            self.choose(file)
        except NoSuchFile:
            return False
        except DriverError:
            return True
        return True

    def known(self) -> list[FileName]:
        """The files that the catalogue knows, sorted."""
        return [file for file in sorted({*self._installed, *self._orphans}) if self.knows(file)]

    def warnings(self) -> list[str]:
        """A line for each file whose choice is not clear, or only because of what is stored; sorted by file."""
        return [line for file in self.known() if (line := self._warning(file))]

    def _warning(self, file: FileName) -> str:
        try:
            chosen = self.choose(file)
        except DriverError as error:
            return str(error)
        if file.key in self._plugins:
            return ""
        installed = self._installed[file]
        others = [driver for driver in self._of_first_namespace(installed) if driver != chosen]
        if not others:
            return ""
        advice = f"settle it by {_line(file, chosen)}, or change it by {_line(file, others[0])}"
        if chosen.name in {driver.name for driver in others}:
            advice = "uninstall all but one, as they have the same name"
        return f"{file}: {_listed(others)} could serve it too; {chosen} stays, as it made the stored content; {advice}"

    def choose(self, file: FileName) -> Driver:
        """The driver that serves `file`.

        The one that `plugins` names; without a name the one that made the stored content; if nothing is known of
        that, the only one of the first namespace that has any. Raises NoSuchFile if there is none or the file is
        switched off, DriverError if the choice is not clear or the driver that made the stored content is gone.
        """
        installed = self._installed.get(file, [])
        maker = self._maker(file)
        if file.key in self._plugins:
            return self._named(file, self._plugins[file.key], installed, maker)
        made = [driver for driver in installed if driver.has_made(maker)]
        if made:
            return min(made, key=lambda one: (not maker.endswith(f", {one.group})"), NAMESPACES.index(one.namespace)))
        if maker:
            raise DriverError(_gone(file, maker, self._of_first_namespace(installed)))
        if not installed:
            meant = near(str(file), map(str, self.files()))
            advice = f"did you mean {meant}?" if meant else "confgen list shows every file that there is"
            raise NoSuchFile(f"{file}: no driver is installed for it; {advice}")
        return self._only(file, self._of_first_namespace(installed))

    def _named(self, file: FileName, name: str | None, installed: list[Driver], maker: str) -> Driver:
        if not name:
            raise NoSuchFile(f"{file} is switched off in the plugins map")
        named = [driver for driver in installed if driver.name == name]
        if not named:
            problem = f"{file}: driver {name} of the plugins map is not installed (installed: {_listed(installed)})"
            # The driver that was served is gone, as opposed to a name that never was one.
            raise DriverError(problem) if maker.startswith(f"{name} (") else NoSuchFile(problem)
        made = [driver for driver in named if driver.has_made(maker)]
        return self._only(file, self._of_first_namespace(made or named))

    @staticmethod
    def _of_first_namespace(drivers: list[Driver]) -> list[Driver]:
        first = min((d.namespace for d in drivers), key=NAMESPACES.index, default="")
        return [driver for driver in drivers if driver.namespace == first]

    @staticmethod
    def _only(file: FileName, drivers: list[Driver]) -> Driver:
        if len(drivers) == 1:
            return drivers[0]
        advice = "name one in the plugins map"
        if len({driver.name for driver in drivers}) == 1:
            advice = "uninstall all but one, as they have the same name"
        raise DriverError(f"{file}: several drivers are installed, {advice}: {_listed(drivers)}")


def _listed(drivers: Iterable[Driver]) -> str:
    return ", ".join(map(str, drivers)) or "none"


def _line(file: FileName, driver: Driver) -> str:
    return f"`plugins: {{{file.key}: {driver.name}}}`"


def _gone(file: FileName, maker: str, installed: list[Driver]) -> str:
    advice = "install it again"
    if installed:
        advice += f", or have another one serve it: {' or '.join(_line(file, driver) for driver in installed)}"
    else:
        advice += f", or serve it no more: `plugins: {{{file.key}: null}}`"
    return f"{file}: its stored content was made by {maker}, which is not installed any more; {advice}"


class _Manager(DriverManager):  # type: ignore[type-arg]
    """Loads exactly one driver: two distributions may have one of the same name for the same file."""

    def __init__(self, driver: Driver, **options: Any) -> None:
        self._target = driver.target
        super().__init__(driver.group, driver.name, **options)

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        """Those of the group that point to the driver."""
        return [entry for entry in super().list_entry_points() if entry.value == self._target]


def make(driver: Driver, config: Mapping[str, Any]) -> Any:
    """Import `driver` and call its constructor with `config` (older namespaces: with config and template helper).

    Raises DriverError saying why it does not load.
    """
    argument = config if driver.namespace == NAMESPACES[0] else _older_argument(config)
    failures: list[BaseException] = []
    try:
        manager: Any = _Manager(
            driver,
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
