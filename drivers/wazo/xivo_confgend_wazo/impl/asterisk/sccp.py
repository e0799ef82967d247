"""asterisk/sccp.conf: devices, lines and speed dials of SCCP phones (docs/spec/11-sccp.conf.md).

Order: settings by id; devices and lines by name (compared by code point), then id; speed dials by user and position.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, literal_column, null, select, union_all
from sqlalchemy.sql.expression import CompoundSelect, ScalarSelect, Select

from xivo_confgend.database import ReadAhead
from xivo_confgend.plugin_helpers.asterisk import CONTROL, SafeText, are_plain, option
from xivo_confgend_wazo.impl.queries.named_groups import NamedGroups, named_groups, select_named_groups
from xivo_confgend_wazo.impl.queries.safe_rows import safe_rows, select_named
from xivo_confgend_wazo.impl.trimming import trimmed
from xivo_confgend_wazo.meta import (
    extensions,
    feature_extension,
    func_key_dest_custom,
    func_key_mapping,
    line_extension,
    linefeatures,
    sccpdevice,
    sccpgeneralsettings,
    sccpline,
    user_line,
    userfeatures,
    voicemail,
)

logger = logging.getLogger(__name__)

DEVICE_OPTIONS = frozenset({"dialtimeout", "dateformat", "vmexten", "keepalive"})
LINE_OPTIONS = frozenset({"context", "language", "directmedia", "tos_audio", "disallow", "allow"})
RESERVED = ("general", "xivo_device_tpl", "xivo_line_tpl", "guest", "guestline")
"""Sections that are no devices or lines of the database."""
GUEST_DEVICE = "[guest](xivo_device_tpl)\ntype = device\nline = guestline\n"
GUEST_LINE = """\
[guestline](xivo_line_tpl)
type = line
context = xivo-initconfig
cid_name = Autoprov
cid_num = autoprov
"""
SETTING = {name: sccpgeneralsettings.c[name] for name in ("id", "option_name", "option_value")}
VOICEMAIL_EXTENSION = {name: feature_extension.c[name] for name in ("uuid", "exten")}
DEVICE = {
    "id": sccpdevice.c.id,
    "name": sccpdevice.c.name,
    "device": sccpdevice.c.device,
    "line": sccpdevice.c.line,
}
LINE = {
    "id": sccpline.c.id,
    "name": sccpline.c.name,
    "cid_name": sccpline.c.cid_name,
    "cid_num": sccpline.c.cid_num,
    "tenant_uuid": sccpline.c.tenant_uuid,
    "allow": sccpline.c.allow,
    "disallow": sccpline.c.disallow,
    "line_id": linefeatures.c.id,
    "context": linefeatures.c.context,
    "user_id": userfeatures.c.id,
    "user_uuid": userfeatures.c.uuid,
    "language": userfeatures.c.language,
    "simultcalls": userfeatures.c.simultcalls,
    "enableonlinerec": userfeatures.c.enableonlinerec,
    "extension_id": extensions.c.id,
    "exten": extensions.c.exten,
}
BESIDE_LINE = ("commented", "voicemail_id", "mailbox", "keys")
"""What is read with a line, but not written in its section."""
NAME, LINE_ID, USER_ID, EXTEN, COMMENTED, KEYS, VOICEMAIL_ID, MAILBOX = map(
    [*LINE, *BESIDE_LINE].index,
    ["name", "line_id", "user_id", "exten", "commented", "keys", "voicemail_id", "mailbox"],
)
"""Positions in a row of a line."""
Mailbox = tuple[int | None, str | None]
"""The id of a voicemail and its number; None and None for a user without."""
NO_MAILBOX: list[Mailbox] = [(None, None)]
CLEANING = str.maketrans("", "", "\n\r\t;")
"""What is removed from the texts of a speed dial."""


class Setting(NamedTuple):
    """One general setting: its row in `sccpgeneralsettings`, or in `feature_extension` for the last.

    `name` is as it is stored, `value` as it is written.
    """

    row: object
    name: str
    value: str


class SmallResults(NamedTuple):
    """Rows of `SETTING`, `VOICEMAIL_EXTENSION` and `DEVICE`, in the order in which they are written.

    Of several voicemail extensions the first by code point is.
    """

    settings: list[tuple[int, str, str]]
    voicemail_extensions: list[tuple[str, str]]
    devices: list[tuple[int, str, str, str]]

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]]) -> SmallResults:
        """From the rows of `_small_results()`."""
        of_table: dict[str, list[Any]] = {"setting": [], "voicemail": [], "device": []}
        for table, *values in rows:
            of_table[table].append(values)
        return cls(
            sorted((number, name, value) for number, name, value, _ in of_table["setting"]),
            sorted(((uuid, exten) for _, uuid, exten, _ in of_table["voicemail"]), key=itemgetter(1)),
            sorted(map(tuple, of_table["device"]), key=itemgetter(1, 0)),
        )


SpeedDial = tuple[int, int, int, int, int, str, str | None, bool, str]
"""A key of a user on a device.

