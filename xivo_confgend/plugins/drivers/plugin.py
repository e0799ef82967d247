"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.drivers.http import add_routes
from xivo_confgend.plugins.drivers.services import DriversService


class Plugin:
    """The installed drivers."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, DriversService(dependencies.daemon))
