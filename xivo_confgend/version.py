"""Which version of this distribution is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "xivo-confgend"


def installed_version() -> str:
    """`1.0.0`, or `unknown` if it was not installed by pip."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
