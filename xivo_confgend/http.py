"""The routes of the HTTP API and how every request is treated, whatever plugin answers it.

A plugin registers handlers with `Api.route`; each gets an `Exchange` whose caller was identified, permitted and whose
parameters were validated, and returns a reply. Whatever is raised becomes a problem document (RFC 9457). Knows
neither sockets (`http_server`) nor what the plugins do.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from klein import Klein
from marshmallow import Schema, ValidationError
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from xivo_confgend.http_access import LOCAL_NAMES, NOBODY, Gate, host_of
from xivo_confgend.http_problems import PROBLEMS, Problem
from xivo_confgend.http_replies import JSON, Exchange, Json, Reply
from xivo_confgend.schemas import Nothing

logger = logging.getLogger(__name__)

LONGEST_BODY = 1 << 16
READING = frozenset({"GET", "HEAD"})

Handler = Callable[..., Awaitable[Reply]]
Answered = Callable[[Exchange, int], None]


@dataclass(frozen=True)
class Route:
    """A coroutine that answers `method` at `path`, and what it needs."""

    path: str
    method: str
    handler: Handler
    permission: str | None
    query: Schema
    body: Schema | None


class Routes:
    """What a plugin registers its coroutines with."""

    def __init__(self) -> None:
        self.found: list[Route] = []

    def route(
        self,
        path: str,
        method: str,
        permission: str | None,
        query: type[Schema] = Nothing,
        body: type[Schema] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Decorator: the coroutine answers `method` (GET: and HEAD) at `path`, for example `/1.0/hats/<hat>`.

        `permission`: `read`, `read:secrets` or `operate`; None: everybody is answered. `query`, `body`: schemas; what
        they do not know is an error. The coroutine gets an `Exchange` and the parts of the path by their names.
        """

        def register(handler: Handler) -> Handler:
            self.found.append(Route(path, method, handler, permission, query(), body() if body else None))
            return handler

        return register


class Api:
    """All routes. `gate` says who may; `answered` is called after each request with its status."""

    def __init__(self, gate: Callable[[], Gate]) -> None:
        self._gate = gate
        self._klein = Klein()
        self._klein.handle_errors(Exception)(self._klein_failed)
        self._taken: set[tuple[str, str]] = set()
        self.answered: list[Answered] = []
        self.in_flight: set[Exchange] = set()

    def resource(self) -> Any:
        """What a Twisted site renders."""
        return Root(self, self._klein.resource())

    def add(self, routes: Routes) -> None:
        """Answer at all of `routes`. Raises ValueError, and adds none, if one of them is taken."""
        for route in routes.found:
            if (route.method, route.path) in self._taken:
                raise ValueError(f"{route.method} {route.path} is taken")
        for route in routes.found:
            self._taken.add((route.method, route.path))
            self._add(route)

    def _add(self, route: Route) -> None:
        def run(request: Any, **parts: str) -> Deferred[None]:
            # Klein cancels what it gets when the client goes, but an operation is not to end in the middle.
            done: Deferred[None] = Deferred()
            ensureDeferred(self._answer(request, route, parts)).addBoth(done.callback)
            return done

        self._klein.route(route.path, methods=[route.method], endpoint=f"{route.method} {route.path}")(run)

    def admit(self, request: Any) -> Exchange:
        """The exchange of a request whose sender may be answered at all. Raises Problem."""
        exchange = Exchange(request, NOBODY, request.method.decode("latin-1"), _shown(request.uri))
        request.exchange = exchange
        self.in_flight.add(exchange)
        request.notifyFinish().addBoth(lambda _: setattr(exchange, "gone", True))
        gate = self._gate()
        exchange.caller = gate.identify(request)
        if not gate.answers(exchange.caller):
            raise Problem(
                "forbidden", "only this machine is answered as long as no tokens or certificates are configured"
            )
        _check_origin(request, exchange, gate)
        return exchange

    async def _answer(self, request: Any, route: Route, parts: Mapping[str, str]) -> None:
        exchange: Exchange = request.exchange
        try:
            self._permit(exchange, route.permission)
            exchange.query = _load(route.query, "query", _query(request))
            exchange.body = _read_body(request, route.body)
            reply = await route.handler(exchange, **parts)
        except Exception as error:
            await self.refuse(exchange, error)
        else:
            await reply.send(exchange)
            self.close(exchange)

    @staticmethod
    def _permit(exchange: Exchange, permission: str | None) -> None:
        caller = exchange.caller
        if permission is None or permission in caller.permissions:
            return
        if caller.method == "none":
            raise Problem("unauthorized", caller.problem, headers={"WWW-Authenticate": 'Bearer realm="xivo-confgend"'})
        raise Problem("forbidden", f"the permission {permission} is needed")

    async def refuse(self, exchange: Exchange, error: BaseException) -> None:
        """Answer with the problem that `error` is."""
        problem = Problem.of(error)
        if problem.kind == "internal-error":
            logger.error("%s %s broke down: %s", exchange.method, exchange.path, Failure(error).getTraceback())
        exchange.detail = exchange.detail or problem.detail or PROBLEMS[problem.kind][1]
        reply = Json(problem.document(exchange.path), problem.status, "application/problem+json", problem.headers)
        await reply.send(exchange)
        self.close(exchange)

    def close(self, exchange: Exchange) -> None:
        """Say that an exchange was answered."""
        self.in_flight.discard(exchange)
        for tell in self.answered:
            try:
                tell(exchange, exchange.request.code)
            except Exception:
                logger.exception("an observer of the HTTP API failed")

    def _klein_failed(self, request: Any, failure: Failure) -> Deferred[None]:
        """No route, a client who is gone, or a mistake of ours while sending."""
        if failure.check(CancelledError):
            return Deferred()
        if request.startedWriting:
            self.in_flight.discard(request.exchange)
            logger.error("an answer broke off: %s", failure.getTraceback())
            request.transport.abortConnection()
            return Deferred()
        return ensureDeferred(self.refuse(request.exchange, failure.value or Exception()))


