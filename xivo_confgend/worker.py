"""What happens inside a worker process: session, driver, write.

A worker never talks to a client and never touches the store's contents: it writes into the staging
area and returns facts. It may hang, leak or die; the daemon kills and replaces it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from xivo_confgend import drivers
from xivo_confgend.database.postgresql.consistency import Checked, Question, read_consistently
from xivo_confgend.database.postgresql.file_state import FileState, Known
from xivo_confgend.database.postgresql.problems import is_out_of_memory
from xivo_confgend.database.postgresql.session import bind
from xivo_confgend.exceptions import GenerationError, one_line
from xivo_confgend.failure_reasons import explain
from xivo_confgend.notices import Warnings
from xivo_confgend.process_state import (
    ProcessState,
    end_with,
    in_one_process,
    limit_memory,
    pieces_in_one_process,
    print_to,
)
from xivo_confgend.store import Facts, StagedContent, now

MOST_WARNINGS = 50
"""Warnings of one generation that are kept; what comes after them is counted."""
LONGEST_TRACE = 10_000
READY = "ready"
RACY_NS = 50_000_000
"""A file changed this shortly before it was looked at may change again under the same time stamp."""
ENCODE_SIZE = 1 << 16


@dataclass(frozen=True)
class Job:
    """One generation: `driver` is to write the content to `path`; `known_digest` is what the store holds now.

    `state`: what that was made from, if the generation may be spared; `known` and `recent`: as `Question` says.
    """

    driver: drivers.Driver
    path: Path
    known_digest: str = ""
    state: FileState | None = None
    known: Known = Known()
    recent: tuple[int, ...] = ()


@dataclass(frozen=True)
class Generated:
    """A content was written.

    `path`: where; `in_store`: whether that is the staging area; `problem`: why not. `flushed`: whether it is on the
    disk for certain; what is stored already need not be. `state`: what
    it was made from, None if the driver asked nothing; `known`: what is known of the database now; `checked`: why an
    earlier state was not current. `deterministic`: whether the driver says
    that its content depends on nothing but database, configuration and `dependencies` (files with
    their stamps, see `stamp`). `first`: of this file in this process, so imports and a connection are in its duration.
    """

    path: Path
    facts: Facts
    in_store: bool = True
    problem: str = ""
    state: FileState | None = None
    known: Known = Known()
    checked: Checked | None = None
    deterministic: bool = False
    dependencies: tuple[tuple[str, str], ...] = ()
    first: bool = False
    flushed: bool = True


def flushed(outcome: Generated) -> Generated:
    """`outcome` with its content on the disk, or with the problem why it is not. Blocks."""
    try:
        with outcome.path.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        return dataclasses.replace(outcome, problem=f"store: cannot flush {outcome.path}: {error.strerror}")
    return dataclasses.replace(outcome, flushed=True)


@dataclass(frozen=True)
class Unchanged:
    """Nothing was written: the stored content is what a generation would give, by `state`, which holds now."""

    state: FileState
    known: Known
    checked: Checked


@dataclass(frozen=True)
class Failed:
    """Nothing was written: `reason` is one line.

    `database_away`: PostgreSQL could not be used; `refused`: because it is there and refuses the connection.
    `timed_out`: it was not done in time. `worn`: the process had no memory left, and should generate nothing more.
    """

    reason: str
    trace: str = ""
    database_away: bool = False
    refused: bool = False
    warnings: Warnings = Warnings()
    timed_out: bool = False
    worn: bool = False


@dataclass
class _Process:
    """What a worker process keeps between jobs."""

    config: Mapping[str, Any] = field(default_factory=dict)
    db_uri: str = ""
    instances: dict[drivers.Driver, Any] = field(default_factory=dict)
    set_up: SetUp | None = None
    state: ProcessState | None = None


_process = _Process()


class _Collector(logging.Handler):
    """Warnings of one generation, for the daemon to keep and to log: the worker has no log of its own."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: dict[str, None] = {}
        self._more = 0
        self._before: Warnings | None = None

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            line = one_line(record.getMessage())
            if line in self._lines:
                return
            if len(self._lines) < MOST_WARNINGS:
                self._lines[line] = None
            else:
                self._more += 1

    def begin_try(self) -> None:
        """The driver is asked: forget what it warned of when it was asked before."""
        self._before = self._before or self.warnings
        self._lines = dict.fromkeys(self._before.lines)
        self._more = self._before.more

    @property
    def warnings(self) -> Warnings:
        """What was warned of so far."""
        return Warnings(tuple(self._lines), len(self._lines) + self._more)


@dataclass(frozen=True)
class SetUp:
    """What a process is made a worker with.

    `config`: for the drivers; `statement_timeout`: in seconds; `memory`: bytes of address space, 0 for no limit.
    `alive`: a pipe that the daemon closes to end the process; `reports`: takes what `report` tells; `output`: takes
    what drivers print.
    """

    config: Mapping[str, Any]
    db_uri: str
    statement_timeout: float
    memory: int
    alive: Connection
    reports: Connection
    output: Connection


def initialise(set_up: SetUp) -> None:
    """Make this process a worker.

    It leads a session of its own, so that the processes that drivers start can be ended with it.
    """
    os.setsid()
    end_with(set_up.alive)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print_to(set_up.output)
    limit_memory(set_up.memory)
    _process.config = set_up.config
    _process.db_uri = set_up.db_uri
    _process.set_up = set_up
    bind(set_up.db_uri, set_up.statement_timeout)
    _process.state = ProcessState.current()
    report(READY)


