"""asterisk/res_parking.conf: the parking lots (docs/spec/24-features-parking-moh-modules.md section 2).

Order: by id. A lot without extension is not written.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, cast, select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.meta import extensions, parking_lot

logger = logging.getLogger(__name__)

DEFAULT = "[default]\ncontext = wazo-disabled\n"
FIXED = """\
findslot = next
parkext_exclusive = yes
parkinghints = yes
comebacktoorigin = yes
parkedplay = caller
parkedcalltransfers = no
parkedcallreparking = no
parkedcallhangup = no
parkedcallrecording = no
"""


class ResParkingConf:
    """The driver of asterisk/res_parking.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> str:
        """The content of the file."""
        safe = SafeText(logger)
        sections = {}
        for row in Session.execute(_lots()):
            # Of several extensions the first one counts.
            if row.id not in sections:
                sections[row.id] = _section(row, safe)
        safe.warn()
        return "\n".join([DEFAULT, *sections.values()])


def _lots() -> Any:
    """Each lot with each of its extensions; a commented one counts (quirk of section 2)."""
    lot, extension = parking_lot.c, extensions.c
    return (
        select(
            lot.id,
            extension.id.label("extension_id"),
            extension.exten,
            extension.context,
            lot.music_on_hold,
            lot.slots_start,
            lot.slots_end,
            lot.timeout,
        )
        .join_from(parking_lot, extensions, extension.typeval == cast(lot.id, Text))
        .where(extension.type == "parking")
        .order_by(lot.id, extension.id)
    )


def _section(row: Any, safe: SafeText) -> str:
    exten = safe.value(row.exten, "extensions", row.extension_id, "exten")
    context = safe.value(row.context, "extensions", row.extension_id, "context")
    music = safe.value(row.music_on_hold or "", "parking_lot", row.id, "music_on_hold")
    slots = safe.value(f"{row.slots_start}-{row.slots_end}", "parking_lot", row.id, "slots_start or slots_end")
    return (
        f"[parkinglot-{row.id}]\n"
        + option("parkext", exten)
        + option("context", context)
        + option("parkedmusicclass", music)
        + option("parkpos", slots)
        + option("parkingtime", row.timeout or 0)
        + FIXED
    )
