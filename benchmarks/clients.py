"""Many clients at once, in a process of their own; each answer is checked against its first line."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import subprocess
import time
from dataclasses import dataclass, field

HEADER = re.compile(rb"; confgend/1 200 length=(\d+) sha256=\w+ state=(\w+) generated=\S+\n")
LONGEST_HEADER = 512
BUFFER = bytearray(1 << 20)
TIMEOUT = 300.0


@dataclass
class Outcome:
    """Latencies of the answers in order of their end, bytes of all, seconds of all, answers that were not right."""

    latencies: list[float] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0
    wrong: int = 0


class _Client:
    """One connection after the other."""

    def __init__(self, port: int, rounds: int) -> None:
        self._address = ("127.0.0.1", port)
        self.rounds = rounds
        self.socket: socket.socket
        self.started = 0.0
        self.received = 0
        self.head = b""

    def connect(self) -> None:
        """Begin the next round."""
        self.rounds -= 1
        self.received, self.head = 0, b""
        self.started = time.perf_counter()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(self._address)

    def read(self) -> bool:
        """Take what there is; whether that was the end."""
        try:
            count = self.socket.recv_into(BUFFER)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        if len(self.head) < LONGEST_HEADER:
            self.head += bytes(BUFFER[: min(count, LONGEST_HEADER)])
        self.received += count
        return count == 0

    def is_right(self) -> bool:
        """Whether the answer was fresh and whole."""
        match = HEADER.match(self.head)
        return match is not None and match[2] == b"fresh" and self.received == match.end() + int(match[1])


def fetch_at_once(port: int, file: str, clients: int, rounds: int = 1) -> Outcome:
    """`clients` clients fetch `file` at the same time, each `rounds` times; to be called in a fresh process."""
    outcome = Outcome()
    request = f"{file} framed\n".encode()
    selector = selectors.DefaultSelector()
    start = time.perf_counter()
    for _ in range(clients):
        client = _Client(port, rounds)
        client.connect()
        selector.register(client.socket, selectors.EVENT_WRITE, client)
    while selector.get_map():
        ready = selector.select(TIMEOUT)
        if not ready:
            outcome.wrong += len(selector.get_map())
            break
        for key, mask in ready:
            _serve(selector, key.data, mask, request, outcome)
    outcome.seconds = time.perf_counter() - start
    return outcome


def _serve(selector: selectors.BaseSelector, client: _Client, mask: int, request: bytes, outcome: Outcome) -> None:
    if mask & selectors.EVENT_WRITE:
        with contextlib.suppress(ConnectionError):
            client.socket.send(request)
        selector.modify(client.socket, selectors.EVENT_READ, client)
        return
    if not client.read():
        return
    selector.unregister(client.socket)
    client.socket.close()
    outcome.latencies.append(time.perf_counter() - client.started)
    outcome.bytes += client.received
    outcome.wrong += not client.is_right()
    if client.rounds:
        client.connect()
        selector.register(client.socket, selectors.EVENT_WRITE, client)


def fetch_in_turn(port: int, file: str, seconds: float, pause: float, least: int = 1) -> Outcome:
    """One client fetches `file` again and again for so many seconds, and `least` times at least."""
    outcome = Outcome()
    start = time.perf_counter()
    while time.perf_counter() < start + seconds or len(outcome.latencies) < least:
        one = fetch_at_once(port, file, 1)
        outcome.latencies += one.latencies
        outcome.bytes += one.bytes
        outcome.wrong += one.wrong
        time.sleep(pause)
    outcome.seconds = time.perf_counter() - start
    return outcome


def cat_into_socket(path: str, least: int) -> float:
    """Bytes a second that `cat` of `path` into a socket moves to the same reading loop, over `least` bytes or more."""
    listener = socket.create_server(("127.0.0.1", 0))
    sender = socket.create_connection(listener.getsockname())
    receiver, _ = listener.accept()
    size = max(1, len(open(path, "rb").read()))  # noqa: PTH123, SIM115 - also brings it into the page cache
    start = time.perf_counter()
    copy = subprocess.Popen(["cat", *[path] * -(-least // size)], stdout=sender.fileno())
    sender.close()
    received = 0
    while count := receiver.recv_into(BUFFER):
        received += count
    seconds = time.perf_counter() - start
    copy.wait()
    receiver.close()
    listener.close()
    return received / seconds
