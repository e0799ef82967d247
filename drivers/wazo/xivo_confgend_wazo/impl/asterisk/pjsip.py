"""asterisk/pjsip.conf: SIP settings, transports, lines, trunks and guests of meetings (docs/spec/10-pjsip.conf.md).

This module is the layout of the file. What the database is asked is in `impl/queries/sip_endpoints.py`, the rules
of endpoints are in `impl/pjsip/`, and why they are fast in its `collapse` and `phones`. Order: see the former.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.pjsip import objects, parts
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
from xivo_confgend_wazo.impl.queries.stored_files import file_text, stored_sections

logger = logging.getLogger(__name__)


class PJSIPConf:
    """The driver of asterisk/pjsip.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        safe = SafeText(logger)
        return safe.written(_pieces(safe))


def _pieces(safe: SafeText) -> Iterator[str]:
    stored = stored_sections("pjsip.conf", safe)
    yield file_text(stored, required=("global", "system"))
    with reader(safe) as ahead:
        transports = read_transports(ahead)
        endpoints = read_endpoints(transports, ahead)
        lines = read_lines(ahead)
        items = {"lines": lines, parts.TRUNKS: read_trunks(ahead), "guests": read_guests(ahead)}
        named = parts.named([parts.register(title, endpoints, some) for title, some in items.items()], safe)
        endpoints.own = read_options(ahead)
        read_named_groups(lines, ahead)
    taken = objects.stored_names(stored or (), safe)
    yield _transports(objects.without_repeated(transports, taken, safe))
    for part, left_out in zip(named, objects.left_out(named, endpoints, taken, safe), strict=True):
        yield "\n"
        yield from parts.text(endpoints, part, left_out, safe)


def _transports(transports: Sequence[Transport]) -> str:
    """The sections of transports. Their options are not merged: some are lists."""
    return "\n".join(f"[{one.name}]\ntype = transport\n{''.join(one.lines)}" for one in transports)
