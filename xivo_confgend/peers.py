"""Which account of this machine is at the other end of a connection.

Any local account could read every SIP and voicemail password through an open port (defect D24 of
docs/spec/30-daemon.md), so the server asks the kernel who is connected.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

CREDENTIALS = struct.Struct("3i")
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
ALL_STATES = 0xFFFFFFFF
MESSAGE_HEADER = struct.Struct("=IHHII")
REQUEST = struct.Struct("=BBBBI")
SOCKET_ID = struct.Struct("!HH16s16sI8s")
STATE_OFFSET = MESSAGE_HEADER.size + 1
TCP_LISTEN = 10
OWNER = struct.Struct("=II")
OWNER_OFFSET = MESSAGE_HEADER.size + 4 + SOCKET_ID.size + 12
"""User id and inode, of a struct inet_diag_msg behind its header: see sock_diag(7)."""
ERROR = struct.Struct("=i")
NLMSG_ERROR = 2
KERNEL_TIMEOUT = 0.1
TABLES = Path("/proc/net")
PROC_UID_FIELD, PROC_INODE_FIELD = 7, 9
"""Of a line of /proc/net/tcp: https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html"""

End = tuple[str, int]
Owner = tuple[int, int]
"""User id and inode of a socket; the inode is 0 when no process has the socket any more."""


class ClientGone(LookupError):
    """Nobody has the other end of the connection any more, as after the look of a monitoring tool at the port."""


def account_ids(names: Iterable[str]) -> frozenset[int]:
    """The user ids of those of `names` that exist on this machine, and our own."""
    ids = {os.geteuid()}
    for name in names:
        try:
            ids.add(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    return frozenset(ids)


def local_account(connection: socket.socket) -> int | None:
    """The user id of the process that made `connection` from this machine; None if it came from another one.

    The kernel decides and not the addresses: a client may come from any address that this machine has.
    Raises ClientGone if it was closed meanwhile, LookupError if it came from this machine and the kernel does not
    know the account.
    """
    if connection.family == socket.AF_UNIX:
        size = CREDENTIALS.size
        return int(CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
    try:
        ours, theirs = _plain(connection.getsockname()), _plain(connection.getpeername())
    except OSError as error:
        raise ClientGone("reset by the client") from error
    try:
        uid, inode = _find(theirs, ours)
    except LookupError:
        if ip_address(theirs[0]).is_loopback or ip_address(ours[0]).is_loopback or ours[0] == theirs[0]:
            raise
        return None
    if inode == 0:
        # Closed meanwhile: then the kernel may say 0 for the account too, and that would be root.
        raise ClientGone("closed by the client")
    return uid


def _find(theirs: End, ours: End) -> Owner:
    try:
        return _ask_kernel(theirs, ours)
    except OSError:
        # No such interface in this kernel or sandbox: the slow way, which grows with the machine's connections.
        return _search_tables(theirs, ours)


def _plain(end: tuple[str, int] | tuple[str, int, int, int]) -> End:
    address = ip_address(end[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), end[1]


def _ask_kernel(theirs: End, ours: End) -> Owner:
    """Look up one connection by its two ends (sock_diag(7)).

    Raises LookupError if there is none on this machine, OSError if the kernel does not answer.
    """
    family = socket.AF_INET6 if ":" in theirs[0] else socket.AF_INET
    addresses = (socket.inet_pton(family, end[0]) for end in (theirs, ours))
    identity = SOCKET_ID.pack(theirs[1], ours[1], *addresses, 0, b"\xff" * 8)
    request = REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, ALL_STATES) + identity
    header = MESSAGE_HEADER.pack(MESSAGE_HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(KERNEL_TIMEOUT)
        kernel.send(header + request)
        answer = kernel.recv(4096)
    kind = MESSAGE_HEADER.unpack_from(answer)[1]
    if kind == NLMSG_ERROR and -ERROR.unpack_from(answer, MESSAGE_HEADER.size)[0] == errno.ENOENT:
        raise LookupError("no such connection of this machine")
    if kind != SOCK_DIAG_BY_FAMILY:
        raise OSError("the kernel does not answer such questions")
    if answer[STATE_OFFSET] == TCP_LISTEN:
        # Where no connection matches, the kernel names who listens on the client's port.
        raise LookupError("no such connection of this machine")
    uid, inode = OWNER.unpack_from(answer, OWNER_OFFSET)
    return uid, inode


def _search_tables(theirs: End, ours: End) -> Owner:
    """Look up one connection in the tables of /proc. Raises LookupError."""
    for table in ("tcp", "tcp6"):
        wanted = f"{_hexadecimal(theirs, table)} {_hexadecimal(ours, table)}"
        lines = (TABLES / table).read_text("ascii")
        at = lines.find(wanted)
        if at >= 0:
            fields = lines[lines.rfind("\n", 0, at) + 1 :].split(maxsplit=PROC_INODE_FIELD + 1)
            return int(fields[PROC_UID_FIELD]), int(fields[PROC_INODE_FIELD])
    raise LookupError("no such connection of this machine")


def _hexadecimal(end: End, table: str) -> str:
    address = ip_address(end[0])
    packed = address.packed
    if table == "tcp6" and address.version == 4:
        packed = IPv6Address(f"::ffff:{address}").packed
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{end[1]:04X}"
