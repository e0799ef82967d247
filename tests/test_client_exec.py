"""`confgen` under Asterisk's `#exec`: whatever happens, Asterisk loads the right content or the last good one.

Each fact is tested for both forms, the recommended two lines and the one line of the installations in the field
(docs/spec/43-asterisk-fetching.md).
"""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.asterisk_exec import FORMS, NAME, NOWHERE, Execution, Form, OneLine, TwoLines, run_by_exec
from tests.fake_daemon import CONTENT, FORBIDDEN_MODULES, GENERATED, FakeDaemon, framed, saying
from xivo_confgend.client import Options, Request, exec_start, fallback, is_exec_name
from xivo_confgend.client.wire import Answer, Unanswered

CLIENT = "xivo_confgend.client."
NEW = b"[general]\nlanguage = de_DE\n"
LARGE = b"[general]\n" + b"name = value\n" * 20_000
SHORT = ("--timeout", "1", "--wait", "0.3")
STAYS = re.compile(r"last changed \d+ seconds? ago$")


def refuse(connection: socket.socket) -> None:
    """Close as the daemon closes the connection of an account that may not ask."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


FAILURES = {
    "an account that is refused": refuse,
    "an end without an answer": saying(),
    "an answer that is cut": saying(framed(NEW)[:-1]),
    "an answer that is cut in its first line": saying(framed(NEW)[:20]),
    "another content than was promised": saying(framed(NEW, digest="0" * 64)),
    "a database that is away": saying(b'; confgend/1 503 error="the database is away"\n'),
    "a driver that is gone": saying(b'; confgend/1 404 error="no driver is installed for it"\n'),
    "another service": saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}


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


def fetch(form: Form, daemon: FakeDaemon, *more: str, **how: object) -> Execution:
    return run_by_exec(form.arguments(daemon.port, *more), **how)  # type: ignore[arg-type]


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def files_below(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


class TestAnswers:
    """The daemon answers."""

    def test_a_fresh_answer_is_loaded_without_a_word(self, form: Form, daemon: FakeDaemon) -> None:
        done = fetch(form, daemon)

        assert (form.loaded(done), done.errors, done.status) == (CONTENT, [], 0)

    def test_an_unchanged_file_is_no_error_for_asterisk(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)

        done = fetch(form, daemon)

        assert (form.loaded(done), done.errors, done.status) == (CONTENT, [], 0)

    def test_every_edit_is_loaded_however_soon_it_comes(self, form: Form, daemon: FakeDaemon) -> None:
        for number in range(3):
            daemon.conversation = saying(framed(b"[%d]\n" % number))
            assert form.loaded(fetch(form, daemon)) == b"[%d]\n" % number

    def test_a_stale_answer_is_loaded_and_told(self, form: Form, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(state="stale"))

        done = fetch(form, daemon)

        assert (form.loaded(done), done.status) == (CONTENT, 0)
        assert done.errors == [f"confgen: warning: {NAME} could not be generated now, this one is of {GENERATED}"]

    def test_an_empty_file_that_is_right_is_loaded(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        daemon.conversation = saying(framed(b""))

        done = fetch(form, daemon)

        assert (form.loaded(done), done.errors, done.status) == (b"", [], 0)

    def test_an_empty_file_that_was_right_is_fallen_back_on(self, form: Form, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(b""))
        fetch(form, daemon)
        daemon.conversation = saying()

        assert form.loaded(fetch(form, daemon)) == b""

    def test_the_file_that_is_kept_is_not_for_every_account(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)

        assert form.kept.stat().st_mode & stat.S_IRWXO == 0


class TestFailures:
    """The daemon does not answer, or not as it should."""

    @pytest.mark.parametrize("conversation", FAILURES.values(), ids=FAILURES)
    def test_the_last_good_content_is_loaded(
        self, form: Form, daemon: FakeDaemon, conversation: Callable[[socket.socket], object]
    ) -> None:
        fetch(form, daemon)
        daemon.conversation = conversation

        done = fetch(form, daemon)

        assert form.loaded(done) == CONTENT
        assert len(done.errors) == 1
        assert str(form.kept) in done.errors[0] and STAYS.search(done.errors[0])

    def test_a_daemon_that_is_away_leaves_the_last_content(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)

        done = run_by_exec(form.arguments(free_port()))

        assert form.loaded(done) == CONTENT
        assert len(done.errors) == 1
        assert "Connection refused" in done.errors[0] and STAYS.search(done.errors[0])

    def test_a_configuration_that_is_broken_is_no_outage(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        arguments = one_line.arguments(daemon.port, "--fallback-dir", str(one_line.directory / "copies"))
        run_by_exec(arguments)
        (one_line.directory / "config.conf").write_text("port = 5\n")

        done = run_by_exec(arguments)

        assert done.printed == CONTENT
        assert "config.conf" in done.errors[0] and len(done.errors) == 1

    @pytest.mark.parametrize("conversation", FAILURES.values(), ids=FAILURES)
    def test_without_a_file_nothing_is_loaded_and_one_line_told(
        self, form: Form, daemon: FakeDaemon, conversation: Callable[[socket.socket], object]
    ) -> None:
        daemon.conversation = conversation

        done = fetch(form, daemon)

        assert (form.loaded(done) or b"", done.status, len(done.errors)) == (b"", 1, 1)

    def test_the_age_of_the_file_that_stays_is_told(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        os.utime(form.kept, (0, form.kept.stat().st_mtime - 3 * 3600))

        done = run_by_exec(form.arguments(free_port()))

        assert re.search(f"; .*{form.kept}( stays as it is)?, last changed 3 hours ago$", done.errors[0])

    @pytest.mark.parametrize("conversation", FAILURES.values(), ids=FAILURES)
    def test_one_file_for_both_outputs_still_can_be_read(
        self, form: Form, daemon: FakeDaemon, conversation: Callable[[socket.socket], object]
    ) -> None:
        fetch(form, daemon)
        daemon.conversation = conversation

        done = fetch(form, daemon, older=True)

        told, rest = done.printed.split(b"\n", 1)
        assert told.startswith(b"; confgen: ")
        assert rest == CONTENT if isinstance(form, OneLine) else form.loaded(Execution(rest, [], 0)) == CONTENT


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
        assert " does not answer anything now, and did not answer in time before; " in first.errors[0]
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
        daemon.conversation = FAILURES["a database that is away"]
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


class TestOneLine:
    """Copies that are kept although nobody asked for them."""

    def test_are_in_the_cache_unless_it_is_configured(self) -> None:
        options = Options()
        options.name, options.config_file = NAME, NOWHERE

        assert fallback.Fetch(Request(options), options, 0).copy == f"/var/cache/confgen/{NAME}"

    def test_are_for_their_owner_only(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        previous = os.umask(0)
        try:
            fetch(one_line, daemon)
        finally:
            os.umask(previous)

        assert stat.S_IMODE(one_line.kept.stat().st_mode) == 0o600
        assert [stat.S_IMODE(one.stat().st_mode) for one in one_line.kept.parents[:2]] == [0o700, 0o700]

    def test_are_not_kept_if_that_is_switched_off(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        done = fetch(one_line, daemon, "--no-fallback")

        assert (done.printed, done.errors) == (CONTENT, [])
        assert not one_line.kept.exists()

    def test_are_not_printed_if_that_is_switched_off(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        fetch(one_line, daemon)
        daemon.conversation = saying()

        done = fetch(one_line, daemon, "--no-fallback")

        assert (done.printed, done.status, len(done.errors)) == (b"", 1, 1)

    def test_are_not_kept_of_what_cannot_be_verified(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(CONTENT)

        assert fetch(one_line, daemon).printed == CONTENT
        assert not one_line.kept.exists()

    def test_that_cannot_be_kept_cost_one_warning(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        (one_line.directory / "copies").write_bytes(b"in the way")

        done = fetch(one_line, daemon)

        assert (done.printed, done.status, len(done.errors)) == (CONTENT, 0, 1)
        assert done.errors[0].startswith(f"confgen: warning: no copy kept at {one_line.kept}: ")
        assert f"install -d -o {os.geteuid()} -m 700 {one_line.directory}/copies" in done.errors[0]

    @pytest.mark.parametrize("obstacle", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
    def test_that_cannot_be_read_are_told(
        self, one_line: OneLine, daemon: FakeDaemon, obstacle: Callable[[Path], object]
    ) -> None:
        one_line.kept.parent.mkdir(parents=True)
        obstacle(one_line.kept)
        daemon.conversation = saying()

        done = fetch(one_line, daemon)

        assert (done.printed, done.status, len(done.errors)) == (b"", 1, 1)
        assert f"; the copy {one_line.kept} cannot be read: " in done.errors[0]

    def test_are_not_made_of_names_that_are_no_file_names(self, daemon: FakeDaemon, one_line: OneLine) -> None:
        arguments = [one.replace(NAME, "asterisk/..") for one in one_line.arguments(daemon.port)]

        assert run_by_exec(arguments).printed == CONTENT
        assert files_below(one_line.directory) == {"config.conf"}

    @pytest.mark.parametrize("where", ["a pipe", "another file", "a name that is nearly one"])
    def test_are_not_kept_outside_of_exec(
        self, one_line: OneLine, daemon: FakeDaemon, tmp_path: Path, where: str
    ) -> None:
        target = {
            "another file": tmp_path / "exec.1.2",
            "a name that is nearly one": Path(f"/var/tmp/exec.{os.getpid()}"),
        }
        command = [sys.executable, "-m", "xivo_confgend.client", *one_line.arguments(daemon.port)]
        if where == "a pipe":
            printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        else:
            with target[where].open("wb") as file:
                subprocess.run(command, stdout=file, check=True)
            printed = target[where].read_bytes()
            target[where].unlink()

        assert printed == CONTENT
        assert not one_line.kept.exists()

    def test_an_invalidation_keeps_and_prints_nothing(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        fetch(one_line, daemon)
        daemon.conversation = saying(framed(b""))

        done = fetch(one_line, daemon, "--invalidate")

        assert (done.printed, done.status) == (b"", 0)
        assert one_line.kept.read_bytes() == CONTENT

    def test_a_directory_on_the_command_line_is_taken(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        fetch(one_line, daemon, "--fallback-dir", str(one_line.directory / "mine"))

        assert files_below(one_line.directory) == {"config.conf", f"mine/{NAME}"}

    def test_the_printed_passwords_are_for_their_owner_only(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        done = fetch(one_line, daemon)

        assert done.mode & (stat.S_IRWXG | stat.S_IRWXO) == 0

    def test_what_a_wrapper_printed_before_is_kept(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        path = Path(f"/var/tmp/exec.{os.getpid()}.7")
        command = " ".join([sys.executable, "-m", "xivo_confgend.client", *one_line.arguments(daemon.port)])

        subprocess.run(["/bin/sh", "-c", f"(echo first; {command}; echo last) > {path}"], check=True)

        assert path.read_bytes() == b"first\n" + CONTENT + b"last\n"
        path.unlink()


class TestFullDisk:
    """No file of this process may grow beyond a page, as if the disk were full."""

    @staticmethod
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    def test_the_new_content_is_loaded_from_its_copy(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))
        fetch(one_line, daemon)

        done = fetch(one_line, daemon, prepare=self.limit)

        assert (done.printed, done.status, len(done.errors)) == (LARGE, 0, 1)
        assert f"; Asterisk reads the copy {one_line.kept}, last changed " in done.errors[0]

    def test_the_last_content_is_loaded_if_there_is_no_room(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        daemon.conversation = saying(framed(LARGE))

        done = fetch(form, daemon, prepare=self.limit)

        assert form.loaded(done) == CONTENT
        assert files_below(form.directory) - {"config.conf"} == {str(form.kept.relative_to(form.directory))}

    def test_half_of_a_content_is_never_loaded(self, form: Form, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))

        done = fetch(form, daemon, prepare=self.limit)

        assert (form.loaded(done) or b"", done.status) == (b"", 1)
        assert done.errors

    def test_a_wrapper_keeps_what_it_printed(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))
        fetch(one_line, daemon)
        path = Path(f"/var/tmp/exec.{os.getpid()}.8")
        command = " ".join([sys.executable, "-m", "xivo_confgend.client", *one_line.arguments(daemon.port)])

        subprocess.run(
            ["/bin/sh", "-c", f"(echo first; {command}; echo last) > {path}"], preexec_fn=self.limit, check=True
        )

        assert path.read_bytes() == b"first\nlast\n"
        path.unlink()


KILLED = """
import os, signal, sys
count = int(sys.argv.pop(1))
write = os.write
def counted(real):
    def call(*arguments, **names):
        global count
        if not count:
            if real is write and arguments[0] > 2:
                write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        count -= 1
        return real(*arguments, **names)
    return call
