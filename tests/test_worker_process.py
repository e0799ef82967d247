"""One worker process under every order of events: each job has exactly one outcome, and none waits for ever.

The process, its pool and the clock are doubles; what they do is what pebble and the system were seen to do.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pebble import ProcessExpired
from twisted.internet.defer import Deferred, succeed

from tests.one_thread import Reactor
from xivo_confgend import drivers, worker_process
from xivo_confgend.config import Settings
from xivo_confgend.names import FileName
from xivo_confgend.worker import Failed, Generated, Job
from xivo_confgend.worker_process import BEGIN_LIMIT, GRACE, RESULT_LIMIT, WorkerProcess

JOB = Job(drivers.Driver(FileName("unit", "a.conf"), "one", "confgend", "unit:Driver", "unit", "1.0"), Path("staged"))
DONE = Failed("the driver's own failure")
TIMEOUT = 60.0


class Output:
    """The pipe of what is printed: nothing."""

    def read_rest(self) -> None:
        """As a real one."""


class Pool:
    """A pool that starts, works and breaks when the test says so."""

    def __init__(self, reported: Callable[[bytes], None]) -> None:
        self.reported = reported
        self.starting: Deferred[None] = Deferred()
        self.started = False
        self.broken = False
        self.ended = False
        self.output = Output()
        self.jobs: list[tuple[int, Future[Any]]] = []

    def start(self) -> Deferred[None]:
        """As a real one."""
        return self.starting

    def schedule(self, number: int, job: Job) -> Future[Any]:
        """As a real one."""
        if self.broken:
            raise RuntimeError("Unexpected error within the Pool")
        self.jobs.append((number, Future()))
        return self.jobs[-1][1]

    def end(self, process: int) -> Deferred[None]:
        """As a real one."""
        self.ended = True
        return succeed(None)


class Bench:
    """A process with its doubles."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.pools: list[Pool] = []
        self.process = WorkerProcess(self.reactor, {}, Settings(generation_timeout=TIMEOUT))
        self.process._make_pool = self.make_pool  # type: ignore[assignment]
        self.killed: list[int] = []
        self.outcomes: list[Failed | Generated] = []

    def make_pool(self) -> Pool:
        self.pools.append(Pool(self.process._reported))
        return self.pools[-1]

    @property
    def pool(self) -> Pool:
        return self.pools[-1]

    def started(self) -> None:
        self.pool.started = True
        self.pool.starting.callback(None)

    def refused(self) -> None:
        self.pool.starting.errback(OSError(11, "Resource temporarily unavailable"))

    def ready(self, pid: int) -> None:
        self.pool.reported(f"ready {pid}\n".encode())

    def begun(self, pid: int) -> None:
        self.pool.reported(f"{self.pool.jobs[-1][0]} {pid}\n".encode())

    def run(self) -> None:
        self.process.run(JOB).addCallback(self.outcomes.append)

    def result(self) -> Future[Any]:
        return self.pool.jobs[-1][1]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(worker_process, "kill_group", made.killed.append)
    made.process.start()
    made.started()
    made.ready(100)
    return made


def test_a_job_that_takes_too_long_is_killed(bench):
    bench.run()
    bench.reactor.advance(1)
    bench.begun(100)
    bench.reactor.advance(TIMEOUT - 0.5)
    assert (bench.killed, bench.outcomes) == ([], [])
    bench.reactor.advance(0.5)
    assert bench.killed == [100]
    bench.result().set_exception(ProcessExpired("Abnormal termination", code=-9, pid=100))
    assert bench.outcomes == [Failed("took longer than generation_timeout (60 s) and was killed", timed_out=True)]


def test_a_process_that_cannot_be_killed_is_a_time_out(bench):
    bench.run()
    bench.begun(100)
    bench.reactor.advance(TIMEOUT)
    bench.reactor.advance(GRACE)
    assert bench.outcomes == [Failed("took longer than generation_timeout (60 s)", timed_out=True)]
    assert bench.pools[0].ended
    assert len(bench.pools) == 2


def test_a_stopped_process_that_never_begins_is_replaced(bench):
    bench.run()
    bench.reactor.advance(BEGIN_LIMIT)
    bench.started()
    bench.ready(101)
    bench.begun(101)
    bench.result().set_result(DONE)
    assert bench.outcomes == [DONE]
    assert bench.process.restarts == 1


def test_a_job_that_no_process_begins_fails_in_the_end(bench):
    bench.run()
    for _ in range(20):
        bench.reactor.advance(5)
    assert bench.outcomes == [Failed("no worker process has begun it")]


def test_a_process_that_exits_with_0_fails_its_job(bench):
    bench.run()
    bench.begun(100)
    bench.ready(101)
    bench.reactor.advance(RESULT_LIMIT)
    assert bench.outcomes == [Failed("the worker process ended unexpectedly (exit code 0)")]


