"""Many reloads at once, reloads while files are generated, and reloads that change the cache."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]
AT_REST = 4
"""Processes of a daemon with two workers: these, what they are forked from, and the resource tracker of Python."""


class SlowCommand:
    """A command for `!exec` that counts its runs, and ends when it is let go."""

    def __init__(self, directory: Path) -> None:
        self._runs, self._go = directory / "runs", directory / "go"
        self.path = directory / "command"
        self.path.write_text(
            f"#!/bin/sh\necho >> {self._runs}\nuntil [ -e {self._go} ]; do sleep 0.01; done\necho said\n"
        )
        self.path.chmod(0o755)

    @property
    def runs(self) -> int:
        return len(self._runs.read_text().splitlines()) if self._runs.exists() else 0

    def let_go(self) -> None:
        self._go.touch()


def hang_up(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGHUP)


class TestManyReloads:
    def test_at_once_are_one_more_after_the_one_that_runs(self, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
        daemon = puppet_daemon()
        command = SlowCommand(tmp_path)
        with daemon.config_file.open("a") as config:
            config.write(f"slow: !exec {{command: {command.path}}}\n")
        hang_up(daemon)
        wait_until(lambda: command.runs == 1, "the first reload")

        for _ in range(50):
            hang_up(daemon)
            assert daemon.fetch("test/first.conf").state == "fresh"
        command.let_go()

        wait_until(lambda: daemon.log.count("configuration reloaded") == 2, "the second reload")
        assert daemon.stop() == 0
        assert command.runs == 2

    def test_end_with_the_last_configuration(self, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
        daemon = puppet_daemon()
        for name in ("one", "other", "another", "last"):
            others = Puppets(tmp_path / name)
            others.tell("first", "say", content=name)
            daemon.config["puppets"] = str(others.orders)
            daemon.write_config()
            for _ in range(5):
                hang_up(daemon)

        wait_until(lambda: daemon.fetch("test/first.conf").text == "last", "the last configuration")
        wait_until(lambda: len(daemon.workers()) == AT_REST, "the end of the old workers")
        assert daemon.fetch("test/first.conf").text == "last"

    def test_after_a_failed_one_are_tried(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        daemon.config["workers"] = "many"
        daemon.reload()
        daemon.config["workers"] = 3
        daemon.reload()

        wait_until(lambda: len(daemon.workers()) == AT_REST + 1, "three workers")


class TestWorkersOfTheOldConfiguration:
    def test_that_are_idle_end_and_busy_ones_answer(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        puppets.tell("first", "hold", content="of the old configuration\n")
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_for_run("first", 2)

        for _ in range(5):
            daemon.reload()

        wait_until(lambda: len(daemon.workers()) == AT_REST + 1, "the end of the idle workers")
        puppets.release("first")
        answer = waiting.result(30)
        assert (answer.state, answer.text) == ("fresh", "of the old configuration\n")
        wait_until(lambda: len(daemon.workers()) == AT_REST, "the end of the busy worker")

    def test_answer_who_waits_for_the_next_run(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon(workers=1)
        puppets.tell("first", "hold", content="first\n")
        waiting = [ask_in_background(background, daemon, "test/first.conf") for _ in range(2)]
        waiting.append(ask_in_background(background, daemon, "test/second.conf"))
        puppets.wait_for_run("first")

        daemon.reload()
        puppets.release("first")

        assert [one.result(30).state for one in waiting] == ["fresh"] * 3
        wait_until(lambda: len(daemon.workers()) == AT_REST - 1, "the end of the old worker")


class TestTheCache:
    @pytest.mark.parametrize("written", ["{}/", "{}/.", "{}/../cache"])
    def test_in_another_spelling_is_the_same(self, puppet_daemon: StartDaemon, written: str) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        daemon.config["cache"] = written.format(daemon.cache)

        for _ in range(2):
            daemon.reload()

        assert "not reloaded" not in daemon.log
        assert daemon.fetch("test/first.conf", "cached").text == "first\n"

    def test_by_way_of_a_link_is_the_same(self, puppet_daemon: StartDaemon, tmp_path: Path) -> None:
        daemon = puppet_daemon()
        (tmp_path / "link").symlink_to(daemon.cache)
        daemon.config["cache"] = str(tmp_path / "link")

        daemon.reload()

        assert "not reloaded" not in daemon.log

    @pytest.mark.parametrize("busy", [False, True])
    def test_can_be_changed_and_changed_back(
        self,
        puppets: Puppets,
        puppet_daemon: StartDaemon,
        background: ThreadPoolExecutor,
        tmp_path: Path,
        busy: bool,
    ) -> None:
        daemon = puppet_daemon()
        one, other = daemon.config["cache"], str(tmp_path / "other")
        daemon.fetch("test/first.conf")
        puppets.tell("second", "hold", content="second\n")
        waiting = [ask_in_background(background, daemon, "test/second.conf")] * busy
        if busy:
            puppets.wait_for_run("second")

        for cache in (other, one, other, one):
            daemon.config["cache"] = cache
            daemon.reload()
        puppets.release("second")

        assert "not reloaded" not in daemon.log
        assert [answer.result(30).state for answer in waiting] == ["fresh"] * busy
        wait_until(lambda: len(daemon.workers()) == AT_REST, "the end of the old workers")
        assert daemon.fetch("test/first.conf", "cached").text == "first\n"
        assert daemon.fetch("test/second.conf", "cached").text == "second\n"
