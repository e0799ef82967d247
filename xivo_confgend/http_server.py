"""The HTTP(S) listeners: a TCP port, with TLS if there is a certificate, and a UNIX socket if there is a path for it.

Knows nothing of routes or rights. A port that cannot be listened on costs one line, not the daemon:
files are served without it.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.server import Site

from xivo_confgend.children import Children
from xivo_confgend.config import Configuration
from xivo_confgend.database.queries import AuditEntry
from xivo_confgend.endpoints import plain, written
from xivo_confgend.exceptions import ConfigurationError
from xivo_confgend.generation import Generation
from xivo_confgend.history import History
from xivo_confgend.http import READING, Api, ApiRequest, Routes
from xivo_confgend.http_access import Gate, origin_with_account
from xivo_confgend.http_content import Content, Threads
from xivo_confgend.http_plugins import Document, document, load_plugins
from xivo_confgend.http_replies import Exchange, Json, Reply
from xivo_confgend.listening import listen_tcp, listen_unix, place, reason
from xivo_confgend.plugin_helpers.secrets import MaskingRules
from xivo_confgend.rest_api import RestApi, read_rest_api
from xivo_confgend.services import Daemon, Listener, session
from xivo_confgend.store import now

logger = logging.getLogger(__name__)

BACKLOG = 128
IDLE_TIMEOUT = 60
SOCKET_MODE = 0o660
STOP_INTERVAL = 0.02
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
OP_NO_RENEGOTIATION = 0x40000000
"""Of OpenSSL; older pyOpenSSL does not name it."""
REFUSED = (401, 403, 421)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def tls_context(settings: RestApi) -> SSL.Context | None:
    """What TLS needs, None if there is no certificate. Raises ConfigurationError naming key and file.

    Made without any callback: those need memory that is written and executed, which a hardened service has not.
    """
    if not settings.certificate or not settings.private_key:
        return None
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    own, *chain = _certificates("certificate", settings.certificate)
    context.use_certificate(own)
    for certificate in chain:
        context.add_extra_chain_cert(certificate)
    try:
        context.use_privatekey(_private_key(settings.private_key))
        context.check_privatekey()
    except SSL.Error as error:
        problem = f"{settings.private_key} does not belong to {settings.certificate}"
        raise ConfigurationError(f"rest_api, private_key: {problem}") from error
    if settings.client_ca:
        authorities = _certificates("client_ca", settings.client_ca)
        context.set_client_ca_list([authority.get_subject() for authority in authorities])
        store = context.get_cert_store()
        for authority in authorities:
            store.add_cert(authority)  # type: ignore[union-attr]
        # A client may come without certificate, and with a token.
        context.set_verify(SSL.VERIFY_PEER)
        context.set_session_id(b"xivo-confgend")
    return context


def _read_pem(key: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"rest_api, {key}: {path}: {error.strerror}") from error


def _certificates(key: str, path: str) -> list[crypto.X509]:
    blocks = CERTIFICATE.findall(_read_pem(key, path))
    try:
        found = [crypto.load_certificate(crypto.FILETYPE_PEM, block) for block in blocks]
    except (crypto.Error, ValueError) as error:
        raise ConfigurationError(f"rest_api, {key}: {path}: a certificate in it cannot be read") from error
    if not found:
        raise ConfigurationError(f"rest_api, {key}: {path}: there is no PEM certificate in it")
    return found


def _private_key(path: str) -> crypto.PKey:
    content = _read_pem("private_key", path)
    try:
        return crypto.PKey.from_cryptography_key(load_pem_private_key(content, None))  # type: ignore[arg-type]
    except (crypto.Error, ValueError, TypeError, UnsupportedAlgorithm) as error:
        problem = "there is no PEM key without passphrase in it"
        raise ConfigurationError(f"rest_api, private_key: {path}: {problem}") from error


def make_daemon(reactor: Any, configuration: Configuration, generation: Generation, history: History) -> Daemon:
    """What the plugins see of the daemon."""
    threads = Threads(reactor, configuration.settings.answer_timeout)
    daemon = Daemon(reactor, configuration, generation, history, MaskingRules(), threads, Children())
    daemon.use(configuration, generation, history)
    return daemon


class _Certificate:
    """The context of each new connection: a reload exchanges the certificate without closing the port."""

    def __init__(self, context: SSL.Context) -> None:
        self.context = context

    def getContext(self) -> SSL.Context:
        """As Twisted calls it."""
        return self.context


class ApiSite(Site):
    """All HTTP connections of all listeners, at most `most` at a time."""

    displayTracebacks = False

    def __init__(self, api: Api, most: int) -> None:
        super().__init__(api.resource(), requestFactory=ApiRequest, timeout=IDLE_TIMEOUT)  # type: ignore[no-untyped-call]
        self.most = most
        self.open: dict[Any, Any] = {}
        """Each connection with its transport."""

    def buildProtocol(self, addr: Any) -> Any:
        """A connection was made."""
        if len(self.open) >= self.most:
            logger.warning("rest_api: max_connections (%d) reached, a connection was refused", self.most)
            return None
        protocol: Any = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        made, lost = protocol.makeConnection, protocol.connectionLost

        def make_connection(transport: Any) -> None:
            self.open[protocol] = transport
            made(transport)

        def connection_lost(reason: Any) -> None:
            self.open.pop(protocol, None)
            lost(reason)

        protocol.makeConnection, protocol.connectionLost = make_connection, connection_lost
        return protocol

    def acceptableProtocols(self) -> list[bytes]:
        """None to negotiate: there is one, and negotiating takes a callback (see `tls_context`)."""
        return []

    def log(self, request: Any) -> None:
        """One line per request, for those who look for a fault."""
        logger.debug("%s %s: %d", request.method.decode("latin-1"), request.exchange.path, request.code)


class HttpServer:
    """Listens for `daemon` as its configuration says. `reload` follows a new one."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._reactor: Any = daemon.reactor
        self._settings = read_rest_api(daemon.configuration.settings.rest_api)
        self._gate = Gate(self._settings)
        self._enabled = daemon.configuration.settings.enabled_plugins
        self._site = ApiSite(self._make_api(), self._settings.max_connections)
        self._certificate: _Certificate | None = None
        self._ports: dict[str, Any] = {}
        self._places: dict[str, object] = {}

    def start(self) -> None:
        """Listen. Raises ConfigurationError if a certificate cannot be used."""
        context = tls_context(self._settings)
        self._daemon.threads.start()
        self._daemon.http_listeners = self.listeners
        self._follow(self._settings, context)
        self._warn()

    async def reload(self) -> None:
        """Follow the daemon's configuration, which is another one now.

        Raises ConfigurationError if its certificate cannot be used; then nothing changed.
        """
        settings = read_rest_api(self._daemon.configuration.settings.rest_api)
        context = tls_context(settings)
        enabled = self._daemon.configuration.settings.enabled_plugins
        self._settings, self._gate = settings, Gate(settings)
        self._site.most = settings.max_connections
        if enabled != self._enabled:
            self._enabled = enabled
            self._end_plugins()
            self._site.resource = self._make_api().resource()
        for name, wanted in _places(settings).items():
            if name in self._ports and self._places[name] != wanted:
                await self._close(name)
        for name in set(self._ports) - set(_places(settings)):
            await self._close(name)
        self._follow(settings, context)
        self._warn()
        for told in self._daemon.reloaded:
            told()

    async def stop(self, patience: float) -> None:
        """Listen no more, let answers that run finish within so many seconds, cut what is left."""
        for name in list(self._ports):
            await self._close(name)
        self._end_plugins()
        deadline = self._reactor.seconds() + patience
        while self._api.in_flight and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, STOP_INTERVAL)
        for transport in list(self._site.open.values()):
            transport.abortConnection()
        self._daemon.http_listeners = list
        self._daemon.children.kill()
        self._daemon.threads.stop()

    def listeners(self) -> list[Listener]:
        """What listens."""
        return [
            Listener(name, place(port), not port.disconnected, len(self._site.open))
            for name, port in self._ports.items()
        ]

    def _make_api(self) -> Api:
        self._api = Api(lambda: self._gate)
        shared = Routes()
        self._add_shared(shared)
        self._api.add(shared)
        self._api.answered.append(self._note)
        self._modules = load_plugins(self._api, self._daemon, self._enabled)
        self._document: Document | None = None
        return self._api

    def _add_shared(self, routes: Routes) -> None:
        @routes.route("/1.0/session", "GET", None)
        async def get_session(exchange: Exchange) -> Reply:
            return Json(session(exchange.caller, self._gate.guarded))

        @routes.route("/1.0/api/api.yml", "GET", None)
        async def get_api(_exchange: Exchange) -> Reply:
            if self._document is None:
                self._document = await self._daemon.threads.run(lambda: document(self._modules))
            made = self._document
            threads = self._daemon.threads
            return Content(lambda: iter([made.text]), made.validator, "application/yaml", threads, len(made.text))

    def _note(self, exchange: Exchange, status: int) -> None:
        """Write operations and refused requests into the audit log."""
        caller = exchange.caller
        if exchange.method in READING and status not in REFUSED:
            return
        origin = origin_with_account(exchange.request, caller)
        self._daemon.history.note(
            AuditEntry(
                now(), caller.name, caller.method, origin, exchange.method, exchange.path, status, exchange.detail
            )
        )

    def _end_plugins(self) -> None:
        """Let plugins end what would go on for ever, and forget what they hung into the daemon."""
        for end in self._daemon.stopping:
            end()
        self._daemon.stopping.clear()
        self._daemon.reloaded.clear()
        self._daemon.happened.clear()
        self._daemon.observers[:] = [o for o in self._daemon.observers if o is self._daemon.history]

    def _follow(self, settings: RestApi, context: SSL.Context | None) -> None:
        if context is not None:
            self._certificate = self._certificate or _Certificate(context)
            self._certificate.context = context
        self._places = _places(settings)
        for name in self._places:
            if name not in self._ports:
                self._listen(name, settings)

    def _listen(self, name: str, settings: RestApi) -> None:
        try:
            if name == "unix":
                self._ports[name] = listen_unix(self._reactor, settings.socket or "", self._site, SOCKET_MODE, BACKLOG)
                return
            factory: Any = self._site
            if settings.certificate and self._certificate:
                wrap: Any = TLSMemoryBIOFactory
                factory = wrap(self._certificate, False, self._site)
            self._ports[name] = listen_tcp(self._reactor, settings.listen, settings.port, factory, BACKLOG)
        except (CannotListenError, OSError) as error:
            where = settings.socket if name == "unix" else written(plain(settings.listen), settings.port)
            logger.error("the HTTP API is not served on %s: %s", where, reason(error))

    async def _close(self, name: str) -> None:
        closing: Deferred[None] | None = self._ports.pop(name).stopListening()
        if closing is not None:
            await closing

    def _warn(self) -> None:
        settings = self._settings
        if settings.listen in LOOPBACK:
            return
        if not settings.guarded:
            logger.warning("rest_api: without tokens or certificates nobody but this machine is answered")
        elif not settings.certificate:
            logger.warning("rest_api: without a certificate, tokens and contents cross the network in clear")


def _places(settings: RestApi) -> dict[str, object]:
    """Where to listen: what of `settings` makes a listener another one, by its name."""
    scheme = "https" if settings.certificate else "http"
    places: dict[str, object] = {scheme: (settings.listen, settings.port, settings.client_ca)}
    if settings.socket:
        places["unix"] = settings.socket
    return places
