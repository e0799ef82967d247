"""Reading a file as Asterisk reads it: its sections with their options, and each line that is not read as meant.

For tests, for examining a driver before it is shipped and for checking a file before it is used. The rules
are those of docs/spec/01-asterisk-grammar.md, sections 1 and 2. They are the grammar that all of Asterisk's
files share; which options a module knows is `asterisk_modules.py`. No `#include` is followed.

This module imports nothing outside of the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

TEMPLATE = "!"
ADDITION = "+"
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""All of C0 but the tab, DEL, NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR."""
BLANKS = "".join(map(chr, range(33)))
"""What Asterisk trims: bytes up to 32, no blank outside of ASCII."""
DIRECTIVE = re.compile(r"#([\x21-\x7f]*)(.*)", re.DOTALL)
DIRECTIVES = frozenset({"include", "tryinclude", "exec"})
BUFFER = 8191
"""Bytes that Asterisk reads at once, the LF counted; a line that does not end within them is skipped."""
NAME_BYTES = 79
DEEPEST_COMMENT = 128
TOO_LONG = f"line of more than {BUFFER - 1:,} bytes, which is not read"
NAME_TOO_LONG = f"section name of more than {NAME_BYTES} bytes, which is cut"
UNCLOSED = "comment block without an end"
UNBALANCED = "end of a comment block that has no beginning: what follows is a comment"
LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""Asterisk compares without case in ASCII only."""
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Option:
    """One line `name = value`, or `name => value`, which means the same.

    `appends`: the line is `name += value`, and its value keeps its leading blanks.
    """

    name: str
    value: str
    line: int
    appends: bool = False


@dataclass
class Section:
    """A header with the lines that follow it. `modifiers`: the words in its parentheses, not stripped."""

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
    """A line, counted from 1, that Asterisk does not read as meant, and why. `refuses`: it refuses the whole file."""

    line: int
    text: str
    refuses: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass
class _Held:
    """A section as Asterisk holds it: with what it inherits and what later sections add."""

    name: str
    template: bool = False
    options: list[Option] = field(default_factory=list)


@dataclass
class AsteriskFile:
    """What a text holds.

    `sections`: each header with its own lines, as written, also of a refused file.
    `directives`: `#include`, `#tryinclude` and `#exec`, with their line numbers.
    `problems`: in the order of their lines, also those behind the first one that refuses the file.
    """

    sections: list[Section] = field(default_factory=list)
    directives: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _held: list[_Held] = field(default_factory=list, repr=False)

    @property
    def refused(self) -> Problem | None:
        """The first line for which Asterisk refuses the whole file, and why; None if it reads the file."""
        return next((problem for problem in self.problems if problem.refuses), None)

    def named(self, name: str) -> list[Section]:
        """Every section of that name."""
        return [section for section in self.sections if section.name == name]

    def resolved(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """`[(section, [(key, value), …]), …]` as Asterisk holds them: nothing of a refused file.

        Templates are not in it; their options are in the sections that inherit from them. What a section
        `[name](+)` holds is in the section that it adds to, and what `+=` appends in the value.
        """
        if self.refused:
            return []
        return [
            (held.name, [(option.name, option.value) for option in held.options])
            for held in self._held
            if not held.template
        ]


def read(text: str | bytes) -> AsteriskFile:
    """What Asterisk reads in `text`. Never raises: what cannot be read is a problem.

    Bytes that are not UTF-8 become lone surrogates (PEP 383), as does a character that is cut at the end of
    a long section name.
    """
    reading = _Reading()
    for number, line in _lines(_text(text), reading.file):
        if CONTROL.search(line):
            reading.problem(number, "control character")
        if visible := reading.comments.without(number, line).strip(BLANKS):
            reading.line(number, visible)
        if reading.comments.endless:
            reading.problem(number, f"comment blocks more than {DEEPEST_COMMENT} deep: Asterisk hangs", refuses=True)
            break
    else:
        for number in reading.comments.opened[-1:]:
            reading.problem(number, UNCLOSED)
    for number in reading.comments.unbalanced:
        reading.problem(number, UNBALANCED)
    reading.file.problems.sort(key=lambda problem: problem.line)
    return reading.file


def _text(text: str | bytes) -> str:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _lines(text: str, file: AsteriskFile) -> Iterator[tuple[int, str]]:
    """Each line up to its first NUL, with its number; without those that are too long, and without the BOM."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\0" in line:
            file.problems.append(Problem(number, "NUL: the rest of the line is not read"))
            for part in _parts(number, line, file):
                yield number, part
        elif not _fits(line):
            file.problems.append(Problem(number, TOO_LONG))
        else:
            yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def _fits(line: str) -> bool:
    return len(line) * 4 < BUFFER or len(_bytes(line)) < BUFFER


