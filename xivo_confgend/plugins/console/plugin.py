"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.console.http import add_routes
from xivo_confgend.plugins.console.services import ConsoleService


class Plugin:
    """The console."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, ConsoleService(dependencies.daemon))
