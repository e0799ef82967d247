"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.config.http import add_routes
from xivo_confgend.plugins.config.services import ConfigService


class Plugin:
    """The merged configuration."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, ConfigService(dependencies.daemon))
