"""Path of the drivers."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Json, Reply
from xivo_confgend.plugins.drivers.services import DriversService
from xivo_confgend.rest_api import READ


def add_routes(api: Routes, drivers: DriversService) -> None:
    """Register /1.0/drivers."""

    @api.route("/1.0/drivers", "GET", READ)
    async def list_drivers(_exchange: Exchange) -> Reply:
        items = await drivers.listed()
        return Json({"total": len(items), "items": items})
