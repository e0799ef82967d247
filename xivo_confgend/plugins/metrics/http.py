"""Paths of the metrics."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Json, Reply, Text
from xivo_confgend.plugins.metrics.exposition import Metrics
from xivo_confgend.plugins.metrics.services import RecentMinutes
from xivo_confgend.rest_api import READ


def add_routes(api: Routes, metrics: Metrics, recent: RecentMinutes) -> None:
    """Register everything under /1.0/metrics."""

    @api.route("/1.0/metrics", "GET", READ)
    async def get_metrics(exchange: Exchange) -> Reply:
        text, media_type = metrics.exposition(exchange.header("accept") or "")
        return Text(text, media_type)

    @api.route("/1.0/metrics/recent", "GET", READ)
    async def get_recent(_exchange: Exchange) -> Reply:
        return Json(recent.points())