The user's id, position, the function key's id, the line's, the device's, the device, label, blf and extension.
"""


class SCCPConf:
    """The driver of asterisk/sccp.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file: four runs (docs/spec/00-output-format.md section 4)."""
        safe = SafeText(logger)
        return safe.written(self._runs(safe))

    def _runs(self, safe: SafeText) -> Iterator[str]:
        groups = select_named_groups(linefeatures.c.endpoint_sccp_id)
        with ReadAhead(_all_lines(), _small_results(), groups) as ahead:
            lines = ahead.rows(_all_lines())
            small = SmallResults.of(ahead.rows(_small_results()))
            # Written in another order than in the file: PostgreSQL finds named groups meanwhile.
            settings = _settings(small, safe)
            line_sections = list(_lines(lines, safe))
            speed_dials = _speed_dials(small.devices, lines)
            device_sections = list(_devices(small.devices, speed_dials, lines, safe))
            speed_dial_sections = list(_speed_dial_sections(speed_dials, safe))
            named = named_groups(ahead.rows(groups))
        yield _run([_general(settings, safe)])
        yield _run([_device_template(settings), GUEST_DEVICE, *device_sections])
        yield _run([_line_template(settings), GUEST_LINE, *_with_groups(line_sections, named)])
        yield _run(speed_dial_sections)


def _run(sections: Iterable[str]) -> str:
    """Every section is followed by an empty line of its own, beside the one between sections of a run."""
    run = "\n\n".join(sections)
    return run and run + "\n"


def _settings(small: SmallResults, safe: SafeText) -> list[Setting]:
    settings = [
        Setting(row, name, safe.value(value, sccpgeneralsettings.name, row, "option_value"))
        for row, name, value in small.settings
    ]
    voicemail_extension = next(safe_rows(VOICEMAIL_EXTENSION, small.voicemail_extensions, safe), None)
    if voicemail_extension is None:
        logger.warning("feature_extension has no row vmusermsg: the voicemail key of the phones is left out")
    else:
        settings.append(Setting(voicemail_extension.uuid, "vmexten", voicemail_extension.exten))
    return settings


@cache
def _small_results() -> CompoundSelect[Any]:
    """What three tables have: one round trip costs more than finding it. `SmallResults` tells the rows apart."""
    uuid, exten = VOICEMAIL_EXTENSION.values()
    voicemail_extensions = select(literal_column("'voicemail'"), null(), cast(uuid, Text), exten, null())
    return union_all(
        select(literal_column("'setting'"), *SETTING.values(), null()),
        voicemail_extensions.where(feature_extension.c.feature == "vmusermsg"),
        select(literal_column("'device'"), *DEVICE.values()),
    )


def _general(settings: list[Setting], safe: SafeText) -> str:
    elsewhere = DEVICE_OPTIONS | LINE_OPTIONS
    lines = [
        option(key, value)
        for row, name, value in settings
        if name not in elsewhere and (key := safe.key(name, sccpgeneralsettings.name, row, "option_name")) is not None
    ]
    return "[general]\n" + "".join(lines)


def _device_template(settings: list[Setting]) -> str:
    lines = [option(name, value) for _, name, value in settings if name in DEVICE_OPTIONS]
    return "[xivo_device_tpl](!)\n" + "".join(lines)


def _line_template(settings: list[Setting]) -> str:
    lines = ["[xivo_line_tpl](!)\n"]
    for _, name, value in settings:
        if name not in LINE_OPTIONS or name == "disallow" or (name == "allow" and not value):
            continue
        if name == "allow":
            lines.append(option("disallow", "all"))
        lines.append(option(name, (0 if value == "no" else 1) if name == "directmedia" else value))
    lines.append("setvar = TIMEOUT(absolute)=36000\n")
    return "".join(lines)


def _devices(
    rows: Sequence[Sequence[Any]], speed_dials: Iterable[SpeedDial], lines: Iterable[Sequence[Any]], safe: SafeText
) -> Iterator[str]:
    keys = defaultdict(list)
    for user_id, position, _, _, _, device, *_ in sorted(speed_dials, key=itemgetter(1)):
        keys[device].append(f"speeddial = {user_id}-{position}\n")
    mailboxes = _mailboxes(lines)
    as_stored = {device_id: (device, line) for device_id, _, device, line in rows}
    names = safe.section_names([(row[0], row[1]) for row in rows], "sccpdevice", "name", RESERVED)
    for row in safe_rows(DEVICE, rows, safe, names):
        device, line = as_stored[row.id]
        for voicemail_id, mailbox in mailboxes.get(line, NO_MAILBOX):
            section = f"[{row.name}](xivo_device_tpl)\ntype = device\n"
            if row.line:
                section += option("line", row.line)
            if mailbox is not None:
                section += option("voicemail", safe.value(mailbox, "voicemail", voicemail_id, "mailbox"))
            yield section + "".join(keys.get(device, ()))


def _mailboxes(lines: Iterable[Sequence[Any]]) -> dict[str, list[Mailbox]]:
    """The mailboxes of the users of lines by the line's name, by id; of those that are written alike the first."""
    found: dict[str, set[Mailbox]] = defaultdict(set)
    for row in lines:
        found[row[NAME]].add((row[VOICEMAIL_ID], row[MAILBOX]))
    return {name: list(boxes) if len(boxes) == 1 else _written_once(boxes) for name, boxes in found.items()}


