"""The confgen wire protocol over any stream: one request, one answer, close.

Request: `RESOURCE/FILENAME[ cached][ invalidate][ framed]`, ended by a newline, by the end of
input, or, for clients in the field that send neither, by a short silence (docs/spec/30-daemon.md
section 1). Answer: the bare content, or with `framed` one line of facts before it, which is a comment in
Asterisk's grammar. Knows nothing of how a content comes to be.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from twisted.internet import tcp
from twisted.internet.base import DelayedCall, ReactorBase
from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, IListeningPort, IPullProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure
from zope.interface import implementer

from xivo_confgend.config import Settings
from xivo_confgend.exceptions import (
    ConfgendError,
    DriverError,
    GenerationError,
    NoSuchFile,
    RequestError,
    one_line,
)
from xivo_confgend.generation import Answer, Generation
from xivo_confgend.names import FileName
from xivo_confgend.peers import ClientGone, account_ids, local_account

logger = logging.getLogger(__name__)

LONGEST_REQUEST = 4096
UNKNOWN_NAME_SILENCE = 1.0
"""Seconds of silence that end a request whose name means nothing yet: the rest may be on its way (defect D1)."""
SENDFILE_SIZE = 1 << 20
CODES = ((NoSuchFile, 404), (RequestError, 400), (GenerationError, 503), (DriverError, 500))


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    name: FileName
    cached: bool = False
    invalidate: bool = False
    framed: bool = False


def parse_request(line: bytes) -> Request:
    """Read one request without its newline. Raises RequestError or NoSuchFile, saying what is wrong with it."""
    if len(line) > LONGEST_REQUEST:
        raise RequestError(f"request is longer than {LONGEST_REQUEST} bytes")
    try:
        text = line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise RequestError("request is not UTF-8") from error
    if not text.isprintable():
        raise RequestError("request holds control characters")
    command, *arguments = text.split() or [""]
    if "/" not in command:
        raise RequestError(f"{command!r} is not RESOURCE/FILENAME")
    return Request(FileName.parse(command), *(argument in arguments for argument in ("cached", "invalidate", "framed")))


def header(facts_length: int, digest: str, state: str, generated: float) -> bytes:
    """The first line of a framed answer; `generated` in seconds since the epoch, written in UTC (ISO 8601)."""
    at = datetime.fromtimestamp(generated, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"; confgend/1 200 length={facts_length} sha256={digest} state={state} generated={at}\n".encode()


def error_header(error: ConfgendError) -> bytes:
    """The only line of a framed answer that is an error."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), 500)
    text = one_line(str(error)).replace("\\", "\\\\").replace('"', '\\"')
    return f'; confgend/1 {code} error="{text}"\n'.encode()


EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@implementer(IPullProducer)
class SendFile:
    """Moves a file to a socket inside the kernel, as fast as the reader takes it: no content in this process.

    `head` goes before it, through the transport's buffer; the file follows when that buffer is empty.
    """

    def __init__(self, transport: tcp.Connection, head: bytes, file: BinaryIO, size: int) -> None:
        self._transport = transport
        self._head = head
        self._file = file
        self._offset = 0
        self._size = size

    def resumeProducing(self) -> None:
        """The transport's buffer is empty and the socket takes more."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
            return
        try:
            self._offset += self._move()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                logger.error("an answer broke off: %s", error.strerror)
            self._transport.unregisterProducer()
            self._transport.abortConnection()
            return
        if self._offset < self._size:
            self._transport.startWriting()
        else:
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def _move(self) -> int:
        """Bytes moved, 0 if the socket is full. Raises OSError."""
        count = min(SENDFILE_SIZE, self._size - self._offset)
        try:
            moved = os.sendfile(self._transport.fileno(), self._file.fileno(), self._offset, count)
        except BlockingIOError:
            return 0
        if moved == 0:
            raise OSError(errno.EIO, "the stored content became shorter")
        return moved

    def stopProducing(self) -> None:
        """The client is gone."""


@implementer(IHalfCloseableProtocol)
class ConfgendProtocol(Protocol):
    """One connection."""

    factory: ConfgendFactory
    transport: Any

    def __init__(self) -> None:
        self._received = b""
        self._asked = False
        self._lost = False
        self._silence: DelayedCall | None = None
        self._deadline: DelayedCall | None = None
        self._answer: Answer | None = None

    def connectionMade(self) -> None:
        """Wait for the request, if the other end may ask at all."""
        self.factory.opened(self)
        settings = self.factory.settings
        self._deadline = self._later(settings.request_timeout, self._no_request)
        try:
            problem = self.factory.objection(self.transport)
        except ClientGone:
            logger.debug("closed by the client before it asked")
            self._abort()
            return
        if problem:
            logger.warning("refused: %s", problem)
            self._abort()

    def dataReceived(self, data: bytes) -> None:
        """A piece of the request; whatever follows it is ignored."""
        if self._asked:
            return
        self._received += data
        self._cancel(self._silence)
        line, newline, _ = self._received.partition(b"\n")
        if newline or len(line) > LONGEST_REQUEST:
            self._ask(line)
        else:
            self._silence = self._later(self.factory.settings.quiet_time, self._quiet)

    def readConnectionLost(self) -> None:
        """The client has said all and still reads."""
        if not self._asked and self._received:
            self._ask(self._received)
        elif not self._asked:
            # A probe that asks nothing is no error: it sees an end like any other, not a reset.
            self._asked = True
            self._cancel(self._deadline)
            self._finish_with(b"")

    def writeConnectionLost(self) -> None:
        """Nobody reads any more."""
        self._abort()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Everything that waited for this connection ends."""
        self._lost = True
        self._cancel(self._silence)
        self._cancel(self._deadline)
        if self._answer is not None:
            self._answer.file.close()
        self.factory.closed(self)

    def _quiet(self) -> None:
        """A silence ends the request at once if what came makes sense, else after a longer one."""
        try:
            known = self.factory.generation.catalogue.knows(parse_request(self._received).name)
        except ConfgendError:
            known = False
        if known:
            self._ask(self._received)
        else:
            self._silence = self._later(UNKNOWN_NAME_SILENCE, lambda: self._ask(self._received))

    def _ask(self, line: bytes) -> None:
        self._asked = True
        self._received = b""
        self._cancel(self._silence)
        self._cancel(self._deadline)
        try:
            request = parse_request(line)
        except ConfgendError as error:
            self._refuse(error, b" framed" in line)
            return
        ensureDeferred(self._serve(request)).addErrback(self._break_down)

    async def _serve(self, request: Request) -> None:
        generation = self.factory.generation
        try:
            if request.invalidate:
                generation.invalidate(request.name)
                logger.info("%s: invalidated", request.name)
                self._finish_with(header(0, EMPTY_DIGEST, "fresh", 0) if request.framed else b"")
                return
            answer = await generation.answer(request.name, request.cached)
        except ConfgendError as error:
            self._refuse(error, request.framed)
            return
        if self._lost:
            answer.file.close()
            return
        self._answer = answer
        self._deadline = self._later(self.factory.settings.answer_timeout, self._too_slow)
        facts = answer.facts
        logger.info("%s: %s, %d bytes", request.name, "stale" if answer.stale else "fresh", facts.size)
        state = "stale" if answer.stale else "fresh"
        head = header(facts.size, facts.digest, state, facts.generated) if request.framed else b""
        self._send(head, answer)

    def _send(self, head: bytes, answer: Answer) -> None:
        if answer.facts.size == 0:
            self.transport.write(head)
            self.transport.loseConnection()
        elif isinstance(self.transport, tcp.Connection) and not self.transport.TLS:
            self.transport.registerProducer(SendFile(self.transport, head, answer.file, answer.facts.size), False)
        else:
            self.transport.write(head)
            sending = FileSender().beginFileTransfer(answer.file, self.transport)
            sending.addCallbacks(lambda _: self.transport.loseConnection(), lambda _: None)

    def _refuse(self, error: ConfgendError, framed: bool) -> None:
        if not isinstance(error, GenerationError):
            logger.error("%s", one_line(str(error)))
        self._finish_with(error_header(error) if framed else b"")

    def _finish_with(self, data: bytes) -> None:
        if not self._lost:
            self._deadline = self._later(self.factory.settings.answer_timeout, self._too_slow)
            self.transport.write(data)
            self.transport.loseConnection()

    def _break_down(self, failure: Failure) -> None:
        self._abort()
        logger.error("a request broke down: %s", failure.getTraceback())

    def _no_request(self) -> None:
        logger.info("no request within %g s, closed", self.factory.settings.request_timeout)
        self._abort()

    def _too_slow(self) -> None:
        logger.warning("answer not read within %g s, closed", self.factory.settings.answer_timeout)
        self._abort()

    def _abort(self) -> None:
        self._asked = True
        self.transport.abortConnection()

    def _later(self, seconds: float, what: Callable[[], None]) -> DelayedCall:
        return self.factory.reactor.callLater(seconds, what)

    @staticmethod
    def _cancel(call: DelayedCall | None) -> None:
        if call is not None and call.active():
            call.cancel()


