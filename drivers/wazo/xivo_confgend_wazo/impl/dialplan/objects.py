"""The lines of each extension of a context, made from the object template of its section.

Rules of docs/spec/20-extensions.conf.md sections 2.3 and 5. The template is taken apart once for all extensions of a
context, and their lines are joined in one go. Placeholders are replaced in the order of section 2.3, so that what
stands in for one may hold those that come after it (quirk Q4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import chain, groupby, repeat

PLACEHOLDER = re.compile("%%(EXTEN|PRIORITY|ACTION|TENANT_UUID)%%")
MARK = "%%"
PRIORITY = "1"


class Slot(Enum):
    """What differs from object to object."""

    EXTEN = "EXTEN"
    ACTION = "ACTION"


Part = str | Slot


class ObjectTemplate:
    """The object template `lines` for the extensions of one `context`."""

    def __init__(self, lines: Sequence[str], context: str, tenant_uuid: str) -> None:
        self._tenant_uuid = tenant_uuid
        constants = {"PRIORITY": PRIORITY, "TENANT_UUID": tenant_uuid}
        self._lines = [list(_trimmed(_parts(line, context, constants))) for line in lines]
        self._object = list(_merged(chain(chain.from_iterable([*line, "\n"] for line in self._lines), ["\n"])))
        self._ends_in_exten = any(line[-1] is Slot.EXTEN for line in self._lines)

    def write(self, extens: Sequence[str], actions: Sequence[str]) -> str:
        """The objects one after the other, each with an empty line after it."""
        if MARK in "".join(actions):
            actions = [action.replace("%%TENANT_UUID%%", self._tenant_uuid) for action in actions]
        if MARK in "".join(extens):
            extens = list(map(self._expand, extens, actions))
        if self._ends_in_exten:
            return "".join(map(self._write_line_by_line, extens, actions))
        values = {Slot.EXTEN: extens, Slot.ACTION: actions}
        columns = [values[part] if isinstance(part, Slot) else repeat(part, len(extens)) for part in self._object]
        return "".join(chain.from_iterable(zip(*columns, strict=True)))

    def _expand(self, exten: str, action: str) -> str:
        expanded = exten.replace("%%PRIORITY%%", PRIORITY).replace("%%ACTION%%", action)
        return expanded.replace("%%TENANT_UUID%%", self._tenant_uuid)

    def _write_line_by_line(self, exten: str, action: str) -> str:
        """One object; lines are trimmed when they are complete, because `exten` may end in a space."""
        values = {Slot.EXTEN: exten, Slot.ACTION: action}
        lines = ("".join(values[part] if isinstance(part, Slot) else part for part in line) for line in self._lines)
        return "".join(f"{line.strip()}\n" for line in lines) + "\n"


def _parts(line: str, context: str, constants: Mapping[str, str]) -> Iterator[Part]:
    """`line` with its option name, cut at what differs from object to object."""
    yield "exten = " if line.startswith("%%EXTEN%%") else "same  =     "
    for number, part in enumerate(PLACEHOLDER.split(line.replace("%%CONTEXT%%", context))):
        is_placeholder = number % 2
        if not is_placeholder:
            yield part
        else:
            yield constants[part] if part in constants else Slot(part)


def _merged(parts: Iterable[Part]) -> Iterator[Part]:
    """`parts` with neighbouring texts in one, without empty ones."""
    for is_slot, group in groupby(parts, key=lambda part: isinstance(part, Slot)):
        if is_slot:
            yield from group
        elif text := "".join(map(str, group)):
            yield text


def _trimmed(parts: Iterable[Part]) -> Iterator[Part]:
    """A line's `parts`, merged, without white space at its end."""
    *most, last = _merged(parts)
    yield from most
    if isinstance(last, Slot):
        yield last
    elif last.rstrip():
        yield last.rstrip()
