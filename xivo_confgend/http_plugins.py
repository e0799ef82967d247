"""Finding the HTTP plugins, wiring them, and putting their parts of the API's document together.

A plugin is an entry point in the group `xivo_confgend.plugins`: a class without arguments whose method
`load(dependencies)` registers routes. Its part of the document is the file `api.yml` beside its module. One that fails
is reported in one line and left out; the others do not notice.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import yaml
from stevedore.driver import DriverManager

from xivo_confgend.exceptions import one_line
from xivo_confgend.http import Api, Routes
from xivo_confgend.services import Daemon, FileFacts

logger = logging.getLogger(__name__)

GROUP = "xivo_confgend.plugins"
DOCUMENT = "api.yml"


@dataclass(frozen=True)
class Dependencies:
    """What a plugin gets: `api` to register routes with, the running `daemon`, and the facts of its files."""

    api: Routes
    daemon: Daemon
    facts: FileFacts


def load_plugins(api: Api, daemon: Daemon, enabled: Mapping[str, bool] | None) -> list[str]:
    """Wire every installed plugin that `enabled` does not switch off; None: no plugin at all.

    Returns the modules of those that were loaded, for `document`.
    """
    installed = {entry.name for entry in importlib.metadata.entry_points(group=GROUP)}
    for name in sorted(set(enabled or {}) - installed):
        logger.warning("HTTP plugin %s of enabled_plugins is not installed", name)
    modules = []
    for name in sorted(installed):
        if enabled is None or not enabled.get(name, True):
            continue
        try:
            plugin = _find(name)
            _load(plugin, api, daemon)
            modules.append(plugin.__module__)
        except (Exception, SystemExit) as error:
            logger.error("HTTP plugin %s is left out: %s: %s", name, type(error).__name__, one_line(str(error)))
            logger.debug("HTTP plugin %s", name, exc_info=error)
    return modules


def _find(name: str) -> Any:
    """The class of the plugin. Raises whatever its import raises."""
    failures: list[BaseException] = []
    try:
        manager: Any = DriverManager(
            GROUP,
            name,
            on_load_failure_callback=lambda _manager, _entry, error: failures.append(error),
            warn_on_missing_entrypoint=False,
        )
    except Exception as error:
        raise (failures[0] if failures else error) from error
    return manager.driver


def _load(plugin: Any, api: Api, daemon: Daemon) -> None:
    """Wire one plugin; what it did before it failed is undone."""
    routes = Routes()
    hooks: tuple[list[Any], ...] = (daemon.observers, daemon.reloaded, daemon.stopping, daemon.happened, api.answered)
    before = [len(hook) for hook in hooks]
    try:
        plugin().load(Dependencies(routes, daemon, FileFacts(daemon)))
        api.add(routes)
    except BaseException:
        for hook, length in zip(hooks, before, strict=True):
            del hook[length:]
        raise


@dataclass(frozen=True)
class Document:
    """The merged OpenAPI document with what tells it from another one."""

    text: bytes
    validator: str


def document(modules: list[str]) -> Document:
    """The shared part merged with those of the plugins in `modules`. Blocks while it is read and written."""
    merged = _read("xivo_confgend")
    for module in modules:
        package = module if hasattr(sys.modules[module], "__path__") else module.rpartition(".")[0]
        try:
            _merge(merged, _read(package))
        except FileNotFoundError:
            logger.debug("HTTP plugin %s has no %s", module, DOCUMENT)
        except (OSError, ValueError, yaml.YAMLError) as error:
            logger.error("HTTP plugin %s: its %s is left out: %s", module, DOCUMENT, one_line(str(error)))
    text = yaml.dump(merged, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()
    return Document(text, sha256(text).hexdigest())


class _Dumper(yaml.SafeDumper):
    """Writes what is used twice twice: not every reader of YAML knows aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _read(package: str) -> dict[str, Any]:
    content = yaml.safe_load(importlib.resources.files(package).joinpath(DOCUMENT).read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError("expected a mapping")
    return content


def _merge(merged: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add paths, tags and components; raises ValueError, and adds nothing, if one of them is there already."""
    sections = [("paths", merged["paths"], part.get("paths") or {})]
    for kind, members in (part.get("components") or {}).items():
        sections.append((kind, merged["components"].setdefault(kind, {}), members))
    for kind, present, added in sections:
        if twice := sorted(set(present) & set(added)):
            raise ValueError(f"{kind} {', '.join(twice)}: described already")
    for _, present, added in sections:
        present.update(added)
    merged["tags"] += part.get("tags") or []
