"""Path of the configuration."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Json, Reply
from xivo_confgend.plugins.config.services import ConfigService
from xivo_confgend.rest_api import READ


def add_routes(api: Routes, config: ConfigService) -> None:
    """Register /1.0/config."""

    @api.route("/1.0/config", "GET", READ)
    async def get_config(_exchange: Exchange) -> Reply:
        items = config.values()
        return Json({"total": len(items), "items": items, "warnings": config.warnings()})
