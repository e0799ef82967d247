"""The pool of worker processes: which job runs on which process, and when.

Long generations never occupy the last worker: a small file does not queue behind large ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall

from xivo_confgend.config import Settings
from xivo_confgend.worker import Failed, Generated, Job, Unchanged
from xivo_confgend.worker_process import WorkerProcess

Outcome = Generated | Unchanged | Failed
IDLE_INTERVAL = 1.0
"""Seconds between two checks that the processes that are idle have not died."""


class _Worker:
    """One process and what it is doing."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.busy = False
        self.long = False


class Workers:
    """`settings.workers` processes that generate with the configuration `config`.

    `submit` never blocks; jobs beyond the free workers wait, short ones first.
    """

    def __init__(self, reactor: ReactorBase, config: Mapping[str, Any], settings: Settings) -> None:
        self._waiting: dict[bool, deque[_Waiting]] = {False: deque(), True: deque()}
        self._workers = [_Worker(WorkerProcess(reactor, config, settings)) for _ in range(settings.workers)]
        self._retired = self._stopped = False
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor  # type: ignore[assignment]

    def start(self) -> None:
        """Start the processes in the background."""
        for one in self._workers:
            one.process.start()
        self._looking.start(IDLE_INTERVAL, now=False)

    def _look(self) -> None:
        for one in self._workers:
            one.process.look()

    @property
    def restarts(self) -> int:
        """How often a process was replaced because it died, hung or broke."""
        return sum(one.process.restarts for one in self._workers)

    @property
    def ready(self) -> int:
        """How many processes are there."""
        return sum(one.process.ready for one in self._workers)

    @property
    def usable(self) -> bool:
        """Whether a file can be generated now, or as soon as a process that was just started is ready."""
        return any(one.process.usable for one in self._workers)

    @property
    def busy(self) -> int:
        """How many workers generate now."""
        return sum(one.busy for one in self._workers)

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return sum(map(len, self._waiting.values()))

    def submit(self, job: Job, long: bool, started: Callable[[], None]) -> Deferred[Outcome]:
        """Run `job`; `started` is called when a worker takes it, the result fires once and is never a failure."""
        waiting = _Waiting(job, long, started)
        if self._stopped:
            waiting.result.callback(Failed("the daemon is stopping"))
            return waiting.result
        self._waiting[long].append(waiting)
        self._dispatch()
        return waiting.result

    def retire(self) -> None:
        """End idle processes now and busy ones after their last job; a job that comes all the same is run."""
        self._retired = True
        self._stop_looking()
        self._let_idle_rest()

    def stop(self) -> Deferred[None]:
        """Kill all processes; what runs or waits fails."""
        self._stop_looking()
        self._stopped = True
        for queue in self._waiting.values():
            while queue:
                queue.popleft().result.callback(Failed("the daemon is stopping"))
        ending = gatherResults([one.process.end() for one in self._workers], consumeErrors=True)
        return ending.addCallback(lambda _: None)

    def _stop_looking(self) -> None:
        if self._looking.running:
            self._looking.stop()

    def _let_idle_rest(self) -> None:
        if self._retired:
            for one in self._workers:
                if not one.busy:
                    one.process.rest()

    def _dispatch(self) -> None:
        for one in self._workers:
            if not one.busy and (waiting := self._next()) is not None:
                self._run(one, waiting)

    def _next(self) -> _Waiting | None:
        if self._waiting[False]:
            return self._waiting[False].popleft()
        allowed = max(1, len(self._workers) - 1)
        if self._waiting[True] and sum(one.busy and one.long for one in self._workers) < allowed:
            return self._waiting[True].popleft()
        return None

    def _run(self, one: _Worker, waiting: _Waiting) -> None:
        one.busy, one.long = True, waiting.long
        waiting.started()

        def finish(outcome: Outcome) -> None:
            one.busy = False
            waiting.result.callback(outcome)
            self._dispatch()
            self._let_idle_rest()

        one.process.run(waiting.job).addCallback(finish)


class _Waiting:
    """A job that no worker has taken yet."""

    def __init__(self, job: Job, long: bool, started: Callable[[], None]) -> None:
        self.job = job
        self.long = long
        self.started = started
        self.result: Deferred[Outcome] = Deferred()
