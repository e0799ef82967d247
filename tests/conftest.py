"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk_exec import FORMS, Form, OneLine, TwoLines
from tests.fake_daemon import FakeDaemon, fake_daemon


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    """A daemon that gives `fake_daemon.CONTENT`, framed, unless it is told otherwise."""
    with fake_daemon() as one:
        yield one


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Form:
    """One of the two forms of the lines in Asterisk's files."""
    made: Form = request.param(tmp_path)
    return made


@pytest.fixture
def one_line(tmp_path: Path) -> OneLine:
    """The form that is in the field."""
    return OneLine(tmp_path)


@pytest.fixture
def two_lines(tmp_path: Path) -> TwoLines:
    """The form that is recommended."""
    return TwoLines(tmp_path)
