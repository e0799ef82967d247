"""Whatever a driver, a worker process or the store does, the daemon stays up and nobody else waits for it."""

from __future__ import annotations

import re
import select
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from integration_tests.suite.helpers.puppets import Puppets, memory, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]
NEVER_RETURNING = [("sleep", {"seconds": 600}), ("burn", {"seconds": 600}), ("burn_without_gil_switch", {})]
FAILING: list[tuple[str, dict[str, Any], str]] = [
    ("exit", {"status": 0}, "ended unexpectedly"),
    ("exit", {"status": 3}, "ended unexpectedly (exit code 3)"),
    ("crash", {}, "ended unexpectedly"),
    ("leave", {}, "SystemExit: leaving"),
    ("interrupt", {}, "KeyboardInterrupt"),
    ("fail", {"message": "no such luck"}, "ValueError: no such luck"),
    ("fail_unspeakably", {}, "Unspeakable"),
    ("recurse", {}, "RecursionError"),
    ("return", {"value": None}, "returned None"),
    ("return", {"value": 7}, "returned int, expected text"),
    ("return", {"value": {"a": "b"}}, "returned dict, expected text"),
    ("return", {"value": ["text", 7]}, "yielded int, expected text"),
    ("return", {"value": "half of a \ud800 pair"}, "UnicodeEncodeError"),
    ("yield", {"pieces": ["half\n"], "then": "raise"}, "ValueError: half-way"),
    ("yield", {"pieces": ["half\n"], "then": "exit"}, "ended unexpectedly (exit code 3)"),
    ("yield", {"pieces": ["half\n"], "then": "sleep", "seconds": 30}, "took longer than generation_timeout"),
    ("sleep", {"seconds": 30}, "took longer than generation_timeout"),
    ("burn", {"seconds": 30}, "took longer than generation_timeout"),
    ("burn_without_gil_switch", {}, "took longer than generation_timeout"),
]
FAILING_IDS = [f"{do}-{number}" for number, (do, _, _) in enumerate(FAILING)]
BROKEN = {
    "broken/import.conf": "ModuleNotFoundError: No module named 'a_module_that_nobody_has'",
    "broken/attribute.conf": "NoSuchClass",
    "broken/constructor.conf": "KeyError: 'missing_key'",
    "broken/leaving.conf": "SystemExit: 7",
    "broken/hanging.conf": "took longer than generation_timeout",
    "broken/generate.conf": "has no method generate()",
}


@pytest.mark.parametrize(("do", "arguments"), NEVER_RETURNING, ids=[do for do, _ in NEVER_RETURNING])
def test_a_driver_that_does_not_return_delays_no_other_file(
    puppets: Puppets, puppet_daemon: StartDaemon, do: str, arguments: dict[str, Any]
) -> None:
    daemon = puppet_daemon()
    puppets.tell("first", do, **arguments)
    with daemon.connect() as waiting:
        waiting.sendall(b"test/first.conf\n")
        puppets.wait_for_run("first")

        answers = {daemon.fetch("test/second.conf").text for _ in range(100)}

        assert answers == {"second\n"}
        assert select.select([waiting], [], [], 0)[0] == []


