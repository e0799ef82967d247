"""Follows a page of the documentation literally: writes its files, runs its commands, compares what they print.

Blocks of `sh` run in one shell, blocks with a caption are files, and a block of `text` holds lines that the
commands before it print, in this order. `python -m integration_tests.suite.helpers.tutorial PAGE` follows a page
in the current directory and prints the transcript.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(?P<head>.*)\n(?P<body>(?:.*\n)*?)```$", re.MULTILINE)
CAPTION = re.compile(r":caption: (?P<path>.+)\n\n?")
DONE = "--- end of block, status "


@dataclass(frozen=True)
class Block:
    """One fenced block. `kind`: `file`, `commands` or `output`; `path`: of a file."""

    kind: str
    text: str
    path: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in MyST Markdown that a reader is to do something with."""
    for match in BLOCK.finditer(page):
        caption = CAPTION.match(match["body"])
        if caption:
            yield Block("file", match["body"][caption.end() :], caption["path"])
        elif match["head"] in {"sh", "text"}:
            yield Block({"sh": "commands", "text": "output"}[match["head"]], match["body"])


class Shell:
    """A bash in `directory` that takes one block of commands after the other, and is gone with all it started."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=directory,
            env=dict(environment),
            start_new_session=True,
        )

    def run(self, commands: str) -> str:
        """What `commands` print. Raises AssertionError if one of them fails."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"set -e\n{commands}\nset +e\necho '{DONE}'$?\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.startswith(DONE):
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"these commands fail:\n{commands}\n{''.join(printed)}")

    def close(self) -> None:
        """End it and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def follow(page: str, directory: Path, environment: Mapping[str, str], say: Callable[[str], object]) -> None:
    """Do what `page` says in `directory`; `say` gets the transcript. Raises AssertionError where it is wrong."""
    shell = Shell(directory, environment)
    printed = ""
    try:
        for block in blocks(page):
            if block.kind == "file":
                path = directory / block.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, "utf-8")
                say(f"(wrote {block.path}, {block.text.count(chr(10))} lines)")
            elif block.kind == "commands":
                say("\n".join(f"$ {line}" for line in block.text.splitlines()))
                printed = shell.run(block.text)
                say(printed.rstrip("\n"))
            else:
                compare(block.text, printed)
    finally:
        shell.close()


def compare(expected: str, printed: str) -> None:
    """Each line of `expected` is part of a later line of `printed` than the one before. Raises AssertionError."""
    lines = iter(printed.splitlines())
    for wanted in expected.splitlines():
        assert any(wanted in line for line in lines), f"{wanted!r} is not, or not in this place, in:\n{printed}"


if __name__ == "__main__":
    follow(Path(sys.argv[1]).read_text("utf-8"), Path.cwd(), os.environ, print)
