"""The rules of `generation.py` under every order of events: arrivals, probes, starts and ends of runs, commits.

The only things that are not real are time, the threads of the probe, and the workers, which do
exactly one step of their work when the test says so. A content is its file's name and the version of
the database that it shows, so an answer tells by itself whether it is new enough.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from xivo_confgend import generation
from xivo_confgend.config import Settings
from xivo_confgend.database.postgresql.consistency import Checked
from xivo_confgend.database.postgresql.file_state import FileState, Known, Mode
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.database.postgresql.versions import Relation, Versions
from xivo_confgend.drivers import Driver
from xivo_confgend.exceptions import GenerationError
from xivo_confgend.generation import Answer, Generation
from xivo_confgend.names import FileName
from xivo_confgend.store import Facts, Store
from xivo_confgend.worker import Failed, Generated, Job, Unchanged

DETERMINISTIC, OTHER = FileName("test", "deterministic.conf"), FileName("test", "other.conf")
FILES = st.sampled_from([DETERMINISTIC, DETERMINISTIC, DETERMINISTIC, OTHER])
EDITED = b"edited by hand"
TABLE = Versions({1: Relation(1, "r", "table", "1", True, 0, 0)})


@dataclass
class Run:
    """A job of the workers and how far it is: `shown` is the version of its snapshot, `state` what it told of it."""

    job: Job
    began: Callable[[], None]
    result: Deferred[Any] = field(default_factory=Deferred)
    started: bool = False
    shown: int | None = None
    state: int | None = None
    noise: int = 0


class Workers:
    """Any number of them; does a step of a run when told to."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def submit(self, job: Job, long: bool, started: Callable[[], None]) -> Deferred[Any]:
        """As the real ones."""
        run = Run(job, started)
        self.runs.append(run)
        return run.result


class Threads:
    """The probe's thread: calls what it is given when told to, and tells the result when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., None], Callable[[], object]]] = []
        self.results: list[Callable[[], None]] = []

    def callInThreadWithCallback(self, tell: Callable[..., None], function: Callable[[], object], *_: object) -> None:
        """As a real pool."""
        self.calls.append((tell, function))

    def run(self) -> None:
        """Read the state now; it is told later."""
        tell, function = self.calls.pop()
        try:
            result: object = function()
            success = True
        except Exception:
            result, success = Failure(), False
        self.results.append(lambda: tell(success, result))


class Examinations:
    """Threads that read a whole file; do so when told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Callable[[], object]]] = []

    def defer(self, function: Callable[..., object], *arguments: object) -> Deferred[Any]:
        """As `deferToThread`."""
        result: Deferred[Any] = Deferred()
        self.waiting.append((result, lambda: function(*arguments)))
        return result

    def run(self) -> None:
        """The one that waits longest."""
        result, function = self.waiting.pop(0)
        result.callback(function())


class Reactor(Clock):
    """Time that stands still."""

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """There is one thread only."""
        function(*arguments)


@dataclass
class Request:
    """Who asked, and what he got."""

    name: FileName
    asked_at: int
    cached: bool
    runs_before: int
    answers: list[Answer | Failure] = field(default_factory=list)
    checked: bool = False


class Catalogue:
    """Every file has a driver."""

    def choose(self, name: FileName) -> Driver:
        """As the real one."""
        return Driver(name, "test", "confgend", "test:Test", "test", "1")


