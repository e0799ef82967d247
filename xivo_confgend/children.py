"""Running a module of ours in a process of its own: for what would block the reactor, or load strangers' code.

All of it blocks and is called from threads. What a child writes goes to a file or is read piece by piece, so
that none of it is held here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from xivo_confgend.exceptions import ConfgendError

PIECE = 1 << 16


class ChildError(ConfgendError):
    """The process ended without a result; the text is the last line it said."""


def kill(child: subprocess.Popen[Any]) -> None:
    """Kill a process that was started in a session of its own, and every process of its group; no error if it ended."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def run_limited(
    command: Sequence[str], seconds: float, given: bytes | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run `command` with `given` on its standard input and `options` of `subprocess.Popen`.

    Raises `subprocess.TimeoutExpired` after so many `seconds`, having killed it and the processes that it started,
    and OSError if it cannot be started.
    """
    if given is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(command, start_new_session=True, **options) as child:
        try:
            output, errors = child.communicate(given, seconds)
        except BaseException:
            kill(child)
            raise
        return subprocess.CompletedProcess(command, child.returncode, output, errors)


class Children:
    """The processes that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, module: str, given: bytes, output: BinaryIO, seconds: float) -> None:
        """Run `python -m module` with `given` on its input and `output` as its output.

        Raises ChildError if it ends badly, or is killed after so many `seconds`.
        """
        child = self._start([module], subprocess.PIPE, output)
        try:
            _, said = child.communicate(given, seconds)
        except subprocess.TimeoutExpired as error:
            kill(child)
            child.communicate()
            raise ChildError(f"took longer than {seconds:g} s") from error
        finally:
            self._running.discard(child)
        _check(child, said)

    def pieces(self, module: str, argument: str, given: BinaryIO) -> Iterator[bytes]:
        """What `python -m module argument` writes, with the file `given` as its input. Raises ChildError as `run` does.

        It ends with the iterator.
        """
        child = self._start([module, argument], given, subprocess.PIPE)
        output, errors = child.stdout, child.stderr
        assert output is not None
        assert errors is not None
        try:
            while piece := output.read1(PIECE):  # type: ignore[attr-defined]
                yield piece
            said = errors.read()
            child.wait()
        finally:
            kill(child)
            child.communicate()
            self._running.discard(child)
        _check(child, said)

    def _start(self, arguments: list[str], given: BinaryIO | int, output: BinaryIO | int) -> subprocess.Popen[bytes]:
        # -P: it loads what is installed, whatever the current directory holds.
        command = [sys.executable, "-P", "-m", *arguments]
        try:
            child = subprocess.Popen(
                command, stdin=given, stdout=output, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise ChildError(f"cannot start: {error.strerror}") from error
        self._running.add(child)
        return child

    @property
    def running(self) -> int:
        """How many run now."""
        return len(self._running)

    def kill(self) -> None:
        """End all of them now."""
        for child in list(self._running):
            kill(child)


def _check(child: subprocess.Popen[bytes], said: bytes) -> None:
    if child.returncode != 0:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise ChildError(" ".join(lines[-1].split()) if lines else f"ended with {child.returncode}")
