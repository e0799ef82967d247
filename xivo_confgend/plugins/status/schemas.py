"""Parameters of the status."""

from __future__ import annotations

from xivo_confgend.schemas import Flag, Strict


class Strictness(Strict):
    """Which health counts as good."""

    strict = Flag(load_default=False)
