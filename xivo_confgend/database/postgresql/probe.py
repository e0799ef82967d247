"""Asking the database which moment it shows now, in one round trip: what freshness is decided by."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from sqlalchemy import create_engine, event

from xivo_confgend.database.postgresql.connection import CONNECT_TIMEOUT, backend_of, psycopg2_url
from xivo_confgend.database.postgresql.state import STATE_STATEMENT, DatabaseState, monotonic

PROBE_TIMEOUT = 5
"""Seconds the statement of a probe may take; a slower database is asked by a generation instead."""
PROBE_LIMIT = PROBE_TIMEOUT + 1
"""Seconds after which a probe is to be aborted: a server that hangs does not even keep its own time-outs."""


class Probe:
    """One connection of its own to the database at `uri`, reconnecting as needed.

    Blocks: call it from one thread that is not the reactor's; `abort` may be called from any.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._socket: socket.socket | None = None
        self._engine = create_engine(
            psycopg2_url(uri),
            pool_size=1,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": CONNECT_TIMEOUT},
            future=True,
        )

        @event.listens_for(self._engine, "connect")
        def limit(connection: Any, record: Any) -> None:
            self._forget_socket()
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {PROBE_TIMEOUT * 1000}")
            record.info["backend"] = backend_of(connection)

    def read(self) -> DatabaseState:
        """The state of the database now. Raises `sqlalchemy.exc.DBAPIError`."""
        with self._engine.connect() as connection:
            began = monotonic()
            row = connection.exec_driver_sql(STATE_STATEMENT).one()
            return DatabaseState.from_row(row, began, connection.info["backend"])

    def abort(self) -> None:
        """Break off a read that hangs: it raises then. Connecting cannot be broken off, but has its own time-out."""
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back to the server."""
        self._engine.dispose()
        self._forget_socket()

    def _forget_socket(self) -> None:
        """Close our own descriptor of the connection: it is a copy, so that its number is never another file's."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()
