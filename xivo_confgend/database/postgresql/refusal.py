"""Whether a server that a connection could not be made to is away, or is there and refuses us.

libpq tells its reasons in words only, and the server's are translated. So the first message of a connection is sent
once more by hand (https://www.postgresql.org/docs/current/protocol-flow.html, "Start-up"), and what comes back has a
SQLSTATE. A server that asks for a login, while libpq could not connect, has refused that login or what follows it.
"""

from __future__ import annotations

import getpass
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

from xivo_confgend.database.postgresql.connection import psycopg2_url

PROTOCOL = 196608
"""3.0"""
AUTHENTICATED = struct.pack("!I", 0)
TIMEOUT = 3.0
LONGEST_MESSAGE = 1 << 16
SOCKET_DIRECTORIES = ("/var/run/postgresql", "/tmp")  # noqa: S108 - where servers put their sockets
TEMPORARY = ("53", "57P")
"""Beginnings of the SQLSTATEs of a server that has no place or no time for us now: that is being away."""
OR_ANOTHER = "or name another one in db_uri (or XIVO_CONFGEND_DB_URI)"
ADVICE = {
    "28": f"create the account, or allow it in pg_hba.conf, {OR_ANOTHER}",
    "3D000": f"create the database, {OR_ANOTHER}",
    "42501": f"grant the account CONNECT on the database, {OR_ANOTHER}",
}
GENERAL_ADVICE = "check the user, the password and the name of the database in db_uri (or XIVO_CONFGEND_DB_URI)"


def advice(uri: str) -> str:
    """What to do if the server at `uri` is there and refuses the connection; empty if it is away.

    Takes up to `TIMEOUT` seconds for each address of `uri`.
    """
    url = psycopg2_url(uri)
    _, arguments = url.get_dialect()().create_connect_args(url)
    user = str(arguments.get("user") or os.environ.get("PGUSER") or getpass.getuser())
    database = str(arguments.get("dbname") or arguments.get("database") or os.environ.get("PGDATABASE") or user)
    for address in _addresses(str(arguments.get("host") or ""), str(arguments.get("port") or "")):
        with suppress(OSError, ValueError):
            code = _first_answer(address, user, database)
            if not code.startswith(TEMPORARY):
                return next((text for begin, text in ADVICE.items() if code.startswith(begin)), GENERAL_ADVICE)
    return ""


def _addresses(hosts: str, ports: str) -> Iterator[tuple[str, int] | str]:
    """Where libpq would connect to: host and port, or the path of a socket."""
    named = (hosts or os.environ.get("PGHOST") or "").split(",")
    numbers = (ports or os.environ.get("PGPORT") or "5432").split(",")
    for number, host in enumerate(named):
        port = int(numbers[number] if number < len(numbers) else numbers[-1])
        for place in [host] if host else SOCKET_DIRECTORIES:
            yield f"{place}/.s.PGSQL.{port}" if place.startswith("/") else (place, port)


def _first_answer(address: tuple[str, int] | str, user: str, database: str) -> str:
    """The SQLSTATE that the server refuses with, empty if it wants a password before.

    Raises OSError if it cannot be reached, ValueError if it lets us in, or is no PostgreSQL.
    """
    parameters = b"".join(text.encode() + b"\0" for text in ("user", user, "database", database)) + b"\0"
    with _connected(address) as connection:
        connection.sendall(struct.pack("!II", len(parameters) + 8, PROTOCOL) + parameters)
        kind, content = _message(connection)
        while kind == b"R" and content == AUTHENTICATED:
            kind, content = _message(connection)
        if kind == b"R":
            return ""
        if kind != b"E":
            raise ValueError("the server lets us in")
        return next(field[1:].decode("ascii") for field in content.split(b"\0") if field[:1] == b"C")


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    """The kind and the content of the next message."""
    kind, length = struct.unpack("!cI", _read(connection, 5))
    if not 4 <= length <= LONGEST_MESSAGE:
        raise ValueError("this is no PostgreSQL")
    return kind, _read(connection, length - 4)


def _connected(address: tuple[str, int] | str) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(TIMEOUT)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _read(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ValueError("the server closes the connection")
        data += piece
    return data
