"""Addresses to listen on, and answers that are cut while they are sent: what `test_protocol_connections` leaves."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon, read_framed
from xivo_confgend.testing.postgresql import free_port

StartDaemon = Callable[..., Daemon]
MEGABYTE = 1 << 20


def loopbacks() -> list[str]:
    """The loop-back addresses that this machine has."""
    found = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                continue
            found.append(address)
    return found


class TestAddresses:
    """`listen_address` and `listen_port`."""

    @pytest.mark.parametrize("address", loopbacks())
    def test_may_be_of_either_family(self, puppets: Puppets, tmp_path: Path, address: str) -> None:
        daemon = puppets.daemon(tmp_path / "daemon", listen_address=address)
        daemon.start(wait=False)
        wait_until(lambda: "listening on" in daemon.log, "the start")

        with socket.create_connection((address, daemon.port)) as connection:
            connection.sendall(b"test/first.conf\n")
            assert connection.makefile("rb").read() == b"first\n"
        assert daemon.stop() == 0

    @pytest.mark.parametrize("address", ["127.0.0.2", *loopbacks()])
    def test_are_all_for_a_star(self, puppet_daemon: StartDaemon, address: str) -> None:
        daemon = puppet_daemon(listen_address="*")

        with socket.create_connection((address, daemon.port)) as connection:
            connection.sendall(b"test/first.conf\n")
            assert connection.makefile("rb").read() == b"first\n"

    @pytest.mark.parametrize("address", ["127.0.0.2", *loopbacks()])
    def test_are_all_for_a_star_for_the_http_api_too(self, puppet_daemon: StartDaemon, address: str) -> None:
        port = free_port()
        puppet_daemon(rest_api={"listen": "*", "port": port})

        with socket.create_connection((address, port)) as connection:
            connection.sendall(b"GET /1.0/session HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert connection.makefile("rb").read().startswith(b"HTTP/1.0 200 OK")

    def test_may_have_the_brackets_of_a_url(self, puppets: Puppets, tmp_path: Path) -> None:
        api = free_port()
        daemon = puppets.daemon(tmp_path / "daemon", listen_address="[::1]", rest_api={"listen": "[::1]", "port": api})
        daemon.start(wait=False)
        wait_until(lambda: "listening on" in daemon.log, "the start")

        for port in (daemon.port, api):
            socket.create_connection(("::1", port)).close()
        assert f"listening on [::1]:{daemon.port}, [::1]:{api}" in daemon.log
        assert daemon.stop() == 0

    @pytest.mark.parametrize("named", ["{}/a.sock", "\\0confgend-{}"], ids=["path", "abstract"])
    def test_of_a_unix_socket_are_told_as_people_write_them(self, puppets: Puppets, tmp_path: Path, named: str) -> None:
        place = named.format(tmp_path).replace("\\0", "\0")
        daemon = puppets.daemon(tmp_path / "daemon", listen=[f"unix:{place}:lockfile=0"], rest_api=None)
        daemon.start(wait=False)
        wait_until(lambda: "listening on" in daemon.log, "the start")

        (line,) = [line for line in daemon.log.splitlines() if "listening on" in line]
        assert line.endswith(f" listening on {place.replace(chr(0), '@')}")
        assert daemon.stop() == 0

    def test_that_are_taken_are_one_line_and_exit_status_1(self, puppets: Puppets, tmp_path: Path) -> None:
        daemon = puppets.daemon(tmp_path / "daemon")
        with socket.create_server(("127.0.0.1", daemon.port)):
            daemon.start(wait=False)
            assert daemon.process is not None

            assert daemon.process.wait(20) == 1
        lines = [line for line in daemon.log.splitlines() if "CRITICAL" in line]
        assert len(lines) == 1
        assert f"cannot listen on tcp:{daemon.port}:interface=127.0.0.1" in lines[0]
        assert "Traceback" not in daemon.log


class TestAnAnswer:
    """Is whole, or known not to be."""

    def test_is_whole_although_its_file_is_replaced_meanwhile(
        self, puppets: Puppets, puppet_daemon: StartDaemon
    ) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "grow", megabytes=15, letter="a")
        with daemon.connect() as reader:
            reader.sendall(b"test/first.conf framed\n")
            beginning = reader.recv(1000)
            puppets.tell("first", "grow", megabytes=1, letter="b")
            assert len(daemon.fetch("test/first.conf").content) == MEGABYTE
            os.truncate(daemon.cache / "test/first.conf", 0)

            answer = read_framed(beginning + reader.makefile("rb").read())

        assert set(answer.content) == set(b"a\n")
        assert len(answer.content) == 15 * MEGABYTE

    def test_whose_file_is_cut_meanwhile_does_not_verify(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "grow", megabytes=50)
        with daemon.connect() as reader:
            reader.sendall(b"test/first.conf framed\n")
            reader.recv(1000)
            os.truncate(daemon.cache / "test/first.conf", 1000)

            with pytest.raises(ConnectionResetError):
                while reader.recv(MEGABYTE):
                    pass
        assert daemon.fetch("test/second.conf").text == "second\n"

    def test_that_a_client_resets_leaves_nothing_open(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        puppets.tell("first", "grow", megabytes=15)
        daemon.fetch("test/first.conf")
        descriptors = psutil.Process(daemon.pid).num_fds()
        for _ in range(20):
            connection = daemon.connect()
            connection.sendall(b"test/first.conf cached\n")
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        wait_until(lambda: psutil.Process(daemon.pid).num_fds() <= descriptors, "the end of all connections")
        assert "broke down" not in daemon.log


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closed", "reset"])
def test_the_look_of_a_monitoring_tool_at_the_port_is_no_warning(
    puppet_daemon: StartDaemon, linger: bytes | None
) -> None:
    daemon = puppet_daemon()
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            with daemon.connect() as connection:
                if linger is not None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)

    assert daemon.fetch("test/first.conf").text == "first\n"
    assert not re.search("WARNING|ERROR", daemon.log), daemon.log