def _written_once(boxes: Iterable[Mailbox]) -> list[Mailbox]:
    written: dict[str | None, Mailbox] = {}
    for voicemail_id, mailbox in sorted(boxes, key=lambda box: inf if box[0] is None else box[0]):
        written.setdefault(mailbox and CONTROL.sub(" ", mailbox), (voicemail_id, mailbox))
    return list(written.values())


def _lines(lines: Iterable[Sequence[Any]], safe: SafeText) -> Iterator[tuple[str, str]]:
    """Id and section of each line, without its named groups."""
    complete = [
        row[: len(LINE)] for row in lines if row[COMMENTED] == 0 and row[USER_ID] is not None and row[EXTEN] is not None
    ]
    names = safe.section_names([(row[0], row[NAME]) for row in complete], "sccpline", "name", RESERVED)
    for row in safe_rows(LINE, complete, safe, names):
        yield str(row.id), _line(row)


def _with_groups(line_sections: Iterable[tuple[str, str]], groups: NamedGroups) -> Iterator[str]:
    for key, section in line_sections:
        call, pickup = groups.call.get(key), groups.pickup.get(key)
        yield (
            section
            + (f"namedcallgroup = {call}\n" if call else "")
            + (f"namedpickupgroup = {pickup}\n" if pickup else "")
        )


@cache
def _all_lines() -> Select[Any]:
    """Those that are not written too: a device may have the mailbox of one.

    What a line has one of is found by subqueries: planning one more join takes PostgreSQL longer than that.
    """
    extension_id, voicemail_id = line_extension.c.extension_id, userfeatures.c.voicemailid
    beside = (
        linefeatures.c.commented,
        voicemail_id,
        select(voicemail.c.mailbox).where(voicemail.c.uniqueid == voicemail_id).scalar_subquery(),
        _keys(),
    )
    extension = {
        "extension_id": extension_id,
        "exten": select(extensions.c.exten).where(extensions.c.id == extension_id).scalar_subquery(),
    }
    return (
        select_named({**LINE, **extension, **dict(zip(BESIDE_LINE, beside, strict=True))})
        .select_from(sccpline)
        .outerjoin(linefeatures, linefeatures.c.endpoint_sccp_id == sccpline.c.id)
        .outerjoin(user_line, (user_line.c.line_id == linefeatures.c.id) & user_line.c.main_user)
        .outerjoin(userfeatures, userfeatures.c.id == user_line.c.user_id)
        .outerjoin(line_extension, (line_extension.c.line_id == linefeatures.c.id) & line_extension.c.main_extension)
        .order_by(sccpline.c.name.collate("C"), sccpline.c.id, linefeatures.c.id, userfeatures.c.id, extension_id)
    )