def test_a_process_is_replaced_after_its_last_job(bench):
    """Its successor may be ready before the result has arrived."""
    bench.run()
    bench.begun(100)
    bench.ready(101)
    bench.result().set_result(DONE)
    bench.reactor.advance(RESULT_LIMIT)
    assert bench.outcomes == [DONE]
    assert bench.process.restarts == 0


@pytest.mark.parametrize(("code", "said"), [(3, "exit code 3"), (-11, "killed by SIGSEGV"), (-99, "exit code -99")])
def test_a_process_that_ends_is_reported_as_that(bench, code, said):
    bench.run()
    bench.begun(100)
    bench.result().set_exception(ProcessExpired("Abnormal termination", code=code, pid=100))
    assert bench.outcomes == [Failed(f"the worker process ended unexpectedly ({said})")]
    assert bench.killed == [100]
    assert not bench.process.ready


def test_a_process_that_died_while_idle_costs_no_job(bench):
    bench.pool.broken = True
    bench.run()
    bench.started()
    bench.ready(101)
    bench.begun(101)
    bench.result().set_result(DONE)
    assert bench.outcomes == [DONE]


def test_an_idle_process_that_died_is_started_again_and_ready(bench):
    bench.pool.broken = True
    bench.process.look()
    assert not bench.process.ready
    assert bench.process.usable
    bench.started()
    bench.ready(101)
    assert bench.process.ready


def test_a_process_that_is_refused_is_tried_again_and_said_once(bench, caplog):
    bench.pool.broken = True
    for _ in range(5):
        bench.process.look()
        bench.refused()
        bench.reactor.advance(BEGIN_LIMIT)
    assert not bench.process.usable
    assert [record.message for record in caplog.records] == [
        "no worker process can be started: BlockingIOError: [Errno 11] Resource temporarily unavailable"
    ]


def test_a_process_without_memory_is_replaced_after_its_job(bench):
    bench.run()
    bench.begun(100)
    bench.result().set_result(Failed("MemoryError", worn=True))
    assert bench.pools[0].ended
    assert len(bench.pools) == 2


@pytest.mark.parametrize("report", [b"ready", b"ready x\n", b"\xff\xff 1\n", b"x" * 1000, b"7 -1\n", b"\n"])
def test_a_report_that_makes_no_sense_is_ignored(bench, report):
    bench.pool.reported(report + b"\n")
    bench.ready(103)
    assert bench.process._pid in (1, 103)


class Events(RuleBasedStateMachine):
    """Whatever happens in whatever order, each job has one outcome in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.kill_group, worker_process.kill_group = worker_process.kill_group, self.bench.killed.append
        self.bench.process.start()
        self.pid = 100
        self.asked = 0

    def teardown(self) -> None:
        for _ in range(100):
            self.bench.reactor.advance(1)
        worker_process.kill_group = self.kill_group
        assert len(self.bench.outcomes) == self.asked

    @precondition(lambda self: self.bench.process._run is None)
    @rule()
    def ask(self) -> None:
        self.asked += 1
        self.bench.run()

    @precondition(lambda self: self.bench.process._pool is self.bench.pool and not self.bench.pool.starting.called)
    @rule(starts=st.sampled_from([True, True, False]))
    def pool_starts(self, starts: bool) -> None:
        if starts:
            self.bench.started()
        else:
            self.bench.refused()

    @rule(same=st.booleans())
    def process_is_ready(self, same: bool) -> None:
        self.pid += not same
        self.bench.ready(self.pid)

    @precondition(lambda self: self.bench.pool.jobs)
    @rule()
    def job_begins(self) -> None:
        self.bench.begun(self.pid)

    @precondition(lambda self: self.bench.pool.jobs and not self.bench.result().done())
    @rule(how=st.sampled_from(["result", "killed", "broken"]))
    def job_ends(self, how: str) -> None:
        if how == "result":
            self.bench.result().set_result(DONE)
        elif how == "killed":
            self.bench.result().set_exception(ProcessExpired("Abnormal termination", code=-9, pid=self.pid))
        else:
            self.bench.result().set_exception(RuntimeError("All workers expired"))

    @rule()
    def pool_breaks(self) -> None:
        self.bench.pool.broken = self.bench.pool.started

    @rule()
    def somebody_looks(self) -> None:
        self.bench.process.look()

    @rule(seconds=st.sampled_from([0.25, 1.0, GRACE, TIMEOUT, BEGIN_LIMIT]))
    def time_passes(self, seconds: float) -> None:
        self.bench.reactor.advance(seconds)

    @invariant()
    def no_more_outcomes_than_jobs(self) -> None:
        assert self.asked - (self.bench.process._run is not None) == len(self.bench.outcomes)

    @invariant()
    def only_one_pool_lives(self) -> None:
        assert all(pool.ended for pool in self.bench.pools[:-1])


Events.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestEvents = Events.TestCase
