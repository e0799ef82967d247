"""Telling systemd how the daemon is doing: the datagrams of sd_notify(3), nothing when no one listens."""

from __future__ import annotations

import contextlib
import functools
import os
import socket


def notify(message: str) -> None:
    """Send `message` (`READY=1`, `WATCHDOG=1`, …) to the socket that NOTIFY_SOCKET names, if any."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError):
        _outgoing().sendto(message.encode(), address)


@functools.cache
def _outgoing() -> socket.socket:
    """Kept open: a daemon that has run out of descriptors still says that it lives. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.setblocking(False)
    return made


def watchdog_interval() -> float | None:
    """Seconds between two signs of life, half of what systemd allows; None if it does not ask for them."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000
