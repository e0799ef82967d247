"""Asterisk's `#exec` with the real daemon: whatever becomes of the daemon, the last good content is loaded."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration_tests.suite.helpers.puppets import Puppets
from tests.asterisk_exec import FORMS, Form, run_by_exec
from xivo_confgend.testing.daemon import Daemon

SHORT = ("--timeout", "5", "--wait", "0.5")
StartDaemon = Callable[..., Daemon]


def made_form(kind: type[Form], directory: Path, daemon: Daemon, puppets: Puppets) -> Form:
    """A form of the lines by which the file `test/first.conf` was loaded as `first`; another content follows."""
    puppets.tell("first", "say", content="first\n")
    directory.mkdir()
    form = kind(directory, "test/first.conf")
    assert form.loaded(run_by_exec(form.arguments(daemon.port))) == b"first\n"
    puppets.tell("first", "say", content="changed\n")
    return form


@pytest.fixture(params=FORMS, ids=lambda kind: kind.__name__)
def form(request: pytest.FixtureRequest, tmp_path: Path, shared: Daemon, shared_puppets: Puppets) -> Form:
    """One of the two forms of the lines in Asterisk's files, loaded once."""
    return made_form(request.param, tmp_path / "asterisk", shared, shared_puppets)


@pytest.fixture
def stopped(shared: Daemon) -> Iterator[Daemon]:
    """The daemon, which does not move until the end of the test."""
    os.kill(shared.pid, signal.SIGSTOP)
    yield shared
    os.kill(shared.pid, signal.SIGCONT)


def test_a_change_is_loaded(form: Form, shared: Daemon) -> None:
    done = run_by_exec(form.arguments(shared.port))

    assert (form.loaded(done), done.errors, done.status) == (b"changed\n", [], 0)


def test_a_driver_that_fails_is_no_outage(form: Form, shared: Daemon, shared_puppets: Puppets) -> None:
    shared_puppets.tell("first", "fail", message="no")

    done = run_by_exec(form.arguments(shared.port))

    assert (form.loaded(done), done.status, len(done.errors)) == (b"first\n", 0, 1)


def test_a_driver_that_is_slow_delays_its_own_file_only(form: Form, shared: Daemon, shared_puppets: Puppets) -> None:
    shared_puppets.tell("first", "sleep", seconds=30)
    slow = run_by_exec(form.arguments(shared.port, *SHORT))
    form.kept.with_name("second.conf").write_text("kept\n")

    run_by_exec([one.replace("first.conf", "second.conf") for one in form.arguments(shared.port)])

    assert (form.loaded(slow), len(slow.errors)) == (b"first\n", 1)
    assert form.kept.with_name("second.conf").read_text() == "second\n"


def test_a_daemon_that_does_not_move_is_waited_for_once(form: Form, stopped: Daemon) -> None:
    form.kept.with_name("second.conf").write_text("kept\n")

    first, again = (run_by_exec(form.arguments(stopped.port, *SHORT)) for _ in range(2))
    other = run_by_exec([one.replace("first.conf", "second.conf") for one in form.arguments(stopped.port)])

    assert [form.loaded(one) for one in (first, again)] == [b"first\n", b"first\n"]
    assert "no whole answer from " in first.errors[0]
    assert " is not asked again for " in again.errors[0]
    assert " does not respond now" in other.errors[0]
    assert form.kept.with_name("second.conf").read_text() == "kept\n"


def test_a_daemon_that_was_killed_is_no_outage(puppets: Puppets, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = puppet_daemon()
    forms = [made_form(kind, tmp_path / kind.__name__, daemon, puppets) for kind in FORMS]
    daemon.stop(signal.SIGKILL)

    done = [run_by_exec(form.arguments(daemon.port)) for form in forms]

    assert [form.loaded(one) for form, one in zip(forms, done, strict=True)] == [b"first\n"] * 2
    assert [len(one.errors) for one in done] == [1, 1]
