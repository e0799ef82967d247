"""`confgen` in conversation with good, bad and dead daemons: a whole file or nothing, and always an end."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_daemon import CONTENT, FORBIDDEN_MODULES, GENERATED, FakeDaemon, fake_daemon, framed, saying
from xivo_confgend.client import run
from xivo_confgend.client.advice import on_connecting
from xivo_confgend.client.wire import MAGIC, ConfgenError, Server, Unanswered, parse_header, unescape

NAME = "asterisk/pjsip.conf"
NO_CONFIG = ("-c", "/nonexistent/config.conf")
WITH_ROOM = """
import resource, sys
from xivo_confgend.client import run
with open("/proc/self/statm") as sizes:
    used = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]), -1))
sys.exit(run(["-c", "/nonexistent/config.conf", *sys.argv[2:]]))
"""


def confgen(daemon: FakeDaemon, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "xivo_confgend.client", *NO_CONFIG, "-p", str(daemon.port), *arguments]
    return subprocess.run(command, capture_output=True, timeout=30, check=False)


def run_quietly(daemon: FakeDaemon, *arguments: str) -> int:
    """The command in this process."""
    return run([*NO_CONFIG, "-p", str(daemon.port), *arguments])


def test_a_fresh_answer_is_written_byte_for_byte(daemon: FakeDaemon) -> None:
    done = confgen(daemon, NAME)

    assert (done.returncode, done.stdout, done.stderr) == (0, CONTENT, b"")


def test_the_request_is_one_line_that_asks_for_a_framed_answer(daemon: FakeDaemon) -> None:
    confgen(daemon, NAME, "--cached")

    assert daemon.requests == [b"asterisk/pjsip.conf cached framed\n"]


def test_a_stale_answer_is_written_with_one_line_that_says_so(daemon: FakeDaemon) -> None:
    daemon.conversation = saying(framed(state="stale"))

    done = confgen(daemon, NAME)

    assert (done.returncode, done.stdout) == (0, CONTENT)
    assert done.stderr.decode() == (
        f"confgen: warning: {NAME} could not be generated now, this one is of {GENERATED}\n"
    )


def test_an_answer_may_be_empty(daemon: FakeDaemon) -> None:
    daemon.conversation = saying(framed(b""))

    done = confgen(daemon, NAME)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_answer_may_come_byte_by_byte(daemon: FakeDaemon, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    daemon.conversation = saying(*(bytes([byte]) for byte in framed()))

    assert run_quietly(daemon, NAME) == 0
    assert capfdbinary.readouterr().out == CONTENT


@pytest.mark.parametrize("size", [(1 << 19) - 1, 1 << 19, 5_000_000])
def test_a_large_answer_is_whole(daemon: FakeDaemon, capfdbinary: pytest.CaptureFixture[bytes], size: int) -> None:
    content = os.urandom(size)
    daemon.conversation = saying(framed(content))

    assert run_quietly(daemon, NAME) == 0
    assert capfdbinary.readouterr().out == content


@pytest.mark.parametrize("room", [0, 1 << 18, 1 << 20, 1 << 22, *range(19_500_000, 24_500_000, 500_000)])
def test_too_little_memory_gives_the_whole_answer_or_one_line(daemon: FakeDaemon, tmp_path: Path, room: int) -> None:
    content = bytes(20_000_000)
    daemon.conversation = saying(framed(content))
    output = tmp_path / "pjsip.conf"
    output.write_bytes(content)

    made = subprocess.run(
        [sys.executable, "-c", WITH_ROOM, str(room), "-p", str(daemon.port), "--output", str(output), NAME],
        capture_output=True,
        check=False,
    )

    assert made.returncode == 3 or (made.returncode == 1 and made.stderr.startswith(b"confgen: ")), made.stderr
    assert made.stderr.count(b"\n") == (made.returncode == 1)


def test_an_answer_cut_off_anywhere_gives_nothing(
    daemon: FakeDaemon, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    answer = framed()
    for length in range(len(answer)):
        daemon.conversation = saying(answer[:length])

        status = run_quietly(daemon, NAME)

        written = capfdbinary.readouterr()
        assert (length, status, written.out, written.err.count(b"\n")) == (length, 1, b"", 1)


def hold(seconds: float, *pieces: bytes):
    """Send `pieces` and keep the connection open."""

    def converse(connection: socket.socket) -> None:
        saying(*pieces)(connection)
        time.sleep(seconds)

    return converse


def trickle(connection: socket.socket) -> None:
    connection.sendall(framed(b"x" * 1000)[:-1000])
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def reset(connection: socket.socket) -> None:
    connection.sendall(framed()[:-1])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


BAD_ANSWERS = {
    "wrong digest": saying(framed(digest="0" * 64)),
    "another byte": saying(framed()[:-2] + b"X\n"),
    "longer than there is": saying(framed(length=len(CONTENT) + 1)),
    "shorter than it is": saying(framed(length=len(CONTENT) - 1)),
    "closes at once": saying(),
    "half a first line": saying(MAGIC),
    "first line without end": saying(MAGIC + b"x" * 70000 + b"\n"),
    "no length": saying(MAGIC + b"200 sha256=" + b"0" * 64 + b" state=fresh generated=x\n"),
    "absurd length": saying(framed(length=10**15)),
    "too absurd a length": saying(framed(length=10**30)),
    "unknown state": saying(framed(state="odd")),
    "unknown code": saying(framed().replace(b" 200 ", b" 302 ")),
    "error 503": saying(b'; confgend/1 503 error="the \\"database\\" is away"\n'),
    "error 404": saying(b'; confgend/1 404 error="no such file"\n'),
    "silence": hold(2),
    "silence after half": hold(2, framed()[:-5]),
    "trickle": trickle,
    "reset": reset,
}


@pytest.mark.parametrize("conversation", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_gives_one_line_of_error_and_nothing_else(
    daemon: FakeDaemon, capfd: pytest.CaptureFixture[str], conversation
) -> None:
    daemon.conversation = conversation

    started = time.monotonic()
    status = run_quietly(daemon, NAME, "--wait", "0.5")

    written = capfd.readouterr()
    assert (status, written.out, written.err.count("\n")) == (1, "", 1)
    assert written.err.startswith("confgen: ")
    assert time.monotonic() - started < 1.5


def test_an_error_is_told_in_the_words_of_the_daemon(daemon: FakeDaemon) -> None:
    daemon.conversation = BAD_ANSWERS["error 503"]

    assert confgen(daemon, NAME).stderr == b'confgen: the "database" is away\n'


def test_an_answer_is_not_waited_for_after_its_last_byte(daemon: FakeDaemon) -> None:
    daemon.conversation = hold(5, framed())

    started = time.monotonic()
    confgen(daemon, NAME)

    assert time.monotonic() - started < 3


def test_a_daemon_that_does_not_know_framed_is_understood(daemon: FakeDaemon) -> None:
    daemon.conversation = saying(CONTENT[:3], CONTENT[3:])

    done = confgen(daemon, NAME)

    assert (done.returncode, done.stdout, done.stderr) == (0, CONTENT, b"")


@pytest.mark.parametrize("content", [b";", b"; comment\n", b"\n", b"; confgend\n", b"\xff\xfe"])
def test_what_only_begins_like_a_first_line_is_content(
    daemon: FakeDaemon, capfdbinary: pytest.CaptureFixture[bytes], content: bytes
) -> None:
    daemon.conversation = saying(content + CONTENT)

    assert run_quietly(daemon, NAME) == 0
    assert capfdbinary.readouterr().out == content + CONTENT


@pytest.mark.parametrize("answer", [b"", framed(b"")], ids=["old", "framed"])
def test_an_invalidation_needs_no_content(daemon: FakeDaemon, answer: bytes) -> None:
    daemon.conversation = saying(answer)

    done = confgen(daemon, NAME, "--invalidate")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_daemon_that_is_not_there_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert run([*NO_CONFIG, "-p", str(port), NAME]) == 1
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err == (
        f"confgen: cannot connect to 127.0.0.1 port {port}: Connection refused;"
        " is xivo-confgend running (systemctl status xivo-confgend), and is the port right (--port)?\n"
    )


def test_a_socket_that_is_not_there_says_what_to_try(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*NO_CONFIG, "--socket", str(tmp_path / "confgend.sock"), NAME]) == 1

    assert "; is xivo-confgend running (systemctl status xivo-confgend), " in capfd.readouterr().err


def test_a_refusal_without_a_word_names_allowed_users(daemon: FakeDaemon, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    daemon.conversation = refuse

    assert run_quietly(daemon, NAME) == 1
    assert f"; is the account with the user id {os.geteuid()} in its allowed_users?" in capfd.readouterr().err


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"Asterisk Call Manager/9.0.0\r\n",
        b"\x15\x03\x01\x00\x02",
    ],
)
def test_the_answer_of_another_service_is_no_file(
    daemon: FakeDaemon, capfd: pytest.CaptureFixture[str], greeting: bytes
) -> None:
    daemon.conversation = saying(greeting)

    assert run_quietly(daemon, NAME) == 1

    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"confgen: 127.0.0.1 port {daemon.port} is not xivo-confgend: that is ")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(errno.EACCES, "no"), "may the account"),
        (TimeoutError("timed out"), "is the machine up"),
        (OSError(errno.EHOSTUNREACH, "no"), "is the machine up"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "systemctl status xivo-confgend on 192.0.2.1"),
        (OSError(-2, "Name or service not known"), "is the host right"),
    ],
)
def test_each_failure_to_connect_says_what_to_try(error: Exception, advice: str) -> None:
    assert advice in on_connecting(Server("", "192.0.2.1", 8669, 5), error)


def test_a_daemon_that_does_not_accept_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        in_the_queue = [socket.socket() for _ in range(3)]
        for connection in in_the_queue:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))

        status = run([*NO_CONFIG, "-p", str(port), "-t", "1", NAME])

        for connection in in_the_queue:
            connection.close()
    assert status == 1
    assert "timed out" in capfd.readouterr().err


@pytest.mark.parametrize("host", ["no.such.host.invalid", "bücher.invalid", "a" * 300, "\x00"])
def test_an_unknown_host_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str], host: str) -> None:
    config = tmp_path / "config.conf"
    config.write_text(f"[confgen]\nserver = {host}\ntimeout = 2\n")

    assert run(["-c", str(config), NAME]) == 1
    assert capfd.readouterr().err.count("\n") == 1


def test_a_host_may_have_a_name(daemon: FakeDaemon) -> None:
    assert confgen(daemon, "--host", "localhost", NAME).stdout == CONTENT


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_host_may_have_an_address_of_ipv6(capfdbinary: pytest.CaptureFixture[bytes], host: str) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with fake_daemon(listener) as daemon:
        assert run_quietly(daemon, "--host", host, NAME) == 0
    assert capfdbinary.readouterr().out == CONTENT


@pytest.mark.parametrize("option", ["--socket={}", "--host=unix:{}"])
def test_a_daemon_may_listen_on_a_unix_socket(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], option: str
) -> None:
    path = tmp_path / "confgend.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with fake_daemon(listener):
        assert run([*NO_CONFIG, option.format(path), NAME]) == 0
    assert capfdbinary.readouterr().out == CONTENT


def test_a_full_queue_of_a_unix_socket_is_waited_for(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = str(tmp_path / "confgend.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(0)
    first = socket.socket(socket.AF_UNIX)
    first.connect(path)

    def serve() -> None:
        time.sleep(0.3)
        listener.accept()[0].close()
        with listener.accept()[0] as connection:
            connection.recv(100)
            connection.sendall(framed())

    server = threading.Thread(target=serve)
    server.start()

    assert run([*NO_CONFIG, "--socket", path, NAME]) == 0

    server.join()
    first.close()
    listener.close()
    assert capfdbinary.readouterr().out == CONTENT


def test_a_reader_that_goes_away_is_no_news(daemon: FakeDaemon) -> None:
    daemon.conversation = saying(framed(b"x" * 1_000_000))
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "xivo_confgend.client", *NO_CONFIG, "-p", str(daemon.port), NAME]

    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=30, check=False)

    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_is_one_line_of_error(daemon: FakeDaemon) -> None:
    command = f"{sys.executable} -m xivo_confgend.client -p {daemon.port} {NAME} >/dev/full"

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (1, b"confgen: cannot write: No space left on device\n")


def test_a_closed_standard_output_is_one_line_of_error(daemon: FakeDaemon) -> None:
    command = f"{sys.executable} -m xivo_confgend.client -p {daemon.port} {NAME} >&-"

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (1, b"confgen: standard output is closed\n")


def test_a_warning_is_a_comment_where_both_outputs_are_one(daemon: FakeDaemon) -> None:
    daemon.conversation = saying(framed(state="stale"))
    command = f"{sys.executable} -m xivo_confgend.client -p {daemon.port} {NAME} 2>&1"

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=30, check=False)

    warning, content = done.stdout.split(b"\n", 1)
    assert warning.startswith(b"; confgen: warning: ")
    assert content == CONTENT


def test_only_what_a_plain_fetch_needs_is_imported(daemon: FakeDaemon) -> None:
    script = (
        "import sys\n"
        "from xivo_confgend.client import run\n"
        f"run(['-p', '{daemon.port}', {NAME!r}])\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    path = str(Path(__file__).parents[1])

    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, env={"PYTHONPATH": path}, check=False
    )

    assert done.stdout.encode() == CONTENT
    assert FORBIDDEN_MODULES.intersection(done.stderr.split()) == set()


@given(st.binary(max_size=200).filter(lambda data: b"\n" not in data))
def test_any_first_line_is_understood_or_refused_in_one_line(data: bytes) -> None:
    try:
        length, digest, state, _ = parse_header(MAGIC + data)
    except ConfgenError as error:
        assert str(error).isprintable()
    else:
        assert length >= 0 and re.fullmatch("[0-9a-f]{64}", digest) and state in ("fresh", "stale")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_the_words_of_an_error_survive_escaping(words: str) -> None:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')

    assert unescape(escaped) == words


@given(st.integers(0, 10**15 - 1), st.sampled_from(["fresh", "stale"]))
def test_a_first_line_says_what_was_put_into_it(length: int, state: str) -> None:
    line = framed(b"", state=state, length=length).rstrip(b"\n")

    assert parse_header(line)[::2] == (length, state)


@pytest.mark.parametrize(("code", "kind"), [("400", ConfgenError), ("404", ConfgenError), ("500", Unanswered)])
def test_only_errors_of_the_daemon_itself_are_what_a_copy_is_for(code: str, kind: type[Exception]) -> None:
    with pytest.raises(ConfgenError) as error:
        parse_header(MAGIC + f'{code} error="why"'.encode())

    assert type(error.value) is kind
