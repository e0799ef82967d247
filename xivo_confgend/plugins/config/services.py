"""The configuration in force, with the place each value comes from. Secrets are masked for everybody."""

from __future__ import annotations

from typing import Any

from xivo_confgend.services import Daemon


class ConfigService:
    """The configuration of `daemon`."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def values(self) -> list[dict[str, Any]]:
        """As the schema `ConfigurationValue` says, sorted by path."""
        leaves = self._daemon.configuration.values()
        return [{"path": list(parts), "value": value, "origin": origin} for parts, value, origin in leaves]

    def warnings(self) -> list[str]:
        """What was odd when it was read."""
        return list(self._daemon.configuration.warnings)
