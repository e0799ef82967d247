"""The files of the page: read once from the package, told apart by their digest."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from xivo_confgend.http_content import Content
from xivo_confgend.http_problems import Problem
from xivo_confgend.services import Daemon

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from elsewhere, nothing inline."""
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What the system's own tables may not know, or not tell the encoding of."""


@dataclass(frozen=True)
class Asset:
    """One file of the page."""

    content: bytes
    media_type: str
    validator: str


class ConsoleService:
    """The directory `static` of the package. Its files are found at the start: no path of a request is ever opened."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._assets = dict(_found(files(__package__).joinpath("static")))

    def asset(self, name: str) -> Content:
        """The file `name`. Raises Problem if there is none."""
        asset = self._assets.get(name)
        if asset is None:
            raise Problem("no-such-path")
        return Content(
            lambda: iter([asset.content]),
            asset.validator,
            asset.media_type,
            self._daemon.threads,
            len(asset.content),
            headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY},
            cache="no-cache",
        )


def _found(directory: Traversable, prefix: str = "") -> list[tuple[str, Asset]]:
    found = []
    for entry in directory.iterdir():
        if entry.is_dir():
            found += _found(entry, f"{prefix}{entry.name}/")
        else:
            content = entry.read_bytes()
            suffix = "." + entry.name.rpartition(".")[2]
            media_type = MEDIA_TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            found.append((prefix + entry.name, Asset(content, media_type, sha256(content).hexdigest())))
    return found
