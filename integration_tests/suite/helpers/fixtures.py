"""Fixtures that every integration test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import xivo_confgend_wazo.meta
import xivo_confgend_xivo.meta
from integration_tests.suite.helpers.base import fill_database
from integration_tests.suite.helpers.preconditions import end_run
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, PostgreSQLError, running_postgresql

GOLDEN = {
    "fresh": xivo_confgend_wazo.meta.METADATA,
    "small": xivo_confgend_wazo.meta.METADATA,
    "tricky": xivo_confgend_wazo.meta.METADATA,
    "xivo-small": xivo_confgend_xivo.meta.METADATA,
    "xivo-tricky": xivo_confgend_xivo.meta.METADATA,
}


@pytest.fixture(scope="session", autouse=True)
def postgresql(request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """One server for all tests that only read, or write into databases of their own; the run ends if there is none."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_postgresql())
        except (PostgreSQLError, OSError) as error:
            end_run(request.session, str(error))
        yield server


@pytest.fixture(scope="session")
def golden_uri(postgresql: PostgreSQL) -> Callable[[str], str]:
    """URL of a database with the rows of a golden case; filled once, only to be read."""
    filled: dict[str, str] = {}

    def uri(case: str) -> str:
        if case not in filled:
            filled[case] = fill_database(postgresql, f"golden_{case.replace('-', '_')}", GOLDEN[case], case)
        return filled[case]

    return uri


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons with given configuration keys; all are stopped at the end of the test."""
    started: list[Daemon] = []

    def start(**config: Any) -> Daemon:
        one = Daemon(tmp_path / f"daemon{len(started)}", config)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()