class TestAFailingDriver:
    """One daemon, one failure after the other: none of them may leave it worse than the one before."""

    @pytest.mark.parametrize(("do", "arguments", "reason"), FAILING, ids=FAILING_IDS)
    def test_leaves_the_last_good_content(
        self, shared_puppets: Puppets, shared: Daemon, do: str, arguments: dict[str, Any], reason: str
    ) -> None:
        shared_puppets.tell("first", "say", content=f"good before {do}\n")
        assert shared.fetch("test/first.conf").state == "fresh"
        logged = len(shared.log)
        shared_puppets.tell("first", do, **arguments)

        fetched = shared.fetch("test/first.conf")

        assert (fetched.state, fetched.text) == ("stale", f"good before {do}\n")
        lines = [line for line in shared.log[logged:].splitlines() if "ERROR" in line]
        assert len(lines) == 1, lines
        assert "test/first.conf" in lines[0]
        assert reason in lines[0]

    @pytest.mark.parametrize(("do", "arguments", "reason"), FAILING, ids=FAILING_IDS)
    def test_is_an_error_where_there_is_no_good_content(
        self, shared_puppets: Puppets, shared: Daemon, do: str, arguments: dict[str, Any], reason: str
    ) -> None:
        shared_puppets.tell("third", do, **arguments)

        fetched = shared.fetch("test/third.conf")

        assert fetched.code == 503
        assert reason in fetched.error
        assert shared.ask(b"test/third.conf cached\n") == b""

    @pytest.mark.parametrize("name", BROKEN)
    def test_that_cannot_be_made_is_an_error_for_its_file_alone(self, shared: Daemon, name: str) -> None:
        fetched = shared.fetch(name)

        assert fetched.code == 503
        assert BROKEN[name] in fetched.error
        assert shared.fetch("test/second.conf").text == "second\n"

    def test_leaves_nothing_behind_in_the_staging_area(self, shared_puppets: Puppets, shared: Daemon) -> None:
        for do, arguments in (
            ("yield", {"pieces": ["a"], "then": "exit"}),
            ("yield", {"pieces": ["a"], "then": "raise"}),
        ):
            shared_puppets.tell("third", do, **arguments)
            shared.fetch("test/third.conf")

        assert list((shared.cache / ".staging").iterdir()) == []

    def test_is_asked_once_and_not_tried_again(self, shared_puppets: Puppets, shared: Daemon) -> None:
        for do in ("exit", "leave", "interrupt", "fail_unspeakably"):
            shared_puppets.tell("third", do, **({"status": 1} if do == "exit" else {}))
            before = shared_puppets.runs("third")

            shared.fetch("test/third.conf")

            assert shared_puppets.runs("third") == before + 1, do

    def test_that_works_again_is_fresh_again(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("third", "fail", message="for now")
        shared.fetch("test/third.conf")
        shared_puppets.tell("third", "say", content="better\n")

        fetched = shared.fetch("test/third.conf")

        assert (fetched.state, fetched.text) == ("fresh", "better\n")


def test_a_message_of_an_exception_is_one_bounded_printable_line(shared_puppets: Puppets, shared: Daemon) -> None:
    shared_puppets.tell(
        "fourth", "fail", message="forged\n2026-01-01 (INFO) \x00\x1b[31m line \x85\u2028" + "x" * 1_000_000
    )

    fetched = shared.fetch("test/fourth.conf")

    assert fetched.error.isprintable()
    assert len(fetched.error) < 2000
    line = next(line for line in shared.log.split("\n") if "forged" in line)
    assert "test/fourth.conf: generation failed" in line
    assert line.isprintable()
    assert len(line) < 2000


def test_warnings_of_a_driver_are_logged_as_printable_lines(shared_puppets: Puppets, shared: Daemon) -> None:
    logged = len(shared.log)
    shared_puppets.tell(
        "first", "warn", lines=["row 7\r\nforged \x00\x1b[31m\u2028line", "y" * 1_000_000, *["z"] * 100]
    )

    assert shared.fetch("test/first.conf").text == "warned\n"

    lines = [line for line in shared.log[logged:].split("\n") if "WARNING" in line]
    assert "test/first.conf: row 7 forged" in lines[0]
    assert all(line.isprintable() and len(line) < 2000 for line in lines)
    assert len(lines) <= 21


def test_an_empty_text_is_a_result_and_empties_the_file(shared_puppets: Puppets, shared: Daemon) -> None:
    shared.fetch("test/first.conf")
    shared_puppets.tell("first", "say", content="")

    fetched = shared.fetch("test/first.conf")

    assert (fetched.code, fetched.state, fetched.content) == (200, "fresh", b"")
    assert (shared.cache / "test/first.conf").read_bytes() == b""
    shared_puppets.tell("first", "fail", message="no")
    assert shared.fetch("test/first.conf").state == "stale"


@pytest.mark.parametrize("pieces", [[], [""]], ids=["no piece", "an empty piece"])
def test_an_iterable_without_text_is_an_empty_file(shared_puppets: Puppets, shared: Daemon, pieces: list[str]) -> None:
    shared_puppets.tell("first", "yield", pieces=pieces)

    assert shared.fetch("test/first.conf") == shared.fetch("test/first.conf", "cached")
    assert shared.fetch("test/first.conf").content == b""


def test_bytes_go_to_the_client_as_they_are(shared_puppets: Puppets, shared: Daemon) -> None:
    shared_puppets.tell("first", "say_bytes", content="00fffe0a0d")

    assert shared.ask(b"test/first.conf\n") == b"\x00\xff\xfe\n\r"


def test_a_huge_file_passes_through_without_filling_the_memory_of_the_daemon(
    puppets: Puppets, puppet_daemon: StartDaemon
) -> None:
    daemon = puppet_daemon()
    daemon.fetch("test/second.conf")
    before = memory(daemon)
    puppets.tell("first", "grow", megabytes=100)

    fetched = daemon.fetch("test/first.conf")

    assert len(fetched.content) == 100 << 20
    assert memory(daemon) - before < 20 << 20


def test_clients_that_hang_up_while_they_wait_leave_nothing_open(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    daemon.fetch("test/first.conf")
    puppets.tell("first", "sleep", seconds=1, content="first\n")
    descriptors = psutil.Process(daemon.pid).num_fds()
    for _ in range(50):
        connection = daemon.connect()
        connection.sendall(b"test/first.conf\n")
        connection.close()

    puppets.tell("first", "say", content="last\n")
    assert daemon.fetch("test/first.conf").text == "last\n"
    wait_until(lambda: psutil.Process(daemon.pid).num_fds() <= descriptors, "the end of all connections")


def test_many_different_failures_at_once_leave_the_daemon_serving(
    puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
) -> None:
    daemon = puppet_daemon(generation_timeout=0.5)
    stop = threading.Event()

    def fail() -> None:
        for do, arguments, _ in FAILING:
            puppets.tell("first", do, **arguments)
            daemon.fetch("test/first.conf")
        stop.set()

    failing = background.submit(fail)
    answers = set()
    while not stop.wait(0.02) and not failing.done():
        answers.add(daemon.fetch("test/second.conf").state)

    failing.result()
    assert answers == {"fresh"}
    assert not re.search("broke down|Traceback|CRITICAL", daemon.log)
