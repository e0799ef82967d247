"""Replying with a content of any size: conditional, compressed or in part, and never held in memory.

Pieces are made in a thread, one at a time, and only when the client has taken the one before. So a slow client
costs one piece, and neither masking nor compressing is done in the reactor.
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, BinaryIO, TypeVar

import zstandard
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from xivo_confgend.http_problems import Problem
from xivo_confgend.http_replies import Exchange

logger = logging.getLogger(__name__)

PIECE = 1 << 16
"""Bytes read at a time: what is done to a piece holds the interpreter's lock, and TCP clients wait for it too."""
GZIP_LEVEL = 4
ZSTD_LEVEL = 3
IDENTITY = "identity"
ENCODINGS = ("zstd", "gzip", IDENTITY)
"""What the daemon can send, what it likes best first."""
RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))[ \t]*", re.ASCII)
VARY = "Accept-Encoding, Authorization, X-Auth-Token"
T = TypeVar("T")

Pieces = Callable[[], Iterator[bytes]]


class Threads:
    """At most so many threads; `timeout`: seconds that a client has for taking a whole answer."""

    def __init__(self, reactor: Any, timeout: float, most: int = 2) -> None:
        self.reactor = reactor
        self.timeout = timeout
        self._pool = ThreadPool(minthreads=0, maxthreads=most, name="http")
        self._trigger: Any = None

    def start(self) -> None:
        """Make the threads available, until `stop` or the end of the reactor."""
        self._pool.start()
        self._trigger = self.reactor.addSystemEventTrigger("during", "shutdown", self._pool.stop)

    def stop(self) -> None:
        """End them when they have done what they do now."""
        if self._trigger is not None:
            self.reactor.removeSystemEventTrigger(self._trigger)
            self._trigger = None
            self._pool.stop()

    def run(self, what: Callable[[], T]) -> Deferred[T]:
        """Call `what` in a thread."""
        return deferToThreadPool(self.reactor, self._pool, what)


@dataclass(frozen=True)
class Content:
    """A reply whose identity encoding is what `pieces()` yields, each time it is called.

    `validator` tells it from every other content and masking; `size` is None if it is only known afterwards;
    `modified` in seconds since the epoch; `close` is called once, at the end.
    """

    pieces: Pieces
    validator: str
    media_type: str
    threads: Threads
    size: int | None = None
    modified: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cache: str = "private, no-cache"
    close: Callable[[], None] = lambda: None

    async def send(self, exchange: Exchange) -> None:
        """Send it, or a part of it, or say that the client has it."""
        try:
            await self._send(exchange)
        finally:
            self.close()

    async def _send(self, exchange: Exchange) -> None:
        encoding = choose_encoding(exchange.header("accept-encoding"))
        asked = exchange.header("range") if exchange.method == "GET" else None
        if asked and choose_encoding(exchange.header("accept-encoding"), (IDENTITY,)):
            encoding = IDENTITY
        if encoding is None:
            raise Problem("not-acceptable", f"available: {', '.join(ENCODINGS)}")
        etag = f'"{self.validator}"' if encoding == IDENTITY else f'"{self.validator}-{encoding}"'
        head = {**self.headers, "ETag": etag, "Vary": VARY, "Cache-Control": self.cache}
        if _names(exchange.header("if-none-match"), etag):
            exchange.start(304, head)
            return
        head |= {"Content-Type": self.media_type, "Accept-Ranges": "bytes"}
        if self.modified is not None:
            head["Last-Modified"] = formatdate(self.modified, usegmt=True)
        if encoding != IDENTITY:
            head["Content-Encoding"] = encoding
            await self._stream(exchange, 200, head, lambda: encoded(self.pieces(), encoding))
        elif (wanted := read_range(asked)) and exchange.header("if-range") in (None, etag):
            await self._send_part(exchange, head, wanted)
        else:
            if self.size is not None:
                head["Content-Length"] = str(self.size)
            await self._stream(exchange, 200, head, self.pieces)

    async def _send_part(self, exchange: Exchange, head: dict[str, str], wanted: Range) -> None:
        size = self.size
        if size is None:
            size = await self.threads.run(lambda: sum(map(len, self.pieces())))
        first, last = wanted.within(size)
        head |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(last - first + 1)}
        await self._stream(exchange, 206, head, lambda: part(self.pieces(), first, last))

    async def _stream(self, exchange: Exchange, status: int, head: Mapping[str, str], pieces: Pieces) -> None:
        exchange.start(status, head)
        if exchange.method != "HEAD":
            await stream(exchange, self.threads, pieces)