class OrderOfEvents(RuleBasedStateMachine):
    """A primary: a state is exactly one version. `noise` changes the state and no file."""

    standby = False

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.directory.name) / "cache")
        self.store.prepare()
        self.workers = Workers()
        self.threads = Threads()
        self.examinations = Examinations()
        self.patched = patch.object(generation, "deferToThread", self.examinations.defer)
        self.patched.start()
        self.version = 0
        self.noise = 0
        self.database_away = False
        self.requests: list[Request] = []
        self.finished: dict[FileName, list[tuple[int, bool]]] = {DETERMINISTIC: [], OTHER: []}
        self.generation = Generation(
            Reactor(), Catalogue(), self.workers, self.store, Settings(), []  # type: ignore[arg-type]
        )  # fmt: skip
        probe = type("Probe", (), {"read": lambda _: self.read_state(), "abort": lambda _: None, "uri": ""})()
        self.generation._probes._probe = probe
        self.generation._probes._threads = self.threads  # type: ignore[assignment]

    def teardown(self) -> None:
        self.database_away = False
        while self.workers.runs or self.threads_wait():
            if self.threads_wait():
                self.advance_a_thread(True)
            if self.workers.runs:
                self.advance_a_run(0)
        self.answers_are_right()
        assert all(request.answers for request in self.requests), "somebody waits for ever"
        self.patched.stop()
        self.store.close()
        self.directory.cleanup()

    def state_of(self, version: int) -> DatabaseState:
        return DatabaseState(f"{version} {self.noise}", exact=not self.standby)

    def read_state(self) -> DatabaseState:
        if self.database_away:
            raise ConnectionError("away")
        return self.state_of(self.version)

    # What happens outside.

    @rule()
    def commit(self) -> None:
        self.version += 1

    @rule(what=st.sampled_from(["unrelated", "unrelated", "lost", "found", "invalidated", "edited"]), name=FILES)
    def something_else(self, what: str, name: FileName) -> None:
        if what == "unrelated":
            self.noise += 1
        elif what in ("lost", "found"):
            self.database_away = what == "lost"
        elif what == "invalidated":
            self.generation.invalidate(name)
        elif self.store.path(name).exists():
            self.store.path(name).unlink()
            self.store.path(name).write_bytes(EDITED)

    # What clients do.

    @rule(name=FILES)
    def just_ask(self, name: FileName) -> None:
        self.ask(name, False, False)

    @rule(name=FILES, cached=st.booleans(), anew=st.booleans())
    def ask(self, name: FileName, cached: bool, anew: bool) -> None:
        request = Request(name, self.version, cached and not anew, len(self.finished[name]))
        self.requests.append(request)
        asked = ensureDeferred(self.generation.answer(name, cached, anew))
        asked.addBoth(request.answers.append)

    @rule(name=FILES, count=st.integers(2, 20))
    def ask_many_times(self, name: FileName, count: int) -> None:
        for _ in range(count):
            self.ask(name, False, False)

    @invariant()
    def answers_are_right(self) -> None:
        for request in self.requests:
            assert len(request.answers) <= 1
            if request.answers and not request.checked:
                request.checked = True
                self.check(request, request.answers[0])

    def check(self, request: Request, answer: Answer | Failure) -> None:
        if isinstance(answer, Failure):
            answer.trap(GenerationError)
            assert self.failed_since(request)
            return
        content = answer.file.read()
        answer.file.close()
        assert hashlib.sha256(content).hexdigest() == answer.facts.digest
        if answer.stale:
            assert self.failed_since(request)
        elif not request.cached:
            name, version = content.decode().split()
            assert name == str(request.name)
            assert request.asked_at <= int(version) <= self.version, f"asked at {request.asked_at}, got {version}"

    def failed_since(self, request: Request) -> bool:
        return any(not success for _, success in self.finished[request.name][request.runs_before :])

    # What threads and workers do, one step at a time.

    @rule(steps=st.lists(st.sampled_from(["run", "run", "thread", "other thread"]), min_size=1, max_size=5))
    def advance(self, steps: list[str]) -> None:
        for step in steps:
            if step == "run" and self.workers.runs:
                self.advance_a_run(0)
            elif step != "run" and self.threads_wait():
                self.advance_a_thread(step == "other thread")

    def threads_wait(self) -> bool:
        return bool(self.threads.calls or self.threads.results or self.examinations.waiting)

    def advance_a_thread(self, examine: bool) -> None:
        if self.examinations.waiting and (examine or not (self.threads.calls or self.threads.results)):
            self.examinations.run()
        elif self.threads.calls:
            self.threads.run()
        elif self.threads.results:
            self.threads.results.pop()()

    @precondition(lambda self: len(self.workers.runs) > 1)
    @rule(number=st.integers(0, 9))
    def advance_a_run(self, number: int) -> None:
        """Begin, take the snapshot, (on a standby, later) read the state, finish."""
        run = self.workers.runs[number % len(self.workers.runs)]
        if not run.started:
            run.started = True
            run.began()
        elif self.database_away:
            self.fail(run, away=True)
        elif run.shown is None:
            run.shown, run.noise = self.version, self.noise
            run.state = None if self.standby else run.shown
        elif run.state is None:
            run.state = self.version
        else:
            self.finish(run)

    @precondition(lambda self: any(run.started for run in self.workers.runs))
    @rule()
    def fail_a_run(self) -> None:
        self.fail(next(run for run in self.workers.runs if run.started), away=False)

    def fail(self, run: Run, away: bool) -> None:
        self.workers.runs.remove(run)
        self.finished[run.job.driver.file].append((-1, False))
        run.job.path.write_bytes(b"half")
        run.result.callback(Failed("no luck", database_away=away))
        assert self.generation.status(run.job.driver.file).failure is not None
        assert not run.job.path.exists()

    def finish(self, run: Run) -> None:
        name = run.job.driver.file
        content = f"{name} {run.shown}".encode()
        run.job.path.write_bytes(content)
        facts = Facts(len(content), hashlib.sha256(content).hexdigest(), generated=0.0)
        moment = DatabaseState(f"{run.state} {run.noise}", exact=not self.standby)
        state = FileState(moment, Mode.TABLES, versions=TABLE, tables={1: str(run.shown)})
        self.workers.runs.remove(run)
        self.finished[name].append((run.shown or 0, True))
        if run.job.state is not None and run.job.state.tables == state.tables:
            run.job.path.unlink()
            run.result.callback(Unchanged(state, Known(), Checked((), 0.0)))
            assert self.generation.status(name).failure is None
            return
        checked = None if run.job.state is None else Checked(("table",), 0.0)
        deterministic = name == DETERMINISTIC
        run.result.callback(Generated(run.job.path, facts, state=state, checked=checked, deterministic=deterministic))
        assert self.generation.status(name).failure is None

    # What always holds.

    @invariant()
    def one_run_of_a_file_at_a_time(self) -> None:
        running = [run.job.driver.file for run in self.workers.runs]
        assert len(running) == len(set(running))

    @invariant()
    def contents_are_staged_apart(self) -> None:
        paths = [run.job.path for run in self.workers.runs]
        assert len(paths) == len(set(paths))

    @invariant()
    def at_most_one_reads_the_state(self) -> None:
        assert len(self.threads.calls) + len(self.threads.results) <= 1


