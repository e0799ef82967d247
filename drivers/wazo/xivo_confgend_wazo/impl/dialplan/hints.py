"""The hints of the dialplan: the devices whose state an extension shows (docs/spec/21-hints.md).

Order: the global ones by user id, first users without line, then those with a main line, then the others; those of a
context by kind, then by user, conference or filter member, then by extension or position of the key. Of two on one
extension of a context the first counts.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from xivo_confgend.plugin_helpers.wording import counted
from xivo_confgend_wazo.impl.dialplan.patterns import FunctionKeyExtens
from xivo_confgend_wazo.impl.queries.hints import (
    Kind,
    conference_extensions,
    filter_members,
    function_keys,
    main_extensions,
    user_lines,
)
from xivo_confgend_wazo.impl.queries.large_results import Reader

logger = logging.getLogger(__name__)

USER_ID = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)

Contexts = defaultdict[str, dict[str, str]]
"""Devices by context and extension."""


class Prefixes(NamedTuple):
    """What the extensions of programmable function keys and of call filters begin with."""

    function_key: str
    call_filter: str


class Hints:
    """All hints of one generation. Reads what `all_hints` asks when it is made."""

    def __init__(self, prefixes: Prefixes, reader: Reader) -> None:
        lines = user_lines(reader)
        self.of_users = _of_users(lines)
        """The lines of the section `usersharedlines`."""
        extensions = main_extensions(reader)
        self._contexts: Contexts = defaultdict(dict)
        _add_users(self._contexts, lines, extensions)
        _add_conferences(self._contexts, reader)
        keys = function_keys(reader)
        owners = _contexts_of_main_lines(extensions)
        _add_function_keys(self._contexts, keys, owners, prefixes.function_key)
        members = _contexts_of_main_lines([row for row in extensions if not row[-1]])
        _add_call_filters(self._contexts, filter_members(reader), members, prefixes.call_filter)
        _add_custom_keys(self._contexts, keys, owners)

    def of_context(self, name: str) -> str:
        """The lines that belong into the context `name`."""
        hints = self._contexts.get(name, {})
        return "".join([f"exten = {exten},hint,{devices}\n" for exten, devices in hints.items()])


def _of_users(lines: Sequence[Any]) -> str:
    """Section 2. A line without name is left out (quirk Q-H5)."""
    without_line: list[list[str]] = []
    with_main_line: list[list[str]] = []
    with_others: list[list[str]] = []
    nameless = []
    previous, devices = None, [""]
    for user_id, uuid, line_id, main_line, device, _ in lines:
        if uuid is None:
            continue
        if user_id != previous:
            previous, devices = user_id, [f"exten = {uuid},hint,Custom:{uuid}-mobile"]
            (without_line if line_id is None else with_main_line if main_line else with_others).append(devices)
        if device is not None:
            devices.append(device)
        elif line_id is not None:
            nameless.append(line_id)
    if nameless:
        left_out = counted(len(nameless), "line without name is", "lines without name are")
        logger.warning("%s left out, first row %s of linefeatures", left_out, nameless[0])
    users = chain(without_line, with_main_line, with_others)
    return "".join([f"{'&'.join(devices)}\n" for devices in users])


def _add_users(hints: Contexts, lines: Sequence[Any], extensions: Sequence[Any]) -> None:
    """Section 3.1."""
    devices: dict[int, str] = {}
    for user_id, _, _, _, _, device in lines:
        if device is not None:
            devices[user_id] = f"{devices[user_id]}&{device}" if user_id in devices else device
    for user_id, _, exten, context, _, _ in extensions:
        if exten is not None and user_id in devices:
            hints[context].setdefault(exten, devices[user_id])


def _add_conferences(hints: Contexts, reader: Reader) -> None:
    """Section 3.2."""
    for conference_id, _, exten, context in conference_extensions(reader):
        hints[context].setdefault(exten, f"confbridge:{conference_id}")


def _contexts_of_main_lines(extensions: Sequence[Any]) -> dict[int, list[str]]:
    """The contexts of the main extensions of each user's main line."""
    contexts: dict[int, list[str]] = {}
    for user_id, _, _, context, main_line, _ in extensions:
        if main_line:
            contexts.setdefault(user_id, []).append(context)
    return contexts


def _add_function_keys(hints: Contexts, keys: Sequence[Any], owners: dict[int, list[str]], prefix: str) -> None:
    """Sections 3.4 to 3.7."""
    custom = Kind.CUSTOM.value
    key_exten = FunctionKeyExtens(prefix)
    for kind, user_id, feature, argument, _ in keys:
        if kind != custom and user_id in owners:
            exten = key_exten(user_id, feature, argument)
            for context in owners[user_id]:
                hints[context].setdefault(exten, f"Custom:{exten}")


def _add_custom_keys(hints: Contexts, keys: Sequence[Any], owners: dict[int, list[str]]) -> None:
    """Section 3.9."""
    custom = Kind.CUSTOM.value
    for kind, user_id, _, exten, _ in keys:
        if kind == custom:
            for context in owners.get(user_id, ()):
                hints[context].setdefault(exten, f"Custom:{exten}")


def _add_call_filters(hints: Contexts, members: Sequence[Any], contexts: dict[int, list[str]], prefix: str) -> None:
    """Section 3.8: where the member of the filter is; one that is no user is left out (quirk Q-H6)."""
    broken = []
    for member_id, typeval in members:
        if not USER_ID.fullmatch(typeval):
            broken.append(member_id)
            continue
        for context in contexts.get(int(typeval), ()):
            hints[context].setdefault(f"{prefix}{member_id}", f"Custom:{prefix}{member_id}")
    if broken:
        logger.warning(
            "%s left out: column typeval is no number, first in row %s of callfiltermember",
            counted(len(broken), "hint of call filters is", "hints of call filters are"),
            broken[0],
        )
