"""The pool of worker processes, seen from the daemon.

Each worker is a pebble pool of one process, so that one that is killed, hangs or breaks never takes
a generation of another with it. Long generations never occupy the last worker: a small file
does not queue behind large ones.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from multiprocessing import util
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

from pebble import ProcessExpired, ProcessPool
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from xivo_confgend import worker
from xivo_confgend.config import Settings
from xivo_confgend.exceptions import reason_of
from xivo_confgend.worker import Failed, Generated, Job

logger = logging.getLogger(__name__)

Outcome = Generated | Failed
GRACE = 5.0
"""Seconds beyond the time-out that a job may wait for a worker that does not begin it."""
LOOK_INTERVAL = 0.25
"""Seconds between two looks whether a worker is still there."""
BEGIN_LIMIT = 15.0
"""Seconds in which a free worker must have begun a job, its own start included."""
PRELOADED = (
    "xivo_confgend.worker",
    "pebble.pool.process",
    "sqlalchemy.dialects.postgresql.psycopg2",
)
"""What every worker needs: imported once, where they are all forked from."""
LONGEST_TEMPORARY_DIRECTORY = 60
"""Characters: with the names that multiprocessing adds, a socket's path stays below the 107 of unix(7)."""
SHORT_TEMPORARY_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108


def make_room_for_sockets() -> None:
    """Let multiprocessing put its sockets elsewhere where TMPDIR is too long for them, as CPython does from 3.14."""
    given = tempfile.gettempdir()
    short = next((one for one in SHORT_TEMPORARY_DIRECTORIES if os.access(one, os.W_OK)), given)
    tempfile.tempdir = short if len(given) > LONGEST_TEMPORARY_DIRECTORY else given
    try:
        util.get_temp_dir()
    finally:
        tempfile.tempdir = given


class _Worker:
    """One worker process and what it is doing.

    `make_pool` makes a pool of one process around the reading end of a pipe. No other process has the writing end:
    when it is closed, by `replace`, `end` or the end of this process, the system kills the worker and everything
    that a driver started in its process group.
    """

    def __init__(self, make_pool: Callable[[Connection], ProcessPool], context: BaseContext) -> None:
        self._make_pool = make_pool
        self._context = context
        self._begin()
        self.pid = 0
        self.busy = False
        self.long = False
        self.restarts = 0

    def _begin(self) -> None:
        alive, self._living = self._context.Pipe(duplex=False)
        self._pool = self._make_pool(alive)

    def warm_up(self) -> None:
        """Start the process now, so that the next job does not wait for it. Raises RuntimeError or OSError."""
        self._pool.schedule(worker.ping).add_done_callback(self._remember_pid)

    def schedule(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        """Run in the process; makes the pool anew if it is broken.

        Without a time limit of the pool's: that would follow the clock on the wall.
        """
        try:
            future: Future[Any] = self._pool.schedule(function, args=arguments)
        except RuntimeError:
            self.replace()
            future = self._pool.schedule(function, args=arguments)
        return future

    def replace(self) -> None:
        """Kill the process and its group whatever they do, and begin with a new pool."""
        old, living = self._pool, self._living
        self._begin()
        self.restarts += 1
        self.pid = 0
        living.close()
        deferToThread(_end, old).addErrback(lambda failure: logger.debug("pool ended with %s", failure.value))
        deferToThread(self.warm_up).addErrback(lambda failure: logger.debug("no worker: %s", failure.value))

    def lost(self, future: Future[Any]) -> bool:
        """Whether nobody works on `future` any more and pebble does not know.

        It overlooks a process that exits with status 0, and a job that comes while the pool breaks.
        """
        manager = self._pool._pool_manager
        task = next((task for task in list(manager.task_manager.tasks.values()) if task.future is future), None)
        gone = task is not None and bool(task.worker_id) and task.worker_id not in manager.worker_manager.workers
        try:
            return gone or not self._pool.active
        except Exception:
            # Asking starts the pool, and the system may have no process left for us.
            return True

    def end(self) -> None:
        """Kill the process and its group. Blocks."""
        self._living.close()
        _end(self._pool)

    def _remember_pid(self, future: Future[Any]) -> None:
        with contextlib.suppress(BaseException):
            self.pid = future.result()


def _end(pool: ProcessPool) -> None:
    for process in list(pool._pool_manager.worker_manager.workers.values()):
        if process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    pool.stop()
    pool.join(GRACE)


class Workers:
    """`settings.workers` processes that generate with the configuration `config`.

    `submit` never blocks; jobs beyond the free workers wait, short ones first.
    """

    def __init__(self, reactor: ReactorBase, config: Mapping[str, Any], settings: Settings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._waiting: dict[bool, deque[_Waiting]] = {False: deque(), True: deque()}
        make_room_for_sockets()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))

        def make_pool(alive: Connection) -> ProcessPool:
            return ProcessPool(
                max_workers=1,
                max_tasks=settings.worker_jobs,
                initializer=worker.initialise,
                initargs=(config, settings.db_uri, settings.statement_timeout, alive),
                context=context,
            )

        self._workers = [_Worker(make_pool, context) for _ in range(settings.workers)]

    def start(self) -> None:
        """Start the processes in the background."""
        for one in self._workers:
            deferToThread(one.warm_up).addErrback(lambda failure: logger.error("worker: %s", reason_of(failure.value)))

    @property
    def restarts(self) -> int:
        """How often a process was replaced because it died, hung or broke."""
        return sum(one.restarts for one in self._workers)

    @property
    def ready(self) -> int:
        """How many processes have started."""
        return sum(one.pid > 0 for one in self._workers)

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
        self._waiting[long].append(waiting)
        self._dispatch()
        return waiting.result

    def stop(self) -> Deferred[None]:
        """Kill all processes; what runs or waits fails."""
        for queue in self._waiting.values():
            while queue:
                queue.popleft().result.callback(Failed("the daemon is stopping"))
        return deferToThread(self._end)

    def _end(self) -> None:
        for one in self._workers:
            one.end()

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
        run = _Run(self._reactor, one, waiting.job, self._settings.generation_timeout)

        def finish(outcome: Outcome) -> None:
            one.busy = False
            waiting.result.callback(outcome)
            self._dispatch()

        run.start().addCallback(finish)


