"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.events.http import add_routes
from xivo_confgend.plugins.events.services import EventStream


class Plugin:
    """Server-sent events."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the route; the stream watches the files and the daemon."""
        daemon = dependencies.daemon
        events = EventStream(daemon.reactor, dependencies.facts)
        daemon.observers.append(events)
        daemon.happened.append(events.happened)
        daemon.reloaded.append(events.reload)
        daemon.stopping.append(events.end)
        add_routes(dependencies.api, events)
