"""The daemon's log: lines appended to a file that may be rotated at any time, or written to standard error.

Logging never decides whether files are served or the daemon stops or reloads: nothing here raises, and nothing
waits for the reader of a pipe. A line that the file does not take goes to standard error.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xivo_confgend.config import Settings

LOG_FORMAT = "%(asctime)s [%(process)d] (%(levelname)s) (%(name)s): %(message)s"
QUIET = ("twisted", "stevedore")
"""Loggers of libraries that are heard from warnings on."""
FILE_MODE = 0o640
RETRY = 10.0
"""Seconds after which a file that could not be written is tried again."""
PIECE = select.PIPE_BUF
"""Bytes that a pipe takes at once when it says that it takes any."""


class Log(logging.Handler):
    """Appends to the file `path`; without one, or while it cannot be written, to standard error.

    A file that was renamed or removed is made anew. One that cannot be written is told once and tried again after
    `RETRY` seconds.
    """

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(LOG_FORMAT))
        self.path = path
        self._file: int | None = None
        self._identity = (0, 0)
        self._retry_at = 0.0
        self._failing = False
        self._elsewhere = 0
        self._lost = 0
        self._open_line = False

    def use(self, path: str | None) -> None:
        """Append to `path` from the next line on."""
        with self.lock or contextlib.nullcontext():
            self._close()
            self.path, self._retry_at, self._failing, self._elsewhere = path, 0.0, False, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, whatever happens."""
        with contextlib.suppress(Exception):
            line = self._written(record)
            if self.path is None or not self._append(self.path, line):
                self._to_standard_error(line)

    def close(self) -> None:
        """Write no more to the file."""
        self._close()
        super().close()

    def _written(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as error:
            text = self._note(logging.ERROR, f"a line of {record.name} cannot be written: {type(error).__name__}")
        return f"{text}\n".encode("utf-8", "backslashreplace")

    def _note(self, level: int, text: str) -> str:
        return self.format(
            logging.makeLogRecord({"name": __name__, "levelname": logging.getLevelName(level), "msg": text})
        )

    def _append(self, path: str, line: bytes) -> bool:
        """Whether the file took the line."""
        if self._failing and time.monotonic() < self._retry_at:
            self._elsewhere += 1
            return False
        try:
            if self._file is None or _identity(path) != self._identity:
                self._open(path)
            if self._failing:
                told = f"{path} is written again; {self._elsewhere} lines went to standard error meanwhile"
                self._write(f"{self._note(logging.WARNING, told)}\n".encode())
                self._failing, self._elsewhere = False, 0
            self._write(line)
        except OSError as error:
            self._give_up(path, error)
            return False
        return True

    def _open(self, path: str) -> None:
        self._close()
        # Not to wait for a reader where the file is a pipe.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
        self._file = os.open(path, flags, FILE_MODE)
        status = os.fstat(self._file)
        before, self._identity = self._identity, (status.st_dev, status.st_ino)
        self._open_line = self._open_line and before == self._identity

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        rest = memoryview(b"\n" + line if self._open_line else line)
        while rest:
            # A full disk takes a part of a line.
            rest = rest[os.write(self._file, rest) :]
            self._open_line = bool(rest)

    def _give_up(self, path: str, error: OSError) -> None:
        self._retry_at = time.monotonic() + RETRY
        self._elsewhere += 1
        if not self._failing:
            self._failing = True
            told = f"log file {path}: {error.strerror}; the log goes to standard error until it can be written"
            self._to_standard_error(f"{self._note(logging.ERROR, told)}\n".encode())
        self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)

    def _to_standard_error(self, line: bytes) -> None:
        if sys.stderr is None:
            return
        if self._lost:
            lost = f"{self._lost} lines of the log lost"
            line = f"{self._note(logging.WARNING, lost)}\n".encode() + line
        try:
            _write_without_waiting(sys.stderr.fileno(), line)
        except OSError:
            self._lost += 1
        else:
            self._lost = 0


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _write_without_waiting(descriptor: int, data: bytes) -> None:
    """Write all of `data`. Raises OSError where that would mean to wait for a reader."""
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    rest = memoryview(data)
    while rest:
        if not ready.poll(0):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        rest = rest[os.write(descriptor, rest[:PIECE]) :]


def problem(path: str | None) -> str:
    """Why this process could not append to the log file `path`; empty if it could. Makes no file."""
    if path is None:
        return ""
    place = Path(path)
    if place.is_dir():
        return os.strerror(errno.EISDIR)
    if not place.parent.is_dir():
        return os.strerror(errno.ENOENT)
    return "" if os.access(place if place.exists() else place.parent, os.W_OK) else os.strerror(errno.EACCES)


def set_up_logging(settings: Settings) -> None:
    """Log to `log_filename`, or to standard error, at the level of `settings`; may be called again for others."""
    root = logging.getLogger()
    log = next((one for one in root.handlers if isinstance(one, Log)), None)
    if log is None:
        log = Log(settings.log_filename)
        logging.basicConfig(handlers=[log], force=True)
    if log.path != settings.log_filename:
        logging.getLogger(__name__).warning("the log goes on in %s", settings.log_filename or "standard error")
        log.use(settings.log_filename)
    root.setLevel(settings.logging_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
