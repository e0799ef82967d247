"""Path of the status."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_problems import Problem
from xivo_confgend.http_replies import Exchange, Json, Reply
from xivo_confgend.plugins.status.schemas import Strictness
from xivo_confgend.plugins.status.services import DEGRADED, OK, StatusService
from xivo_confgend.rest_api import READ


def add_routes(api: Routes, status: StatusService) -> None:
    """Register /1.0/status."""

    @api.route("/1.0/status", "GET", None, query=Strictness)
    async def get_status(exchange: Exchange) -> Reply:
        found = await status.status(exchange.caller, details=READ in exchange.caller.permissions)
        if found["health"] in ({OK} if exchange.query["strict"] else {OK, DEGRADED}):
            return Json(found)
        wrong = [check for check in found["checks"] if not check["ok"]]
        raise Problem("unhealthy", "; ".join(f"{c['name']}: {c['detail'] or 'failing'}" for c in wrong), found)
