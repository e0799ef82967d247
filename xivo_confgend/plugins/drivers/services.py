"""What `xivo-confgend --list-drivers` says, kept for a minute.

To see whether a driver loads it has to be imported, and strangers' code has no place in the daemon's
process: so that is done in a child.
"""

from __future__ import annotations

import json
import tempfile
from typing import Any

from twisted.internet.defer import DeferredLock

from xivo_confgend.children import ChildError
from xivo_confgend.http_problems import Problem
from xivo_confgend.services import Daemon

LISTING = "xivo_confgend.plugins.drivers.listing"
LISTING_TIMEOUT = 30
KEPT = 60.0


class DriversService:
    """The drivers that are installed for `daemon`."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._listing = DeferredLock()
        self._found: list[dict[str, Any]] = []
        self._until = 0.0
        daemon.reloaded.append(self._forget)

    async def listed(self) -> list[dict[str, Any]]:
        """As the schema `Driver` says; all who ask at once share one listing."""
        found: list[dict[str, Any]] = await self._listing.run(self._daemon.threads.run, self._list)
        return found

    def _list(self) -> list[dict[str, Any]]:
        reactor: Any = self._daemon.reactor
        if reactor.seconds() < self._until:
            return self._found
        settings = self._daemon.configuration.settings
        given = json.dumps({"plugins": settings.plugins or {}, "cache": settings.cache}).encode()
        with tempfile.TemporaryFile() as output:
            try:
                self._daemon.children.run(LISTING, given, output, LISTING_TIMEOUT)
            except ChildError as error:
                raise Problem("driver-unusable", f"the drivers cannot be listed: {error}") from error
            output.seek(0)
            self._found = json.load(output)
        self._until = reactor.seconds() + KEPT
        return self._found

    def _forget(self) -> None:
        self._until = 0.0
