"""Reading a file as Asterisk reads it: sections with their options, and every line that Asterisk would stumble over.

For tests and for examining a driver before it is shipped. It knows the grammar that all of Asterisk's
files share, not which options a module understands, and it follows no `#include`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from xivo_confgend.plugin_helpers.asterisk import CONTROL

TEMPLATE = "!"
ADDITION = "+"
DIRECTIVE = re.compile(r"#(include|tryinclude|exec)\s+\S")
COMMENT = re.compile(r"(?<!\\);")
BLOCK_START = re.compile(r"(?<!\\);--(?!-)")
BLOCK_END = "--;"
BLANKS = "".join(map(chr, range(33)))
"""What Asterisk trims: no blank outside of ASCII."""


@dataclass(frozen=True)
class Option:
    """One line `name = value`, or `name => value`, which means the same."""

    name: str
    value: str
    line: int


@dataclass
class Section:
    """A header with what follows it. `modifiers`: `!`, `+` or the names of templates in its parentheses."""

    name: str
    line: int
    modifiers: tuple[str, ...] = ()
    options: list[Option] = field(default_factory=list)

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values in their order."""
        return [(option.name, option.value) for option in self.options]

    def values(self, name: str) -> list[str]:
        """Every value of the option `name`, in their order."""
        return [option.value for option in self.options if option.name == name]


@dataclass(frozen=True)
class Problem:
    """A line, counted from 1, that Asterisk would not read as meant, and why."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass
class AsteriskFile:
    """What a text holds. `directives`: `#include` and the like, with their line numbers."""

    sections: list[Section] = field(default_factory=list)
    directives: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def named(self, name: str) -> list[Section]:
        """Every section of that name."""
        return [section for section in self.sections if section.name == name]


def read(text: str) -> AsteriskFile:
    """The sections and problems of `text`. Never raises: what cannot be read is a problem."""
    file = AsteriskFile()
    for number, line in enumerate(text.split("\n"), 1):
        if CONTROL.search(line):
            file.problems.append(Problem(number, "control character"))
    for number, line in _without_comments(text, file):
        if line.startswith("["):
            _read_header(number, line, file)
        elif line.startswith("#"):
            _read_directive(number, line, file)
        else:
            _read_option(number, line, file)
    file.problems.sort(key=lambda problem: problem.line)
    return file


def _without_comments(text: str, file: AsteriskFile) -> Iterator[tuple[int, str]]:
    """Each line that says something, trimmed, with its number. `;-- … --;` may span lines; `\\;` is no comment."""
    opened = 0
    for number, whole_line in enumerate(text.split("\n"), 1):
        line, kept = whole_line, ""
        while line:
            if opened:
                _, end, line = line.partition(BLOCK_END)
                opened = 0 if end else opened
                continue
            comment, block = COMMENT.search(line), BLOCK_START.search(line)
            if block and comment and block.start() == comment.start():
                kept, line, opened = kept + line[: block.start()], line[block.end() :], number
            else:
                kept, line = kept + (line[: comment.start()] if comment else line), ""
        if kept := kept.strip(BLANKS):
            yield number, kept
    if opened:
        file.problems.append(Problem(opened, "comment block without an end"))


def _read_header(number: int, line: str, file: AsteriskFile) -> None:
    name, bracket, rest = line[1:].partition("]")
    if not bracket:
        file.problems.append(Problem(number, "section header without ]"))
        return
    modifiers: tuple[str, ...] = ()
    if rest.startswith("("):
        inside, parenthesis, rest = rest[1:].partition(")")
        if not parenthesis:
            file.problems.append(Problem(number, "section header without )"))
        modifiers = tuple(part.strip(BLANKS) for part in inside.split(","))
    if rest.strip(BLANKS):
        file.problems.append(Problem(number, "text after a section header"))
    if not name:
        file.problems.append(Problem(number, "section without a name"))
    _check_modifiers(number, name, modifiers, file)
    file.sections.append(Section(name, number, modifiers))


def _check_modifiers(number: int, name: str, modifiers: tuple[str, ...], file: AsteriskFile) -> None:
    """Asterisk refuses the whole file over a template that is not there yet; an included file may bring it."""
    if file.directives:
        return
    known = {section.name for section in file.sections}
    for modifier in modifiers:
        if modifier == ADDITION and name not in known:
            file.problems.append(Problem(number, "addition to a section that is not above it"))
        elif modifier not in {TEMPLATE, ADDITION} and modifier not in known:
            file.problems.append(Problem(number, "template that is not above the section"))


def _read_directive(number: int, line: str, file: AsteriskFile) -> None:
    if DIRECTIVE.match(line):
        file.directives.append((number, line))
    else:
        file.problems.append(Problem(number, "unknown directive"))


def _read_option(number: int, line: str, file: AsteriskFile) -> None:
    name, equals, value = line.partition("=")
    if not equals:
        file.problems.append(Problem(number, "neither option nor section, comment or directive"))
    elif not name.strip(BLANKS):
        file.problems.append(Problem(number, "option without a name"))
    elif not file.sections:
        file.problems.append(Problem(number, "option outside of a section"))
    else:
        value = value.removeprefix(">").replace("\\;", ";")
        file.sections[-1].options.append(Option(name.strip(BLANKS), value.strip(BLANKS), number))
