"""What a generated text would do to its reader: Asterisk's grammar, YAML, JSON, control characters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import yaml

from xivo_confgend.driver_check.findings import Finding, error, warning
from xivo_confgend.names import FileName
from xivo_confgend.plugin_helpers.asterisk_modules import ALL_OF_TYPE, ModuleProblem, problems
from xivo_confgend.plugin_helpers.asterisk_reader import (
    ADDITION,
    CONTROL,
    NAME_TOO_LONG,
    TOO_LONG,
    UNBALANCED,
    UNCLOSED,
    AsteriskFile,
    read,
)

REMEDIES = {
    "control character": "write database values through SafeText of xivo_confgend.plugin_helpers.asterisk",
    "option outside of a section": "write a [section] above it",
    "option without a name": "leave out options without a name",
    "neither option nor section, comment or directive": "write `name = value`; a value with a line break does this",
    "unknown directive": "only #include, #tryinclude and #exec are known; a value at the start of a line does this",
    "section header without ]": "close it, and leave out objects whose name cannot be a section's",
    "section without a name": "leave out objects without a name",
    "template that is not above the section": "write templates before what uses them",
    "addition to a section that is not above it": "write the section before what adds to it",
    NAME_TOO_LONG: "write no two objects whose names begin with the same 79 bytes",
    TOO_LONG: "leave the option out, and the `same` lines behind it",
    UNBALANCED: "write \\; for a semicolon",
    UNCLOSED: "write \\; for a semicolon",
}
DEFAULT_REMEDY = "see docs/spec/01-asterisk-grammar.md"
DOUBTFUL = frozenset({NAME_TOO_LONG})
"""Problems of which nothing is lost by itself."""
FATAL = frozenset({ALL_OF_TYPE})
"""What a module does that no row of a database may be able to cause."""
ESCAPE = re.compile(r"\\(.?)")
KNOWN_ESCAPES = frozenset(";,\"\\'[]ntr$")
CUT = re.compile(r"=.*\S\s*(?<!\\);(?!--)")
"""An option whose value ends in a comment."""
PJSIP = "pjsip.conf"


def check(file: FileName, text: str) -> Iterator[Finding]:
    """Findings in the content `text` of `file`, one for each kind, by the kind of file that the name says."""
    if file.resource == "asterisk" and file.filename.endswith(".conf"):
        yield from _asterisk(file, text)
        return
    lines = [number for number, line in enumerate(text.split("\n"), 1) if CONTROL.search(line)]
    if lines:
        yield error(str(file), f"control character ({_places(lines)})", "replace them by spaces")
    suffix = "." + file.filename.rpartition(".")[2]
    if suffix in PARSERS:
        yield from _parsed(str(file), text, *PARSERS[suffix])


def _asterisk(name: FileName, text: str) -> Iterator[Finding]:
    where, file = str(name), read(text)
    refusing = {problem.text for problem in file.problems if problem.refuses}
    for problem, lines in _by_kind([(problem.text, problem.line) for problem in file.problems]).items():
        level = warning if problem in DOUBTFUL else error
        consequence = ": Asterisk refuses the whole file" if problem in refusing else ""
        yield level(where, f"{problem} ({_places(lines)}){consequence}", REMEDIES.get(problem, DEFAULT_REMEDY))
    yield from _modules(where, name.filename, file)
    for section, lines in _duplicates(file).items() if name.filename != PJSIP else ():
        yield warning(
            where, f"section [{section}] is there more than once ({_places(lines)})", "write each object once"
        )
    for escape, lines in _by_kind(list(_unknown_escapes(file))).items():
        yield warning(
            where, f"unknown escape {escape} ({_places(lines)})", "Asterisk keeps the backslash: leave it out"
        )
    cut = [number for number, line in enumerate(text.split("\n"), 1) if CUT.search(line) and not _comment(line)]
    if cut:
        yield warning(where, f"a value is cut off at its ; ({_places(cut)})", "write \\; for a semicolon")


def _modules(where: str, filename: str, file: AsteriskFile) -> Iterator[Finding]:
    """What the module that reads the file would refuse, each kind with its first place."""
    kinds: dict[tuple[str, str], list[ModuleProblem]] = {}
    for problem in problems(filename, file.resolved()):
        kinds.setdefault((problem.text, problem.effect), []).append(problem)
    for (text, effect), found in kinds.items():
        place = f"[{found[0].section}] {found[0].option}".rstrip()
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        level = error if effect in FATAL else warning
        yield level(where, f"{text} ({place}{more})", f"{effect}; see docs/spec/43-asterisk-fetching.md")


def _comment(line: str) -> bool:
    return line.lstrip().startswith((";", "[", "#"))


def _by_kind(found: list[tuple[str, int]]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = {}
    for kind, line in found:
        kinds.setdefault(kind, []).append(line)
    return kinds


def _places(lines: list[int]) -> str:
    return f"line {lines[0]}" + (f" and {len(lines) - 1} more" if len(lines) > 1 else "")


def _duplicates(file: AsteriskFile) -> dict[str, list[int]]:
    """Sections of one name and, where they have one, one `type`: pjsip.conf calls an endpoint and its aor alike."""
    kinds = [(s.name, tuple(s.values("type"))) for s in file.sections if ADDITION not in s.modifiers]
    counted = Counter(kinds)
    again = {name for (name, _), count in counted.items() if count > 1}
    return {name: [section.line for section in file.named(name)] for name in sorted(again)}


def _unknown_escapes(file: AsteriskFile) -> Iterator[tuple[str, int]]:
    for section in file.sections:
        for option in section.options:
            for match in ESCAPE.finditer(option.value) if "\\" in option.value else ():
                if match[1] not in KNOWN_ESCAPES:
                    yield match[0], option.line


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that has one key twice, of which YAML readers silently lose one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key, count in Counter(map(str, keys)).items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read_yaml(text: str) -> None:
    for _ in yaml.load_all(text, _UniqueKeys):
        pass


PARSERS: dict[str, tuple[str, Callable[[str], object]]] = {
    ".yml": ("YAML", _read_yaml),
    ".yaml": ("YAML", _read_yaml),
    ".json": ("JSON", json.loads),
}


def _parsed(where: str, text: str, language: str, parse: Callable[[str], object]) -> Iterator[Finding]:
    try:
        parse(text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f" (line {mark.line + 1})" if mark else ""
        yield error(where, f"not valid {language}: {problem.problem}{place}", "write it with a library")
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        yield error(where, f"not valid {language}: {problem}", "write it with a library")