class OrderOfEventsOnAStandby(OrderOfEvents):
    """There a generation learns the state only after its snapshot, so it may be told a later one than it shows."""

    standby = True


OrderOfEvents.TestCase.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
OrderOfEventsOnAStandby.TestCase.settings = OrderOfEvents.TestCase.settings
TestEveryOrderOfEvents = OrderOfEvents.TestCase
TestEveryOrderOfEventsOnAStandby = OrderOfEventsOnAStandby.TestCase


class Scene(OrderOfEvents):
    """One order of events, told step by step."""

    def finish_one_run(self, name: FileName) -> None:
        run = next(run for run in self.workers.runs if run.job.driver.file == name)
        while run in self.workers.runs:
            self.advance_a_run(self.workers.runs.index(run))

    def unanswered(self) -> int:
        return sum(not request.answers for request in self.requests)


def test_a_thousand_requests_at_once_cost_two_generations() -> None:
    scene = Scene()
    scene.ask(OTHER, False, False)
    scene.advance_a_run(0)
    for _ in range(999):
        scene.ask(OTHER, False, False)
    scene.finish_one_run(OTHER)
    assert scene.unanswered() == 999

    scene.finish_one_run(OTHER)

    assert scene.unanswered() == 0
    assert scene.workers.runs == []
    scene.teardown()


def test_requests_that_arrive_before_a_run_has_a_worker_share_it() -> None:
    scene = Scene()
    for _ in range(10):
        scene.ask(OTHER, False, False)

    scene.finish_one_run(OTHER)

    assert scene.unanswered() == 0
    assert scene.workers.runs == []
    scene.teardown()


def test_a_request_that_found_the_state_that_the_running_generation_saw_needs_no_other() -> None:
    scene = Scene()
    scene.ask(DETERMINISTIC, False, False)
    scene.finish_one_run(DETERMINISTIC)
    scene.commit()
    for _ in range(3):
        scene.ask(DETERMINISTIC, False, False)
        scene.advance_a_thread(False)
        scene.advance_a_thread(False)
        if not scene.workers.runs[0].started:
            scene.advance_a_run(0)
    scene.finish_one_run(DETERMINISTIC)

    assert scene.unanswered() == 0
    assert scene.workers.runs == []
    scene.teardown()


