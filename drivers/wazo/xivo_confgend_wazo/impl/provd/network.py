"""provd/network.yml: where phones find the provisioning server (docs/spec/25-other-resources.md section 1).

Of several rows the one of the lowest id counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from sqlalchemy import select

from xivo_confgend.database import Session
from xivo_confgend_wazo.meta import netiface, provisioning


class NetworkYML:
    """The driver of provd/network.yml."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> str:
        """The content of the file; an empty mapping when no address is known."""
        url = _url()
        network = {"general": {"advertised_http_url": url}} if url else {}
        return yaml.safe_dump(network, default_flow_style=False)


def _url() -> str | None:
    columns = provisioning.c
    row = Session.execute(
        select(columns.http_base_url, columns.net4_ip, columns.http_port).order_by(columns.id).limit(1)
    ).first()
    base_url, host, port = row or (None, None, None)
    if base_url:
        return str(base_url)
    host = host or Session.scalar(
        select(netiface.c.address).where(netiface.c.networktype == "voip").order_by(netiface.c.id).limit(1)
    )
    if not host:
        return None
    return f"http://{host}:{port}" if port else f"http://{host}"
