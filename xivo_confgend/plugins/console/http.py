"""Paths of the console."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Reply
from xivo_confgend.plugins.console.services import ConsoleService

PAGE = "index.html"


def add_routes(api: Routes, console: ConsoleService) -> None:
    """Register / and /static."""

    @api.route("/", "GET", None)
    async def get_page(_exchange: Exchange) -> Reply:
        return console.asset(PAGE)

    @api.route("/static/<path:asset>", "GET", None)
    async def get_asset(_exchange: Exchange, asset: str) -> Reply:
        return console.asset(asset)