def report(what: str) -> None:
    """Tell the daemon which process is ready, or has begun which job: one line, one write."""
    if _process.set_up is not None:
        with contextlib.suppress(OSError):
            os.write(_process.set_up.reports.fileno(), f"{what} {os.getpid()}\n".encode())


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """No search for reference cycles meanwhile: among the many rows of a generation it is a quarter of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def run(number: int, job: Job) -> Generated | Unchanged | Failed:
    """As `generate`; the daemon is told that job `number` has begun, and the next job finds the process as it was."""
    report(f"{number}")
    try:
        return generate(job)
    finally:
        if _process.state is not None:
            _process.state.restore()


def generate(job: Job) -> Generated | Unchanged | Failed:
    """Run one job. Never raises: everything that a driver can do wrong, `sys.exit()` too, comes back as `Failed`."""
    collector = _Collector()
    # An earlier driver of this process may have switched logging off.
    logging.disable(logging.NOTSET)
    logging.getLogger().addHandler(collector)
    started = time.perf_counter()
    try:
        return _generate(job, started, collector)
    except BaseException as error:
        if (limit := _memory_limit()) and is_out_of_memory(error):
            reason = f"needed more memory than worker_memory allows ({limit} bytes)"
            return Failed(reason, warnings=collector.warnings, worn=True)
        trace = _trace()
        explained = explain(error, job.driver, _process.db_uri)
        return Failed(explained.text, trace, explained.away, explained.refused, collector.warnings)
    finally:
        logging.getLogger().removeHandler(collector)


def _generate(job: Job, started: float, collector: _Collector) -> Generated | Unchanged:
    first = job.driver not in _process.instances
    driver = in_one_process(lambda: _instance(job.driver))
    deterministic = in_one_process(lambda: bool(getattr(driver, "deterministic", False)))
    before = _dependencies(driver) if deterministic else ()
    write = partial(_write, job, driver, collector)
    question = Question(deterministic, job.state if deterministic else None, job.known, job.recent)
    made = read_consistently(write, StagedContent.discard, question)
    staged = made.value
    if staged is None:
        assert made.state is not None and made.checked is not None
        return Unchanged(made.state, made.known, made.checked)
    digest = _finish(staged, job.known_digest)
    facts = Facts(
        size=staged.size,
        digest=digest,
        generated=now(),
        duration=time.perf_counter() - started,
        statements=made.statements,
        lines=staged.lines,
        driver=str(job.driver),
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        warnings=collector.warnings,
    )
    return Generated(
        path=staged.path,
        facts=facts,
        in_store=staged.in_store,
        problem=staged.problem,
        state=made.state,
        known=made.known,
        checked=made.checked,
        deterministic=deterministic and _dependencies(driver) == before,
        dependencies=before,
        first=first,
        flushed=staged.flushed,
    )


def _write(job: Job, driver: Any, collector: _Collector) -> StagedContent:
    """Let the driver generate into the staging area."""
    collector.begin_try()
    staged = StagedContent(job.path)
    try:
        with _without_collection():
            for piece in pieces_in_one_process(_content(job.driver, driver)):
                staged.write(piece)
    except BaseException:
        staged.discard()
        raise
    return staged


def _finish(staged: StagedContent, known_digest: str) -> str:
    try:
        return staged.finish(known_digest)
    except BaseException:
        staged.discard()
        raise


def _instance(driver: drivers.Driver) -> Any:
    if driver not in _process.instances:
        _process.instances[driver] = drivers.make(driver, _process.config)
    return _process.instances[driver]


def _content(driver: drivers.Driver, instance: Any) -> Iterator[bytes]:
    yield from _pieces(driver, instance.generate())


def _pieces(driver: drivers.Driver, content: object) -> Iterator[bytes]:
    """The content in bytes, in pieces that are worth a system call. Raises GenerationError on anything but text."""
    if content is None:
        raise GenerationError(f"driver {driver} returned None")
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, str):
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)].encode("utf-8")
    elif isinstance(content, Iterable) and not isinstance(content, Mapping):
        yield from _gathered(driver, content)
    else:
        raise GenerationError(f"driver {driver} returned {type(content).__name__}, expected text")


def _gathered(driver: drivers.Driver, pieces: Iterable[object]) -> Iterator[bytes]:
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        if not isinstance(piece, str):
            raise GenerationError(f"driver {driver} yielded {type(piece).__name__}, expected text")
        waiting.append(piece)
        length += len(piece)
        if length >= ENCODE_SIZE:
            yield "".join(waiting).encode("utf-8")
            waiting, length = [], 0
    yield "".join(waiting).encode("utf-8")


def stamp(path: str) -> str:
    """What tells one state of the file at `path` from another; never twice the same for one that changes just now."""
    try:
        status = Path(path).stat()
    except OSError as error:
        return f"absent {error.errno}"
    at = time.time_ns()
    racy = f" {at}" if abs(at - status.st_mtime_ns) < RACY_NS else ""
    return f"{status.st_dev} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_size}{racy}"


def _dependencies(driver: Any) -> tuple[tuple[str, str], ...]:
    paths = in_one_process(lambda: _paths(driver))
    return tuple((path, stamp(path)) for path in sorted(paths))


def _paths(driver: Any) -> set[str]:
    paths = driver.dependencies() if callable(getattr(driver, "dependencies", None)) else ()
    return {os.fspath(path) for path in paths}


def _memory_limit() -> int:
    """Bytes that this process may have; 0 for no limit."""
    return _process.set_up.memory if _process.set_up else 0


def _trace() -> str:
    """The traceback of the error at hand, bounded, without control characters but line breaks."""
    return "\n".join(map(one_line, traceback.format_exc()[-LONGEST_TRACE:].split("\n")))
