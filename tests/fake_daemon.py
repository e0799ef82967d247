"""A server that answers whatever a test wants the client to meet."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CONTENT = b"[general]\nlanguage = fr_FR\n; \xc3\xa9t\xc3\xa9\n"
NEW = b"[general]\nlanguage = de_DE\n"
LARGE = b"[general]\n" + b"name = value\n" * 20_000
GENERATED = "2026-11-21T08:00:00Z"
FORBIDDEN_MODULES = {
    "argparse", "configparser", "contextlib", "dataclasses", "enum", "hashlib", "logging", "pathlib", "re",
    "selectors", "shutil", "signal", "socket", "string", "subprocess", "tempfile", "threading", "typing",
}  # fmt: skip
"""What takes longer to import than a fetch takes."""

Conversation = Callable[[socket.socket], object]


def framed(content: bytes = CONTENT, state: str = "fresh", length: int | None = None, digest: str = "") -> bytes:
    """A framed answer, or one that says a wrong length or digest."""
    digest = digest or hashlib.sha256(content).hexdigest()
    length = len(content) if length is None else length
    return f"; confgend/1 200 length={length} sha256={digest} state={state} generated={GENERATED}\n".encode() + content


def saying(*pieces: bytes) -> Conversation:
    """Send `pieces` and close."""

    def converse(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return converse


class FakeDaemon:
    """Listens, reads each request up to its newline, then lets `conversation` go on and closes.

    Like the daemon, it ends a connection on which nothing is asked.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.conversation: Conversation = saying(framed())
        self.requests: list[bytes] = []
        self._listener = listener
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    request = connection.makefile("rb").readline()
                    if request:
                        self.requests.append(request)
                        self.conversation(connection)


@contextmanager
def fake_daemon(listener: socket.socket | None = None) -> Iterator[FakeDaemon]:
    """A daemon on `listener`, or on a free port of 127.0.0.1."""
    with listener or socket.create_server(("127.0.0.1", 0)) as listening:
        yield FakeDaemon(listening)
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
