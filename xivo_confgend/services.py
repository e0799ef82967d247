"""What the services of the HTTP plugins share: the running daemon as they see it, and the facts of its files."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from twisted.internet.base import ReactorBase

from xivo_confgend.children import Children
from xivo_confgend.config import Configuration
from xivo_confgend.drivers import Driver
from xivo_confgend.exceptions import DriverError
from xivo_confgend.generation import Generation, Observer
from xivo_confgend.history import History, NoSuchVersion
from xivo_confgend.http_access import Caller
from xivo_confgend.http_content import Threads
from xivo_confgend.names import FileName
from xivo_confgend.notices import GenerationFailure, Warnings
from xivo_confgend.pins import Pin
from xivo_confgend.plugin_helpers.secrets import MASK, MaskingRules, load_rules
from xivo_confgend.remembered import Freshness
from xivo_confgend.rest_api import read_rest_api
from xivo_confgend.store import Facts


@dataclass(frozen=True)
class Listener:
    """A listening port: its `name` in the status, where it listens, whether it does, how many are connected."""

    name: str
    address: str
    open: bool
    connections: int


@dataclass
class Daemon:
    """The running daemon. A reload exchanges what is in it, so services ask it anew each time.

    `observers`: who is told what happens to the files; `reloaded`: called after a reload; `stopping`: before the API
    ends; `happened`: see `tell`.
    """

    reactor: ReactorBase
    configuration: Configuration
    generation: Generation
    history: History
    masking: MaskingRules
    threads: Threads
    children: Children
    observers: list[Observer] = field(default_factory=list)
    tcp_listeners: Callable[[], list[Listener]] = list
    http_listeners: Callable[[], list[Listener]] = list
    configuration_errors: Callable[[], tuple[str, ...]] = tuple
    reloaded: list[Callable[[], None]] = field(default_factory=list)
    stopping: list[Callable[[], None]] = field(default_factory=list)
    happened: list[Callable[[str, FileName], None]] = field(default_factory=list)
    started_at: float = field(default_factory=time.time)

    def use(self, configuration: Configuration, generation: Generation, history: History) -> None:
        """Go on with what a reload made."""
        self.configuration, self.generation, self.history = configuration, generation, history
        self.masking = load_rules(read_rest_api(configuration.settings.rest_api).secret_options)
        self.threads.timeout = configuration.settings.answer_timeout
        history.on_version = lambda name: self.tell("version", name)

    def listeners(self) -> list[Listener]:
        """Everything that listens."""
        return self.tcp_listeners() + self.http_listeners()

    def tell(self, what: str, name: FileName) -> None:
        """Tell who wants to know that `name` was `pinned`, `unpinned`, or has a new `version`."""
        for told in self.happened:
            told(what, name)

    @property
    def config(self) -> Mapping[str, Any]:
        """The merged configuration as drivers see it."""
        return self.configuration.mapping


def written_time(seconds: float) -> str:
    """A moment, in seconds since the epoch, as RFC 3339 wants it."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class FileFacts:
    """What is known of the files, as the API tells it to people who may read secrets and to those who may not.

    A SHA-256 would let its reader try short secrets until it is right, all other lines being known. So without
    the permission `read:secrets` a digest is keyed with a secret of this installation.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def shown(self, digest: str, secrets: bool) -> str:
        """`digest` as it is told."""
        return digest if secrets else hmac.new(self._daemon.history.key, digest.encode(), sha256).hexdigest()

    async def version(self, name: FileName, shown: str, secrets: bool) -> str:
        """The digest of the kept version of `name` that is told as `shown`. Raises NoSuchVersion, HistoryError."""
        for version in await self._daemon.history.versions(name):
            if hmac.compare_digest(self.shown(version.digest, secrets), shown):
                return version.digest
        raise NoSuchVersion(f"{name}: no version {shown} is kept")

    def names(self) -> list[FileName]:
        """Files that are served, or would be if the choice of their driver were clear; sorted."""
        return self._daemon.generation.catalogue.known()

    def check(self, name: FileName) -> None:
        """Raises NoSuchFile unless `names` lists it."""
        catalogue = self._daemon.generation.catalogue
        if not catalogue.knows(name):
            catalogue.choose(name)

    def describe(self, name: FileName, secrets: bool) -> dict[str, Any]:
        """As the schema `File` of the plugin `files` says."""
        generation = self._daemon.generation
        facts = generation.store.facts(name)
        driver, error = self._driver(name)
        state, failure = self.state(name)
        pin = self._daemon.history.pins.get(name)
        return {
            "name": str(name),
            "resource": name.resource,
            "filename": name.filename,
            "driver": driver and _driver_facts(driver),
            "state": state,
            "generating": generation.status(name).generating,
            **self._content(facts, secrets),
            "warnings": self.warnings(name, facts.warnings if facts else Warnings(), secrets),
            "shrunk": facts and facts.shrunk and asdict(facts.shrunk),
            "last_error": error or (failure and failure.reason),
            "failing_since": failure and written_time(failure.since),
            "pin": pin and self.describe_pin(pin, secrets),
            "freshness": freshness(generation.freshness(name)),
        }

    def state(self, name: FileName) -> tuple[str, GenerationFailure | None]:
        """The state of `name` as the schema `FileState` says, and the failure of its newest generation."""
        generation = self._daemon.generation
        status = generation.status(name)
        if generation.catalogue.serves(name):
            return status.state, status.failure
        return "stale" if generation.store.has_content(name) else "failed", status.failure

    def _driver(self, name: FileName) -> tuple[Driver | None, str]:
        try:
            return self._daemon.generation.catalogue.choose(name), ""
        except DriverError as error:
            return None, str(error)

    def _content(self, facts: Facts | None, secrets: bool) -> dict[str, Any]:
        if facts is None:
            return dict.fromkeys(CONTENT_FACTS)
        values = (facts.size, facts.lines, self.shown(facts.digest, secrets), written_time(facts.generated),
                  facts.duration, facts.statements, facts.peak_memory)  # fmt: skip
        return dict(zip(CONTENT_FACTS, values, strict=True))

    def warnings(self, name: FileName, warnings: Warnings, secrets: bool) -> dict[str, Any]:
        """As the schema `Warnings` of the plugin `files` says; the lines are masked as contents are."""
        return {"count": warnings.count, "lines": [self.masked(name, line, secrets) for line in warnings.lines]}

    def masked(self, name: FileName, line: str, secrets: bool) -> str:
        """A line that a driver of `name` wrote, as it is told; all of it is masked if its secrets are not known."""
        if secrets:
            return line
        rules = self._daemon.masking
        masker = rules.masker(name.key, name.filename)
        return (masker.mask(line.encode()) if rules.knows(name.key) else MASK).decode("utf-8", "replace")

    def describe_pin(self, pin: Pin, secrets: bool) -> dict[str, Any]:
        """As the schema `Pin` of the plugin `files` says."""
        return {
            "digest": self.shown(pin.facts.digest, secrets),
            "pinned_at": written_time(pin.pinned_at),
            "pinned_by": pin.pinned_by,
            "reason": pin.reason,
            "generated_at": written_time(pin.facts.generated),
            "size": pin.facts.size,
            "lines": pin.facts.lines,
        }


CONTENT_FACTS = ("size", "lines", "digest", "generated_at", "duration", "statements", "peak_memory")


def freshness(told: Freshness) -> dict[str, Any]:
    """As the schema `Freshness` of the plugin `files` says."""
    changed, changed_at = told.changed or (None, None)
    return {
        "why": told.why or None,
        "mode": told.mode or None,
        "reason": told.reason or None,
        "tables": list(told.tables),
        "changed": changed,
        "changed_at": None if changed_at is None else written_time(changed_at),
    }


def _driver_facts(driver: Driver) -> dict[str, str]:
    return {
        "name": driver.name,
        "distribution": driver.distribution,
        "version": driver.version,
        "namespace": driver.namespace,
    }


def session(caller: Caller, guarded: bool) -> dict[str, Any]:
    """As the schema `Session` says."""
    return {
        "name": caller.name,
        "method": caller.method,
        "permissions": sorted(caller.permissions),
        "token_expected": guarded,
    }
