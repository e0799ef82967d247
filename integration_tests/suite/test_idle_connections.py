"""What a worker does with a connection that was there for its last generation and is not for this one."""

import socket
import socketserver
import struct
import threading
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from xivo_confgend.database import Session, session_scope
from xivo_confgend.database.postgresql.session import bind

STATEMENT_TIMEOUT = 3600
PROCESS = text("SELECT pg_backend_pid()")
RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


class Firewall(socketserver.ThreadingTCPServer):
    """Passes connections on to PostgreSQL. What it forgot is reset when the client sends the next byte."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.address = address
        self.forgotten: set[int] = set()
        self.connections = 0


class Connection(socketserver.BaseRequestHandler):
    server: Firewall

    def handle(self):
        self.server.connections += 1
        number = self.server.connections
        with socket.create_connection(self.server.address) as beyond:
            threading.Thread(target=self.answer, args=[beyond], daemon=True).start()
            while sent := self.request.recv(1 << 16):
                if number in self.server.forgotten:
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_WHEN_CLOSED)
                    self.request.close()
                    return
                beyond.sendall(sent)

    def answer(self, beyond):
        with suppress(OSError):
            while answer := beyond.recv(1 << 16):
                self.request.sendall(answer)


@pytest.fixture
def firewall(scratch_database):
    url = make_url(scratch_database.uri)
    with Firewall((url.host, url.port)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def engine(scratch_database, firewall):
    host, port = firewall.server_address
    url = make_url(scratch_database.uri).set(host=host, port=port)
    engine = bind(url.render_as_string(hide_password=False), STATEMENT_TIMEOUT)
    yield engine
    engine.dispose()


def process():
    with session_scope():
        return Session.execute(PROCESS).scalar_one()


def test_a_connection_is_used_again(engine):
    assert process() == process()


def test_a_connection_forgotten_while_idle_is_replaced(engine, firewall):
    before = process()
    firewall.forgotten.add(1)

    after = process()

    assert after != before
    assert process() == after
    assert firewall.connections == 2
