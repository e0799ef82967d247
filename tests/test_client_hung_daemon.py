"""`confgen` under Asterisk's `#exec` with a daemon that does not answer in time: waited for once, not by each call."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk_exec import NAME, NOWHERE, Form, TwoLines, fetch, run_by_exec
from tests.fake_daemon import CONTENT, NEW, FakeDaemon, framed, saying
from xivo_confgend.client import Options, Request, fallback
from xivo_confgend.client.wire import Answer, Unanswered

SHORT = ("--timeout", "1", "--wait", "0.3")
STAYS = re.compile(r"last changed \d+ seconds? ago$")


class TestHungDaemon:
    """The daemon accepts a connection and says nothing: what is waited for once is not waited for again."""

    @pytest.fixture
    def awakened(self) -> Iterator[threading.Event]:
        """To be set when the daemon is to go on."""
        event = threading.Event()
        yield event
        event.set()

    @pytest.fixture
    def hung(self, form: Form, daemon: FakeDaemon, awakened: threading.Event) -> FakeDaemon:
        """A daemon that has answered once, let a time limit pass, and would give NEW when it is awakened."""
        fetch(form, daemon)
        daemon.conversation = lambda _: awakened.wait()
        done = fetch(form, daemon, *SHORT)
        assert form.loaded(done) == CONTENT
        assert len(done.errors) == 1 and STAYS.search(done.errors[0])
        daemon.requests.clear()
        daemon.conversation = saying(framed(NEW))
        return daemon

    @pytest.fixture
    def awake(self, hung: FakeDaemon, awakened: threading.Event) -> FakeDaemon:
        """The same daemon, which answers again with NEW."""
        awakened.set()
        return hung

    def test_further_calls_fall_back_without_asking(self, form: Form, awake: FakeDaemon) -> None:
        done = fetch(form, awake)

        assert (form.loaded(done), awake.requests) == (CONTENT, [])
        assert re.search(r"did not answer in time \d+ s ago and is not asked again for \d+ s; ", done.errors[0])

    @pytest.mark.parametrize("later", ["another boot", "a minute later", "before it", "not to be read", "empty"])
    def test_it_is_asked_again(self, form: Form, awake: FakeDaemon, later: str) -> None:
        (marker,) = form.kept.parent.glob(".*.timed-out")
        boot, seconds = marker.read_text().split()
        change = {"a minute later": -60.0, "before it": 60.0}.get(later, 0.0)
        boot = "another" if later == "another boot" else boot
        texts = {"not to be read": "\xff", "empty": ""}
        marker.write_text(texts.get(later, f"{boot} {float(seconds) + change}"))

        done = fetch(form, awake)

        assert (form.loaded(done), done.errors) == (NEW, [])

    def test_a_success_ends_it(self, form: Form, awake: FakeDaemon) -> None:
        (marker,) = form.kept.parent.glob(".*.timed-out")
        boot, seconds = marker.read_text().split()
        marker.write_text(f"{boot} {float(seconds) - 60}")

        fetch(form, awake)

        assert not marker.exists()

    @staticmethod
    def arguments_of_another(form: Form, daemon: FakeDaemon) -> list[str]:
        return [one.replace("pjsip.conf", "other.conf") for one in form.arguments(daemon.port)]

    def test_other_files_are_asked_for(self, form: Form, awake: FakeDaemon) -> None:
        other = form.kept.with_name("other.conf")
        other.write_bytes(CONTENT)

        run_by_exec(self.arguments_of_another(form, awake))

        assert other.read_bytes() == NEW

    def test_other_files_do_not_wait_for_what_does_not_move(self, form: Form, hung: FakeDaemon) -> None:
        other = form.kept.with_name("other.conf")
        other.write_bytes(CONTENT)

        first, second = (run_by_exec(self.arguments_of_another(form, hung)) for _ in range(2))

        assert other.read_bytes() == CONTENT
        assert " does not respond now, and did not answer in time before; " in first.errors[0]
        assert " is not asked again for " in second.errors[0]

    def test_a_call_by_hand_asks_and_ends_it(self, form: Form, awake: FakeDaemon, tmp_path: Path) -> None:
        more = () if isinstance(form, TwoLines) else ("--fallback-dir", str(tmp_path / "copies"))

        subprocess.run(
            [sys.executable, "-m", "xivo_confgend.client", *form.arguments(awake.port, *more)],
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip

        assert form.kept.read_bytes() == NEW
        assert list(form.kept.parent.glob(".*")) == []

    def test_nothing_of_it_is_told_to_others(self, form: Form, hung: FakeDaemon) -> None:
        assert hung.port
        (marker,) = form.kept.parent.glob(".*.timed-out")

        assert stat.S_IMODE(marker.stat().st_mode) == 0o600

    def test_an_error_of_the_daemon_is_no_time_out(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        daemon.conversation = saying(b'; confgend/1 503 error="the database is away"\n')
        fetch(form, daemon)
        daemon.conversation = saying(framed(NEW))

        assert form.loaded(fetch(form, daemon)) == NEW

    def test_without_a_file_every_call_asks(self, form: Form, daemon: FakeDaemon) -> None:
        daemon.conversation = lambda connection: connection.recv(1)

        for _ in range(2):
            assert fetch(form, daemon, *SHORT).status == 1

        assert len(daemon.requests) == 2

    def test_outside_of_exec_every_call_asks(self, daemon: FakeDaemon, two_lines: TwoLines) -> None:
        two_lines.kept.write_bytes(CONTENT)
        daemon.conversation = lambda connection: connection.recv(1)

        for _ in range(2):
            command = [sys.executable, "-m", "xivo_confgend.client", *two_lines.arguments(daemon.port, *SHORT)]
            subprocess.run(command, capture_output=True, check=False)

        assert len(daemon.requests) == 2


class TestLimits:
    """How long is waited."""

    @pytest.fixture
    def limits(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
        """Seconds to connect and to wait of each question that was asked."""
        asked: list[tuple[float, float]] = []

        def note(_request: Request, server: object, wait: float) -> Answer:
            asked.append((server.timeout, wait))  # type: ignore[attr-defined]
            raise Unanswered("nobody there")

        monkeypatch.setattr(fallback, "get_answer", note)
        return asked

    @pytest.mark.parametrize(
        ("kept", "start", "given", "expected"),
        [
            (True, 0, {}, (10, 10)),
            (False, 0, {}, (5, 120)),
            (True, None, {}, (5, 120)),
            (True, 0, {"timeout": 7, "wait": 99.0}, (7, 99)),
            (True, 0, {"no_fallback": True}, (5, 120)),
        ],
        ids=["a file", "no file", "not under exec", "said on the command line", "no fall-back"],
    )
    def test_are_short_where_asterisk_waits_and_a_file_is_there(
        self,
        tmp_path: Path,
        limits: list[tuple[float, float]],
        kept: bool,
        start: int | None,
        given: dict[str, object],
        expected: tuple[float, float],
    ) -> None:
        options = Options()
        options.name, options.config_file = NAME, NOWHERE
        options.output = str(tmp_path / "pjsip.conf")
        for name, value in given.items():
            setattr(options, name, value)
        if kept:
            (tmp_path / "pjsip.conf").write_bytes(CONTENT)

        fallback.run_with_fallback(fallback.Fetch(Request(options), options, start))

        assert limits == [expected]
