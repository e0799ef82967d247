"""What systemd hears of the daemon, over a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from xivo_confgend.service_manager import notify, watchdog_interval


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(2)
        made.bind(str(tmp_path / "notify"))
        yield made


def test_a_message_arrives_as_one_datagram(listening, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
    notify("READY=1\nSTATUS=serving 3 files")
    assert listening.recv(1000) == b"READY=1\nSTATUS=serving 3 files"


def test_a_socket_without_a_path_is_reached_too(monkeypatch):
    name = f"xivo-confgend-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.settimeout(2)
        abstract.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("STOPPING=1")
        assert abstract.recv(1000) == b"STOPPING=1"


def test_nothing_is_sent_when_no_one_asked(listening, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(1000)


def test_a_socket_that_is_gone_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert notify("WATCHDOG=1") is None


def test_a_manager_that_does_not_read_never_blocks_the_daemon(listening, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
    for number in range(5000):
        notify(f"STATUS={number}")
    assert listening.recv(1000) == b"STATUS=0"


@pytest.mark.parametrize(
    ("microseconds", "process", "expected"),
    [
        ("30000000", "ours", 15.0),
        ("30000000", None, 15.0),
        ("30000000", "1", None),
        (None, None, None),
        ("soon", None, None),
    ],
)
def test_a_sign_of_life_is_given_twice_in_the_time_allowed(microseconds, process, expected, monkeypatch):
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", process)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "ours" else value)
    assert watchdog_interval() == expected
