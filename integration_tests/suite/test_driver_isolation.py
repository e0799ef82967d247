"""What a driver does to its process stays there: memory, forks, working directory, environment, output."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from integration_tests.suite.helpers.api import client, guarded, until
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend.machine import machine_memory
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]
MEMORY = 256 << 20


class TestMemory:
    def test_beyond_worker_memory_fails_that_file_alone(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(workers=1, worker_memory=MEMORY)
        daemon.fetch("test/first.conf")
        puppets.tell("first", "take_memory", megabytes=1000)

        fetched = daemon.fetch("test/first.conf")

        assert (fetched.state, fetched.text) == ("stale", "first\n")
        assert f"needed more memory than worker_memory allows ({MEMORY} bytes)" in daemon.log
        assert daemon.fetch("test/second.conf").state == "fresh"
        assert puppets.worker("second") != puppets.worker("first")

    def test_for_a_large_result_is_not_a_database_that_is_away(
        self, puppets: Puppets, puppet_daemon: StartDaemon, database: Scratch
    ) -> None:
        daemon = puppet_daemon(workers=1, worker_memory=MEMORY, db_uri=database.uri)
        puppets.tell("first", "ask", statement="SELECT repeat('x', 100000000), repeat('y', 100000000)")

        assert "needed more memory than worker_memory allows" in daemon.fetch("test/first.conf").error
        assert "the database is away" not in daemon.log

    @pytest.mark.parametrize(
        ("configured", "limit"),
        [(0, resource.RLIM_INFINITY), (MEMORY, MEMORY), (None, max(MEMORY, machine_memory() // 4))],
        ids=["none", "configured", "default"],
    )
    def test_of_a_worker_is_limited(
        self, puppets: Puppets, puppet_daemon: StartDaemon, configured: int | None, limit: int
    ) -> None:
        daemon = puppet_daemon(worker_memory=configured)
        daemon.fetch("test/first.conf")

        assert psutil.Process(puppets.worker("first")).rlimit(resource.RLIMIT_AS)[0] == limit


class TestForks:
    @pytest.mark.parametrize("then", ["return", "raise", "leave"])
    def test_that_come_back_leave_one_worker(self, puppets: Puppets, puppet_daemon: StartDaemon, then: str) -> None:
        daemon = puppet_daemon(workers=1)
        puppets.tell("first", "fork_and_return", content="content", then=then)

        for _ in range(3):
            assert daemon.fetch("test/first.conf").text == "content of the parent\n"

        worker = puppets.worker("first")
        assert psutil.Process(worker).children() == []
        assert {pid for pid in daemon.workers() if os.getpgid(pid) == worker} == {worker}

    def test_in_the_middle_write_the_content_once(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(workers=1)
        puppets.tell("first", "fork_and_yield", content="x")

        assert daemon.fetch("test/first.conf").text == "x" * 200_000


class TestTheProcess:
    def test_is_the_same_for_the_next_driver(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(workers=1)
        puppets.tell("second", "tell_the_process")
        before = daemon.fetch("test/second.conf").text
        puppets.tell("first", "change_the_process")
        assert daemon.fetch("test/first.conf").text == "changed\n"

        assert daemon.fetch("test/second.conf").text == before
        assert puppets.worker("second") == puppets.worker("first")
        puppets.tell("third", "print", lines=["still printed"])
        daemon.fetch("test/third.conf")
        assert "test/third.conf printed: still printed" in daemon.log
        assert (daemon.cache / "test/first.conf").stat().st_mode & 0o777 == 0o640

    def test_that_is_stopped_at_work_is_reported_as_a_time_out(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon(workers=1, generation_timeout=1)
        puppets.tell("first", "sleep", seconds=60)
        waiting = ask_in_background(background, daemon, "test/first.conf")
        puppets.wait_for_run("first")
        os.kill(puppets.worker("first"), signal.SIGSTOP)

        assert "took longer than generation_timeout (1 s)" in waiting.result(30).error
        puppets.tell("first", "say", content="again\n")
        assert daemon.fetch("test/first.conf").text == "again\n"

    def test_that_ends_while_idle_is_started_again(self, puppets: Puppets, api_daemon: StartDaemon) -> None:
        daemon = api_daemon({"workers": 1}, **guarded())
        daemon.fetch("test/first.conf")
        with client(daemon, "reader") as http:

            def workers() -> dict[str, object]:
                return next(one for one in http.get("/1.0/status").json()["checks"] if one["name"] == "workers")

            os.kill(puppets.worker("first"), signal.SIGKILL)
            until(lambda: "1 restart" in str(workers()["detail"]) and "1 process" in str(workers()["detail"]))
            assert workers()["ok"]
            assert daemon.fetch("test/first.conf").state == "fresh"
            assert workers()["ok"]


class TestWhatADriverPrints:
    @pytest.mark.parametrize("how", ["stdout", "stderr", "process"])
    def test_goes_to_the_log_and_to_no_client(self, shared_puppets: Puppets, shared: Daemon, how: str) -> None:
        line = f"printed to {how}"
        shared_puppets.tell("first", "print", lines=[line, "", "forged\r2026-01-01 \x1b[31m\x00\u2028red"], how=how)
        if how == "process":
            shared_puppets.tell("first", "print", lines=[line, "forged\r2026-01-01 \x1b[31m\u2028red"], how=how)

        assert shared.ask(b"test/first.conf\n") == b"printed\n"

        lines = [one for one in shared.log.split("\n") if "test/first.conf printed: " in one]
        assert any(one.endswith(f"test/first.conf printed: {line}") for one in lines)
        assert any(one.endswith("test/first.conf printed: forged 2026-01-01 [31m red") for one in lines)
        assert all(one.isprintable() for one in lines)

    def test_before_it_crashes_goes_to_the_log(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("third", "print", lines=["last words"], how="crash")

        assert "ended unexpectedly (killed by SIGSEGV)" in shared.fetch("test/third.conf").error
        assert "test/third.conf printed: last words" in shared.log

    def test_is_bounded(self, shared_puppets: Puppets, shared: Daemon) -> None:
        logged = len(shared.log)
        shared_puppets.tell("first", "print", lines=["y" * 100_000, *["z"] * 100])

        assert shared.fetch("test/first.conf").text == "printed\n"

        lines = shared.log[logged:].split("\n")
        assert sum("test/first.conf printed: " in line for line in lines) == 20
        assert sum("test/first.conf printed 81 more lines" in line for line in lines) == 1
        assert max(map(len, lines)) < 1000

    def test_in_one_endless_line_holds_nothing_up(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("first", "flood", megabytes=100)

        assert shared.fetch("test/first.conf").text == "flooded\n"


class TestFilesThatNeverReturn:
    @pytest.mark.parametrize("reload", [False, True])
    def test_leave_a_worker_to_small_files(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor, reload: bool
    ) -> None:
        daemon = puppet_daemon(workers=2, generation_timeout=3)
        for name in ("first", "second"):
            puppets.tell(name, "sleep", seconds=600)
        for one in [ask_in_background(background, daemon, f"test/{name}.conf") for name in ("first", "second")]:
            assert one.result(30).code == 503
        if reload:
            daemon.reload()
        waiting = [ask_in_background(background, daemon, f"test/{name}.conf") for name in ("first", "second")]
        wait_until(lambda: puppets.runs("first") + puppets.runs("second") == 3, "one of them")

        assert daemon.fetch("test/third.conf").text == "third\n"

        assert puppets.runs("first") + puppets.runs("second") == 3
        assert not any(one.done() for one in waiting)
        daemon.stop(signal.SIGKILL)
