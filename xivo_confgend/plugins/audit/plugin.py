"""Wires the plugin."""

from __future__ import annotations

from xivo_confgend.http_plugins import Dependencies
from xivo_confgend.plugins.audit.http import add_routes
from xivo_confgend.plugins.audit.services import AuditService


class Plugin:
    """The audit log."""

    def load(self, dependencies: Dependencies) -> None:
        """Register the routes."""
        add_routes(dependencies.api, AuditService(dependencies.daemon))
