"""pytest fixtures for authors of drivers: a PostgreSQL, a running daemon, and what it answers.

Registered as an entry point, so pytest imports this module in every run where the core is installed:
it imports nothing but pytest, and a fixture imports what it needs when a test asks for it.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xivo_confgend.testing.daemon import Daemon
    from xivo_confgend.testing.given_postgresql import GivenPostgreSQL
    from xivo_confgend.testing.postgresql import PostgreSQL

DB_URI = "XIVO_CONFGEND_TEST_DB_URI"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def confgend_postgresql() -> Iterator[PostgreSQL | GivenPostgreSQL]:
    """A PostgreSQL server: `create_database(name)` makes an empty database in it and returns its URL.

    The server that the environment variable XIVO_CONFGEND_TEST_DB_URI names, else one of the tests' own.
    """
    if uri := os.environ.get(DB_URI):
        from xivo_confgend.testing.given_postgresql import GivenPostgreSQL

        given = GivenPostgreSQL(uri)
        yield given
        given.close()
        return
    from xivo_confgend.testing.postgresql import running_postgresql

    with running_postgresql() as server:
        yield server


@pytest.fixture
def confgend_database(confgend_postgresql: PostgreSQL | GivenPostgreSQL) -> str:
    """URL of an empty database of this test's own."""
    return confgend_postgresql.create_database(f"test{next(_numbers)}")


class Daemons:
    """Starts daemons for one test; `latest` is the one that `fetch` asks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Daemon] = []

    def __call__(self, conf_d: Iterable[Path | str] = (), **config: Any) -> Daemon:
        """Start a daemon with keys of the configuration (`db_uri=…, plugins={…}`) and copies of the files `conf_d`."""
        from xivo_confgend.testing.daemon import Daemon

        daemon = Daemon(self._directory / f"daemon{len(self._started)}", config)
        for path in conf_d:
            shutil.copy(path, daemon.directory / "conf.d")
        self._started.append(daemon)
        daemon.start()
        return daemon

    @property
    def latest(self) -> Daemon:
        """The daemon that was started last; starts one if there is none."""
        return self._started[-1] if self._started else self()

    def stop(self) -> None:
        """Stop them all."""
        for daemon in self._started:
            daemon.stop()


@pytest.fixture
def confgend_daemon(tmp_path: Path) -> Iterator[Daemons]:
    """Starts daemons: `confgend_daemon(db_uri=…, conf_d=["etc/50-mine.yml"])`; they stop with the test."""
    daemons = Daemons(tmp_path)
    yield daemons
    daemons.stop()


@pytest.fixture
def fetch(confgend_daemon: Daemons) -> Callable[..., str]:
    """`fetch("asterisk/foo.conf")` is the text that the daemon answers.

    Fails the test with the daemon's reason and log if it answers an error or a content that is not fresh.
    """

    def fetch_text(name: str, *arguments: str) -> str:
        __tracebackhide__ = True
        daemon = confgend_daemon.latest
        fetched = daemon.fetch(name, *arguments)
        if fetched.code != 200 or (fetched.state != "fresh" and "cached" not in arguments):
            pytest.fail(f"{name}: {fetched.error or fetched.state}\nLog of the daemon:\n{daemon.log}")
        return fetched.text

    return fetch_text
