"""One file asked for -> one stored file: freshness, grouping, fall-back to the last good.

Nobody gets content older than his question, and nobody's question costs more than it must:

* *Freshness.* A generation of a deterministic driver is remembered with the state of the database it saw. A
  request that comes later asks the database for its state; if that is the same, and the
  files that the driver depends on are, the stored file is what a new generation would write. If it is another one, a
  worker looks first whether anything changed that the file was made from.
* *Grouping.* Otherwise the request is answered by a generation that *started after it arrived*.
  All requests that arrive while one runs wait for one single next run, so a thousand clients at
  once cost two. The same holds for asking the database for its state.
* *Fall-back.* If that generation fails, the last good content is the answer, and says so.

What a configuration reload changes (drivers, settings) is another `Generation`, so remembered states never outlive it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from xivo_confgend.client.wording import counted
from xivo_confgend.config import Settings
from xivo_confgend.database.postgresql.probe import Probe
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.drivers import Catalogue
from xivo_confgend.exceptions import ConfgendError, DriverError, GenerationError, NoSuchFile, StoreError, reason_of
from xivo_confgend.names import FileName
from xivo_confgend.notices import GenerationFailure, Shrinkage, Warnings
from xivo_confgend.remembered import (
    GENERATED,
    UNCHANGED_DATABASE,
    UNCHANGED_TABLES,
    Freshness,
    Remembered,
    SharedKnowledge,
    describe,
    first_change,
)
from xivo_confgend.store import Facts, Store, StoredFile
from xivo_confgend.watch import GroupedProbe, Outage
from xivo_confgend.worker import Failed, Generated, Job, Unchanged, flushed
from xivo_confgend.workers import Outcome, Workers

logger = logging.getLogger(__name__)

HOLD_INTERVAL = 0.25
"""Seconds between two checks that the lock of the store is still there."""
FIRST_TIME = 0.2
"""Seconds that the first generation of a file in a process may take longer, for imports and the connection."""

_numbers = itertools.count(1)
"""Of the runs of this process: after a reload two generations may stage contents side by side."""


@dataclass(frozen=True)
class Answer:
    """What a client gets: an open content with its facts. Whoever gets it closes `file`.

    `stale`: the generation failed and this is the last good content. `reused`: nothing was generated. `pinned`: the
    operator chose this content, which may be older than the question, so it is `stale` as well.
    """

    file: BinaryIO
    facts: Facts
    stale: bool = False
    reused: bool = False
    pinned: bool = False


class Pins(Protocol):
    """The contents that an operator chose to be served whatever the database says."""

    def open(self, name: FileName) -> StoredFile | None:
        """The pinned content of `name`, None if there is none."""


class NoPins:
    """Nothing is pinned."""

    def open(self, name: FileName) -> StoredFile | None:
        """None."""
        return None


class Observer:
    """Who wants to know what happens to the files; called in the reactor, must return at once."""

    def started(self, name: FileName) -> None:
        """A generation of `name` starts."""

    def generated(self, name: FileName, facts: Facts, changed: bool) -> None:
        """A generation of `name` succeeded; `changed`: its content differs from the one before."""

    def shrunk(self, name: FileName, shrinkage: Shrinkage) -> None:
        """The new content of `name` is drastically smaller than the one before it."""

    def failed(self, name: FileName, reason: str, stale: bool) -> None:
        """A generation of `name` failed; `stale`: there is a last good content."""

    def recovered(self, name: FileName) -> None:
        """The stored content of `name` counts as up to date again, without a generation."""

    def answered(self, name: FileName, state: str, seconds: float) -> None:
        """A request for `name` was answered: `fresh`, `cached`, `stale`, `pinned` or `error`, after so many seconds."""

    def grouped(self, name: FileName, requests: int) -> None:
        """One generation of `name` answers so many requests."""

    def invalidated(self, name: FileName) -> None:
        """The stored content of `name` was forgotten."""

    def reused(self, name: FileName, why: str) -> None:
        """A request for `name` was answered with the stored content: `unchanged database` or `unchanged tables`."""

    def checked(self, name: FileName, changed: tuple[str, ...], seconds: float) -> None:
        """It was looked for what changed of that which `name` was made from; nothing if `changed` is empty."""


@dataclass
class _Run:
    """One generation and who waits for it; `anew`: it is not to be spared."""

    number: int
    anew: bool = False
    waiters: list[_Waiter] = field(default_factory=list)
    started: bool = False


@dataclass
class _Waiter:
    """Who waits for a run; `state`: that of the database at some moment after the request arrived, if asked for."""

    result: Deferred[_Result]
    state: DatabaseState | None


@dataclass(frozen=True)
class _Result:
    """What a run leaves behind.

    `spare`: the only copy, because the store could not take it; `why`: as `Freshness` says.
    """

    outcome: Outcome
    spare: Path | None = None
    why: str = GENERATED


@dataclass
class _Status:
    """What is known of one file since this generation began."""

    current: _Run | None = None
    following: _Run | None = None
    remembered: Remembered | None = None
    deterministic: bool = False
    why: str = ""
    changed: tuple[str, float] | None = None
    duration: float | None = None
    timed_out: bool = False


@dataclass(frozen=True)
class FileStatus:
    """What an operator may want to know of one file.

    `state`: `fresh` (the newest generation succeeded), `stale` (it failed, there is a last good content), `failed` (it
    failed, and there is none) or `none` (nothing was generated yet); `generating`: whether one runs now; `failure`: of
    the newest generation.
    """

    state: str
    generating: bool = False
    failure: GenerationFailure | None = None


class Generation:
    """Answers requests for files with the drivers of `catalogue`, `workers` and `store`."""

    def __init__(
        self,
        reactor: ReactorBase,
        catalogue: Catalogue,
        workers: Workers,
        store: Store,
        settings: Settings,
        observers: list[Observer],
        pins: Pins | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.workers = workers
        self.store = store
        self.outage = Outage()
        self._reactor = reactor
        self._settings = settings
        self._observers = observers
        self._pins: Pins = pins or NoPins()
        self._files: dict[FileName, _Status] = {}
        self._shared = SharedKnowledge()
        self._probes = GroupedProbe(reactor, Probe(settings.db_uri))
        self._holding = LoopingCall(self._hold)
        self._holding.clock = reactor  # type: ignore[assignment]
        self._held = True
        self._answering = 0
        self._idle: Deferred[None] | None = None

    def take_over(self, before: Generation) -> None:
        """Keep what was learnt of the files before a reload: which of them take long."""
        for name, status in before._files.items():
            self._files[name] = _Status(duration=status.duration, timed_out=status.timed_out)

    def start(self) -> None:
        """Start the workers."""
        self.workers.start()
        self._probes.start()
        self._holding.start(HOLD_INTERVAL)

    def retire(self) -> Deferred[None]:
        """Take no new requests: end the workers as they become idle; fires when the last request is answered."""
        self._idle = Deferred()
        self.workers.retire()
        self._tell_if_idle()
        return self._idle

    def _tell_if_idle(self) -> None:
        if self._answering == 0 and self._idle is not None and not self._idle.called:
            self._idle.callback(None)

    async def stop(self) -> None:
        """Kill the workers; what runs or waits fails."""
        if self._holding.running:
            self._holding.stop()
        await self.workers.stop()
        await self._probes.stop()

    def _hold(self) -> None:
        """Keep the store for this daemon, one line for each change."""
        try:
            if self.store.hold():
                logger.error("%s was removed while it was in use: it was made and locked again", self.store.root)
            self._held = True
        except StoreError as error:
            if self._held:
                logger.error("%s; files are generated and sent, but not kept", error)
            self._held = False

    async def answer(self, name: FileName, cached: bool = False, anew: bool = False) -> Answer:
        """The content of `name`, no older than this call; with `cached` the stored one if there is one.

        With `anew` it is generated whatever is known of the database, and whatever is pinned.

        Raises NoSuchFile if no driver serves it (whatever the store holds: defect D21 of docs/spec/30-daemon.md),
        DriverError if none is chosen and nothing is stored, GenerationError if nothing can be had.
        """
        began = time.perf_counter()
        self._answering += 1
        try:
            answer, state = await self._answer(name, cached, anew)
        except ConfgendError:
            self._tell(lambda observer: observer.answered(name, "error", time.perf_counter() - began))
            raise
        finally:
            self._answering -= 1
            self._tell_if_idle()
        self._tell(lambda observer: observer.answered(name, state, time.perf_counter() - began))
        return answer

    async def _answer(self, name: FileName, cached: bool, anew: bool) -> tuple[Answer, str]:
        try:
            self.catalogue.choose(name)
        except NoSuchFile:
            raise
        except DriverError as error:
            return await self._answer_without_driver(name, anew, error)
        status = self._files.setdefault(name, _Status())
        if anew:
            return await self._read(name, status, await self._wait_for_run(name, status, None, anew=True))
        if pinned := self._pins.open(name):
            return Answer(pinned.file, pinned.facts, stale=True, reused=True, pinned=True), "pinned"
        if cached and (stored := await self._open(name)):
            return Answer(stored.file, stored.facts, reused=True), "cached"
        state = await self._read_state(status)
        remembered = status.remembered
        if remembered and remembered.holds_at(state) and (reused := await self._reuse(name, status, remembered)):
            self._note_reuse(name, status, UNCHANGED_DATABASE)
            return reused, "fresh"
        return await self._read(name, status, await self._wait_for_run(name, status, state))

    def _note_reuse(self, name: FileName, status: _Status, why: str) -> None:
        status.why = why
        self._tell(lambda observer: observer.reused(name, why))

    async def _answer_without_driver(self, name: FileName, anew: bool, error: DriverError) -> tuple[Answer, str]:
        """The pinned or stored content of a file whose driver is gone, or has to be named. Raises `error`."""
        if not anew:
            if pinned := self._pins.open(name):
                return Answer(pinned.file, pinned.facts, stale=True, reused=True, pinned=True), "pinned"
            if stored := await self._open(name):
                return Answer(stored.file, stored.facts, stale=True, reused=True), "stale"
        raise error

    async def _reuse(self, name: FileName, status: _Status, remembered: Remembered) -> Answer | None:
        """The stored content, if it is the one that is remembered."""
        stored = await self._open(name)
        if stored and stored.facts.digest == remembered.digest:
            self._note_success(name)
            return Answer(stored.file, stored.facts, reused=True)
        if stored:
            stored.file.close()
        return None

    async def _read_state(self, status: _Status) -> DatabaseState | None:
        """The database's state, where it may spare a generation and the database is there to tell."""
        remembered = status.remembered
        asks = status.deterministic and (remembered is None or remembered.state is not None)
        return await self._probes.read() if asks and self.outage.since is None else None

    async def database_problem(self) -> str:
        """Why the database does not tell its state; empty if it does. Asked twice: an old connection may be dead."""
        return "" if await self._probes.read() or await self._probes.read() else self._probes.problem

    def status(self, name: FileName) -> FileStatus:
        """What happens to `name` now and what went wrong last."""
        status = self._files.get(name, _Status())
        failure = self.store.failure(name)
        with_content, without = ("stale", "failed") if failure else ("fresh", "none")
        state = with_content if self.store.has_content(name) else without
        return FileStatus(state, status.current is not None, failure)

    def freshness(self, name: FileName) -> Freshness:
        """How `name` is kept fresh."""
        status = self._files.get(name, _Status())
        return describe(status.remembered.state if status.remembered else None, status.why, status.changed)

    def invalidate(self, name: FileName) -> None:
        """Forget the stored content of `name`. Raises StoreError."""
        if name in self._files:
            self._files[name].remembered = None
        self.store.remove(name)
        self._tell(lambda observer: observer.invalidated(name))

    async def _open(self, name: FileName) -> StoredFile | None:
        """The stored content; one that was seeded or edited by hand is read once, in a thread."""
        try:
            opened = self.store.open(name)
            if opened is None:
                return None
            if opened.facts is None:
                return await deferToThread(self.store.examine, name, opened.file)
        except StoreError as error:
            logger.error("%s", error)
            return None
        return StoredFile(opened.file, opened.facts)

    def _wait_for_run(
        self, name: FileName, status: _Status, state: DatabaseState | None, anew: bool = False
    ) -> Deferred[_Result]:
        waiter = _Waiter(Deferred(), state)
        run = status.current
        if run is None or run.started or (anew and not run.anew):
            run = status.following = status.following or self._new_run()
            run.anew = run.anew or anew
        run.waiters.append(waiter)
        if status.current is None:
            self._begin(name, status)
        return waiter.result

    def _new_run(self) -> _Run:
        return _Run(next(_numbers))

    def _begin(self, name: FileName, status: _Status) -> None:
        run, status.following = status.following, None
        if run is None:
            return
        status.current = run
        kept = self.store.facts(name)
        digest = kept.digest if kept else ""
        job = Job(self.catalogue.choose(name), self.store.staging_path(name, run.number), digest)
        if (remembered := status.remembered) and not run.anew and remembered.digest == digest:
            state = remembered.state if remembered.is_worth_a_check() else None
            job = dataclasses.replace(job, state=state)
        job = dataclasses.replace(job, known=self._shared.known, recent=self._shared.recent)

        def started() -> None:
            run.started = True
            self._tell(lambda observer: observer.started(name))

        done = maybeDeferred(self.workers.submit, job, self._is_long(status, kept), started)
        done.addCallback(lambda outcome: self._flush(name, outcome))
        done.addCallback(lambda outcome: self._finish(name, status, run, outcome, kept))
        done.addErrback(self._break_down, name, status, run)

    def _is_long(self, status: _Status, kept: Facts | None) -> bool:
        """Whether a generation is to leave a worker to short ones; of an unknown file it is not."""
        if status.timed_out:
            return True
        if status.duration is not None:
            return status.duration > self._settings.short_generation
        return kept is not None and kept.duration > self._settings.short_generation + FIRST_TIME

    def _flush(self, name: FileName, outcome: Outcome) -> Outcome | Deferred[Generated]:
        """Flush what the worker did not, as it was stored already, if it was invalidated or edited meanwhile."""
        if not isinstance(outcome, Generated) or outcome.flushed or outcome.problem:
            return outcome
        current = self.store.facts(name)
        if current is not None and current.digest == outcome.facts.digest:
            return outcome
        return deferToThread(flushed, outcome)

    def _finish(self, name: FileName, status: _Status, run: _Run, outcome: Outcome, kept: Facts | None) -> None:
        spare = None
        if isinstance(outcome, Failed):
            _log_warnings(name, outcome.warnings)
            self._clear(self.store.staging_path(name, run.number))
            self._note_failure(name, status, outcome)
        else:
            self._note_check(name, status, outcome)
        if isinstance(outcome, Generated):
            _log_warnings(name, outcome.facts.warnings)
            outcome = self._compared(outcome, kept)
            spare = self._keep(name, status, outcome, kept)
            self._remember(status, run, outcome)
        result = _Result(outcome, spare, status.why)
        status.current = None
        waiters = run.waiters + self._satisfied(status, outcome)
        if spare is not None:
            # One copy for all: it goes when the last of them has opened it, which they do in this very call.
            self._reactor.callLater(0, self._clear, spare)
        self._begin(name, status)
        self._tell(lambda observer: observer.grouped(name, len(waiters)))
        for waiter in waiters:
            waiter.result.callback(result)

    def _break_down(self, failure: Failure, name: FileName, status: _Status, run: _Run) -> None:
        """A mistake of ours: nobody may wait for ever because of it."""
        logger.error("generation broke down: %s", failure.getTraceback())
        following, status.current, status.following = status.following, None, None
        outcome = Failed(f"internal error: {reason_of(failure.value)}")
        with contextlib.suppress(Exception):
            self._note_failure(name, status, outcome)
        result = _Result(outcome)
        for waiter in run.waiters + (following.waiters if following else []):
            if not waiter.result.called:
                waiter.result.callback(result)

    @staticmethod
    def _satisfied(status: _Status, outcome: Outcome) -> list[_Waiter]:
        """Those who wait for the following run although this one saw the very state they found after they asked."""
        following, remembered = status.following, status.remembered
        if following is None or isinstance(outcome, Failed) or remembered is None or remembered.state is None:
            return []
        # Who waits for a generation that is not to be spared did not ask for a state.
        satisfied = [w for w in following.waiters if w.state is not None and remembered.holds_at(w.state)]
        following.waiters = [w for w in following.waiters if w not in satisfied]
        if not following.waiters:
            status.following = None
        return satisfied

    def _keep(self, name: FileName, status: _Status, outcome: Generated, kept: Facts | None) -> Path | None:
        """Put the content into the store; returns where it is if the store does not take it."""
        facts = outcome.facts
        changed = kept is None or kept.digest != facts.digest
        self.store.forget_failure(name)
        status.timed_out = False
        if not outcome.first:
            status.duration = facts.duration
        if outcome.state is not None:
            self.outage.over()
        if outcome.problem:
            logger.error("%s: %s; the content was sent but not kept", name, outcome.problem)
            spare: Path | None = outcome.path
        else:
            spare = self._commit(name, outcome, changed)
        logger.info(
            "%s: generated by %s in %.3f s, %d bytes%s",
            name, facts.driver, facts.duration, facts.size, "" if changed else ", unchanged",
        )  # fmt: skip
        self._tell(lambda observer: observer.generated(name, facts, changed))
        if changed and (shrunk := facts.shrunk) is not None:
            _log_shrinkage(name, shrunk)
            self._tell(lambda observer: observer.shrunk(name, shrunk))
        return spare

    def _compared(self, outcome: Generated, kept: Facts | None) -> Generated:
        """`outcome` with what there is to say of its size beside that of `kept`, until the next change."""
        facts = outcome.facts
        if kept is None:
            return outcome
        if kept.digest == facts.digest:
            shrunk = kept.shrunk
        else:
            shrinkage = Shrinkage(kept.lines, facts.lines, kept.size, facts.size)
            shrunk = shrinkage if shrinkage.is_drastic(self._settings.shrink_warning) else None
        return replace(outcome, facts=replace(facts, shrunk=shrunk))

    def _commit(self, name: FileName, outcome: Generated, changed: bool) -> Path | None:
        current = self.store.facts(name)
        try:
            if not changed and current is not None and current.digest == outcome.facts.digest:
                self.store.confirm(name, outcome.facts)
                self._clear(outcome.path)
            else:
                self.store.commit(name, outcome.path, outcome.facts)
        except StoreError as error:
            logger.error("%s; the content was sent but not kept", error)
            return outcome.path
        return None

    @staticmethod
    def _clear(path: Path) -> None:
        """Remove a content that nobody needs; what a killed worker began may be there or not."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _remember(self, status: _Status, run: _Run, outcome: Generated) -> None:
        """On a standby a state is only exact if it was the same before the generation: see `DatabaseState`."""
        state = outcome.state
        status.deterministic = outcome.deterministic
        exact = (
            state is None
            or state.moment.exact
            or (
                bool(run.waiters)
                and all(w.state is not None and w.state.same_moment(state.moment) for w in run.waiters)
            )
        )
        before = status.remembered.state if status.remembered else None
        if name := first_change(before, state):
            status.changed = (name, time.time())
        status.remembered = (
            Remembered(outcome.facts.digest, state, exact, outcome.dependencies) if outcome.deterministic else None
        )

    def _note_check(self, name: FileName, status: _Status, outcome: Generated | Unchanged) -> None:
        """Remember what a worker learned of the database, whether it had to generate or not."""
        self._shared.learn(outcome.known)
        status.why = GENERATED
        if isinstance(outcome, Unchanged):
            self.outage.over()
            same = status.remembered and status.remembered.holds_at(outcome.state.moment)
            status.why = UNCHANGED_DATABASE if same else UNCHANGED_TABLES
            # None if it was invalidated meanwhile.
            status.remembered = status.remembered and status.remembered.at(outcome.state)
            self._note_success(name)
        if (checked := outcome.checked) is None:
            return
        if checked.changed:
            status.changed = (checked.changed[0], time.time())
        logger.debug(
            "%s: looked for changes in %.3f s: %s", name, checked.seconds, ", ".join(checked.changed) or "none"
        )
        self._tell(lambda observer: observer.checked(name, checked.changed, checked.seconds))

    def _note_failure(self, name: FileName, status: _Status, outcome: Failed) -> None:
        before = self.store.failure(name)
        self.store.note_failure(name, outcome.reason)
        status.timed_out = outcome.timed_out or status.timed_out
        stale = self.store.has_content(name)
        if outcome.database_away:
            self.outage.noticed(outcome.reason, outcome.refused)
        if not outcome.database_away or (not stale and before != self.store.failure(name)):
            served = "the last good content is served" if stale else "there is no last good content to serve"
            logger.error("%s: generation failed: %s; %s", name, outcome.reason, served)
        if outcome.trace:
            logger.debug("%s: %s", name, outcome.trace)
        self._tell(lambda observer: observer.failed(name, outcome.reason, stale))

    def _note_success(self, name: FileName) -> None:
        """The stored content of `name` is what a new generation would give, although the newest one failed."""
        if self.store.forget_failure(name):
            logger.info("%s: the stored content is up to date", name)
            self._tell(lambda observer: observer.recovered(name))

    async def _read(self, name: FileName, status: _Status, result: _Result) -> tuple[Answer, str]:
        outcome = result.outcome
        if isinstance(outcome, Unchanged):
            if status.remembered and (reused := await self._reuse(name, status, status.remembered)):
                self._note_reuse(name, status, result.why)
                return reused, "fresh"
            # Invalidated or edited while it was looked for changes.
            result = await self._wait_for_run(name, status, None, anew=True)
            return await self._read(name, status, result)
        if isinstance(outcome, Generated):
            if result.spare is not None:
                return Answer(self._open_spare(name, result.spare), outcome.facts), "fresh"
            stored = await self._open(name)
            if stored is not None:
                return Answer(stored.file, stored.facts), "fresh"
            raise GenerationError(f"{name}: was generated, but the store lost it")
        stored = await self._open(name)
        if stored is not None:
            return Answer(stored.file, stored.facts, stale=True), "stale"
        raise GenerationError(f"{name}: {outcome.reason}")

    @staticmethod
    def _open_spare(name: FileName, spare: Path) -> BinaryIO:
        try:
            return spare.open("rb", buffering=0)
        except OSError as error:
            raise GenerationError(f"{name}: was generated, but cannot be read: {error.strerror}") from error

    def _tell(self, what: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                what(observer)
            except Exception:
                logger.exception("an observer failed")


def _log_warnings(name: FileName, warnings: Warnings) -> None:
    for line in warnings.lines:
        logger.warning("%s: %s", name, line)
    if warnings.more:
        logger.warning("%s: %s only counted", name, counted(warnings.more, "more warning is", "more warnings are"))


def _log_shrinkage(name: FileName, shrunk: Shrinkage) -> None:
    logger.warning(
        "%s: shrank from %s to %s (%s to %s) and is served as it is; if that was not intended, see confgen diff %s",
        name, f"{shrunk.lines_before:,}", counted(shrunk.lines, "line"),
        f"{shrunk.size_before:,}", counted(shrunk.size, "byte"), name,
    )  # fmt: skip
