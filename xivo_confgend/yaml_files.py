"""Reading a YAML file of the configuration: safely, with the tag `!exec`, every mistake told with file and line."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xivo_confgend.children import run_limited
from xivo_confgend.exceptions import ConfigurationError, one_line

EXEC_TIMEOUT = 10
MERGE = "tag:yaml.org,2002:merge"
"""The key `<<`."""
QUOTED_VALUE = re.compile(r"\b(alias|anchor|tag) (['\"]).*\2")


@dataclass(frozen=True)
class ReadFile:
    """What a file says: `mapping`, and for each key that it gives more than once a line in `duplicates`.

    The last value of such a key is the one in `mapping`.
    """

    mapping: dict[str, Any]
    duplicates: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Safe loading plus the tag `!exec` (docs/spec/30-daemon.md section 5); no value may hold itself."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._open: list[Any] = []

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node."""
        if self.check_event(yaml.AliasEvent) and self.current_event.anchor in self._open:
            raise yaml.composer.ComposerError(None, None, "a value that holds itself", self.current_event.start_mark)
        return super().compose_node(parent, index)

    def compose_sequence_node(self, anchor: Any) -> Any:
        """The sequence that begins here."""
        self._open.append(anchor)
        node = super().compose_sequence_node(anchor)
        self._open.pop()
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """The mapping that begins here."""
        self._open.append(anchor)
        node = super().compose_mapping_node(anchor)
        self._open.pop()
        return node


def _execute(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.constructor.ConstructorError(
            None, None, "!exec takes a mapping with the key command", node.start_mark
        )
    command = loader.construct_mapping(node).get("command")
    if not command:
        return None
    try:
        done = run_limited(str(command).split(" "), EXEC_TIMEOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        done.check_returncode()
        return yaml.safe_load(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError, yaml.YAMLError) as error:
        # The output may be the secret itself, so only the kind of failure is told.
        problem = f"!exec command failed ({type(error).__name__})"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("!exec", _execute)


def read_file(path: Path) -> ReadFile:
    """The mapping in the YAML file at `path`; an empty file is an empty mapping.

    Raises ConfigurationError naming the file and, where it applies, the line.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 at byte {error.start}") from error
    try:
        content, duplicates = _parse(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        # Of a secret that begins with ! or * and lacks its quotes, YAML makes a tag or an alias, and quotes it.
        problem = QUOTED_VALUE.sub(r"\1", error.problem or error.context or "")
        raise ConfigurationError(f"{path}{line}: not valid YAML: {problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{path}: not valid YAML: nested too deeply") from error
    if content is None:
        return ReadFile({})
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: expected a mapping of keys to values, found {name_of(content)}")
    return ReadFile(content, tuple(f"{path}: {line}" for line in duplicates))


def _parse(text: str) -> tuple[Any, list[str]]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, []
        # Before the values are made: that puts the keys of `<<` beside the others, which may name them anew.
        duplicates = list(_duplicates(loader, node, (), set()))
        return loader.construct_document(node), duplicates
    finally:
        loader.dispose()


def _duplicates(loader: _Loader, node: yaml.Node, above: tuple[str, ...], seen: set[int]) -> Iterator[str]:
    """A line for each key that a mapping in `node`, which is under the keys `above`, gives more than once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for element in node.value:
            yield from _duplicates(loader, element, above, seen)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[Hashable, list[int]] = {}
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
            # The same key may be written in several ways: `a`, `"a"`.
            lines.setdefault(loader.construct_object(key), []).append(key.start_mark.line + 1)
            yield from _duplicates(loader, value, (*above, str(key.value)), seen)
    for name, places in lines.items():
        if len(places) > 1:
            path = one_line(" > ".join([*above, str(name)]))
            told = ", ".join(map(str, places[:-1]))
            times = "twice" if len(places) == 2 else f"{len(places)} times"
            yield f"key {path} is given {times}, on lines {told} and {places[-1]}; the last one counts"


def name_of(value: object) -> str:
    """What `value` is, in the words of YAML."""
    names = {str: "text", list: "a list", dict: "a mapping", bool: "a boolean", type(None): "null"}
    return names.get(type(value), f"the number {value}" if isinstance(value, (int, float)) else type(value).__name__)
