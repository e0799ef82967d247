"""SIGTERM, SIGINT and SIGHUP: running answers are finished, a broken configuration changes nothing."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


def begin_to_stop(daemon: Daemon) -> None:
    """Send SIGTERM, and return when the daemon knows."""
    os.kill(daemon.pid, signal.SIGTERM)
    wait_until(lambda: "stopping" in daemon.log, "the beginning of the end")


def accepts(daemon: Daemon) -> bool:
    """Whether the daemon takes a connection."""
    try:
        daemon.connect().close()
    except ConnectionRefusedError:
        return False
    return True


class TestStopping:
    """SIGTERM lets running answers finish, and nothing else keeps the daemon."""

    def test_finishes_running_answers(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "hold", content="finished\n")
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_until_held("first")
        begin_to_stop(daemon)
        puppets.release("first")

        assert daemon.stop() == 0
        assert waiting.result(30).text == "finished\n"

    @pytest.mark.parametrize("limit", [1, 2])
    def test_is_not_held_up_by_reaching_max_connections(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor, limit: int
    ) -> None:
        daemon = puppet_daemon(max_connections=limit)
        puppets.tell("first", "hold", content="finished\n")
        waiting = [ask_in_background(background, daemon, "test/first.conf") for _ in range(limit)]
        puppets.wait_until_held("first")
        wait_until(lambda: f"max_connections ({limit}) reached" in daemon.log, "the limit")
        begin_to_stop(daemon)
        puppets.release("first")

        assert daemon.stop() == 0
        assert {one.result(30).text for one in waiting} == {"finished\n"}

    def test_cuts_what_takes_longer_than_stop_timeout(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(stop_timeout=0.5)
        puppets.tell("first", "burn_without_gil_switch")
        with daemon.connect() as waiting:
            waiting.sendall(b"test/first.conf\n")
            puppets.wait_for_run("first")

            assert daemon.stop() == 0

    def test_takes_no_new_connections(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "hold", content="")
        with daemon.connect() as waiting:
            waiting.sendall(b"test/first.conf\n")
            puppets.wait_until_held("first")
            begin_to_stop(daemon)

            wait_until(lambda: not accepts(daemon), "the end of listening")
            puppets.release("first")

    def test_leaves_no_process_behind(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        processes = [psutil.Process(pid) for pid in daemon.workers()]
        daemon.stop()

        _, alive = psutil.wait_procs(processes, 5)
        assert alive == []

    def test_is_the_same_for_an_interrupt_from_the_terminal(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")

        assert daemon.stop(signal.SIGINT) == 0

    def test_right_after_a_reload_is_as_quick(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(stop_timeout=600)
        daemon.fetch("test/rows.conf")
        daemon.reload()
        daemon.fetch("test/rows.conf")

        assert daemon.stop() == 0

    def test_twice_is_stopping_once(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "hold", content="")
        with daemon.connect() as waiting:
            waiting.sendall(b"test/first.conf\n")
            puppets.wait_until_held("first")
            begin_to_stop(daemon)
            os.kill(daemon.pid, signal.SIGTERM)
            puppets.release("first")

            assert daemon.stop() == 0
        assert daemon.log.count("stopping") == 1


class TestReloading:
    """SIGHUP takes a new configuration, or keeps the old one whole."""

    def test_passes_new_values_to_the_drivers(
        self, puppets: Puppets, puppet_daemon: StartDaemon, tmp_path: Path
    ) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        others = Puppets(tmp_path / "others")
        others.tell("first", "say", content="new configuration\n")
        daemon.config["puppets"] = str(others.orders)

        daemon.reload()

        assert daemon.fetch("test/first.conf").text == "new configuration\n"

    def test_switches_a_file_off_and_on(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        daemon.config["plugins"] = {"test.first.conf": None}
        daemon.reload()
        assert daemon.fetch("test/first.conf").code == 404
        daemon.config["plugins"] = {"test.first.conf": "ill"}

        daemon.reload()

        assert daemon.fetch("test/first.conf").text == "first\n"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("workers", "many"),
            ("listen", ["nonsense:1"]),
            ("listen", []),
            ("cache", "/dev/null/store"),
            ("db_uri", "?"),
        ],
    )
    def test_of_a_broken_configuration_keeps_the_old_one(
        self, puppets: Puppets, puppet_daemon: StartDaemon, key: str, value: object
    ) -> None:
        daemon = puppet_daemon()
        daemon.config[key] = value
        daemon.config["plugins"] = {"test.first.conf": None}

        daemon.reload()

        assert daemon.fetch("test/first.conf").text == "first\n"
        lines = [line for line in daemon.log.splitlines() if "the configuration was not reloaded" in line]
        assert len(lines) == 1
        assert "Traceback" not in daemon.log

    def test_of_a_broken_endpoint_opens_none_of_the_new_ones(self, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
        daemon = puppet_daemon()
        old = f"tcp:{daemon.port}:interface=127.0.0.1"
        daemon.config["listen"] = [f"unix:{tmp_path}/new.sock", old, "nonsense:1"]

        daemon.reload()

        assert not (tmp_path / "new.sock").exists()
        assert daemon.fetch("test/first.conf").text == "first\n"

    def test_moves_to_new_endpoints(self, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
        daemon = puppet_daemon()
        daemon.config["listen"] = [f"unix:{tmp_path}/new.sock"]

        daemon.reload()

        wait_until((tmp_path / "new.sock").exists, "the new endpoint")
        with pytest.raises(ConnectionRefusedError):
            daemon.connect()

    def test_answers_what_came_before_by_what_it_came_to(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "hold", content="before the reload\n")
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_until_held("first")

        daemon.reload()
        puppets.release("first")

        assert waiting.result(30).text == "before the reload\n"

    def test_keeps_generations_of_before_and_after_apart(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        """Both are the first generation of the first file since their configuration was loaded."""
        daemon = puppet_daemon()
        puppets.tell("first", "yield", pieces=["a", "b"], then="sleep", seconds=1)
        old = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_for_run("first")
        daemon.reload()
        puppets.tell("first", "yield", pieces=["c"], then="sleep", seconds=2)
        new = ask_in_background(background, daemon, "test/first.conf")

        assert old.result(10).text == "a" * 100_000 + "b" * 100_000
        assert new.result(10).text == "c" * 100_000
        assert daemon.fetch("test/first.conf", "cached").text == "c" * 100_000

    def test_while_connections_are_at_their_limit_lets_new_ones_in(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon(max_connections=2)
        puppets.tell("first", "hold", content="")
        with daemon.connect() as one, daemon.connect() as other:
            one.sendall(b"test/first.conf\n")
            other.sendall(b"test/first.conf\n")
            wait_until(lambda: "max_connections" in daemon.log, "the limit")
            daemon.config["max_connections"] = 5
            daemon.reload()

            assert daemon.fetch("test/second.conf").text == "second\n"
            assert select.select([one, other], [], [], 0)[0] == []

    def test_many_times_at_once_leaves_one_daemon_that_serves(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon(generation_timeout=2)
        for _ in range(10):
            os.kill(daemon.pid, signal.SIGHUP)
            time.sleep(0.02)

        assert daemon.fetch("test/first.conf").text == "first\n"
        wait_until(lambda: len(daemon.workers()) <= 4, "the end of the old workers")
        assert daemon.stop() == 0
