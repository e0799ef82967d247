"""SIGHUP, SIGTERM and SIGINT before the daemon is ready, and the daemon as process 1 of a container."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from integration_tests.suite.helpers.containers import Contained
from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon

MakeContained = Callable[..., Contained]


class Held:
    """A configuration that is not read to its end before `go_on`."""

    def __init__(self, directory: Path) -> None:
        self._reading, self._go_on, self.program = directory / "reading", directory / "go-on", directory / "wait"
        wait = f"while ! test -e {self._go_on}; do sleep 0.02; done"
        self.program.write_text(f"#!/bin/sh\ntouch {self._reading}\n{wait}\necho false\n")
        self.program.chmod(0o755)

    def start(self, daemon: Daemon) -> None:
        """Start `daemon`; it is reading its configuration then."""
        (daemon.directory / "conf.d" / "held.yml").write_text(f"debug: !exec {{command: {self.program}}}\n")
        daemon.start(wait=False)
        wait_until(self._reading.exists, "the configuration's reading")

    def go_on(self) -> None:
        """Let the reading end."""
        self._go_on.touch()


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """A configuration that waits."""
    return Held(tmp_path)


class TestBeforeTheDaemonIsReady:
    @pytest.fixture
    def daemon(self, puppets: Puppets, tmp_path: Path):
        daemon = puppets.daemon(tmp_path / "daemon", rest_api={"enabled": False})
        yield daemon
        daemon.stop(signal.SIGKILL)

    def test_sighup_is_a_reload_as_soon_as_it_serves(self, daemon: Daemon, held: Held) -> None:
        held.start(daemon)
        os.kill(daemon.pid, signal.SIGHUP)
        held.go_on()

        wait_until(lambda: "configuration reloaded" in daemon.log, "the reload")
        assert daemon.fetch("test/first.conf").text == "first\n"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_sigterm_and_sigint_end_it_with_status_0(self, daemon: Daemon, held: Held, number: signal.Signals) -> None:
        held.start(daemon)

        assert daemon.stop(number) == 0
        assert daemon.log == ""


class TestAsProcess1:
    def test_sighup_at_the_start_is_a_reload(self, contained: MakeContained, held: Held) -> None:
        daemon = contained()
        held.start(daemon)
        daemon.signal(signal.SIGHUP)
        held.go_on()

        wait_until(lambda: "configuration reloaded" in daemon.log, "the reload")
        assert daemon.fetch("test/first.conf").text == "first\n"

    def test_sigterm_at_the_start_ends_it(self, contained: MakeContained, held: Held) -> None:
        daemon = contained()
        held.start(daemon)

        assert daemon.end(signal.SIGTERM) == 0

    def test_sigterm_stops_it_in_good_order(self, contained: MakeContained) -> None:
        daemon = contained()
        daemon.start()
        daemon.fetch("test/first.conf")

        assert daemon.end(signal.SIGTERM) == 0
        assert "stopped" in daemon.log

    def test_a_daemon_that_was_killed_is_told_by_the_exit_status(self, contained: MakeContained) -> None:
        daemon = contained()
        daemon.start()
        wait_until(lambda: len(daemon.workers()) > 2, "the daemon's own process")
        (own,) = psutil.Process(daemon.pid).children()
        own.kill()

        assert daemon.process is not None
        assert daemon.process.wait(20) == 128 + signal.SIGKILL

    def test_orphans_of_drivers_are_reaped(self, contained: MakeContained, puppets: Puppets) -> None:
        daemon = contained()
        daemon.start()
        for number in range(5):
            puppets.tell("first", "start_orphan", content=f"{number}\n")
            assert daemon.fetch("test/first.conf").text == f"{number}\n"

        wait_until(lambda: not daemon.commands("sleep") and not daemon.zombies(), "the end of the orphans")
        assert daemon.fetch("test/second.conf").text == "second\n"
