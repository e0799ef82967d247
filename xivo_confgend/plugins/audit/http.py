"""Path of the audit log."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Json, Reply
from xivo_confgend.plugins.audit.services import AuditService
from xivo_confgend.rest_api import OPERATE
from xivo_confgend.schemas import Page


def add_routes(api: Routes, audit: AuditService) -> None:
    """Register /1.0/audit."""

    @api.route("/1.0/audit", "GET", OPERATE, query=Page)
    async def list_audit(exchange: Exchange) -> Reply:
        total, items = await audit.entries(exchange.query["limit"], exchange.query["offset"])
        return Json({"total": total, "items": items})
