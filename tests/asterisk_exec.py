"""Runs `confgen` as Asterisk runs a program by `#exec`: by a shell, its output in a file, which it reads."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import Any

from tests.fake_daemon import FakeDaemon

NAME = "asterisk/pjsip.conf"
COMMENT = re.compile(rb"; confgen: [^\n]*\n")
NOWHERE = "/nonexistent/config.conf"
NUMBERS = itertools.count(os.getpid() * 1000)
TIMEOUT = 60

Prepare = Callable[[], object]


@dataclass(frozen=True)
class Execution:
    """What one `#exec` gave: what was printed, the lines that Asterisk logs as errors, and the exit status."""

    printed: bytes
    errors: list[str]
    status: int
    mode: int = 0


def run_by_exec(arguments: Sequence[str], older: bool = False, prepare: Prepare | None = None) -> Execution:
    """Run `confgen` with `arguments` by `#exec`; `older`: with both outputs in one file, as older Asterisks do.

    `prepare` is called in the process before it becomes the shell.
    """
    path = Path(f"/var/tmp/exec.{next(NUMBERS)}.{os.getpid()}")
    command = join([sys.executable, "-m", "xivo_confgend.client", *arguments])
    redirection = f"> {path} 2>&1" if older else f"2>&1 > {path}"
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {redirection}"],
            stdout=subprocess.PIPE, timeout=TIMEOUT, preexec_fn=prepare, check=False,
        )  # fmt: skip
        return Execution(path.read_bytes(), done.stdout.decode().splitlines(), done.returncode, path.stat().st_mode)
    finally:
        path.unlink(missing_ok=True)


class OneLine:
    """`#exec "confgen asterisk/pjsip.conf"`: Asterisk loads what is printed. Copies are kept in `directory`."""

    def __init__(self, directory: Path, name: str = NAME) -> None:
        self.directory = directory
        self.name = name
        self.kept = directory / "copies" / name
        self._config = directory / "config.conf"
        self._config.write_text(f"[confgen]\nfallback_dir = {directory / 'copies'}\n")

    def arguments(self, port: int, *more: str) -> list[str]:
        """The command line."""
        return ["-c", str(self._config), "-p", str(port), self.name, *more]

    def loaded(self, done: Execution) -> bytes | None:
        """What Asterisk loads after `done`."""
        return done.printed


class TwoLines:
    """The recommended two lines: Asterisk loads the file that was written, and a comment before it."""

    def __init__(self, directory: Path, name: str = NAME) -> None:
        self.directory = directory
        self.name = name
        self.kept = directory / "lib" / Path(name).name
        self.kept.parent.mkdir()

    def arguments(self, port: int, *more: str) -> list[str]:
        """The command line of the first line."""
        return ["-c", NOWHERE, "-p", str(port), "--output", str(self.kept), self.name, *more]

    def loaded(self, done: Execution) -> bytes | None:
        """What Asterisk loads after `done`, None if there is no file; whatever is printed has to be one comment."""
        assert COMMENT.fullmatch(done.printed), done.printed
        return self.kept.read_bytes() if self.kept.exists() else None


Form = OneLine | TwoLines
FORMS: tuple[type[Form], ...] = (OneLine, TwoLines)


def fetch(form: Form, daemon: FakeDaemon, *more: str, **how: Any) -> Execution:
    """Run the line of `form` with `more` options against `daemon`; `how`: of `run_by_exec`."""
    return run_by_exec(form.arguments(daemon.port, *more), **how)


def files_below(directory: Path) -> set[str]:
    """The paths of all files in `directory`, relative to it."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}
