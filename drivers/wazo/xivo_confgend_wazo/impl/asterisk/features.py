"""asterisk/features.conf: transfer, pickup and other features of calls.

Rules of docs/spec/24-features-parking-moh-modules.md section 1. Order: by id.
The rows are read at each generation, unlike in defect D10 of docs/spec/30-daemon.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.impl.queries.static_options import option_line, safe_value, static_options
from xivo_confgend_wazo.impl.refusals import warn_of_refusals
from xivo_confgend_wazo.meta import features

logger = logging.getLogger(__name__)

SECTIONS = ("general", "featuremap", "applicationmap")


class FeaturesConf:
    """The driver of asterisk/features.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file. The key that hangs up a call also aborts a transfer."""
        safe = SafeText(logger)
        lines: dict[str, list[str]] = {name: [] for name in SECTIONS}
        for row in static_options(features, SECTIONS):
            lines[row.category].append(option_line(features, row, safe))
            if row.category == "featuremap" and row.var_name == "disconnect":
                lines["general"].append(option("atxferabort", safe_value(features, row, safe)))
        content = "\n".join(f"[{name}]\n{''.join(options)}" for name, options in lines.items())
        warn_of_refusals("features.conf", content, "features", logger)
        return safe.written([content])
