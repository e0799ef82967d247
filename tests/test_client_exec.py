"""`confgen` under Asterisk's `#exec`: whatever happens, Asterisk loads the right content or the last good one.

Each fact is tested for both forms, the recommended two lines and the one line of the installations in the field
(docs/spec/43-asterisk-fetching.md).
"""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.asterisk_exec import NAME, NOWHERE, Execution, Form, OneLine, fetch, files_below, run_by_exec
from tests.fake_daemon import CONTENT, FORBIDDEN_MODULES, GENERATED, NEW, FakeDaemon, framed, saying
from xivo_confgend.client import Options, Request, exec_start, fallback, is_exec_name

CLIENT = "xivo_confgend.client."
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


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


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
