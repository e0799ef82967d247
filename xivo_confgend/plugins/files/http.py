"""Paths of the files."""

from __future__ import annotations

from xivo_confgend.http import Routes
from xivo_confgend.http_replies import Exchange, Json, Nil, Reply
from xivo_confgend.names import FileName
from xivo_confgend.plugins.files.schemas import Comparison, ContentWish, PinWish, Selection
from xivo_confgend.plugins.files.services import FilesService
from xivo_confgend.rest_api import OPERATE, READ

FILE = "/1.0/files/<resource>/<filename>"


def add_routes(api: Routes, files: FilesService) -> None:
    """Register everything under /1.0/files."""
    _add_contents(api, files)
    _add_versions(api, files)
    _add_pin(api, files)


def _name(resource: str, filename: str) -> FileName:
    return FileName.parse(f"{resource}/{filename}")


def _add_contents(api: Routes, files: FilesService) -> None:
    @api.route("/1.0/files", "GET", READ, query=Selection)
    async def list_files(exchange: Exchange) -> Reply:
        items = files.listed(exchange.caller, exchange.query.get("resource"), exchange.query.get("state"))
        return Json({"total": len(items), "items": items})

    @api.route(FILE, "GET", READ, query=ContentWish)
    async def get_content(exchange: Exchange, resource: str, filename: str) -> Reply:
        return await files.content(_name(resource, filename), exchange.query["cached"], exchange.caller)

    @api.route(FILE, "POST", OPERATE)
    async def regenerate(exchange: Exchange, resource: str, filename: str) -> Reply:
        exchange.detail = "regenerate"
        return Json(await files.regenerate(_name(resource, filename), exchange.caller))

    @api.route(FILE, "DELETE", OPERATE)
    async def invalidate(exchange: Exchange, resource: str, filename: str) -> Reply:
        exchange.detail = "invalidate"
        files.invalidate(_name(resource, filename))
        return Nil()

    @api.route(f"{FILE}/info", "GET", READ)
    async def get_info(exchange: Exchange, resource: str, filename: str) -> Reply:
        return Json(files.info(_name(resource, filename), exchange.caller))


def _add_versions(api: Routes, files: FilesService) -> None:
    @api.route(f"{FILE}/versions", "GET", READ)
    async def list_versions(exchange: Exchange, resource: str, filename: str) -> Reply:
        items = await files.versions(_name(resource, filename), exchange.caller)
        return Json({"total": len(items), "items": items})

    @api.route(f"{FILE}/versions/<digest>", "GET", READ)
    async def get_version(exchange: Exchange, resource: str, filename: str, digest: str) -> Reply:
        return await files.version(_name(resource, filename), digest, exchange.caller)

    @api.route(f"{FILE}/diff", "GET", READ, query=Comparison)
    async def get_diff(exchange: Exchange, resource: str, filename: str) -> Reply:
        query = exchange.query
        name = _name(resource, filename)
        return await files.diff(name, query.get("older"), query.get("newer"), query["context"], exchange.caller)


def _add_pin(api: Routes, files: FilesService) -> None:
    @api.route(f"{FILE}/pin", "GET", READ)
    async def get_pin(exchange: Exchange, resource: str, filename: str) -> Reply:
        return Json(files.pin_of(_name(resource, filename), exchange.caller))

    @api.route(f"{FILE}/pin", "PUT", OPERATE, body=PinWish)
    async def pin(exchange: Exchange, resource: str, filename: str) -> Reply:
        digest, reason = exchange.body["digest"], exchange.body["reason"]
        exchange.detail = f"pin {digest[:12]}{reason and ': '}{reason}"
        return Json(await files.pin(_name(resource, filename), digest, reason, exchange.caller))

    @api.route(f"{FILE}/pin", "DELETE", OPERATE)
    async def unpin(exchange: Exchange, resource: str, filename: str) -> Reply:
        exchange.detail = "unpin"
        await files.unpin(_name(resource, filename))
        return Nil()
