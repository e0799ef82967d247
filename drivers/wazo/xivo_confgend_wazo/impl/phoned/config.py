"""phoned/config.yml: who may ask the phonebook of the phones (docs/spec/25-other-resources.md section 2).

Order: by id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from sqlalchemy import select

from xivo_confgend.database import Session
from xivo_confgend_wazo.meta import accessfeatures


class ConfigYML:
    """The driver of phoned/config.yml."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> str:
        """The content of the file."""
        statement = (
            select(accessfeatures.c.host)
            .where(accessfeatures.c.feature == "phonebook", accessfeatures.c.commented == 0)
            .order_by(accessfeatures.c.id)
        )
        subnets = list(Session.scalars(statement))
        return yaml.safe_dump({"rest_api": {"authorized_subnets": subnets}}, default_flow_style=False)
