"""A file reaches its place only after it is on the disk, whatever happens to the stored one meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.task import Clock

from xivo_confgend import drivers, generation, worker
from xivo_confgend.config import Settings
from xivo_confgend.generation import Generation
from xivo_confgend.names import FileName
from xivo_confgend.store import Store
from xivo_confgend.worker import Job

NAME = FileName("unit", "a.conf")
DRIVER = drivers.Driver(NAME, "one", "confgend", "unit:Driver", "unit", "1.0")
CONTENT = "always the same\n"


class Workers:
    """One worker in this process; its result arrives when the test says so."""

    def __init__(self) -> None:
        self.results: list[Callable[[], None]] = []

    def submit(self, job: Job, long: bool, started: Callable[[], None]) -> Deferred[Any]:
        """As the real ones."""
        started()
        result: Deferred[Any] = Deferred()
        outcome = worker.generate(job)
        self.results.append(lambda: result.callback(outcome))
        return result


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes that were flushed to the disk."""
    inodes: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (inodes.append(os.fstat(file).st_ino), fsync(file)))
    return inodes


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "cache")
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    instance = SimpleNamespace(generate=lambda: CONTENT)
    monkeypatch.setattr(worker, "_process", worker._Process(instances={DRIVER: instance}))
    monkeypatch.setattr(generation, "deferToThread", maybeDeferred)
    return Workers()


@pytest.fixture
def made(store: Store, workers: Workers) -> Generation:
    catalogue = SimpleNamespace(choose=lambda name: DRIVER)
    return Generation(Clock(), catalogue, workers, store, Settings(), [])  # type: ignore[arg-type]


def edit(store: Store) -> None:
    store.path(NAME).unlink()
    store.path(NAME).write_text("edited\n")


@pytest.mark.parametrize("meanwhile", ["nothing", "invalidated", "edited", "emptied"])
def test_what_is_stored_was_flushed_before(made, store, workers, flushed, meanwhile):
    for number in range(2):
        answer = ensureDeferred(made.answer(NAME))
        if number == 1:
            {
                "nothing": lambda: None,
                "invalidated": lambda: made.invalidate(NAME),
                "edited": lambda: edit(store),
                "emptied": lambda: store.path(NAME).unlink(),
            }[meanwhile]()
        workers.results.pop()()
        answer.result.file.close()

    assert store.path(NAME).read_text() == CONTENT
    assert store.path(NAME).stat().st_ino in flushed
    assert len(flushed) == (1 if meanwhile == "nothing" else 2)
