"""The audit log as the API tells it. It is written where all requests pass, in `http_server`."""

from __future__ import annotations

from typing import Any

from xivo_confgend.services import Daemon, written_time


class AuditService:
    """The audit log of `daemon`."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def entries(self, limit: int, offset: int) -> tuple[int, list[dict[str, Any]]]:
        """How many entries there are, and some of them, the latest first. Raises HistoryError."""
        total, entries = await self._daemon.history.audit_entries(limit, offset)
        return total, [{**vars(entry), "at": written_time(entry.at)} for entry in entries]
