"""Worker processes come and go, however they are killed; requests do not notice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


class TestWorkers:
    """Processes come and go; requests do not notice."""

    def test_are_replaced_after_worker_jobs(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(workers=1, worker_jobs=3)

        answers = {daemon.fetch("test/first.conf").state for _ in range(12)}

        assert answers == {"fresh"}
        processes = [line.split()[1] for line in (puppets.orders / "first.runs").read_text().splitlines()]
        assert len(set(processes)) >= 4
        assert max(map(processes.count, processes)) <= 3

    def test_start_whatever_the_length_of_the_temporary_directory(self, puppets: Puppets, tmp_path: Path) -> None:
        directory = tmp_path / ("long" * 40)
        directory.mkdir()
        with puppets.daemon(tmp_path / "daemon", environment={"TMPDIR": str(directory)}) as daemon:
            assert daemon.fetch("test/first.conf").text == "first\n"

    def test_that_are_killed_while_idle_cost_no_answer(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        for _ in range(5):
            for name in ("first", "second"):
                daemon.fetch(f"test/{name}.conf")
                os.kill(puppets.worker(name), signal.SIGKILL)

                assert daemon.fetch(f"test/{name}.conf").state == "fresh"

    def test_that_are_killed_while_busy_cost_that_generation_alone(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        puppets.tell("first", "sleep", seconds=30)
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_for_run("first", 2)
        os.kill(puppets.worker("first"), signal.SIGKILL)

        assert waiting.result(10).state == "stale"
        puppets.tell("first", "say", content="again\n")
        assert daemon.fetch("test/first.conf").text == "again\n"

    def test_are_all_started_again_after_every_process_of_the_daemon_was_killed(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon()
        for _ in range(3):
            daemon.fetch("test/first.conf")
            for pid in daemon.workers():
                os.kill(pid, signal.SIGKILL)

            assert daemon.fetch("test/first.conf").text == "first\n"

    def test_are_started_again_after_the_server_that_forks_them_was_killed(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        os.kill(psutil.Process(puppets.worker("first")).ppid(), signal.SIGKILL)

        assert {daemon.fetch("test/first.conf").text for _ in range(5)} == {"first\n"}

    def test_that_are_stopped_by_a_signal_are_replaced_after_the_timeout(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon(workers=1, generation_timeout=1)
        daemon.fetch("test/first.conf")
        os.kill(puppets.worker("first"), signal.SIGSTOP)

        assert daemon.fetch("test/first.conf").state == "stale"
        assert daemon.fetch("test/first.conf").state == "fresh"

    def test_end_with_a_daemon_that_was_killed(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "burn", seconds=60)
        puppets.tell("second", "burn", seconds=60)
        with daemon.connect() as waiting, daemon.connect() as other:
            waiting.sendall(b"test/first.conf\n")
            other.sendall(b"test/second.conf\n")
            puppets.wait_for_run("first")
            puppets.wait_for_run("second")
            processes = [psutil.Process(pid) for pid in daemon.workers()]
            daemon.stop(signal.SIGKILL)

        _, alive = psutil.wait_procs(processes, 5)
        assert alive == []

    def test_for_long_generations_leave_one_for_short_ones(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon(workers=2, short_generation=0.2)
        for name in ("first", "second"):
            puppets.tell(name, "sleep", seconds=0.6)
            daemon.fetch(f"test/{name}.conf")
            puppets.tell(name, "sleep", seconds=5)
        waiting = [ask_in_background(background, daemon, f"test/{name}.conf") for name in ("first", "second")]
        wait_until(lambda: puppets.runs("first") + puppets.runs("second") == 3, "one long generation")

        daemon.fetch("test/third.conf")

        assert not any(one.done() for one in waiting)
        assert [one.result(20).state for one in waiting] == ["fresh", "fresh"]

    def test_take_a_file_for_short_although_its_first_generation_in_a_process_was_not(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon(workers=2, short_generation=0.1)
        puppets.tell("third", "sleep", seconds=0.15)
        daemon.fetch("test/third.conf")
        puppets.tell("first", "sleep", seconds=0.6)
        daemon.fetch("test/first.conf")
        puppets.tell("first", "sleep", seconds=5)
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_for_run("first", 2)
        puppets.tell("third", "say", content="third\n")

        daemon.fetch("test/third.conf")

        assert not waiting.done()
        assert waiting.result(20).state == "fresh"


class TestProcessesOfADriver:
    """End with the worker, however it ends."""

    @pytest.mark.parametrize(
        ("then", "arguments"),
        [
            ("sleep", {"seconds": 60}),
            ("burn_without_gil_switch", {}),
            ("exit", {"status": 0}),
            ("exit", {"status": 3}),
            ("crash", {}),
        ],
    )
    def test_end_with_a_generation_that_its_worker_does_not_survive(
        self, puppets: Puppets, puppet_daemon: StartDaemon, then: str, arguments: dict[str, Any]
    ) -> None:
        daemon = puppet_daemon(generation_timeout=1)
        puppets.tell("first", "start_process", then=then, **arguments)

        for _ in range(2):
            assert daemon.fetch("test/first.conf").code == 503

        wait_until(lambda: not puppets.started("first"), "the end of the driver's processes")

    def test_end_when_the_worker_is_replaced_after_worker_jobs(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon(workers=1, worker_jobs=1)
        puppets.tell("first", "start_process", then="say", content="first\n")
        daemon.fetch("test/first.conf")
        daemon.fetch("test/second.conf")

        wait_until(lambda: not puppets.started("first"), "the end of the driver's process")

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
    def test_end_with_the_daemon(self, puppets: Puppets, puppet_daemon: StartDaemon, how: signal.Signals) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "start_process", then="say", content="first\n")
        daemon.fetch("test/first.conf")
        assert len(puppets.started("first")) == 1

        daemon.stop(how)

        wait_until(lambda: not puppets.started("first"), "the end of the driver's process")
