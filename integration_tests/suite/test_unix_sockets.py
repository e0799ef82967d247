"""UNIX sockets of the wire protocol and of the HTTP API: what a killed daemon left keeps no other one from starting."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration_tests.suite.helpers.containers import Contained
from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]
KINDS = ("listen", "rest_api")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The socket of these tests."""
    return tmp_path / "daemon.sock"


def keys(kind: str, path: Path, daemon: Daemon | None = None) -> dict[str, Any]:
    """The configuration that has `path` as its socket beside a TCP port."""
    if kind == "listen":
        return {"listen": [f"unix:{path}", "tcp:0:interface=127.0.0.1"], "rest_api": {"enabled": False}}
    return {"rest_api": {"port": 0, "socket": str(path)}}


def answers(kind: str, path: Path) -> bool:
    """Whether a daemon answers at `path`."""
    request, expected = {
        "listen": (b"test/first.conf\n", b"first\n"),
        "rest_api": (b"GET /1.0/session HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK"),
    }[kind]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(request)
        return connection.makefile("rb").read().startswith(expected)


def start(daemon: Daemon) -> None:
    """Start a daemon without looking for its TCP port."""
    seen = daemon.log.count("listening on")
    daemon.start(wait=False)
    wait_until(lambda: daemon.log.count("listening on") > seen or daemon.process.poll() is not None, "the start")


@pytest.mark.parametrize("kind", KINDS)
def test_a_socket_of_a_killed_process_1_is_replaced(contained: Callable[..., Contained], path: Path, kind: str) -> None:
    daemon = contained()
    daemon.config |= keys(kind, path)
    for _ in range(2):
        start(daemon)
        assert answers(kind, path)
        daemon.end(signal.SIGKILL)
        assert path.is_socket()


@pytest.mark.parametrize("kind", KINDS)
def test_the_lock_of_an_earlier_version_says_nothing(puppet_daemon: StartDaemon, path: Path, kind: str) -> None:
    """It names a process that runs, as after the loss of power, when process ids begin anew."""
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    lock = Path(f"{path}.lock")
    lock.symlink_to("1")
    daemon = puppet_daemon()
    daemon.config |= keys(kind, path)
    daemon.reload()

    assert answers(kind, path)
    assert not lock.is_symlink()


@pytest.mark.parametrize("kind", KINDS)
def test_a_socket_on_which_a_process_listens_is_left_to_it(puppet_daemon: StartDaemon, path: Path, kind: str) -> None:
    daemon = puppet_daemon()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(1)
        daemon.config |= keys(kind, path)
        daemon.reload()

        assert f"{path}: another process listens on it" in daemon.log
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert "Traceback" not in daemon.log


@pytest.mark.parametrize("kind", KINDS)
def test_two_daemons_do_not_share_a_socket(puppets: Puppets, tmp_path: Path, path: Path, kind: str) -> None:
    one, other = (puppets.daemon(tmp_path / name, **keys(kind, path)) for name in ("one", "other"))
    try:
        start(one)
        start(other)
        assert f"{path}: another daemon listens on it" in other.log
        other.stop()
        assert answers(kind, path)
    finally:
        one.stop()
        other.stop()
    assert not path.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_socket_is_kept(puppet_daemon: StartDaemon, path: Path, kind: str) -> None:
    path.write_text("of others\n")
    daemon = puppet_daemon()
    daemon.config |= keys(kind, path)
    daemon.reload()

    assert path.read_text() == "of others\n"
    assert f"{path}: it is there and not a socket" in daemon.log


def test_a_socket_whose_file_was_removed_keeps_nobody_from_stopping(
    puppets: Puppets, tmp_path: Path, path: Path
) -> None:
    daemon = puppets.daemon(tmp_path / "daemon", **keys("listen", path))
    start(daemon)
    path.unlink()

    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_a_reload_may_change_the_mode_of_a_socket(puppets: Puppets, tmp_path: Path, path: Path) -> None:
    daemon = puppets.daemon(tmp_path / "daemon", **keys("listen", path))
    start(daemon)
    daemon.config["listen"] = [f"unix:{path}:mode=600"]
    daemon.reload()

    assert answers("listen", path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert daemon.stop() == 0
