"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.status.http import add_routes
from xivo_confgend.plugins.status.services import StatusService


class Plugin:
    """Health."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, StatusService(dependencies.daemon, dependencies.facts))
