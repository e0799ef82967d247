"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.metrics.exposition import Metrics
from xivo_confgend.plugins.metrics.http import add_routes
from xivo_confgend.plugins.metrics.services import RecentMinutes


class Plugin:
    """Numbers over time."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes; both services watch the files."""
        daemon = dependencies.daemon
        metrics, recent = Metrics(daemon, dependencies.facts), RecentMinutes()
        daemon.observers += [metrics, recent]
        add_routes(dependencies.api, metrics, recent)
