"""asterisk/pjsip.conf: SIP settings, transports, lines, trunks and guests of meetings (docs/spec/10-pjsip.conf.md).

This module is the layout of the file. What the database is asked is in `impl/queries/sip_endpoints.py`, the rules
of endpoints are in `impl/pjsip/`, and why they are fast in its `collapse` and `phones`. Order: see the former.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.pieces import large_pieces
from xivo_confgend_wazo.impl.pjsip import parts
from xivo_confgend_wazo.impl.queries.sip_endpoints import (
    Transport,
    read_endpoints,
    read_guests,
    read_lines,
    read_named_groups,
    read_options,
    read_transports,
    read_trunks,
    reader,
)
from xivo_confgend_wazo.impl.queries.stored_files import stored_file

logger = logging.getLogger(__name__)


class PJSIPConf:
    """The driver of asterisk/pjsip.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        return large_pieces(_pieces())


def _pieces() -> Iterator[str]:
    safe = SafeText(logger)
    yield stored_file("pjsip.conf", safe, required=("global", "system"))
    with reader(safe) as ahead:
        transports = read_transports(ahead)
        endpoints = read_endpoints(transports, ahead)
        lines = read_lines(ahead)
        of_lines, of_trunks, of_guests = (
            parts.register(endpoints, items) for items in (lines, read_trunks(ahead), read_guests(ahead))
        )
        endpoints.own = read_options(ahead)
        read_named_groups(lines, ahead)
    yield _transports(transports, safe)
    yield "\n"
    yield from parts.phones(endpoints, of_lines, safe)
    yield "\n"
    yield from parts.trunks(endpoints, of_trunks, safe)
    yield "\n"
    yield from parts.phones(endpoints, of_guests, safe)
    safe.warn()


def _transports(transports: Sequence[Transport], safe: SafeText) -> str:
    """The sections of transports. Their options are not merged: some are lists."""
    return "\n".join(
        f"[{one.name}]\ntype = transport\n{''.join(one.lines)}"
        for one in transports
        if safe.section_name(one.name, "pjsip_transport", one.uuid, "name") is not None
    )
