"""asterisk/res_parking.conf: the parking lots (docs/spec/24-features-parking-moh-modules.md section 2).

Order: by id. A lot without extension is not written.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Text, cast, select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.meta import extensions, parking_lot

logger = logging.getLogger(__name__)

DEFAULT = "[default]\ncontext = wazo-disabled\n"
NUMBER = re.compile("[0-9]{1,9}")
MOST_SPACES = 10_000
"""Asterisk makes an extension and a hint for each."""
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

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        safe = SafeText(logger)
        first_rows: dict[int, Any] = {}
        for row in Session.execute(_lots()):
            # Of several extensions the first one counts.
            first_rows.setdefault(row.id, row)
        sections = [_section(row, safe) for row in _accepted(first_rows.values(), safe)]
        return safe.written(["\n".join([DEFAULT, *sections])])


def _accepted(lots: Iterable[Any], safe: SafeText) -> Iterator[Any]:
    """The lots that Asterisk takes beside those before them; for one that it refuses, it refuses all lots.

    Spaces are a range of positive numbers, and neither they nor the extension are those of another lot in the same
    context (docs/spec/43-asterisk-fetching.md).
    """
    taken: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in lots:
        spaces = _spaces(row)
        exten = row.exten.strip()
        # without an extension, Asterisk makes none for the spaces either
        numbers = [exten, *map(str, spaces)] if exten else []
        in_context = taken[row.context.strip()]
        other = next((in_context[number] for number in numbers if number in in_context), None)
        problem = None
        if not spaces:
            problem = "slots_start or slots_end", f"does not give a range of 1 to {MOST_SPACES} spaces"
        elif (row.timeout or 0) < 0:
            problem = "timeout", "is below 0"
        elif other is not None:
            problem = "slots_start or slots_end", f"with its extension overlaps row {other} in the same context"
        elif len(set(numbers)) < len(numbers):
            problem = "slots_start or slots_end", "includes the extension of the lot"
        if problem is None:
            in_context.update(dict.fromkeys(numbers, row.id))
            yield row
        else:
            safe.left_out("parking_lot", row.id, *problem)


def _spaces(row: Any) -> range:
    """The numbers of the spaces; empty if they are no range."""
    start, end = (text.strip() for text in (row.slots_start, row.slots_end))
    if not (NUMBER.fullmatch(start) and NUMBER.fullmatch(end)):
        return range(0)
    spaces = range(int(start), int(end) + 1)
    return spaces if len(spaces) <= MOST_SPACES and spaces.start > 0 else range(0)


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