class Root:
    """The outermost resource: who may not ask learns nothing, not even which paths there are."""

    isLeaf = True

    def __init__(self, api: Api, klein: Any) -> None:
        self._api = api
        self._klein = klein

    def render(self, request: Any) -> Any:
        """Admit the request, then route it."""
        try:
            self._api.admit(request)
            _check_request(request)
        except Problem as problem:
            refusing = ensureDeferred(self._api.refuse(request.exchange, problem))
            refusing.addCallback(lambda _: request.exchange.gone or request.finish())
            return NOT_DONE_YET
        return self._klein.render(request)


def _shown(uri: bytes) -> str:
    """The path and query of a request as they may be written into answers and logs."""
    text = uri.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else "?" for c in text[:500])


def _check_request(request: Any) -> None:
    if getattr(request, "body_too_large", False):
        raise Problem("body-too-large", f"at most {LONGEST_BODY} bytes are read", headers={"Connection": "close"})
    try:
        b"/".join(request.postpath).decode("utf-8")
        request.method.decode("ascii")
    except UnicodeDecodeError as error:
        raise Problem("invalid-request", "the path is not UTF-8") from error


def _check_origin(request: Any, exchange: Exchange, gate: Gate) -> None:
    """Pages of other sites may not use the rights that a browser has here (DNS rebinding, request forgery)."""
    host = host_of(request.getHeader("host"))
    if exchange.caller.method == "local" and exchange.caller.by_network and host not in LOCAL_NAMES:
        raise Problem("misdirected", "ask by the name localhost or its address")
    origin = request.getHeader("origin")
    if (
        origin
        and exchange.method not in READING
        and urlsplit(origin).netloc.lower() != (request.getHeader("host") or "").lower()
    ):
        raise Problem("forbidden", "pages of other sites may not do this")


def _query(request: Any) -> dict[str, str]:
    """The parameters of the query. Raises Problem if one is given twice, or is not UTF-8."""
    _, _, query = request.uri.partition(b"?")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Problem("invalid-parameter", "the query cannot be read") from error
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Problem.invalid("query", dict.fromkeys(twice, "given more than once"))
    return dict(pairs)


def _load(schema: Schema, where: str, given: Any) -> Mapping[str, Any]:
    try:
        loaded: Mapping[str, Any] = schema.load(given)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
        raise Problem.invalid(where, messages) from error
    return loaded


def _read_body(request: Any, schema: Schema | None) -> Mapping[str, Any]:
    content = request.content.read() if request.content else b""
    if schema is None:
        if content and request.method not in (b"GET", b"HEAD"):
            raise Problem("invalid-body", "no body is expected")
        return {}
    media_type = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise Problem("unsupported-media-type", f"expected {JSON}")
    try:
        given = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid-body", "the body is not JSON") from error
    return _load(schema, "body", given)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class ApiRequest(Request):
    """A request whose body is bounded and whose Host header never reaches the router."""

    body_too_large = False
    exchange: Exchange

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body; what is too much is counted and thrown away."""
        if self.body_too_large or (self.content and self.content.tell() + len(data) > LONGEST_BODY):
            self.body_too_large = True
            return
        super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def getRequestHostname(self) -> bytes:
        """Not what the client says: the routes are the same for all names."""
        return b"localhost"
