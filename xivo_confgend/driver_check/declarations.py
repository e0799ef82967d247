"""What a distribution declares: entry points, and what its packages say of themselves. Imports nothing of it."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from xivo_confgend.driver_check.findings import Finding, error, note, warning
from xivo_confgend.driver_check.subject import Entry, Subject
from xivo_confgend.drivers import NAMESPACES, PACKAGE_FACTS
from xivo_confgend.names import NAME

VERSION = re.compile(r"\d+\.\d+")
PARTS = ("api", "meta", "impl")


def entry_points(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the groups of entry points."""
    if not subject.drivers:
        remedy = "declare one in setup.py, as confgend.<resource>.<filename>: name = package.module:Class"
        yield error(subject.distribution, "it has no entry point of a driver", remedy)
    for entry in subject.entries:
        yield from _group(entry)
    seen: dict[tuple[str, str], Entry] = {}
    for entry in subject.drivers:
        first = seen.setdefault((entry.group, entry.name), entry)
        if first is not entry:
            yield error(entry.group, f"two entry points are called {entry.name}", "give each a name of its own")


def _group(entry: Entry) -> Iterator[Finding]:
    namespace, _, _ = entry.group.partition(".")
    if namespace == NAMESPACES[0] and entry.file is None:
        yield error(entry.group, "the group names no file", "call it confgend.<resource>.<filename>")
    elif namespace in NAMESPACES[1:] and entry.file:
        remedy = f"for new drivers take confgend.{entry.group.partition('.')[2]}, whose class gets the configuration"
        yield note(entry.group, "the namespace is that of an older daemon", remedy)
    elif namespace not in NAMESPACES and _meant(namespace):
        yield warning(entry.group, "the daemon does not read this group", "call it confgend.<resource>.<filename>")
    if entry.file and not NAME.fullmatch(entry.name):
        yield warning(
            f"{entry.group}: {entry.name}", "the name is awkward in a configuration file", "use letters, digits and _"
        )


def _meant(namespace: str) -> bool:
    spelled = namespace.lower().replace("-", "_")
    return bool(difflib.get_close_matches(spelled, NAMESPACES, 1, 0.8)) or "confgen" in spelled


def facts(package: str) -> dict[str, str]:
    """NAME, GROUP, VERSION and DESCRIPTION of the importable `package`, as far as they are plain texts."""
    location = _location(package)
    if location is None:
        return {}
    found = {}
    try:
        statements = ast.parse((location / "__init__.py").read_text("utf-8")).body
    except (OSError, SyntaxError, ValueError):
        return {}
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.update({target.id: value.value for target in targets if isinstance(target, ast.Name)})
    return {name: found[name] for name in PACKAGE_FACTS if name in found}


def anatomy(package: str, said: Mapping[str, str], others: Mapping[str, str]) -> Iterator[Finding]:
    """What the importable `package` does not say or separate. `others`: NAME of other packages, by package."""
    for name in PACKAGE_FACTS:
        if not said.get(name, "").strip():
            yield warning(package, f"it does not say its {name}", f'write {name} = "…" in {package}/__init__.py')
    if "VERSION" in said and not VERSION.fullmatch(said["VERSION"]):
        yield warning(package, f"VERSION {said['VERSION']} is not major.minor", 'write it as "1.0"')
    for other, name in others.items():
        if other != package and name and name == said.get("NAME"):
            yield error(package, f"its NAME {name} is also that of the package {other}", "choose another NAME")
    location = _location(package)
    missing = [part for part in PARTS if location is None or not (location / part).is_dir()]
    if missing:
        text = f"it does not separate {', '.join(missing)}"
        yield note(package, text, "api: what others may use, meta: tables, impl: drivers")


def _location(package: str) -> Path | None:
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None
