"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.files.http import add_routes
from xivo_confgend.plugins.files.services import FilesService


class Plugin:
    """The served files."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, FilesService(dependencies.daemon, dependencies.facts))
