"""Who is at the other end, asked of the real kernel over real sockets, and of tables of machines we do not have."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from xivo_confgend import peers
from xivo_confgend.config import Settings
from xivo_confgend.tcp_server import ConfgendFactory

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def can_bind(address: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


def own_addresses() -> list[tuple[str, str]]:
    """(client, server) pairs of addresses of this machine, as a client may combine them."""
    pairs = [("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "::ffff:127.0.0.1")]
    for family, outside in ((socket.AF_INET, "192.0.2.99"), (socket.AF_INET6, "2001:db8::99")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((outside, 9))
            except OSError:
                continue
            own = probe.getsockname()[0]
            loopback = "127.0.0.1" if family == socket.AF_INET else "::1"
            pairs += [(own, own), (own, loopback), (loopback, own)]
    return [pair for pair in pairs if can_bind(pair[0]) and can_bind(pair[1])]


def connect(stack: ExitStack, source: str, destination: str) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection of this process to itself: the client's and the server's."""
    server = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in destination else socket.AF_INET))
    server.bind((destination, 0))
    server.listen()
    address = (destination.removeprefix("::ffff:"), server.getsockname()[1])
    client = stack.enter_context(socket.create_connection(address, source_address=(source, 0)))
    accepted, _ = server.accept()
    return client, stack.enter_context(accepted)


OWN = pytest.mark.parametrize(("source", "destination"), own_addresses())


@OWN
def test_a_client_of_this_machine_is_known_whatever_address_he_comes_from(
    stack: ExitStack, source: str, destination: str
) -> None:
    _, accepted = connect(stack, source, destination)

    assert peers.local_account(accepted) == os.geteuid()


@OWN
def test_the_tables_say_the_same_as_the_kernel(stack: ExitStack, source: str, destination: str) -> None:
    _, accepted = connect(stack, source, destination)
    ends = peers._plain(accepted.getpeername()), peers._plain(accepted.getsockname())

    assert peers._search_tables(*ends) == peers._ask_kernel(*ends)


def test_the_account_behind_a_unix_socket_is_known(stack: ExitStack, tmp_path: Path) -> None:
    server, client = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
    server.bind(str(tmp_path / "socket"))
    server.listen()
    client.connect(str(tmp_path / "socket"))
    accepted = stack.enter_context(server.accept()[0])

    assert peers.local_account(accepted) == os.geteuid()


def test_a_client_that_half_closed_is_known(stack: ExitStack) -> None:
    client, accepted = connect(stack, "127.0.0.1", "127.0.0.1")
    client.shutdown(socket.SHUT_WR)
    time.sleep(0.05)

    assert peers.local_account(accepted) == os.geteuid()


@pytest.mark.parametrize("ask", [peers._ask_kernel, peers._search_tables])
def test_a_client_that_is_gone_is_not_taken_for_root(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, ask: object
) -> None:
    monkeypatch.setattr(peers, "_find", ask)
    client, accepted = connect(stack, "127.0.0.1", "127.0.0.1")
    client.close()
    time.sleep(0.05)

    with pytest.raises(peers.ClientGone):
        peers.local_account(accepted)


def test_a_client_that_reset_its_connection_is_gone(stack: ExitStack) -> None:
    client, accepted = connect(stack, "127.0.0.1", "127.0.0.1")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    time.sleep(0.05)

    with pytest.raises(peers.ClientGone):
        peers.local_account(accepted)


def test_a_connection_that_never_was_has_no_account() -> None:
    ends = ("127.0.0.1", 1), ("127.0.0.1", 2)

    for ask in (peers._ask_kernel, peers._search_tables):
        with pytest.raises(LookupError):
            ask(*ends)


@pytest.mark.parametrize("ask", [peers._ask_kernel, peers._search_tables])
def test_a_client_of_another_machine_is_not_taken_for_who_listens_on_his_port(stack: ExitStack, ask: object) -> None:
    listener = stack.enter_context(socket.create_server(("0.0.0.0", 0)))

    with pytest.raises(LookupError):
        ask(("192.0.2.99", listener.getsockname()[1]), ("192.0.2.98", 8669))  # type: ignore[operator]


class Connection:
    """A connection whose ends are where we cannot be."""

    family = socket.AF_INET

    def __init__(self, ours: tuple[str, int], theirs: tuple[str, int]) -> None:
        self.getsockname = lambda: ours
        self.getpeername = lambda: theirs


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty tables in the place of the kernel's, and no other way to ask it."""

    def silent(*_: object) -> None:
        raise OSError("not in this sandbox")

    monkeypatch.setattr(peers, "_ask_kernel", silent)
    monkeypatch.setattr(peers, "TABLES", tmp_path)
    for name in ("tcp", "tcp6"):
        (tmp_path / name).write_text(HEADER)
    return tmp_path


@pytest.mark.parametrize(
    ("table", "line", "ours", "theirs"),
    [
        ("tcp", "0501A8C0:9C40 0601A8C0:21DD", ("192.168.1.6", 8669), ("192.168.1.5", 40000)),
        ("tcp6", "0000000000000000FFFF00000501A8C0:9C40 0000000000000000FFFF00000601A8C0:21DD",
         ("192.168.1.6", 8669), ("192.168.1.5", 40000)),
        ("tcp6", "000080FE000000000000000001000000:9C40 000080FE000000000000000001000000:21DD",
         ("fe80::1%eth0", 8669), ("fe80::1%eth0", 40000)),
    ],
)  # fmt: skip
def test_the_tables_are_read_as_the_kernel_writes_them(
    tables: Path, table: str, line: str, ours: tuple[str, int], theirs: tuple[str, int]
) -> None:
    other = "   0: 0501A8C0:9C41 0601A8C0:21DD 01 00000000:00000000 00:00000000 00000000     7        0 11 1 x\n"
    row = f"   1: {line} 01 00000000:00000000 00:00000000 00000000  1234        0 4711 1 0000 20 4 30 10 -1\n"
    (tables / table).write_text(HEADER + other + row)

    assert peers.local_account(Connection(ours, theirs)) == 1234  # type: ignore[arg-type]


def test_a_client_of_another_machine_has_no_account_here(tables: Path) -> None:
    assert peers.local_account(Connection(("192.168.1.6", 8669), ("192.168.1.5", 40000))) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("127.0.0.1", "192.168.1.5"), ("192.168.1.5", "127.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("::1", "::2")],
)
def test_a_client_of_this_machine_that_the_kernel_does_not_know_is_refused(
    tables: Path, ours: str, theirs: str
) -> None:
    with pytest.raises(LookupError):
        peers.local_account(Connection((ours, 8669), (theirs, 40000)))  # type: ignore[arg-type]


def test_unknown_accounts_are_left_out_and_ours_is_always_in() -> None:
    assert peers.account_ids(["root", "nobody-has-this-name"]) == {0, os.geteuid()}
    assert peers.account_ids([]) == {os.geteuid()}


@pytest.mark.parametrize("allowed", [True, False])
def test_the_server_asks_who_it_is(stack: ExitStack, allowed: bool) -> None:
    _, accepted = connect(stack, "127.0.0.1", "127.0.0.1")
    factory = ConfgendFactory(Clock(), None, Settings())  # type: ignore[arg-type]
    factory._allowed = frozenset({os.geteuid()} if allowed else set())

    assert (not factory.objection(type("Transport", (), {"socket": accepted})())) == allowed
