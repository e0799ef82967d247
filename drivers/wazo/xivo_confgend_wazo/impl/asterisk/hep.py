"""asterisk/hep.conf: the stored file of that name (docs/spec/14-rtp-hep.md)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.queries.stored_files import stored_file
from xivo_confgend_wazo.impl.refusals import warn_of_refusals

logger = logging.getLogger(__name__)


class HEPConf:
    """The driver of asterisk/hep.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file; empty when nothing is stored."""
        safe = SafeText(logger)
        stored = stored_file("hep.conf", safe)
        warn_of_refusals("hep.conf", stored, "asterisk_file", logger)
        return safe.written([stored])
