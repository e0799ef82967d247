"""The history with a thread that does one step when the test says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.python.failure import Failure

from xivo_confgend.database.queries import Limits
from xivo_confgend.history import History
from xivo_confgend.names import FileName
from xivo_confgend.store import Facts, Store


class OneThread:
    """A thread pool of one thread that does one job when told to, and tells its result when told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[..., None], Callable[[], object]]] = []
        self.results: list[Callable[[], None]] = []

    def start(self) -> None:
        """As a real pool."""

    def stop(self) -> None:
        """As a real pool."""

    def callInThreadWithCallback(self, tell: Callable[..., None], job: Callable[[], object], *_: object) -> None:
        """As a real pool."""
        self.jobs.append((tell, job))

    def work(self) -> None:
        """Do the next job."""
        tell, job = self.jobs.pop(0)
        try:
            result, success = job(), True
        except Exception:
            result, success = Failure(), False
        self.results.append(lambda: tell(success, result))

    def tell(self) -> None:
        """Tell the next result."""
        self.results.pop(0)()

    def finish(self) -> None:
        """Do and tell everything."""
        while self.jobs or self.results:
            if self.results:
                self.tell()
            else:
                self.work()


class Reactor(Clock):
    """Time that stands still, and nothing but the test's own thread."""

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Call it now."""
        function(*arguments)

    def addSystemEventTrigger(self, *_: object) -> object:
        """As a real one."""
        return object()

    def removeSystemEventTrigger(self, _: object) -> None:
        """As a real one."""


def history_of(store: Store, threads: OneThread) -> History:
    """A history of `store` that works in `threads`; not started."""
    history = History(Reactor(), store, Limits(10, 1 << 30, 1 << 30, 10))
    history._threads = threads  # type: ignore[assignment]
    return history


def digest_of(content: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def commit(store: Store, name: FileName, content: bytes, at: float = 1000.0) -> Facts:
    """Let `store` hold `content`, generated `at`; returns its facts."""
    staged = store.staging_path(name, 1)
    staged.write_bytes(content)
    facts = Facts(len(content), digest_of(content), generated=at, lines=content.count(b"\n"))
    store.commit(name, staged, facts)
    return facts