for name in ("open", "write", "fsync", "rename", "unlink", "close", "fchmod", "fstat", "stat", "listdir", "makedirs"):
    setattr(os, name, counted(getattr(os, name)))
from xivo_confgend.client import run
sys.exit(run(sys.argv[1:]))
"""


class TestKilled:
    """The process is killed before each of its calls that could leave something behind."""

    def test_at_any_point_leaves_the_old_or_the_new_content(self, form: Form, daemon: FakeDaemon) -> None:
        path = Path(f"/var/tmp/exec.{os.getpid()}.9")
        status = -signal.SIGKILL
        contents, point = [CONTENT, NEW], 0
        fetch(form, daemon)
        while status == -signal.SIGKILL:
            daemon.conversation = saying(framed(contents[point % 2]))
            with path.open("wb") as output:
                command = [sys.executable, "-c", KILLED, str(point), *form.arguments(daemon.port)]
                status = subprocess.run(command, stdout=output, stderr=subprocess.DEVNULL, check=False).returncode
            assert form.kept.read_bytes() in contents
            assert path.read_bytes() in (b"", *contents) if isinstance(form, OneLine) else True
            point += 1

        assert (status, point > 10) == (0, True)
        path.unlink()

    def test_it_leaves_no_file_that_the_next_does_not_remove(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        left = form.kept.with_name(f".{form.kept.name}.0123456789ab")
        left.write_bytes(CONTENT)

        fetch(form, daemon)

        assert files_below(form.kept.parent) == {form.kept.name}


class TestTwoAtOnce:
    """Several processes write one file."""

    def test_each_loads_a_whole_content(self, form: Form, daemon: FakeDaemon) -> None:
        contents = [b"[%d]\n" % number * 50_000 for number in range(6)]
        given = iter([*contents])
        daemon.conversation = lambda connection: connection.sendall(framed(next(given)))

        with ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda _: fetch(form, daemon), contents))

        assert all(form.loaded(one) in contents for one in done)
        assert [one.errors for one in done] == [[]] * len(contents)
        assert form.kept.read_bytes() in contents
        assert files_below(form.kept.parent) == {form.kept.name}


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("exec.1764371329123456.140737353865152", True),
        ("exec.1.2", True),
        ("exec.1", False),
        ("exec.1.2.3", False),
        ("exec.1.x", False),
        ("exec..2", False),
        ("exec.1.2 (deleted)", False),
        ("exec.1.²", False),
        ("my.exec.1.2", False),
    ],
)
def test_only_the_names_of_asterisk_are_taken_for_its_files(name: str, is_one: bool) -> None:
    assert is_exec_name(name) is is_one


@pytest.mark.parametrize("kind", ["--fallback-dir", "--output"])
def test_only_what_a_fetch_needs_is_imported(daemon: FakeDaemon, tmp_path: Path, kind: str) -> None:
    arguments = ["-c", NOWHERE, "-p", str(daemon.port), kind, str(tmp_path / "kept"), NAME]
    run_by_exec(arguments)
    script = "import sys; from xivo_confgend.client import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    path = Path(f"/var/tmp/exec.{os.getpid()}.10")
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}

    with path.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-S", "-c", script, *arguments],
            stdout=output, stderr=subprocess.PIPE, text=True, env=environment, check=True,
        )  # fmt: skip

    loaded = set(done.stderr.split())
    path.unlink()
    assert FORBIDDEN_MODULES & loaded == set()
    assert {"advice", "arguments", "api_commands", "wording"} & {one.removeprefix(CLIENT) for one in loaded} == set()


def test_this_process_is_not_run_by_asterisk() -> None:
    assert exec_start() is None