class ConfgendFactory(Factory):
    """All connections of all listeners: bounds their number, knows when the last one ends.

    `generation` may be exchanged for another one at any time: requests that arrive then go there.
    """

    def __init__(self, reactor: ReactorBase, generation: Generation, settings: Settings) -> None:
        self.reactor = reactor
        self._ports: list[IListeningPort] = []
        self.connections: set[ConfgendProtocol] = set()
        self._idle: list[Callable[[], None]] = []
        self.use(generation, settings)

    def use(self, generation: Generation, settings: Settings) -> None:
        """Answer new requests with `generation` after the rules of `settings`."""
        self.generation = generation
        self.settings = settings
        self._allowed = None if settings.allowed_users is None else account_ids(settings.allowed_users)
        self._admit()

    def listen_on(self, ports: list[IListeningPort]) -> None:
        """These are the open listeners from now on."""
        self._ports = ports
        self._admit()

    def _admit(self) -> None:
        """Take connections while there are less than allowed; the system's queue keeps those beyond the limit."""
        full = len(self.connections) >= self.settings.max_connections
        for port in self._ports:
            getattr(port, "stopReading" if full else "startReading", lambda: None)()

    def buildProtocol(self, addr: IAddress | None) -> ConfgendProtocol:  # type: ignore[override]
        """A connection was made."""
        protocol = ConfgendProtocol()
        protocol.factory = self
        return protocol

    def objection(self, transport: object) -> str:
        """Why the other end may not ask, empty if it may; other machines may, if there is a listener for them.

        Raises ClientGone if it does not wait for an answer.
        """
        connection = getattr(transport, "socket", None)
        if self._allowed is None or not isinstance(connection, socket.socket):
            return ""
        try:
            account = local_account(connection)
        except ClientGone:
            raise
        except (OSError, LookupError):
            return "who connected is not known"
        if account is None or account in self._allowed:
            return ""
        return f"the account with the user id {account} is not in allowed_users"

    def opened(self, protocol: ConfgendProtocol) -> None:
        """Count a connection."""
        self.connections.add(protocol)
        if len(self.connections) == self.settings.max_connections:
            logger.warning("max_connections (%d) reached, others wait", self.settings.max_connections)
        self._admit()

    def closed(self, protocol: ConfgendProtocol) -> None:
        """A connection ended."""
        self.connections.discard(protocol)
        self._admit()
        if not self.connections:
            waiting, self._idle = self._idle, []
            for one in waiting:
                one()

    def when_idle(self, what: Callable[[], None]) -> None:
        """Call `what` once no connection is left."""
        if self.connections:
            self._idle.append(what)
        else:
            what()

    def abort_all(self) -> None:
        """Cut every connection that is left."""
        for protocol in list(self.connections):
            protocol._abort()
