"""Builds, starts and stops everything, in order. The only room that knows all the others."""

from __future__ import annotations

import contextlib
import logging
import resource
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from xivo_confgend import signals
from xivo_confgend.client.wording import counted
from xivo_confgend.config import Configuration, Settings
from xivo_confgend.database.queries import Limits
from xivo_confgend.drivers import Catalogue
from xivo_confgend.exceptions import ConfgendError, ConfigurationError
from xivo_confgend.generation import Generation, Observer
from xivo_confgend.history import History
from xivo_confgend.listening import listen, place
from xivo_confgend.log import set_up_logging
from xivo_confgend.rest_api import RestApi, read_rest_api
from xivo_confgend.service_manager import notify, watchdog_interval
from xivo_confgend.startup_check import StartupCheck
from xivo_confgend.store import Store
from xivo_confgend.tcp_server import ConfgendFactory
from xivo_confgend.workers import Workers

if TYPE_CHECKING:
    from xivo_confgend.http_server import HttpServer
    from xivo_confgend.services import Daemon, Listener

logger = logging.getLogger(__name__)


class Controller:
    """The daemon with `configuration`; `load_again` reads it anew and raises ConfigurationError."""

    def __init__(
        self, reactor: ReactorBase, configuration: Configuration, load_again: Callable[[], Configuration]
    ) -> None:
        self._reactor = reactor
        self._load_again = load_again
        self._observers: list[Observer] = []
        self._exit_status = 0
        self._stopping = False
        self._reloading = False
        self._reload_wanted = False
        self._changing = DeferredLock()
        self._ports: dict[str, Any] = {}
        self._retiring: list[Generation] = []
        self._check = StartupCheck()
        self._configuration = configuration
        self._daemon: Daemon | None = None
        self._http: HttpServer | None = None
        store = Store(configuration.settings.cache)
        self._history = self._remember(store)
        self._generation = self._build(configuration, store, self._history)
        self._factory = ConfgendFactory(reactor, self._generation, configuration.settings)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; returns the exit status."""
        _raise_file_limit()
        self._reactor.callWhenRunning(self._change, self._start)
        from_signal = self._reactor.callFromThread
        signals.deliver(stop=lambda: from_signal(self.stop), reload=lambda: from_signal(self.reload))
        self._reactor.run(installSignalHandlers=False)
        return self._exit_status

    @property
    def _rest_api(self) -> RestApi:
        return read_rest_api(self._configuration.settings.rest_api)

    def _remember(self, store: Store) -> History:
        """What is remembered of `store`, told of everything that happens to its files."""
        history = History(self._reactor, store, limits_of(self._rest_api))
        self._observers.insert(0, history)
        return history

    def _build(self, configuration: Configuration, store: Store, history: History) -> Generation:
        settings = configuration.settings
        for line in configuration.warnings:
            logger.warning("%s", line)
        for line in configuration.errors:
            logger.error("%s", line)
        catalogue = Catalogue(settings.plugins or {}, store)
        for line in catalogue.warnings():
            logger.warning("%s", line)
        workers = Workers(self._reactor, configuration.mapping, settings)
        return Generation(self._reactor, catalogue, workers, store, settings, self._observers, history.pins)

    def _change(self, what: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        """Start, or stop after what goes on now; a failure is the end."""
        self._changing.run(lambda: ensureDeferred(what())).addErrback(self._fail)

    async def _start(self) -> None:
        self._generation.store.prepare()
        await self._history.start()
        self._generation.start()
        await self._listen(self._configuration.settings)
        await self._follow_http()
        notify("READY=1")
        if interval := watchdog_interval():
            LoopingCall(notify, "WATCHDOG=1").start(interval)
        files = self._generation.catalogue.files()
        logger.info("serving %s, listening on %s", counted(len(files), "file"), ", ".join(self.addresses()))
        self._check.begin(self._configuration)

    def addresses(self) -> list[str]:
        """Where the daemon listens, as people write it."""
        http = [listener.address for listener in self._http.listeners()] if self._http else []
        return [place(port) for port in self._ports.values()] + http

    async def _listen(self, settings: Settings) -> None:
        """Listen on the endpoints of `settings` and no others.

        Raises ConfigurationError naming the one that fails; then everything is as it was before.
        """
        wanted = settings.endpoints
        leaving = [text for text in self._ports if text not in wanted]
        coming = [text for text in wanted if text not in self._ports]
        try:
            # The old ones first: `tcp:8669` cannot be had while `tcp:8669:interface=127.0.0.1` is open.
            await self._close(leaving)
            await self._open(coming)
        except ConfigurationError:
            await self._close([text for text in coming if text in self._ports])
            await self._open(leaving)
            raise
        finally:
            self._factory.listen_on(list(self._ports.values()))

    async def _open(self, endpoints: list[str]) -> None:
        for text in endpoints:
            self._ports[text] = await listen(self._reactor, text, self._factory)

    async def _close(self, endpoints: list[str]) -> None:
        for text in endpoints:
            await self._ports.pop(text).stopListening()

    def reload(self) -> None:
        """Read the configuration again; a broken one is reported and the old one stays in force.

        Requests that come while one is answered are answered together, by one more reload after it.
        """
        self._reload_wanted = True
        if not self._reloading and not self._stopping:
            self._reloading = True
            self._changing.run(lambda: ensureDeferred(self._reload_while_wanted()))

    async def _reload_while_wanted(self) -> None:
        while self._reload_wanted and not self._stopping:
            self._reload_wanted = False
            try:
                await self._reload()
            except Exception:
                logger.exception("reload failed")
        self._reloading = False

    async def _reload(self) -> None:
        notify("RELOADING=1")
        store, history = self._generation.store, self._history
        try:
            # Reading it may run commands.
            configuration = await deferToThread(self._load_again)
            if configuration.errors:
                raise ConfigurationError("; ".join(configuration.errors))
            if str(store.root) != configuration.settings.cache:
                store = self._store_at(configuration.settings.cache)
                history = self._remember(store)
                await history.start()
            generation = self._build(configuration, store, history)
            check_certificate(configuration)
            await self._listen(configuration.settings)
        except ConfgendError as error:
            logger.error("the configuration was not reloaded, the old one stays in force: %s", error)
            await self._forget(history)
            self._release(store)
            notify("READY=1")
            return
        old, self._generation, self._configuration = self._generation, generation, configuration
        self._retiring.append(old)
        try:
            await self._use(generation, old, history)
        finally:
            # Requests that came before the reload are answered by what they came to.
            old.retire().addCallback(lambda _: ensureDeferred(self._retire(old)))
            notify("READY=1")

    async def _use(self, generation: Generation, old: Generation, history: History) -> None:
        generation.take_over(old)
        generation.start()
        self._factory.use(generation, self._configuration.settings)
        before_history, self._history = self._history, history
        await self._forget(before_history)
        self._history.limits = limits_of(self._rest_api)
        await self._follow_http()
        set_up_logging(self._configuration.settings)
        logger.info("configuration reloaded")
        self._check.begin(self._configuration)

    def _store_at(self, root: str) -> Store:
        """The store at `root`, which may be in use for requests of before a reload. Raises StoreError."""
        for generation in self._retiring:
            if str(generation.store.root) == root:
                return generation.store
        store = Store(root)
        store.prepare()
        return store

    def _release(self, store: Store) -> None:
        """Close `store` unless it is in use."""
        if all(store is not generation.store for generation in (self._generation, *self._retiring)):
            store.close()

    async def _forget(self, history: History) -> None:
        """End `history` unless it is the one in use."""
        if history is not self._history:
            self._observers.remove(history)
            await history.stop()

    async def _follow_http(self) -> None:
        """Serve the HTTP API as the configuration says; whatever goes wrong there, files are served.

        Raises ConfigurationError if its certificate cannot be used.
        """
        try:
            await self._serve_http()
        except ConfigurationError:
            raise
        except Exception:
            logger.exception("the HTTP API is not served")

    async def _serve_http(self) -> None:
        """What it needs is imported only where it is switched on."""
        if self._http is None and self._rest_api.enabled:
            from xivo_confgend.http_server import HttpServer, make_daemon

            self._daemon = make_daemon(self._reactor, self._configuration, self._generation, self._history)
            self._daemon.observers = self._observers
            self._daemon.tcp_listeners = self._listeners
            self._daemon.configuration_errors = lambda: self._check.errors
            self._http = HttpServer(self._daemon)
            self._http.start()
        elif self._http is not None and self._daemon is not None:
            self._daemon.use(self._configuration, self._generation, self._history)
            if self._rest_api.enabled:
                await self._http.reload()
            else:
                http, self._http = self._http, None
                await http.stop(self._configuration.settings.stop_timeout)

    def _listeners(self) -> list[Listener]:
        from xivo_confgend.services import Listener

        return [
            Listener(text, place(port), not port.disconnected, len(self._factory.connections))
            for text, port in self._ports.items()
        ]

    async def _retire(self, old: Generation) -> None:
        if old not in self._retiring:
            return
        self._retiring.remove(old)
        await old.stop()
        self._release(old.store)

    def stop(self) -> None:
        """Stop listening, let running answers finish within `stop_timeout`, end the workers, end."""
        if not self._stopping:
            self._stopping = True
            logger.info("stopping")
            self._check.stop()
            notify("STOPPING=1")
            self._change(self._stop)

    async def _stop(self) -> None:
        self._factory.listen_on([])
        await self._close(list(self._ports))
        idle: Deferred[None] = Deferred()
        timer = self._reactor.callLater(self._configuration.settings.stop_timeout, self._factory.abort_all)
        self._factory.when_idle(lambda: idle.callback(None))
        if self._http is not None:
            await self._http.stop(self._configuration.settings.stop_timeout)
        await idle
        if timer.active():
            timer.cancel()
        for old in list(self._retiring):
            await self._retire(old)
        await self._generation.stop()
        await self._history.stop()
        logger.info("stopped")
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(ReactorNotRunning):
            self._reactor.stop()

    def _fail(self, failure: Failure) -> None:
        self._stopping = True
        self._exit_status = 1
        if failure.check(ConfgendError):
            logger.critical("%s", failure.value)
        else:
            logger.critical("%s", failure.getTraceback())
        stopping = ensureDeferred(self._generation.stop())
        stopping.addBoth(lambda _: self._end())


def limits_of(settings: RestApi) -> Limits:
    """How much is remembered."""
    return Limits(
        settings.max_versions, settings.max_history_bytes, settings.max_file_history_bytes, settings.max_audit_entries
    )


def check_certificate(configuration: Configuration) -> None:
    """Raises ConfigurationError if the certificate of the HTTP API cannot be used."""
    settings = read_rest_api(configuration.settings.rest_api)
    if settings.enabled and settings.certificate:
        from xivo_confgend.http_server import tls_context

        tls_context(settings)


def _raise_file_limit() -> None:
    """A connection and the file it reads are two descriptors; the usual soft limit of 1,024 is too low for the rest."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
