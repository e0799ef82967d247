"""Where the daemon listens, how many clients it takes at a time, and how long it waits for them."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from integration_tests.suite.helpers.api import Certificates
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, memory, wait_until
from xivo_confgend.testing.daemon import Daemon, DaemonError, read_framed
from xivo_confgend.testing.postgresql import free_port

StartDaemon = Callable[..., Daemon]
LARGE = 15
"""MB of the file that slow readers hold open: more than the system's buffers take."""
SLOW_READERS = 20
ANSWER = b"test/first.conf cached framed\n"


def read_all(connection: socket.socket) -> bytes:
    """Everything until the daemon closes."""
    return b"".join(iter(lambda: connection.recv(1 << 20), b""))


def ask_unix(path: Path, request: bytes) -> bytes:
    """As `Daemon.ask`, over a UNIX socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(request)
        return read_all(connection)


def is_closed(connection: socket.socket) -> bool:
    """Whether the daemon closed it; sends a byte to see."""
    try:
        connection.sendall(b"x")
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def connect_slowly(port: int) -> socket.socket:
    """A connection that takes little before it is read from."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    return connection


class TestListeners:
    """Any Twisted endpoint string, any number of them."""

    @pytest.fixture
    def start(self, puppets: Puppets, tmp_path: Path) -> Iterable[Callable[..., Daemon]]:
        """Starts a daemon that listens on the given endpoints beside its TCP port."""
        with ExitStack() as started:

            def start(*endpoints: str) -> Daemon:
                one = puppets.daemon(tmp_path / "daemon")
                one.config["listen"] = [f"tcp:{one.port}:interface=127.0.0.1", *endpoints]
                return started.enter_context(one)

            yield start

    @pytest.mark.parametrize("mode", ["660", "600"])
    def test_may_be_a_unix_socket_with_a_mode(self, start: StartDaemon, tmp_path: Path, mode: str) -> None:
        path = tmp_path / "socket"
        start(f"unix:{path}:mode={mode}")

        assert ask_unix(path, b"test/first.conf\n") == b"first\n"
        assert ask_unix(path, b"test/first.conf") == b"first\n"
        assert path.stat().st_mode & 0o777 == int(mode, 8)

    def test_on_a_unix_socket_serve_large_contents_and_confgen(
        self, start: StartDaemon, puppets: Puppets, tmp_path: Path
    ) -> None:
        path = tmp_path / "socket"
        daemon = start(f"unix:{path}:mode=660")
        puppets.tell("first", "grow", megabytes=3)

        assert len(read_framed(ask_unix(path, b"test/first.conf framed\n")).content) == 3 << 20
        assert daemon.confgen("--socket", str(path), "test/second.conf").stdout == b"second\n"

    def test_on_a_unix_socket_follow_a_killed_daemon(self, start: StartDaemon, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        daemon = start(f"unix:{path}:mode=660")
        assert daemon.process is not None
        daemon.process.kill()
        daemon.process.wait()

        daemon.start()

        assert ask_unix(path, b"test/first.conf\n") == b"first\n"

    def test_may_be_several(self, start: StartDaemon, tmp_path: Path) -> None:
        ports = [free_port(), free_port()]
        paths = [tmp_path / "one", tmp_path / "two"]
        daemon = start(
            *(f"tcp:{port}:interface=127.0.0.1" for port in ports), *(f"unix:{path}:mode=600" for path in paths)
        )

        for port in ports:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(b"test/first.conf\n")
                assert read_all(connection) == b"first\n"
        assert [ask_unix(path, b"test/second.conf\n") for path in paths] == [b"second\n"] * 2
        assert daemon.ask(b"test/third.conf\n") == b"third\n"


class TestTLS:
    """Contents go through this process there, and are still not kept in it."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def encrypted(self, puppets: Puppets, tmp_path: Path, certificates: Certificates, port: int) -> Iterable[Daemon]:
        """A daemon that listens with TLS on `port` as well."""
        daemon = puppets.daemon(tmp_path / "daemon")
        tls = f"ssl:{port}:interface=127.0.0.1:privateKey={certificates.server_key}:certKey={certificates.server}"
        daemon.config["listen"] = [f"tcp:{daemon.port}:interface=127.0.0.1", tls]
        with daemon:
            yield daemon

    @pytest.fixture
    def connect(self, certificates: Certificates, port: int) -> Callable[[], ssl.SSLSocket]:
        """Makes verified connections."""
        context = ssl.create_default_context(cafile=str(certificates.authority))
        return lambda: context.wrap_socket(connect_slowly(port), server_hostname="localhost")

    @pytest.mark.parametrize("request_text", [b"test/first.conf\n", b"test/first.conf"])
    def test_serves_small_contents(
        self, encrypted: Daemon, connect: Callable[[], ssl.SSLSocket], request_text: bytes
    ) -> None:
        with connect() as connection:
            connection.sendall(request_text)

            assert read_all(connection) == b"first\n"

    def test_serves_errors(self, encrypted: Daemon, connect: Callable[[], ssl.SSLSocket]) -> None:
        with connect() as connection:
            connection.sendall(b"test/unknown.conf framed\n")

            assert read_framed(read_all(connection)).code == 404

    def test_serves_several_megabytes_whole(
        self, encrypted: Daemon, puppets: Puppets, connect: Callable[[], ssl.SSLSocket]
    ) -> None:
        puppets.tell("first", "grow", megabytes=7)
        with connect() as connection:
            connection.sendall(b"test/first.conf framed\n")

            assert len(read_framed(read_all(connection)).content) == 7 << 20

    def test_keeps_no_content_for_slow_readers(
        self, encrypted: Daemon, puppets: Puppets, connect: Callable[[], ssl.SSLSocket]
    ) -> None:
        puppets.tell("first", "grow", megabytes=LARGE)
        encrypted.ask(ANSWER)
        with ExitStack() as readers:
            waiting = [readers.enter_context(connect()) for _ in range(SLOW_READERS)]
            before = memory(encrypted)
            for one in waiting:
                one.sendall(ANSWER)
            assert all(one.recv(1000) for one in waiting)
            time.sleep(0.3)

            assert memory(encrypted) - before < 30 << 20
            assert encrypted.fetch("test/second.conf").text == "second\n"


class TestSlowReaders:
    """Clients that hold a large answer open and take little of it."""

    @pytest.fixture
    def large(self, puppets: Puppets, puppet_daemon: StartDaemon) -> Daemon:
        """A daemon that has served the large file once."""
        daemon = puppet_daemon()
        puppets.tell("first", "grow", megabytes=LARGE)
        daemon.ask(ANSWER)
        return daemon

    @pytest.fixture
    def readers(self, large: Daemon) -> Iterable[list[socket.socket]]:
        """All of them, after the first bytes of their answers."""
        with ExitStack() as stack:
            made = [stack.enter_context(connect_slowly(large.port)) for _ in range(SLOW_READERS)]
            self.before = memory(large)
            for one in made:
                one.sendall(ANSWER)
            for one in made:
                assert one.recv(14, socket.MSG_WAITALL) == b"; confgend/1 2"
            yield made

    def test_do_not_grow_the_daemon(self, large: Daemon, readers: list[socket.socket]) -> None:
        for one in readers:
            one.recv(1000)
        time.sleep(0.3)

        assert memory(large) - self.before < 30 << 20

    def test_delay_nobody(self, large: Daemon, readers: list[socket.socket]) -> None:
        assert {large.fetch("test/second.conf").state for _ in range(20)} == {"fresh"}

    def test_get_the_content_that_they_asked_for_though_it_changes(
        self, puppets: Puppets, large: Daemon, readers: list[socket.socket]
    ) -> None:
        puppets.tell("first", "grow", megabytes=1, letter="y")
        large.fetch("test/first.conf")
        large.ask(b"test/first.conf invalidate\n")

        fetched = read_framed(b"; confgend/1 2" + read_all(readers[0]))

        assert hashlib.sha256(fetched.content).digest() == hashlib.sha256((b"x" * 127 + b"\n") * 8192 * LARGE).digest()

    def test_are_cut_off_after_the_answer_timeout(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(answer_timeout=1)
        puppets.tell("first", "grow", megabytes=LARGE)
        daemon.ask(b"test/first.conf\n")
        with connect_slowly(daemon.port) as slow:
            slow.sendall(ANSWER)
            received = slow.recv(1000)
            wait_until(lambda: "answer not read within 1 s, closed" in daemon.log, "the end of the patience")
            with suppress(ConnectionResetError):
                while piece := slow.recv(1 << 20):
                    received += piece

        assert len(received) < LARGE << 20
        with pytest.raises(DaemonError):
            read_framed(received)

    def test_of_small_answers_are_not_told_to_be_slow(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(answer_timeout=0.3)
        with daemon.connect() as late:
            late.sendall(b"test/first.conf\n")
            time.sleep(0.8)

            assert read_all(late) == b"first\n"
        assert "not read within" not in daemon.log


class TestSilentClients:
    """Have `request_timeout` for their whole request."""

    def test_that_trickle_are_closed_as_well(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(request_timeout=1, quiet_time=5)
        with daemon.connect() as trickling:
            wait_until(lambda: is_closed(trickling), "the end of the patience")

        assert "no request within 1 s, closed" in daemon.log

    def test_are_told_in_the_log(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(request_timeout=0.2)
        with daemon.connect():
            wait_until(lambda: "no request within 0.2 s, closed" in daemon.log, "the end of the patience")

    def test_that_have_asked_may_wait_for_longer(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(request_timeout=0.3, answer_timeout=0.3)
        puppets.tell("first", "sleep", seconds=1, content="late\n")

        assert daemon.ask(b"test/first.conf\n") == b"late\n"


class TestMaxConnections:
    """Others wait in the system's queue, and are answered when there is room."""

    def test_make_others_wait_and_answer_them_later(
        self, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon(max_connections=3)
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(daemon.connect())
            wait_until(lambda: "max_connections (3) reached" in daemon.log, "the limit")
            others = [ask_in_background(background, daemon, "test/first.conf") for _ in range(12)]
            time.sleep(0.5)
            assert not any(other.done() for other in others)

        assert {other.result(20).text for other in others} == {"first\n"}

    def test_hold_for_all_listeners_together(
        self, puppets: Puppets, tmp_path: Path, background: ThreadPoolExecutor
    ) -> None:
        path = tmp_path / "socket"
        daemon = puppets.daemon(tmp_path / "daemon", max_connections=2)
        daemon.config["listen"] = [f"tcp:{daemon.port}:interface=127.0.0.1", f"unix:{path}:mode=600"]
        with daemon:
            with daemon.connect(), daemon.connect():
                wait_until(lambda: "max_connections (2) reached" in daemon.log, "the limit")
                waiting = background.submit(ask_unix, path, b"test/first.conf\n")
                time.sleep(0.3)
                assert not waiting.done()

            assert waiting.result(20) == b"first\n"

    def test_of_one_serve_one_after_the_other(self, puppet_daemon: StartDaemon, background: ThreadPoolExecutor) -> None:
        daemon = puppet_daemon(max_connections=1)

        answers = [ask_in_background(background, daemon, "test/first.conf") for _ in range(30)]

        assert {answer.result(30).text for answer in answers} == {"first\n"}
        assert not re.search("Traceback|broke down", daemon.log)
