"""wazo/uuid.yml: the identity of the PBX (docs/spec/25-other-resources.md section 3).

Of several rows the lowest UUID counts; in a database without one the content is empty.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import yaml
from sqlalchemy import select

from xivo_confgend.database import Session
from xivo_confgend_wazo.meta import infos

logger = logging.getLogger(__name__)


class UUIDYML:
    """The driver of wazo/uuid.yml."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> str:
        """The content of the file."""
        uuid = Session.scalar(select(infos.c.uuid).order_by(infos.c.uuid.collate("C")).limit(1))
        if uuid is None:
            logger.warning("table infos has no row: the PBX has no UUID")
            return ""
        return yaml.safe_dump({"uuid": uuid}, default_flow_style=False)
