"""What belongs to a worker process and not to a driver: restored after every job, and limited from its start."""

from __future__ import annotations

import contextlib
import fcntl
import locale
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO, TypeVar

T = TypeVar("T")
F_SETOWN_EX, F_GETOWN_EX, F_OWNER_PGRP = 15, 16, 2
OWNER = struct.Struct("ii")
"""Who gets the signals of a descriptor: see fcntl(2)."""
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
FORKED = 1
"""Exit status of a process that a driver forked and that raised an exception."""


@dataclass(frozen=True)
class ProcessState:
    """Working directory, umask, locale, environment and standard output of this process."""

    directory: str
    umask: int
    locale: str
    environment: dict[str, str]
    output: tuple[TextIO, TextIO]
    descriptors: tuple[int, int]

    @classmethod
    def current(cls) -> ProcessState:
        """As it is now."""
        umask = os.umask(0o077)
        os.umask(umask)
        return cls(
            directory=_directory(),
            umask=umask,
            locale=locale.setlocale(locale.LC_ALL),
            environment=dict(os.environ),
            output=(sys.stdout, sys.stderr),
            descriptors=(os.dup(STANDARD_OUTPUT), os.dup(STANDARD_ERROR)),
        )

    def restore(self) -> None:
        """Make it what it was. Never raises: what a driver made impossible is left to the next one."""
        for step in (self._restore_output, self._restore_directory, self._restore_environment, self._restore_locale):
            with contextlib.suppress(Exception):
                step()
        os.umask(self.umask)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _restore_output(self) -> None:
        for stream in {sys.stdout, sys.stderr, *self.output}:
            with contextlib.suppress(Exception):
                stream.flush()
        os.dup2(self.descriptors[0], STANDARD_OUTPUT)
        os.dup2(self.descriptors[1], STANDARD_ERROR)
        sys.stdout, sys.stderr = (
            _stream(number) if stream.closed else stream
            for number, stream in zip((STANDARD_OUTPUT, STANDARD_ERROR), self.output, strict=True)
        )

    def _restore_directory(self) -> None:
        if _directory() != self.directory:
            os.chdir(self.directory)

    def _restore_environment(self) -> None:
        if os.environ != self.environment:
            zone = os.environ.get("TZ")
            os.environ.clear()
            os.environ.update(self.environment)
            if zone != os.environ.get("TZ"):
                time.tzset()

    def _restore_locale(self) -> None:
        if locale.setlocale(locale.LC_ALL) != self.locale:
            locale.setlocale(locale.LC_ALL, self.locale)


def _directory() -> str:
    """The working directory, the root if it was removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return "/"


def print_to(output: Connection) -> None:
    """Let whatever is written to standard output and standard error go to `output`, line by line."""
    os.dup2(output.fileno(), STANDARD_OUTPUT)
    os.dup2(output.fileno(), STANDARD_ERROR)
    sys.stdout, sys.stderr = _stream(STANDARD_OUTPUT), _stream(STANDARD_ERROR)


def _stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def end_with(alive: Connection) -> None:
    """Have the system kill this process group when `alive` is closed at the other end, whatever a driver does then.

    What an earlier worker of the same pipe left behind, having ended by itself, is killed now.
    """
    util.Finalize(None, _end_others, exitpriority=0)
    kind, earlier = OWNER.unpack(fcntl.fcntl(alive, F_GETOWN_EX, OWNER.pack(0, 0)))
    fcntl.fcntl(alive, F_SETOWN_EX, OWNER.pack(F_OWNER_PGRP, os.getpid()))
    fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)
    if alive.poll():
        os.killpg(os.getpid(), signal.SIGKILL)
    if kind == F_OWNER_PGRP and earlier not in (0, os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(earlier, signal.SIGKILL)


def _end_others() -> None:
    """Kill the rest of the process group when this process ends by itself.

    With its end of the pipe closed, closing the other end would signal no process.
    """
    ours = os.getpid()
    for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with contextlib.suppress(OSError):
            if pid != ours and os.getpgid(pid) == ours:
                os.kill(pid, signal.SIGKILL)


def limit_memory(size: int) -> None:
    """Let this process have an address space of `size` bytes; 0: as much as it had before."""
    if size:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def in_one_process(call: Callable[[], T]) -> T:
    """What `call` returns in this process. A process that `call` forked and that returns or raises ends here."""
    process = os.getpid()
    try:
        result = call()
    except BaseException as error:
        if os.getpid() != process:
            _end_forked(error)
        raise
    if os.getpid() != process:
        _end_forked(None)
    return result


def pieces_in_one_process(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces`, each as `in_one_process` takes it."""
    while (piece := in_one_process(lambda: next(pieces, None))) is not None:
        yield piece


def _end_forked(error: BaseException | None) -> None:
    """End without any clean-up: files and connections are those of the process that forked."""
    status = 0 if error is None else FORKED
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    os._exit(status & 0xFF)
