"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_daemon import FakeDaemon, fake_daemon


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    """A daemon that gives `fake_daemon.CONTENT`, framed, unless it is told otherwise."""
    with fake_daemon() as one:
        yield one