class _Run:
    """One job on one worker, until there is an outcome."""

    def __init__(self, reactor: ReactorBase, one: _Worker, job: Job, timeout: float) -> None:
        self._reactor = reactor
        self._worker = one
        self._job = job
        self._timeout = timeout
        self._result: Deferred[Outcome] = Deferred()
        self._retried = False

    def start(self) -> Deferred[Outcome]:
        """Begin; the result fires once and is never a failure."""
        self._watchdog = self._reactor.callLater(self._timeout + GRACE, self._give_up)
        self._schedule()
        self._next_look = self._reactor.callLater(LOOK_INTERVAL, self._look)
        return self._result

    def _schedule(self) -> None:
        try:
            self._future = self._worker.schedule(worker.generate, (self._job,))
        except Exception as error:
            # The system has no process or no descriptor left for us.
            self._future = Future()
            self._future.set_exception(error)
        self._began = False
        self._begin_until = self._reactor.seconds() + BEGIN_LIMIT
        self._future.add_done_callback(lambda done: self._reactor.callFromThread(self._done, done))

    def _look(self, lost_before: bool = False) -> None:
        """Two looks in a row: the result of a process that has just ended may still be on its way."""
        lost = self._worker.lost(self._future)
        began = self._future.running() or self._future.done()
        if began and not self._began:
            self._began = True
            self._watchdog.reset(self._timeout)
        late = not began and self._reactor.seconds() > self._begin_until
        if (lost and lost_before) or late:
            self._begin_again(began, "the worker process ended unexpectedly (exit code 0)")
            lost = False
        if not self._result.called:
            self._next_look = self._reactor.callLater(LOOK_INTERVAL, self._look, lost)

    def _begin_again(self, began: bool, reason: str) -> None:
        """Nobody works on the job: give it to a new process, but a job that was begun, or twice, is a failure."""
        self._worker.replace()
        if began or self._retried:
            self._finish(Failed(reason))
        else:
            self._retried = True
            self._schedule()

    def _done(self, future: Future[Outcome]) -> None:
        if self._result.called or future is not self._future:
            return
        try:
            outcome = future.result()
        except ProcessExpired as error:
            self._worker.restarts += 1
            outcome = Failed(f"the worker process ended unexpectedly (exit code {error.exitcode})")
        except BaseException as error:
            # The process died while it was idle, so the job never began there.
            self._begin_again(False, f"no worker process can be had: {reason_of(error)}")
            return
        self._finish(outcome)

    def _give_up(self) -> None:
        self._worker.replace()
        self._finish(Failed(f"took longer than generation_timeout ({self._timeout:g} s) and was killed"))

    def _finish(self, outcome: Outcome) -> None:
        for call in (self._watchdog, self._next_look):
            if call.active():
                call.cancel()
        self._result.callback(outcome)


class _Waiting:
    """A job that no worker has taken yet."""

    def __init__(self, job: Job, long: bool, started: Callable[[], None]) -> None:
        self.job = job
        self.long = long
        self.started = started
        self.result: Deferred[Outcome] = Deferred()
