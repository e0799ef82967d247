"""One file, generated and checked by the code of the worker in this process: is its state still current?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from integration_tests.suite.helpers.items import Items
from integration_tests.suite.helpers.races import STATEMENT_TIMEOUT, instance
from xivo_confgend import worker
from xivo_confgend.database import Session
from xivo_confgend.database.postgresql import check, notes
from xivo_confgend.database.postgresql.file_state import FileState, Known, Mode
from xivo_confgend.database.postgresql.session import bind
from xivo_confgend.worker import Failed, Generated, Job, Unchanged

Read = Callable[[], str]


def rows_of(*statements: str) -> Read:
    """Reads the rows of all statements, a line each."""

    def read() -> str:
        return "".join(" ".join(map(str, row)) + "\n" for one in statements for row in Session.execute(text(one)))

    return read


def in_savepoint(statement: str, ending: str = "ROLLBACK TO SAVEPOINT reading") -> Read:
    """Reads its rows in a savepoint that is rolled back by plain SQL."""

    def read() -> str:
        Session.execute(text("SAVEPOINT reading"))
        content = rows_of(statement)()
        Session.execute(text(ending))
        return content

    return read


@dataclass
class _Driver:
    read: Read
    deterministic: bool

    def generate(self) -> str:
        """As the contract says."""
        return self.read()


@dataclass
class File:
    """What `read` gives, in the database of `items`. `state`: of the last generation or check."""

    read: Read
    path: Path
    deterministic: bool = True
    state: FileState | None = None
    known: Known = Known()

    def __post_init__(self) -> None:
        self.driver = instance(_Driver(self.read, self.deterministic))

    def generate(self) -> str:
        """The content, made anew: what the truth is. Raises AssertionError if it cannot be made."""
        made = worker.generate(Job(self.driver, self.path))
        assert isinstance(made, Generated), made
        return made.path.read_text("utf-8")

    def remember(self) -> str:
        """Generate, and remember what from."""
        made = worker.generate(Job(self.driver, self.path))
        assert isinstance(made, Generated), made
        self.state, self.known = made.state, made.known
        return made.path.read_text("utf-8")

    def check(self, known: Known | None = None) -> Unchanged | Generated:
        """What a worker makes of a request; remembers it. Raises AssertionError if it fails."""
        made = worker.generate(Job(self.driver, self.path, state=self.state, known=known or Known()))
        assert not isinstance(made, Failed), made
        self.state, self.known = made.state, made.known
        return made

    @property
    def mode(self) -> Mode:
        """How it may be reused."""
        assert self.state is not None
        return self.state.mode


@contextmanager
def reading(uri: str) -> Iterator[Any]:
    """Bind the sessions of this process to the database at `uri`."""
    engine = bind(uri, STATEMENT_TIMEOUT)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def at_any_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check is worth it however small the file is, and takes the time that it needs."""
    monkeypatch.setattr(notes, "SHARE", 1000.0)
    monkeypatch.setattr(notes, "LEAST_TIMEOUT", 60.0)
    monkeypatch.setattr(check, "LEAST_TIMEOUT", 60.0)


def change(items: Items, *statements: str) -> None:
    """Commit each of them."""
    for statement in statements:
        items.run(statement)
