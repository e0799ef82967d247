"""What worker processes write into pipes, read in the reactor: reports, and the lines that drivers print."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from multiprocessing.connection import Connection

from twisted.internet import fdesc
from twisted.internet.abstract import FileDescriptor
from twisted.internet.base import ReactorBase

from xivo_confgend.client.wording import counted
from xivo_confgend.exceptions import LONGEST_LINE, one_line

logger = logging.getLogger(__name__)

MOST_PRINTED = 20
"""Lines of one generation that are logged; what is printed after them is counted."""
PIPE_SIZE = 1 << 16
"""Bytes that a pipe holds: see pipe(7)."""


class PipeReader(FileDescriptor):
    """Calls `received` in the reactor with what arrives in the pipe `connection`, which stays the caller's."""

    def __init__(self, reactor: ReactorBase, connection: Connection, received: Callable[[bytes], None]) -> None:
        super().__init__(reactor)  # type: ignore[arg-type]
        self._descriptor = connection.fileno()
        self._received = received
        os.set_blocking(self._descriptor, False)

    def fileno(self) -> int:
        """The descriptor of the pipe."""
        return self._descriptor

    def start(self) -> None:
        """Begin to read."""
        self.startReading()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Read no more."""
        self.stopReading()  # type: ignore[no-untyped-call]

    def doRead(self) -> Exception | None:
        """Something has arrived."""
        failed: Exception | None = fdesc.readFromFD(self._descriptor, self._received)
        return failed

    def read_rest(self) -> None:
        """Take what has arrived already, at most as much as a pipe holds."""
        with contextlib.suppress(BlockingIOError):
            if data := os.read(self._descriptor, PIPE_SIZE):
                self._received(data)


class PrintedLines:
    """What the drivers of one process print: each line goes to the log, bounded and without control characters."""

    def __init__(self) -> None:
        self._source = "a worker process"
        self._begun = b""
        self._count = 0

    def received(self, data: bytes) -> None:
        """A piece of what is printed."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        # The rest of an endless line is dropped; a character has at most four bytes.
        self._begun = self._begun[: 4 * LONGEST_LINE + 1]
        for line in lines:
            self._log(line)

    def belong_to(self, source: str) -> None:
        """What is printed from now on is printed by `source`; what was not logged until now is counted."""
        if self._begun:
            self._log(self._begun)
        if self._count > MOST_PRINTED:
            logger.info("%s printed %s", self._source, counted(self._count - MOST_PRINTED, "more line"))
        self._source, self._begun, self._count = source, b"", 0

    def _log(self, line: bytes) -> None:
        text = one_line(line.decode("utf-8", "replace"))
        if text:
            self._count += 1
            if self._count <= MOST_PRINTED:
                logger.info("%s printed: %s", self._source, text)
