"""How strongly a package depends on other driver packages, and whether it keeps to the contract: from its imports.

A package that uses only the `api` of another one may run on another server (light), with its
`meta` it needs the same database (medium), with anything else the same installation (heavy).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from typing import Any

from xivo_confgend.driver_check.findings import Dependency, Finding, error, note, warning

CORE = "xivo_confgend"
CONTRACT = ("xivo_confgend.database", "xivo_confgend.plugin_helpers", "xivo_confgend.testing")
"""What drivers may import, and what their tests may."""
STRENGTHS = {"api": "light", "meta": "medium"}
HEAVY = "heavy"
ORDER = ("light", "medium", HEAVY)
MEANING = {
    "light": "it may run on another server",
    "medium": "it needs the same database",
    HEAVY: "it needs the same installation",
}


class NoExaminer(Exception):
    """The library that reads imports is not installed."""


def imports(packages: Iterable[str], others: Iterable[str]) -> dict[str, set[str]]:
    """For each of the importable `packages`: the modules of `others` and of the core that it imports.

    Raises NoExaminer.
    """
    try:
        import grimp
    except ImportError as missing:
        raise NoExaminer from missing
    own = [name for name in packages if _is_package(name)]
    known = [name for name in {*others, CORE} - set(own) if _is_package(name)]
    if not own:
        return {}
    graph: Any = grimp.build_graph(*own, *known, cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name in own}
    for module in graph.modules:
        package = module.partition(".")[0]
        if package in found:
            imported = graph.find_modules_directly_imported_by(module)
            found[package] |= {name for name in imported if name.partition(".")[0] in known}
    return found


def _is_package(name: str) -> bool:
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    return spec is not None and bool(spec.submodule_search_locations) and spec.origin is not None


def strength(module: str) -> str:
    """How strong a dependency on `module` of another driver package is: `<package>.**.api` is light and so on."""
    return next((STRENGTHS[part] for part in module.split(".")[1:] if part in STRENGTHS), HEAVY)


def dependencies(found: dict[str, set[str]]) -> Iterator[Dependency]:
    """What `imports` found, as dependencies of the strongest kind each."""
    for package, modules in sorted(found.items()):
        for other in sorted({module.partition(".")[0] for module in modules} - {CORE}):
            by_strength: dict[str, list[str]] = {}
            for module in sorted(modules):
                if module.partition(".")[0] == other:
                    by_strength.setdefault(strength(module), []).append(module)
            strongest = max(by_strength, key=ORDER.index)
            yield Dependency(package, other, strongest, tuple(by_strength[strongest]))


def judge(dependency: Dependency, required: bool) -> Iterator[Finding]:
    """What is to be said of a dependency; `required`: whether the distribution says that it needs the other one."""
    text = f"it has a {dependency.strength} dependency on {dependency.on} ({', '.join(dependency.modules)})"
    meaning = MEANING[dependency.strength]
    if dependency.strength == HEAVY:
        yield warning(dependency.package, text, f"{meaning}: use only api or meta of {dependency.on}")
    else:
        yield note(dependency.package, text, f"{meaning}, say so in your README")
    if not required:
        remedy = "name its distribution in install_requires"
        yield error(dependency.package, f"it imports {dependency.on}, which the distribution does not require", remedy)


def outside_contract(found: dict[str, set[str]]) -> Iterator[Finding]:
    """Imports of parts of the core that may change without notice."""
    for package, modules in sorted(found.items()):
        for module in sorted(modules):
            part = ".".join(module.split(".")[:2])
            if part.partition(".")[0] == CORE and part not in {CORE, *CONTRACT}:
                remedy = "import only xivo_confgend.database and xivo_confgend.plugin_helpers"
                yield warning(package, f"it imports {module}, which is no part of the contract", remedy)
