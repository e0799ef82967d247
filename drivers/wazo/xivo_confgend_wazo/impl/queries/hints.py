"""What the hints of the dialplan are made from (docs/spec/21-hints.md): one statement each, for the whole installation.

Who has which lines and which main extensions is asked once and serves several kinds of hints, so that no statement
repeats the joins of another. Which hint goes where: see `dialplan.hints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from typing import Any

from sqlalchemy import Integer, Text, and_, case, cast, null, select, type_coerce, union_all
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Select

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.queries.large_results import Reader, Source, blanked, without
from xivo_confgend_wazo.meta import (
    callfilter,
    callfiltermember,
    conference,
    endpoint_sip,
    extensions,
    feature_extension,
    func_key_dest_agent,
    func_key_dest_bsfilter,
    func_key_dest_conference,
    func_key_dest_custom,
    func_key_dest_forward,
    func_key_dest_groupmember,
    func_key_dest_service,
    func_key_mapping,
    line_extension,
    linefeatures,
    sccpline,
    user_line,
    usercustom,
    userfeatures,
)

EXTEN_TEXTS = {2: Source("extensions", 1, "exten")}
UUID_TEXT = Source("userfeatures", 0, "uuid")
DEVICE_TEXT = Source("linefeatures", 2, "name")
ENDPOINT_TEXT = Source("linefeatures", 2, "name of the endpoint")
KEY_TEXTS = {2: Source("func_key", 4, "exten of its feature"), 3: Source("func_key", 4, "number or exten")}


class Kind(IntEnum):
    """The kinds of function keys that give hints, in the order of their precedence."""

    SERVICE = 1
    FORWARD = 2
    GROUPMEMBER = 3
    AGENT = 4
    CUSTOM = 5


def all_hints() -> list[Select[Any]]:
    """The statements of this module: small results first, the others in the order in which they are wanted."""
    return [_conference_extensions(), _filter_members(), _user_lines(), _main_extensions(), _function_keys()]


def user_lines(reader: Reader) -> Sequence[Any]:
    """(user id, uuid, line id, main line?, device of section 2, device of section 3.1), by user, main line first.

    One row with line id None for a user without line. The second device is None where section 3.1 does not want it,
    both are where a name is NULL. The uuid is None where Asterisk would cut it.
    """
    rows = reader.read(_user_lines(), {1: UUID_TEXT, 4: DEVICE_TEXT, 5: ENDPOINT_TEXT})
    rows = blanked(",", 1, rows, UUID_TEXT, reader.safe)
    if "&" not in "".join([text for row in rows for text in (row[1], row[4], row[5]) if text]):
        return rows
    rows = blanked("&", 1, rows, UUID_TEXT, reader.safe)
    return [_without_cut_devices(row, reader.safe) for row in rows]


def _without_cut_devices(row: Sequence[Any], safe: SafeText) -> Sequence[Any]:
    """`row` without the devices that Asterisk would cut in two: without the line if that has no other."""
    user_id, uuid, line_id, main_line, *devices = row
    device, endpoint = (
        None if text is None else safe.item(text, "&", source.table, line_id, source.column)
        for text, source in zip(devices, (DEVICE_TEXT, ENDPOINT_TEXT), strict=True)
    )
    is_cut = device is None and devices[0] is not None
    return user_id, uuid, None if is_cut else line_id, main_line, device, endpoint


@cache
def _user_lines() -> Select[Any]:
    u, ul, line = userfeatures.c, user_line.c, linefeatures.c
    shown = and_(ul.main_user, line.commented == 0, u.enablehint == 1)
    return (
        select(u.id, u.uuid, line.id, ul.main_line, _line_device(), case((shown, _endpoint_device())))
        .select_from(
            userfeatures.outerjoin(user_line, ul.user_id == u.id)
            .outerjoin(linefeatures, line.id == ul.line_id)
            .outerjoin(endpoint_sip, endpoint_sip.c.uuid == line.endpoint_sip_uuid)
            .outerjoin(sccpline, sccpline.c.id == line.endpoint_sccp_id)
            .outerjoin(usercustom, usercustom.c.id == line.endpoint_custom_id)
        )
        .order_by(u.id, ul.main_line.desc(), line.id)
    )


def _line_device() -> ColumnElement[Any]:
    """By the line's name; of several endpoints the custom one counts."""
    line = linefeatures.c
    return case(
        (line.endpoint_custom_id != 0, line.name),
        (line.endpoint_sip_uuid.is_not(None), "PJSIP/" + line.name),
        (line.endpoint_sccp_id != 0, "SCCP/" + line.name),
        else_="CUSTOM/" + line.name,
    )