def _keys() -> ScalarSelect[Any]:
    """The keys of a user's private template, as JSON."""
    mapping, custom = func_key_mapping.c, func_key_dest_custom.c
    key = func.json_build_array(mapping.position, mapping.label, mapping.blf, mapping.func_key_id, custom.exten)
    return (
        select(cast(func.json_agg(key), Text))
        .select_from(func_key_mapping)
        .join(func_key_dest_custom, custom.func_key_id == mapping.func_key_id)
        .where(mapping.template_id == userfeatures.c.func_key_private_template_id)
        .correlate(userfeatures)
        .scalar_subquery()
    )


def _line(row: Any) -> str:
    section = f"""\
[{row.name}](xivo_line_tpl)
type = line
cid_name = {row.cid_name}
cid_num = {row.cid_num}
setvar = XIVO_ORIGINAL_CALLER_ID="{row.cid_name}" <{row.cid_num}>
setvar = XIVO_USERID={row.user_id}
setvar = WAZO_USERID={row.user_id}
setvar = XIVO_USERUUID={row.user_uuid}
setvar = WAZO_USERUUID={row.user_uuid}
setvar = WAZO_TENANT_UUID={row.tenant_uuid}
setvar = PICKUPMARK={row.exten}%{row.context}
setvar = TRANSFER_CONTEXT={row.context}
setvar = WAZO_CHANNEL_DIRECTION=from-wazo
setvar = WAZO_LINE_ID={row.id}
setvar = WAZO_CALLER_SIMULTCALLS={row.simultcalls}
"""
    if row.enableonlinerec:
        section += "setvar = DYNAMIC_FEATURES=togglerecord\n"
    if row.language:
        section += f"language = {row.language}\n"
    section += f"context = {row.context}\n"
    if row.disallow:
        section += f"disallow = {row.disallow}\n"
    if row.allow:
        section += f"allow = {row.allow}\n"
    return trimmed(section)


def _speed_dials(devices: Iterable[Sequence[Any]], lines: Iterable[Sequence[Any]]) -> list[SpeedDial]:
    """The keys of each user on each device of each line that is the user's."""
    devices_of_line = defaultdict(list)
    for device_id, _, device, line in devices:
        devices_of_line[line].append((device_id, device))
    # A line has more than one row if several extensions are its main one.
    users = {(row[USER_ID], row[LINE_ID]): row for row in lines if row[COMMENTED] == 0 and row[KEYS] is not None}
    found = [
        (user_id, position, func_key_id, row[0], device_id, device, label, blf, exten)
        for (user_id, _), row in users.items()
        for position, label, blf, func_key_id, exten in json.loads(row[KEYS])
        for device_id, device in devices_of_line.get(row[NAME], ())
    ]
    return sorted(found, key=itemgetter(0, 1, 2, 3, 4))


def _speed_dial_sections(speed_dials: Iterable[SpeedDial], safe: SafeText) -> Iterator[str]:
    for user_id, position, func_key_id, _, _, _, raw_label, blf, raw_exten in speed_dials:
        exten = _cleaned(raw_exten, safe, "func_key_dest_custom", func_key_id, "exten")
        label = raw_label and _cleaned(raw_label, safe, "func_key_mapping", func_key_id, "label")
        yield trimmed(
            f"[{user_id}-{position}]\ntype = speeddial\nextension = {exten}\n"
            + (f"label = {label}\n" if label else "")
            + ("blf = 1\n" if blf else "blf = 0\n")
        )


def _cleaned(value: str, safe: SafeText, table: str, row: int, column: str) -> str:
    if are_plain([value]):
        return value
    return safe.value(value.translate(CLEANING), table, row, column)
