"""What `xivo-confgend --check` finds, and what the daemon logs of it at start: what is configured and cannot work."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from xivo_confgend import log
from xivo_confgend.children import ChildError, Children
from xivo_confgend.client.wording import near
from xivo_confgend.config import SEPARATOR, Configuration
from xivo_confgend.drivers import Catalogue
from xivo_confgend.installation_check import LIMIT, Order
from xivo_confgend.store import Store

INSTALLATION_CHECK = "xivo_confgend.installation_check"
HTTP_PLUGINS = "xivo_confgend.plugins"


class Database(Enum):
    """Whether the database is looked at; `IF_READ`: if a driver says which tables it reads."""

    NO = 0
    IF_READ = 1
    YES = 2


@dataclass(frozen=True)
class Finding:
    """One line for the operator. An error cannot work; a warning may be meant."""

    text: str
    is_error: bool = True


def findings(configuration: Configuration, children: Children, database: Database) -> list[Finding]:
    """Everything that is wrong, but for what `Configuration` itself says. Blocks while drivers are loaded.

    `children` runs the process that loads them; `database`: whether the tables of the database are looked at.
    """
    return [
        *_of_plugins(configuration),
        *_of_http_plugins(configuration),
        *_of_cache(configuration),
        *_of_log(configuration),
        *_of_installation(configuration, children, database),
    ]


def _of_plugins(configuration: Configuration) -> Iterator[Finding]:
    """The map `plugins`: files that no driver makes, and drivers that are not installed."""
    catalogue = Catalogue(configuration.settings.plugins or {})
    installed: dict[str, list[str]] = {}
    for driver in catalogue.installed():
        installed.setdefault(driver.file.key, []).append(driver.name)
    for key, name in (configuration.settings.plugins or {}).items():
        where = f"{configuration.origins[f'plugins{SEPARATOR}{key}']}: key plugins, {key}"
        if key not in installed:
            yield Finding(f"{where}: no driver is installed for such a file{_or(key, installed)}", is_error=bool(name))
        elif name and name not in installed[key]:
            there = ", ".join(sorted(set(installed[key])))
            meant = _or(name, installed[key]) or f"; installed: {there}"
            yield Finding(f"{where}: driver {name} is not installed for it{meant}")


def choices(configuration: Configuration) -> list[Finding]:
    """What the map `plugins` leaves open, or to what is stored. The daemon logs it by itself, at start and reloads."""
    settings = configuration.settings
    catalogue = Catalogue(settings.plugins or {}, Store(settings.cache))
    return [Finding(line, is_error=False) for line in catalogue.warnings()]


def _of_http_plugins(configuration: Configuration) -> Iterator[Finding]:
    installed = {entry.name for entry in importlib.metadata.entry_points(group=HTTP_PLUGINS)}
    for name in sorted(set(configuration.settings.enabled_plugins or {}) - installed):
        where = f"{configuration.origins[f'enabled_plugins{SEPARATOR}{name}']}: key enabled_plugins, {name}"
        yield Finding(f"{where}: no such HTTP plugin is installed{_or(name, installed)}", is_error=False)


def _or(word: str, words: object) -> str:
    meant = near(word, words)  # type: ignore[arg-type]
    return f"; did you mean {meant}?" if meant else ""


def _of_cache(configuration: Configuration) -> Iterator[Finding]:
    """The cache has to be writable, with everything in it, or a directory that can be made."""
    root = Path(configuration.settings.cache)
    existing = next(path for path in (root, *root.parents) if path.exists() or path == path.parent)
    where = f"{configuration.origins['cache']}: key cache: {root} cannot be written"
    if not existing.is_dir():
        yield Finding(f"{where}: {existing} is not a directory")
        return
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield Finding(f"{where}: {existing}: {error.strerror}")
        return
    if existing == root:
        for directory in sorted(path for path in root.iterdir() if path.is_dir()):
            if not os.access(directory, os.W_OK | os.X_OK):
                yield Finding(f"{where}: {directory}: Permission denied")


def _of_log(configuration: Configuration) -> Iterator[Finding]:
    name = configuration.settings.log_filename
    if problem := log.problem(name):
        text = f"log_filename: {name}: {problem}; the log would go to standard error"
        yield Finding(text, is_error=False)


def _of_installation(configuration: Configuration, children: Children, database: Database) -> Iterator[Finding]:
    """The drivers, and the database: looked at in a process of its own, which may hang or be killed by a driver."""
    settings = configuration.settings
    uri = "" if database is Database.NO else settings.db_uri
    order = Order(configuration.mapping, settings.plugins or {}, settings.cache, uri, database is Database.YES)
    broken, begun = "", "the drivers"
    with tempfile.TemporaryFile() as output:
        try:
            children.run(INSTALLATION_CHECK, pickle.dumps(order), output, LIMIT)
        except ChildError as error:
            broken = str(error)
        output.seek(0)
        # A process that was killed may have written a part of its last line.
        for line in filter(lambda line: line.endswith(b"\n"), output):
            told = json.loads(line)
            begun = told.get("begin", begun)
            if "problem" in told:
                yield Finding(told["problem"])
    if broken:
        yield Finding(f"{begun}: the check broke off: {broken}")