def _endpoint_device() -> ColumnElement[Any]:
    """By the endpoint's name; of several endpoints the SIP one counts."""
    line = linefeatures.c
    return case(
        (line.endpoint_sip_uuid.is_not(None), "PJSIP/" + endpoint_sip.c.name),
        (line.endpoint_sccp_id.is_not(None), "SCCP/" + sccpline.c.name),
        else_=usercustom.c.interface,
    )


def main_extensions(reader: Reader) -> Sequence[Any]:
    """(user id, extension id, exten, context, of the main line?, commented), by user and exten.

    The main extensions of the lines of which a user is the main user. A line more, a row more. The exten is None where
    Asterisk would cut it: the user's other hints need the context.
    """
    return blanked(",", 2, reader.read(_main_extensions(), EXTEN_TEXTS), EXTEN_TEXTS[2], reader.safe)


@cache
def _main_extensions() -> Select[Any]:
    ul, le, e = user_line.c, line_extension.c, extensions.c
    return (
        select(ul.user_id, e.id, e.exten, e.context, ul.main_line, e.commented)
        .where(ul.main_user, le.line_id == ul.line_id, le.main_extension, e.id == le.extension_id)
        .order_by(ul.user_id, e.exten, e.id)
    )


def conference_extensions(reader: Reader) -> Sequence[Any]:
    """(conference id, extension id, exten, context) where a key may lead to the conference, by id and exten."""
    return without(",", 2, reader.read(_conference_extensions(), EXTEN_TEXTS), EXTEN_TEXTS[2], reader.safe)


@cache
def _conference_extensions() -> Select[Any]:
    c, e = conference.c, extensions.c
    return (
        select(c.id, e.id, e.exten, e.context)
        .where(
            c.id.in_(select(func_key_dest_conference.c.conference_id)),
            e.type == "conference",
            e.typeval == cast(c.id, Text),
        )
        .order_by(c.id, e.exten, e.id)
    )


def function_keys(reader: Reader) -> Sequence[Any]:
    """(kind, user id, feature's exten, argument, key id) of the keys with a lamp, by kind, user and position.

    The argument is what section 3.5 to 3.9 add: a number, a group, an agent, the custom exten; None if nothing.
    """
    keys = without(",", 3, reader.read(_function_keys(), KEY_TEXTS), KEY_TEXTS[3], reader.safe)
    return without("&", 3, keys, KEY_TEXTS[3], reader.safe)


@cache
def _function_keys() -> Select[Any]:
    key, mapping, feature, user = (
        _destinations().subquery("key"),
        func_key_mapping.c,
        feature_extension.c,
        userfeatures.c,
    )
    return (
        select(key.c.kind, user.id, feature.exten, key.c.argument, key.c.func_key_id)
        .select_from(
            key.join(func_key_mapping, mapping.func_key_id == key.c.func_key_id)
            .join(userfeatures, user.func_key_private_template_id == mapping.template_id)
            .outerjoin(feature_extension, feature.uuid == key.c.feature_extension_uuid)
        )
        .where(mapping.blf, (key.c.kind == Kind.CUSTOM) | feature.enabled)
        .order_by(key.c.kind, user.id, mapping.position, key.c.func_key_id, feature.exten, key.c.argument)
    )


def _destinations() -> Any:
    """Key, feature and argument of each kind."""
    forward, group, agent = func_key_dest_forward.c, func_key_dest_groupmember.c, func_key_dest_agent.c
    arguments = {
        Kind.SERVICE: (func_key_dest_service, null()),
        Kind.FORWARD: (func_key_dest_forward, forward.number),
        Kind.GROUPMEMBER: (func_key_dest_groupmember, group.group_id),
        Kind.AGENT: (func_key_dest_agent, "*" + cast(agent.agent_id, Text)),
        Kind.CUSTOM: (func_key_dest_custom, func_key_dest_custom.c.exten),
    }
    return union_all(
        *(
            select(
                type_coerce(kind.value, Integer).label("kind"),
                table.c.func_key_id,
                table.c.get("feature_extension_uuid", cast(null(), UUID)).label("feature_extension_uuid"),
                cast(argument, Text).label("argument"),
            )
            for kind, (table, argument) in arguments.items()
        )
    )


def filter_members(reader: Reader) -> Sequence[Any]:
    """(member id, user id as it is stored: a text) of enabled filters that a key may lead to, by member."""
    return reader.read(_filter_members(), {})


@cache
def _filter_members() -> Select[Any]:
    member, destination = callfiltermember.c, func_key_dest_bsfilter.c
    return (
        select(member.id, member.typeval)
        .where(
            member.id.in_(select(destination.filtermember_id)),
            callfilter.c.id == member.callfilterid,
            callfilter.c.commented == 0,
        )
        .order_by(member.id)
    )
