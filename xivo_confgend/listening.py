"""Opening TCP ports and UNIX sockets: what Twisted's own endpoints leave to be desired, and the rest by them."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.endpoints import serverFromString

from xivo_confgend.endpoints import EVERYWHERE, parse, plain, written
from xivo_confgend.exceptions import ConfigurationError, one_line

BACKLOG = 1024
"""Connections that the system keeps for us: many Asterisks may reload in the same second."""
SOCKET_MODE = 0o666
"""As Twisted's endpoints have it: who may ask is decided by `allowed_users`."""
UNDERSTOOD = ("tcp", "unix", "systemd")
NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


async def listen(reactor: Any, text: str, factory: Any) -> Any:
    """Listen on the endpoint string `text` and return Twisted's port.

    Raises ConfigurationError that names `text` and says why not.
    """
    endpoint = parse(text)
    try:
        if endpoint.kind == "unix":
            mode, backlog = int(endpoint.get("mode") or f"{SOCKET_MODE:o}", 8), int(endpoint.get("backlog") or BACKLOG)
            return listen_unix(reactor, endpoint.get("address", 0), factory, mode, backlog)
        if endpoint.kind == "tcp" and endpoint.get("interface") == EVERYWHERE:
            return listen_tcp(reactor, EVERYWHERE, int(endpoint.get("port", 0)), factory)
        backlog_given = endpoint.kind != "tcp" or endpoint.get("backlog")
        opened = serverFromString(reactor, text if backlog_given else f"{text}:backlog={BACKLOG}")
        return await opened.listen(factory)
    except Exception as error:
        raise ConfigurationError(f"cannot listen on {text}: {reason(error)}") from error


def check(endpoints: Iterable[str]) -> None:
    """Raises ConfigurationError for an endpoint string that Twisted does not understand. Opens nothing.

    Those of systemd are left out: they can be looked at in the service alone.
    """
    from twisted.internet import reactor

    for text in endpoints:
        if parse(text).kind not in UNDERSTOOD:
            try:
                serverFromString(reactor, text)
            except Exception as error:
                raise ConfigurationError(f"key listen: {text}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why something cannot be listened on, as one line."""
    cause = getattr(error, "socketError", None) or error
    return one_line(str(getattr(cause, "strerror", None) or cause))


def listen_tcp(reactor: Any, address: str, port: int, factory: Any, backlog: int = BACKLOG) -> Any:
    """Listen on a TCP port; the address `*` is all addresses, IPv6 too where the machine has it.

    Raises OSError or `twisted.internet.error.CannotListenError`.
    """
    if address != EVERYWHERE:
        return reactor.listenTCP(port, factory, backlog, plain(address))
    with _everywhere(port, backlog) as opened:
        opened.setblocking(False)
        return reactor.adoptStreamPort(opened.fileno(), opened.family, factory)


def _everywhere(port: int, backlog: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
    return socket.create_server(("", port), backlog=backlog)


def listen_unix(reactor: Any, path: str, factory: Any, mode: int = SOCKET_MODE, backlog: int = BACKLOG) -> Any:
    """Listen on a UNIX socket at `path`; one that a killed daemon left there is replaced.

    Raises OSError, for example where another process listens on it, or `twisted.internet.error.CannotListenError`.
    """
    port = _UnixPort(path, factory, backlog, mode, reactor)
    port.startListening()
    return port


class _UnixPort(unix.Port):
    """Guarded by a lock that ends with the process, however it ends.

    Twisted's own lock is a link to a process id. That of a killed daemon may be the id of any process later, and in
    a container it is always that of the daemon itself.
    """

    def __init__(self, path: str, factory: Any, backlog: int, mode: int, reactor: Any) -> None:
        super().__init__(
            path,  # type: ignore[arg-type]
            factory,
            backlog,
            mode,
            reactor,
            wantPID=False,
        )
        self._path = path
        self._guard: int | None = None

    def startListening(self) -> None:
        """Take the lock, clear away what a killed daemon left, and listen."""
        try:
            # A name that begins with NUL is not that of a file, and nothing is left of it.
            if not self._path.startswith("\0"):
                self._guard = _lock(self._path)
                _remove_dead_socket(self._path)
            super().startListening()  # type: ignore[no-untyped-call]
        except BaseException:
            self._unlock()
            raise

    def connectionLost(self, reason: Any) -> None:
        """Nothing listens any more."""
        # Twisted's own would leave the socket open if its file was removed meanwhile.
        with suppress(OSError):
            if self._guard is not None:
                Path(self._path).unlink()
        tcp.Port.connectionLost(self, reason)
        self._unlock()

    def _unlock(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            os.close(guard)


def _lock(path: str) -> int:
    descriptor = os.open(f"{path}.flock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OSError(errno.EADDRINUSE, "another daemon listens on it") from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_dead_socket(path: str) -> None:
    """Remove the socket at `path` if no process listens on it. Raises OSError if one does, or it is no socket."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise OSError(errno.EEXIST, "it is there and not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            _remove_link(Path(f"{path}.lock"))
            return
        except BlockingIOError:
            # So many wait there that there is no room for one more.
            pass
    raise OSError(errno.EADDRINUSE, "another process listens on it")


def _remove_link(link: Path) -> None:
    """Remove the lock of a killed daemon of an earlier version."""
    if link.is_symlink():
        with suppress(FileNotFoundError):
            link.unlink()


def place(port: Any) -> str:
    """Where `port` listens, as people write it."""
    host = port.getHost()
    name = getattr(host, "name", None)
    if name is not None:
        return os.fsdecode(name).replace("\0", "@", 1)
    return written(host.host, host.port)
