"""What the daemon knows of the database without generating: its state, and whether it is away."""

from __future__ import annotations

import logging
import time
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from xivo_confgend.client.wording import counted
from xivo_confgend.database.postgresql.probe import PROBE_LIMIT, Probe
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.failure_reasons import explain_away

logger = logging.getLogger(__name__)


class Outage:
    """One log line when the database goes away, one when it comes back, however many requests notice."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._failures = 0

    def noticed(self, reason: str, refused: bool = False) -> None:
        """A generation failed because the database is away, or refuses the connection; `reason` says it then."""
        self._failures += 1
        if self.since is None:
            self.since = time.time()
            what = reason if refused else f"the database is away: {reason}"
            logger.error("%s; files are served from the last good ones, where there are any", what)

    def over(self) -> None:
        """The database answered."""
        if self.since is not None:
            logger.warning(
                "the database is back after %.1f s, %s failed",
                time.time() - self.since,
                counted(self._failures, "generation"),
            )
            self.since, self._failures = None, 0


class GroupedProbe:
    """Reads of the database's state: each begins after it was asked for, all who ask meanwhile share the next one."""

    def __init__(self, reactor: Any, probe: Probe) -> None:
        self._reactor = reactor
        self._probe = probe
        self._threads = ThreadPool(minthreads=1, maxthreads=1, name="probe")
        self._threads.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]
        self._running = False
        self._next: list[Deferred[DatabaseState | None]] = []
        self.problem = ""
        """Why the database did not tell its state the last time."""

    def start(self) -> None:
        """Start the thread that asks."""
        self._threads.start()

    async def stop(self) -> None:
        """End what is asked now, and the thread."""
        if self._threads.started:
            self._probe.abort()
            await deferToThreadPool(self._reactor, self._threads, self._probe.close)
            self._threads.stop()

    def read(self) -> Deferred[DatabaseState | None]:
        """The state at some moment after this call; None if the database does not tell."""
        asked: Deferred[DatabaseState | None] = Deferred()
        self._next.append(asked)
        if not self._running:
            self._begin()
        return asked

    def _begin(self) -> None:
        asking, self._next = self._next, []
        self._running = bool(asking)
        if not asking:
            return
        reading = deferToThreadPool(self._reactor, self._threads, self._read)
        limit = self._reactor.callLater(PROBE_LIMIT, self._probe.abort)

        def tell(state: DatabaseState | None) -> None:
            if limit.active():
                limit.cancel()
            self._begin()
            for one in asking:
                one.callback(state)

        reading.addErrback(lambda failure: logger.error("probe: %s", failure.getTraceback())).addCallback(tell)

    def _read(self) -> DatabaseState | None:
        """In the thread."""
        try:
            return self._probe.read()
        except Exception as error:
            self.problem = explain_away(error, self._probe.uri).text
            logger.debug("no state from the database: %s", self.problem)
            return None
