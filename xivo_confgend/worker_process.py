"""One worker process, seen from the daemon: how it starts, runs a job, is killed and is replaced.

The only module that uses pebble. A pebble pool of one process starts the process, sends it jobs and brings their
results back. Time limits are kept here, on the reactor's clock, and a process is killed here, with all processes that
its drivers started: a worker leads a session of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from multiprocessing import util
from threading import Lock, Thread
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from xivo_confgend import worker
from xivo_confgend.config import Settings
from xivo_confgend.exceptions import reason_of
from xivo_confgend.pipes import PipeReader, PrintedLines
from xivo_confgend.worker import READY, Failed, Generated, Job, SetUp, Unchanged

logger = logging.getLogger(__name__)

Outcome = Generated | Unchanged | Failed
T = TypeVar("T")
GRACE = 5.0
"""Seconds after a kill in which a job must have ended before its pool itself counts as broken."""
LOOK_INTERVAL = 0.25
"""Seconds between two checks that the pool of a running job is not broken."""
RESULT_LIMIT = 0.5
"""Seconds in which the result of a process that has ended must have arrived."""
LONGEST_REPORT = 100
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


def in_thread(reactor: Any, what: Callable[[], T]) -> Deferred[T]:
    """Call `what`, which may block for ever, in a thread that nobody waits for when the daemon ends."""
    result: Deferred[T] = Deferred()

    def run() -> None:
        try:
            value = what()
        except BaseException:
            reactor.callFromThread(result.errback, Failure())
        else:
            reactor.callFromThread(result.callback, value)

    try:
        Thread(target=run, name="worker", daemon=True).start()
    except RuntimeError:
        # The system has no thread left for us.
        result.errback(Failure())
    return result


def kill_group(process: int) -> None:
    """Kill `process`, which leads a session, and everything that it started; no error if there is none."""
    if process > 1:
        with contextlib.suppress(OSError):
            os.killpg(process, signal.SIGKILL)


class _Pool:
    """A pebble pool of one process, and the pipes between that process and the daemon.

    When pebble replaces a process, for example after `worker_jobs` jobs, the next one has the same pipes. No other
    process has the writing end of the pipe `alive`: when it is closed, by `end` or by the end of the daemon, the system
    kills the worker and everything that a driver started in its process group.
    """

    def __init__(
        self,
        reactor: Any,
        config: Mapping[str, Any],
        settings: Settings,
        reported: Callable[[bytes], None],
        printed: Callable[[bytes], None],
    ) -> None:
        self._reactor = reactor
        self._starting_or_ending = Lock()
        self.started = False
        make_room_for_sockets()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        alive, self._living = context.Pipe(duplex=False)
        reports, reporting = context.Pipe(duplex=False)
        output, printing = context.Pipe(duplex=False)
        self._reports, self.output = PipeReader(reactor, reports, reported), PipeReader(reactor, output, printed)
        self._connections = (alive, reports, reporting, output, printing)
        self._pool = ProcessPool(
            max_workers=1,
            max_tasks=settings.worker_jobs,
            initializer=worker.initialise,
            initargs=(
                SetUp(
                    config, settings.db_uri, settings.statement_timeout, settings.memory_of_worker,
                    alive, reporting, printing,
                ),
            ),
            context=context,
        )  # fmt: skip

    def start(self) -> Deferred[None]:
        """Start the process; fails if the system refuses one."""
        self._reports.start()
        self.output.start()
        return in_thread(self._reactor, self._start)

    def _start(self) -> None:
        with self._starting_or_ending:
            # Asking starts it.
            if not self._pool.active:
                raise RuntimeError("the pool is broken")
            self.started = True

    @property
    def broken(self) -> bool:
        """Whether it takes no more jobs: its process died while it was idle, or none could be started."""
        return self.started and not self._pool.active

    def schedule(self, number: int, job: Job) -> Future[Outcome]:
        """Run a job in the process. Raises RuntimeError if the pool is broken."""
        future: Future[Outcome] = self._pool.schedule(worker.run, args=(number, job))
        return future

    def end(self, process: int) -> Deferred[None]:
        """Kill the process, which is `process` if that is known, and end the pool."""
        self.started = False
        self._reports.stop()
        self.output.stop()
        kill_group(process)
        self._living.close()
        return in_thread(self._reactor, self._end)

    def _end(self) -> None:
        self._pool.stop()
        with self._starting_or_ending:
            self._pool.join()
            for connection in self._connections:
                connection.close()


class WorkerProcess:
    """A process that generates files with the configuration `config`, one at a time; replaced as often as it ends.

    `printed`: what its drivers print.
    """

    def __init__(self, reactor: Any, config: Mapping[str, Any], settings: Settings) -> None:
        self.restarts = 0
        self.reactor = reactor
        self.printed = PrintedLines()
        self._make_pool = partial(_Pool, reactor, config, settings, self._reported, self.printed.received)
        self._timeout = settings.generation_timeout
        self._pool: _Pool | None = None
        self._started_at = 0.0
        self._complained = False
        self._pid = 0
        self._report = b""
        self._run: _Run | None = None

    @property
    def ready(self) -> bool:
        """Whether the process has started and is not known to have ended."""
        return self._pid > 0

    @property
    def usable(self) -> bool:
        """Whether the process is ready, or was started so recently that it may become so."""
        return self.ready or (self._pool is not None and self.reactor.seconds() - self._started_at < BEGIN_LIMIT)

    @property
    def takes_jobs(self) -> bool:
        """Whether a job can be scheduled without waiting."""
        return self._pool is not None and self._pool.started

    def start(self) -> None:
        """Start the process in the background if there is none."""
        if self._pool is not None:
            return
        self._started_at = self.reactor.seconds()
        try:
            pool = self._pool = self._make_pool()
        except OSError:
            # The system has no descriptor left for us.
            self._not_started(Failure(), None)
            return
        pool.start().addCallbacks(lambda _: self._started(pool), lambda failure: self._not_started(failure, pool))

    def _started(self, pool: _Pool) -> None:
        if pool is self._pool:
            self._complained = False
            if self._run is not None:
                self._run.process_started()

    def _not_started(self, failure: Failure, pool: _Pool | None) -> None:
        if pool is not self._pool:
            return
        if not self._complained:
            self._complained = True
            logger.error("no worker process can be started: %s", reason_of(failure.value))
        self.rest()
        if self._run is not None:
            # Not in the call that asked for a process, which expects to go on.
            self.reactor.callLater(0, self._run.not_begun, f"no worker process can be had: {reason_of(failure.value)}")

    def schedule(self, number: int, job: Job) -> Future[Outcome]:
        """Give the process a job. Raises RuntimeError if it cannot take one."""
        if self._pool is None:
            raise RuntimeError("no worker process")
        return self._pool.schedule(number, job)

    def run(self, job: Job) -> Deferred[Outcome]:
        """Run `job`; the result fires once and is never a failure."""
        self.printed.belong_to(str(job.driver.file))
        self._run = _Run(self, job, self._timeout)
        return self._run.start().addCallback(self._finished)

    def _finished(self, outcome: Outcome) -> Outcome:
        self._run = None
        if self._pool is not None:
            self._pool.output.read_rest()
        self.printed.belong_to("a worker process")
        if isinstance(outcome, Failed) and outcome.worn:
            self.replace()
        return outcome

    def look(self) -> None:
        """Start another process for one that died while it was idle, or that could not be started."""
        if self._run is None and self._pool is None:
            self.start()
        elif self._run is None and self.broken:
            self.replace()

    @property
    def broken(self) -> bool:
        """Whether the process will not bring back anything any more."""
        return self._pool is not None and self._pool.broken

    def died(self, pid: int) -> None:
        """The process `pid` ended by itself or was killed: whatever it started is ended as well."""
        kill_group(pid)
        self.restarts += 1
        if self._pid == pid:
            self._pid = 0

    def replace(self) -> None:
        """Kill the process, whatever it does, and start another one."""
        self.restarts += 1
        self.rest()
        self.start()

    def rest(self) -> Deferred[None]:
        """End the process; a later job starts another one."""
        pool, self._pool = self._pool, None
        pid, self._pid = self._pid, 0
        if pool is None:
            return succeed(None)
        return pool.end(pid).addErrback(lambda failure: logger.debug("a worker ended: %s", failure.value))

    def end(self) -> Deferred[None]:
        """End the process; a job that runs fails."""
        if self._run is not None:
            self._run.fail("the daemon is stopping")
        return self.rest()

    def _reported(self, data: bytes) -> None:
        """What `worker.report` writes: which process is ready, or has begun which job."""
        *lines, rest = (self._report + data).split(b"\n")
        self._report = rest[:LONGEST_REPORT]
        for line in lines:
            what, _, pid = line.decode("ascii", "replace").partition(" ")
            if pid.isdecimal():
                self._take_report(what, int(pid))

    def _take_report(self, what: str, pid: int) -> None:
        if what == READY:
            self._pid = pid
        if self._run is not None:
            self._run.reported(what, pid)


_numbers = itertools.count(1)
"""Of the jobs of this daemon."""


class _Run:
    """One job on one process, until there is an outcome."""

    def __init__(self, process: WorkerProcess, job: Job, timeout: float) -> None:
        self._process = process
        self._job = job
        self._timeout = timeout
        self._result: Deferred[Outcome] = Deferred()
        self._future: Future[Outcome] | None = None
        self._number = 0
        self._pid = 0
        self._retried = False
        self._timed_out = False
        self._timers: dict[str, DelayedCall] = {}

    def start(self) -> Deferred[Outcome]:
        """Begin; the result fires once and is never a failure."""
        self._set_timer("begin", BEGIN_LIMIT, lambda: self.not_begun("no worker process has begun it"))
        self._set_timer("limit", self._timeout + GRACE, self._give_up)
        if self._process.takes_jobs:
            self.process_started()
        else:
            self._process.start()
        return self._result

    def _set_timer(self, name: str, seconds: float, what: Callable[[], None]) -> None:
        self._cancel_timer(name)
        self._timers[name] = self._process.reactor.callLater(seconds, what)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()

    def process_started(self) -> None:
        """The process takes jobs."""
        self._number = next(_numbers)
        try:
            future = self._future = self._process.schedule(self._number, self._job)
        except Exception as error:
            # The process died while it was idle.
            self.not_begun(f"no worker process can be had: {reason_of(error)}")
            return
        future.add_done_callback(lambda done: self._process.reactor.callFromThread(self._done, done))
        self._set_timer("look", LOOK_INTERVAL, self._look)

    def reported(self, what: str, pid: int) -> None:
        """A process is ready, or has begun a job."""
        if what == str(self._number):
            self._pid = pid
            self._cancel_timer("begin")
            self._set_timer("limit", self._timeout, self._time_is_up)
        elif what == READY and self._pid:
            # pebble overlooks a process that exits with status 0 in the middle of a job.
            self._cancel_timer("limit")
            self._set_timer("lost", RESULT_LIMIT, self._lost)

    def _look(self) -> None:
        """pebble overlooks a job that comes while its pool breaks."""
        if self._process.broken:
            self._lost()
        else:
            self._set_timer("look", LOOK_INTERVAL, self._look)

    def _lost(self) -> None:
        if self._pid:
            self._process.replace()
            self._finish(self._ended("exit code 0"))
        else:
            self.not_begun("no worker process can be had")

    def not_begun(self, reason: str) -> None:
        """No process works on the job: give it to another one, once."""
        if self._result.called:
            return
        if self._retried or self._pid:
            self.fail(reason)
            return
        self._retried = True
        self._future = None
        self._set_timer("begin", BEGIN_LIMIT, lambda: self.not_begun(reason))
        self._process.replace()

    def _done(self, future: Future[Outcome]) -> None:
        if self._result.called or future is not self._future:
            return
        try:
            outcome = future.result()
        except ProcessExpired as error:
            self._process.died(error.pid or self._pid)
            outcome = self._ended(_written_exit_code(error.exitcode))
        except BaseException as error:
            if not self._pid:
                self.not_begun(f"no worker process can be had: {reason_of(error)}")
                return
            self._process.replace()
            outcome = self._ended(reason_of(error))
        self._finish(outcome)

    def _ended(self, how: str) -> Failed:
        if self._timed_out:
            return Failed(f"took longer than generation_timeout ({self._timeout:g} s) and was killed", timed_out=True)
        return Failed(f"the worker process ended unexpectedly ({how})")

    def _time_is_up(self) -> None:
        self._timed_out = True
        kill_group(self._pid)
        self._set_timer("limit", GRACE, self._give_up)

    def _give_up(self) -> None:
        self._process.replace()
        self._finish(Failed(f"took longer than generation_timeout ({self._timeout:g} s)", timed_out=True))

    def fail(self, reason: str) -> None:
        """Give the job up."""
        self._finish(Failed(reason))

    def _finish(self, outcome: Outcome) -> None:
        for name in list(self._timers):
            self._cancel_timer(name)
        if not self._result.called:
            self._result.callback(outcome)


def _written_exit_code(code: int) -> str:
    """As people know it: a signal by its name."""
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"exit code {code}"
