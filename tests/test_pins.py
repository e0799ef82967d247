"""Pins under every order of events: requests, the steps of the history's thread, and the arrival of their results."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from tests.one_thread import OneThread, commit, digest_of, history_of
from xivo_confgend.database import queries
from xivo_confgend.history import History
from xivo_confgend.names import FileName
from xivo_confgend.pins import Pins
from xivo_confgend.store import Store

NAME = FileName("test", "pinned.conf")
CONTENTS = (b"one\n", b"two\n", b"three\n")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where flushing costs nothing."""


class PinsAndUnpins(RuleBasedStateMachine):
    """One file with three versions; what was asked for last holds in the end, and what is shown can be read always."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(dir=MEMORY)
        self.store = Store(Path(self.directory.name) / "cache")
        self.store.prepare()
        self.threads = OneThread()
        self.history = self.new_history()
        self.do(self.history.start())
        for number, content in enumerate(CONTENTS):
            self.history.generated(NAME, commit(self.store, NAME, content, float(number)), changed=True)
        self.threads.finish()
        self.wanted: int | None = None
        self.waiting: list[Any] = []
        self.losses: list[FileName] = []
        self.history.pins.on_loss = lambda: self.losses.append(NAME)

    def new_history(self) -> History:
        return history_of(self.store, self.threads)

    def teardown(self) -> None:
        self.threads.finish()
        self.do(self.history.stop())
        self.store.close()
        self.directory.cleanup()

    def do(self, what: Any) -> Any:
        waiting = ensureDeferred(what)
        self.threads.finish()
        return waiting.result

    @rule(asked=st.lists(st.sampled_from([None, *range(len(CONTENTS))]), min_size=1, max_size=3))
    def pin_and_unpin_at_once(self, asked: list[int | None]) -> None:
        for version in asked:
            self.waiting.append(ensureDeferred(self.ask(version)))
            self.wanted = version

    def ask(self, version: int | None) -> Any:
        if version is None:
            return self.history.unpin(NAME)
        return self.history.pin(NAME, digest_of(CONTENTS[version]), "operator", "")

    @precondition(lambda self: self.threads.jobs or self.threads.results)
    @rule(steps=st.lists(st.booleans(), min_size=1, max_size=6))
    def thread_works_and_results_arrive(self, steps: list[bool]) -> None:
        for works in steps:
            if works and self.threads.jobs:
                self.threads.work()
            elif self.threads.results:
                self.threads.tell()
            self.shown_pin_can_be_read()

    @invariant()
    def shown_pin_can_be_read(self) -> None:
        pin = self.history.pins.get(NAME)
        opened = self.history.pins.open(NAME)
        assert (pin is None) == (opened is None)
        assert not self.losses, "the content of the pin that is shown was erased"
        if opened is not None:
            with opened.file as file:
                assert digest_of(file.read()) == opened.facts.digest == pin.facts.digest

    @precondition(lambda self: not self.threads.jobs and not self.threads.results)
    @invariant()
    def last_request_holds(self) -> None:
        assert all(one.called and not isinstance(one.result, Failure) for one in self.waiting)
        expected = None if self.wanted is None else digest_of(CONTENTS[self.wanted])
        pin = self.history.pins.get(NAME)
        on_disk = Pins(self.store.root / ".history" / "pinned")
        on_disk.load()
        kept = on_disk.get(NAME)
        known = self.history._run(queries.list_pins)
        assert (pin and pin.facts.digest) == expected
        assert (kept and kept.facts.digest) == expected
        assert [row.digest for row in known] == ([] if expected is None else [expected])

    @precondition(lambda self: not self.threads.jobs and not self.threads.results)
    @rule()
    def daemon_starts_again(self) -> None:
        self.do(self.history.stop())
        self.history = self.new_history()
        self.do(self.history.start())
        self.history.pins.on_loss = lambda: self.losses.append(NAME)


PinsAndUnpins.TestCase.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)
TestPinsAndUnpins = PinsAndUnpins.TestCase