def _parts(number: int, line: str, file: AsteriskFile) -> Iterator[str]:
    """What is read of a line with a NUL: the NUL ends what is read at once, and then Asterisk reads on."""
    raw, skipping = _bytes(line) + b"\n", False
    for start in range(0, len(raw), BUFFER):
        part = raw[start : start + BUFFER].partition(b"\0")[0]
        unfinished = len(part) == BUFFER and not part.endswith(b"\n")
        if unfinished and not skipping:
            file.problems.append(Problem(number, TOO_LONG))
        elif not skipping:
            first = _text(part.removesuffix(b"\n"))
            yield first.removeprefix(BYTE_ORDER_MARK) if (number, start) == (1, 0) else first
        skipping = unfinished


@dataclass
class _Comments:
    """Takes the comments out of line after line.

    `depth`: of the block comments that are open; below zero after an end without a beginning.
    """

    depth: int = 0
    opened: list[int] = field(default_factory=list)
    unbalanced: list[int] = field(default_factory=list)
    endless: bool = False

    def without(self, number: int, line: str) -> str:
        """What is no comment in `line`."""
        if ";" not in line:
            return "" if self.depth else line
        kept, visible = [], not self.depth
        begin = search = 0
        while (at := line.find(";", search)) >= 0:
            if at > search and line[at - 1] == "\\":
                line, search = line[: at - 1] + line[at:], at
            elif line.startswith("--", at + 1) and line[at + 3 : at + 4] != "-":
                if self.depth == DEEPEST_COMMENT:
                    self.endless = True
                    return ""
                kept += [line[begin:at]] if visible else []
                visible, search = False, at + 3
                self._open(number)
            elif at >= search + 2 and line.startswith("--", at - 2):
                search = at + 1
                if self._close(number):
                    visible, begin = True, search
            elif self.depth:
                search = at + 1
            else:
                return "".join(kept) + (line[begin:at] if visible else "")
        return "".join(kept) + (line[begin:] if visible else "")

    def _open(self, number: int) -> None:
        self.depth += 1
        if self.depth > 0:
            self.opened.append(number)

    def _close(self, number: int) -> bool:
        """Whether what follows is no comment any more."""
        self.depth -= 1
        if self.depth >= 0:
            self.opened.pop()
        else:
            self.unbalanced.append(number)
        return self.depth == 0


