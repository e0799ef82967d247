"""The administrators' file that says what the contexts of the dialplan look like.

Its grammar and what it means: docs/spec/20-extensions.conf.md section 2. Every mistake is one line that names the file
and the line. Not for what stands in the database: see `asterisk.extensions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xivo_confgend.plugin_helpers.templates import TemplateError, file_candidates, read_text
from xivo_confgend_wazo.impl.templates import TEMPLATES

SHIPPED = TEMPLATES / "contexts.conf"
"""Stands in where the administrators have none."""

DEFAULT_SECTION = "template"
FEATURES_SECTION = "xivo-features"
COMMON_SECTION = "DEFAULT"
OBJECT_OPTION = "objtpl"

LINE_END = re.compile(r"\r\n|\r|\n")
COMMENT = re.compile(r"(?:^|(?<=\s));.*|^\s*#.*", re.DOTALL)
HEADER = re.compile(r"\[(.+)\]", re.DOTALL)
OPTION = re.compile(r"([^=:]*)[=:](.*)", re.DOTALL)

Option = tuple[str, str]


@dataclass(frozen=True)
class Section:
    """`options` are printed as name and value; `objects` are the lines written for each extension."""

    options: tuple[Option, ...] = ()
    objects: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContextsFile:
    """The sections by name; `template` and `xivo-features` are among them."""

    sections: Mapping[str, Section]

    def choose(self, name: str, contexttype: str) -> Section | None:
        """The section for a context of the database; None if the context is not to be written."""
        if f"!{name}" in self.sections:
            return None
        for candidate in (name, f"type:{contexttype}"):
            if candidate in self.sections:
                return self.sections[candidate]
        return self.sections[DEFAULT_SECTION]

    @property
    def features(self) -> Section:
        """The section of the feature extensions."""
        return self.sections[FEATURES_SECTION]


def contexts_paths(config: Mapping[str, Any]) -> list[Path]:
    """The files that may hold the contexts: the first that exists does.

    `config`: the merged configuration, keys `templates.contextsconf` and `templates.directory`. Raises TemplateError if
    one of them is no path.
    """
    return file_candidates(config, "contextsconf", SHIPPED)


def read_contexts_file(config: Mapping[str, Any]) -> ContextsFile:
    """The file that `config` names. Raises TemplateError naming file and line if it cannot be used."""
    paths = contexts_paths(config)
    path = next((path for path in paths if not _missing(path)), paths[-1])
    return parse_contexts_file(read_text(path), str(path))


def _missing(path: Path) -> bool:
    """Whether nobody put a file there; one that cannot be reached is not missing, it is a mistake to report."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def parse_contexts_file(text: str, name: str) -> ContextsFile:
    """`text` parsed; `name` is the file's for messages. Raises TemplateError naming it and the line."""
    lines = LINE_END.split(text)
    sections: dict[str, list[Option]] = {}
    for section, option in _options(lines, name):
        sections.setdefault(section, []).extend(option)
    common = sections.pop(COMMON_SECTION, [])
    for mandatory in (DEFAULT_SECTION, FEATURES_SECTION):
        if mandatory not in sections:
            last = len(LINE_END.split(text.rstrip()))
            raise TemplateError(f"{name} line {last}: the file ends without a section [{mandatory}]")
    return ContextsFile({section: _section(common + options) for section, options in sections.items()})


def _section(options: list[Option]) -> Section:
    return Section(
        tuple(option for option in options if option[0] != OBJECT_OPTION),
        tuple(value for option, value in options if option == OBJECT_OPTION),
    )


def _options(lines: list[str], name: str) -> Iterator[tuple[str, list[Option]]]:
    """Section by section as the headers come, then option by option: the section's name and what it gains."""
    section: str | None = None
    above: int | None = None  # indentation of the option on the line above
    for number, raw in enumerate(lines, start=1):
        line = COMMENT.sub("", raw)
        content = line.strip()
        indentation = len(line) - len(line.lstrip())
        if not content:
            above = None
        elif above is not None and indentation > above:
            raise TemplateError(f"{name} line {number}: more indented than the option above, lines cannot be continued")
        elif header := HEADER.match(content):
            section, above = header[1], None
            yield section, []
        elif section is None:
            raise TemplateError(f"{name} line {number}: expected a [section] before anything else, got {content!r}")
        else:
            above = indentation
            yield section, [_option(content, f"{name} line {number}")]


def _option(content: str, place: str) -> Option:
    option = OPTION.match(content)
    if option is None:
        raise TemplateError(f"{place}: expected `name = value` or [section], got {content!r}")
    option_name = option[1].strip().lower()
    if not option_name:
        raise TemplateError(f"{place}: expected a name before {content[0]!r}")
    return option_name, option[2].strip()