async def stream(exchange: Exchange, threads: Threads, pieces: Pieces) -> None:
    """Write what `pieces()` yields at the client's pace; one that breaks off is cut: nobody takes it for whole."""
    taker = Taker(exchange, threads.reactor, threads.timeout)
    source: Iterator[bytes] = iter(())
    try:
        source = await threads.run(pieces)
        while (piece := await threads.run(lambda: next(source, None))) is not None:
            await taker.ready()
            if exchange.gone:
                return
            exchange.write(piece)
    except Exception:
        logger.exception("%s %s: the answer broke off", exchange.method, exchange.path)
        taker.abort()
    finally:
        taker.end()
        if isinstance(source, Generator):
            # What it holds, a process perhaps, ends now, and not when somebody collects it.
            await threads.run(source.close)


@implementer(IPushProducer)
class Taker:
    """Knows whether the client takes more; cuts off one who has not taken all within `patience` seconds."""

    def __init__(self, exchange: Exchange, reactor: Any, patience: float | None = None) -> None:
        self._exchange = exchange
        self._paused: Deferred[None] | None = None
        self._deadline: DelayedCall | None = reactor.callLater(patience, self._too_slow) if patience else None
        exchange.request.notifyFinish().addBoth(lambda _: self.resumeProducing())
        exchange.request.registerProducer(self, True)

    def ready(self) -> Deferred[None]:
        """Fires when the client takes more or is gone."""
        waiting: Deferred[None] = Deferred()
        if self._paused is None or self._exchange.gone:
            waiting.callback(None)
        else:
            self._paused.chainDeferred(waiting)
        return waiting

    def pauseProducing(self) -> None:
        """The buffers towards the client are full."""
        if self._paused is None:
            self._paused = Deferred()

    def resumeProducing(self) -> None:
        """They are empty again."""
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.callback(None)

    def stopProducing(self) -> None:
        """The client is gone."""
        self.resumeProducing()

    def abort(self) -> None:
        """Cut the connection."""
        if not self._exchange.gone and self._exchange.request.transport is not None:
            self._exchange.request.transport.abortConnection()

    def end(self) -> None:
        """All is written."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        if not self._exchange.gone:
            self._exchange.request.unregisterProducer()

    def _too_slow(self) -> None:
        logger.warning("an HTTP answer was not read in time, closed")
        self.abort()


def choose_encoding(header: str | None, available: tuple[str, ...] = ENCODINGS) -> str | None:
    """The best of `available` for an Accept-Encoding header; None if it accepts none of them."""
    if header is None:
        return IDENTITY if IDENTITY in available else None
    weights: dict[str, float] = {}
    for element in header.lower().split(","):
        name, _, parameter = element.partition(";")
        quality = parameter.strip().removeprefix("q").lstrip().removeprefix("=").strip()
        try:
            weights[name.strip()] = float(quality) if quality else 1.0
        except ValueError:
            weights[name.strip()] = 1.0

    def weight(encoding: str) -> float:
        if encoding in weights:
            return weights[encoding]
        # Identity is acceptable unless it is excluded, but whoever names another one likes that better.
        return weights.get("*", 0.001 if encoding == IDENTITY else 0.0)

    best = max(available, key=weight)
    return best if weight(best) > 0 else None


def _names(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names `etag`, compared weakly as RFC 9110 says."""
    return header is not None and any(one.strip().removeprefix("W/") in ("*", etag) for one in header.split(","))


@dataclass(frozen=True)
class Range:
    """Bytes from `first` to `last`; without `last` up to the end; without `first` that many at the end."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """First and last byte in a content of `size` bytes. Raises Problem if there are none."""
        if self.first is None:
            begin, end = max(0, size - (self.last or 0)), size - 1
        else:
            begin, end = self.first, size - 1 if self.last is None else min(self.last, size - 1)
        if begin > end:
            outside = {"Content-Range": f"bytes */{size}"}
            raise Problem("range-not-satisfiable", f"the content has {size} bytes", headers=outside)
        return begin, end


def read_range(header: str | None) -> Range | None:
    """What a Range header asks for; None if it is one that RFC 9110 lets us ignore: several parts, or no sense."""
    match = RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last, suffix = (int(group) if group else None for group in match.groups())
    if first is None:
        return Range(None, suffix)
    return Range(first, last) if last is None or first <= last else None


def part(pieces: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    """The bytes from `first` to `last` of `pieces`."""
    at = 0
    for piece in pieces:
        begin, end = max(first - at, 0), last + 1 - at
        if begin < len(piece) and end > 0:
            yield piece[begin:end]
        at += len(piece)
        if at > last:
            return


def encoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """`pieces` compressed."""
    compressor: Any = (
        zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
        if encoding == "zstd"
        else zlib.compressobj(GZIP_LEVEL, wbits=31)
    )
    for piece in pieces:
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()


def file_pieces(file: BinaryIO) -> Iterator[bytes]:
    """The whole of an open file, wherever it was read to."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