class _Reading:
    """The state of reading one file: what was read, and the section that the next option belongs to."""

    def __init__(self) -> None:
        self.file = AsteriskFile()
        self.comments = _Comments()
        self._current: _Held | None = None
        self._named: dict[str, list[_Held]] = {}

    def problem(self, number: int, text: str, refuses: bool = False) -> None:
        self.file.problems.append(Problem(number, text, refuses))

    def line(self, number: int, line: str) -> None:
        """Read what is left of a line without comments and outer blanks; it is not empty."""
        if line.startswith("["):
            self._header(number, line)
        elif line.startswith("#"):
            self._directive(number, line)
        else:
            self._option(number, line)

    def _header(self, number: int, line: str) -> None:
        name, bracket, rest = line[1:].partition("]")
        if not bracket:
            self.problem(number, "section header without ]", refuses=True)
            return
        words: tuple[str, ...] = ()
        if rest.startswith("("):
            inside, parenthesis, rest = rest[1:].partition(")")
            if not parenthesis:
                self.problem(number, "section header without )", refuses=True)
            words = tuple(inside.split(","))
        if rest.strip(BLANKS):
            self.problem(number, "text after a section header")
        if not name:
            self.problem(number, "section without a name")
        kept = _cut(name)
        if kept != name:
            self.problem(number, NAME_TOO_LONG)
        self.file.sections.append(Section(kept, number, words))
        self._current = self._hold(number, name, _Held(kept), words)

    def _hold(self, number: int, name: str, new: _Held, words: tuple[str, ...]) -> _Held:
        """The section that the options below a header go to: `new`, or an older one that the header adds to."""
        held = new
        for word in words:
            if word == TEMPLATE:
                held.template = True
            elif word.startswith(ADDITION):
                found = self._find(name, word.removeprefix(ADDITION))
                if found is None:
                    self._missing(number, "addition to a section that is not above it")
                elif held is new:
                    found.template |= new.template
                    found.options += new.options
                    held = found
                else:
                    held = found
            else:
                self._inherit(number, word, held)
        if held is new:
            self.file._held.append(new)
            self._named.setdefault(_folded(new.name), []).append(new)
        return held

    def _inherit(self, number: int, word: str, held: _Held) -> None:
        if not word:
            self.problem(number, "a template without a name, which is the first section of the file")
        base = self._first(word, lambda _: True)
        if base is None:
            self._missing(number, "template that is not above the section")
        elif base is held and base.options:
            self.problem(number, "section that inherits from itself: Asterisk hangs", refuses=True)
        else:
            held.options += base.options

    def _missing(self, number: int, text: str) -> None:
        """Asterisk refuses the whole file, unless an included file brings what is missing."""
        if not self.file.directives:
            self.problem(number, text, refuses=True)

    def _find(self, name: str, conditions: str) -> _Held | None:
        """The first section of that name that fulfils `conditions`, as in `(+TEMPLATES=include)`."""
        return self._first(name, lambda held: _fulfils(held, conditions))

    def _first(self, name: str, accept: Callable[[_Held], bool]) -> _Held | None:
        candidates = self._named.get(_folded(name), []) if name else self.file._held
        return next((held for held in candidates if accept(held)), None)

    def _directive(self, number: int, line: str) -> None:
        match = DIRECTIVE.match(line)
        assert match is not None
        if match[1].lower() not in DIRECTIVES:
            self.problem(number, "unknown directive")
        elif not match[2].strip(BLANKS):
            self.problem(number, "directive without an argument")
        else:
            self.file.directives.append((number, line))

    def _option(self, number: int, line: str) -> None:
        if self._current is None:
            self.problem(number, "option outside of a section", refuses=True)
            return
        escaped = line.startswith("\\")
        line = line[escaped:]
        if escaped and not "\x20" < line[:1] < "\x80":
            self.problem(number, "backslash in front of what cannot be escaped", refuses=True)
            return
        equals = line.find("=", escaped)
        if equals < 0:
            self.problem(number, "neither option nor section, comment or directive")
            return
        appends = equals > escaped and line[equals - 1] == "+"
        name = line[: equals - appends].strip(BLANKS)
        if not name:
            self.problem(number, "option without a name")
            return
        value = line[equals + 1 :]
        if appends:
            option = Option(name, value.rstrip(BLANKS), number, appends=True)
            _append(self._current.options, option)
        else:
            option = Option(name, value.removeprefix(">").strip(BLANKS), number)
            self._current.options.append(option)
        self.file.sections[-1].options.append(option)


def _append(options: list[Option], more: Option) -> None:
    """Append the value of `more` to the last one of its name in `options`, or the option where there is none.

    Asterisk replaces the first option that has the name and value of the last one, both compared without
    case, and any value where that of the last one is empty.
    """
    last = next((option for option in reversed(options) if option.name == more.name), None)
    if last is None:
        options.append(Option(more.name, more.value.strip(BLANKS), more.line))
        return
    name, value = _folded(last.name), _folded(last.value)
    place = next(
        index
        for index, option in enumerate(options)
        if _folded(option.name) == name and (not value or _folded(option.value) == value)
    )
    options[place] = Option(last.name, (last.value + more.value).strip(BLANKS), more.line)


def _fulfils(held: _Held, conditions: str) -> bool:
    """Whether a section has, for each `NAME=VALUE` of `conditions`, cut at `&`, an option that matches both patterns.

    `TEMPLATES=include` accepts a template too, `TEMPLATES=restrict` nothing else.
    """
    template_accepted = False
    for condition in conditions.split("&") if conditions else ():
        name, equals, value = condition.partition("=")
        name, value = name.strip(BLANKS), value.partition("=")[0].strip(BLANKS)
        if not equals:
            return False
        if name == "TEMPLATES":
            wanted = value.lower()
            if wanted not in {"include", "restrict"} or (wanted == "restrict" and not held.template):
                return False
            template_accepted = True
        elif not _has(held, name, value):
            return False
    return template_accepted or not held.template


def _has(held: _Held, name: str, value: str) -> bool:
    try:
        of_name, of_value = re.compile(name), re.compile(value)
    except re.error:
        return False
    return any(of_name.search(option.name) and of_value.search(option.value) for option in held.options)


def _cut(name: str) -> str:
    raw = _bytes(name) if len(name) * 4 > NAME_BYTES else b""
    return _text(raw[:NAME_BYTES]) if len(raw) > NAME_BYTES else name


def _folded(name: str) -> str:
    return name.translate(LOWER)