def test_a_content_that_was_edited_is_not_taken_for_the_one_that_is_remembered() -> None:
    scene = Scene()
    scene.ask(DETERMINISTIC, False, False)
    scene.finish_one_run(DETERMINISTIC)
    scene.answers_are_right()
    scene.something_else("edited", DETERMINISTIC)

    scene.ask(DETERMINISTIC, False, False)

    while scene.threads_wait():
        scene.advance_a_thread(False)
    assert len(scene.workers.runs) == 1
    scene.teardown()


def test_a_mistake_of_ours_answers_everybody() -> None:
    scene = Scene()
    scene.ask(OTHER, False, False)
    scene.advance_a_run(0)
    scene.ask(OTHER, False, False)
    run = scene.workers.runs[0]
    scene.workers.runs.remove(run)
    scene.finished[OTHER].append((-1, False))

    run.result.callback("what no worker returns")

    assert scene.unanswered() == 0
    scene.teardown()


def test_a_pool_that_refuses_a_job_answers_who_asked_and_the_next_one_is_tried_again() -> None:
    scene = Scene()
    submit = scene.workers.submit
    scene.workers.submit = refuse  # type: ignore[method-assign, assignment]
    scene.ask(OTHER, False, False)
    scene.finished[OTHER].append((-1, False))
    scene.workers.submit = submit  # type: ignore[method-assign]

    scene.ask(OTHER, False, False)

    assert len(scene.requests[0].answers) == 1
    assert len(scene.workers.runs) == 1
    scene.teardown()


def refuse(*_: object) -> None:
    """No worker at all."""
    raise RuntimeError("no worker at all")


def test_a_file_with_unchanged_tables_comes_from_the_store() -> None:
    scene = Scene()
    scene.ask(DETERMINISTIC, False, False)
    scene.finish_one_run(DETERMINISTIC)
    scene.something_else("unrelated", DETERMINISTIC)
    scene.ask(DETERMINISTIC, False, False)
    while scene.threads_wait():
        scene.advance_a_thread(False)
    scene.finish_one_run(DETERMINISTIC)

    reused = scene.requests[-1].answers[0]

    assert isinstance(reused, Answer) and reused.reused and not reused.stale
    assert scene.generation.freshness(DETERMINISTIC).why == "unchanged tables"
    scene.teardown()


def test_what_was_invalidated_during_the_check_is_generated() -> None:
    scene = Scene()
    scene.ask(DETERMINISTIC, False, False)
    scene.finish_one_run(DETERMINISTIC)
    scene.something_else("unrelated", DETERMINISTIC)
    scene.ask(DETERMINISTIC, False, False)
    while scene.threads_wait():
        scene.advance_a_thread(False)
    scene.something_else("invalidated", DETERMINISTIC)

    scene.finish_one_run(DETERMINISTIC)
    assert scene.unanswered() == 1
    scene.finish_one_run(DETERMINISTIC)

    assert scene.unanswered() == 0
    scene.teardown()


def test_a_generation_that_is_forced_is_not_spared() -> None:
    scene = Scene()
    scene.ask(DETERMINISTIC, False, False)
    scene.finish_one_run(DETERMINISTIC)
    scene.something_else("unrelated", DETERMINISTIC)
    scene.ask(DETERMINISTIC, False, False)
    while scene.threads_wait():
        scene.advance_a_thread(False)
    scene.ask(DETERMINISTIC, False, True)
    assert scene.workers.runs[0].job.state is not None

    scene.finish_one_run(DETERMINISTIC)

    assert scene.workers.runs[0].job.state is None
    scene.teardown()


class Confused(Workers):
    """Raises what it should not."""

    def submit(self, job: Job, long: bool, started: Callable[[], None]) -> Deferred[Any]:
        raise RuntimeError("a mistake of ours")


def test_a_mistake_of_ours_is_a_failure_that_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.prepare()
    watching = Mock(spec=generation.Observer)
    one = Generation(Reactor(), Catalogue(), Confused(), store, Settings(), [watching])  # type: ignore[arg-type]
    answers: list[Failure] = []
    ensureDeferred(one.answer(OTHER)).addErrback(answers.append)
    store.close()

    (answer,) = answers
    assert answer.getErrorMessage() == f"{OTHER}: internal error: RuntimeError: a mistake of ours"
    status = one.status(OTHER)
    assert status.failure is not None
    assert (status.state, status.failure.reason) == ("failed", "internal error: RuntimeError: a mistake of ours")
    watching.failed.assert_called_once_with(OTHER, status.failure.reason, False)
