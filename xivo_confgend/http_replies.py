"""A request as a handler sees it, and the replies that it may return: JSON, small texts, nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from xivo_confgend.http_access import Caller

JSON = "application/json"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "xivo-confgend",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; a reply may set its own value."""

PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(eq=False)
class Exchange:
    """One request and its answer, as a handler sees it.

    `query` and `body` are what the route's schemas made of the request. `detail`: what the audit log is to
    say about an operation. `gone` when the client does not listen any more.
    """

    request: Any
    caller: Caller
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    gone: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """A header of the request."""
        value: str | None = self.request.getHeader(name)
        return value

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin the answer."""
        self.request.setResponseCode(status, PHRASES.get(status, b"Problem"))
        for name, value in {**SECURITY_HEADERS, **self.headers, **headers}.items():
            self.request.setHeader(name, value)

    def write(self, data: bytes) -> None:
        """A piece of the answer's body."""
        if not self.gone and self.method != "HEAD" and data:
            self.request.write(data)


class Reply(Protocol):
    """What a handler returns."""

    def send(self, exchange: Exchange) -> Awaitable[None]:
        """Answer; returns when nothing more is to be sent."""


@dataclass(frozen=True)
class Json:
    """`data` as JSON."""

    data: Any
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, exchange: Exchange) -> None:
        """Send it whole."""
        body = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"), default=str).encode()
        head = {"Content-Type": self.media_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        exchange.start(self.status, {**head, **self.headers})
        exchange.write(body)


@dataclass(frozen=True)
class Text:
    """A text of the daemon that is small."""

    text: str | bytes
    media_type: str

    async def send(self, exchange: Exchange) -> None:
        """Send it whole."""
        body = self.text.encode() if isinstance(self.text, str) else self.text
        exchange.start(
            200, {"Content-Type": self.media_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        )
        exchange.write(body)


@dataclass(frozen=True)
class Nil:
    """Done, and nothing to say."""

    async def send(self, exchange: Exchange) -> None:
        """Send the status."""
        exchange.start(204, {"Cache-Control": "no-store"})
