"""Everything that pjsip.conf asks the database: transports, endpoints, lines, trunks and guests.

Texts are as they are written when they leave this module, keys of endpoints' options excepted; whether a name can be
that of a section is not decided here. Identifiers and enumerations are read as text.

Order: own options by key, then value, then UUID, compared by code point, but `disallow` first: what Asterisk reads
behind `allow` takes codecs away again; parents by priority, then UUID; transport options, lines and trunks by id
where docs/spec/10-pjsip.conf.md leaves it open, guests by UUID.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Text, case, cast, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Select

from xivo_confgend.plugin_helpers.asterisk import LONG_VALUE, SafeText, is_printable
from xivo_confgend_wazo.impl.pjsip.collapse import SEPARATOR, STORED_IN, Fragment, Stored, collapse_stored
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints, Parents
from xivo_confgend_wazo.impl.pjsip.roles import Guest, Line, Trunk
from xivo_confgend_wazo.impl.queries.large_results import Reader, Source
from xivo_confgend_wazo.impl.queries.named_groups import named_groups, select_named_groups
from xivo_confgend_wazo.meta import (
    endpoint_sip,
    endpoint_sip_section,
    endpoint_sip_section_option,
    endpoint_sip_template,
    extensions,
    line_extension,
    linefeatures,
    meeting,
    pjsip_transport,
    pjsip_transport_option,
    tenant,
    trunkfeatures,
    user_line,
    userfeatures,
    voicemail,
)

ENDPOINT_TEXTS = {
    1: Source("endpoint_sip", 0, "name"),
    2: Source("endpoint_sip", 0, "label", comment=True),
    3: Source("endpoint_sip", 0, "tenant_uuid"),
}
ANNOUNCEMENT_TEXTS = {
    0: Source("tenant", 0, "uuid"),
    1: Source("tenant", 0, "record_start_announcement"),
    2: Source("tenant", 0, "record_stop_announcement"),
}
LINE_TEXTS = {
    2: Source("linefeatures", 0, "context"),
    3: Source("linefeatures", 0, "application_uuid"),
    5: Source("extensions of line", 0, "exten or context"),
    6: Source("voicemail of line", 0, "mailbox or context"),
    8: Source("userfeatures of line", 0, "uuid"),
}
USER = slice(7, 11)
RANK = 11
"""Positions of the user and of keys 2 and 3 of section 8.1 in a row of a line."""
Link = tuple[str, int | None]
"""A parent and the priority of the link to it."""
TRUNK_TEXTS = {2: Source("trunkfeatures", 0, "context")}
GUEST_TEXTS = {2: Source("meeting", 0, "name")}


class Transport(NamedTuple):
    """One transport with its option lines."""

    uuid: str
    name: str
    lines: list[str]


def reader(safe: SafeText) -> Reader:
    """A reader of everything below, asked in the order in which Python and PostgreSQL wait least for each other.

    Small results first, while nothing else is to be made that a thread would have to wait for. While options are
    collected, which takes long, all is made that needs none; while named groups are, options are.
    """
    small = (_transports(), _announcements(), _trunks(), _guests())
    return Reader(safe, *small, _endpoints(), _links(), _lines(), _options(), _groups())


def read_transports(reader: Reader) -> list[Transport]:
    """All transports, by name in the database's own collation."""
    transports: dict[str, Transport] = {}
    safe = reader.safe
    for uuid, stored_name, row, key, value in reader.rows(_transports()):
        transport = transports.get(uuid)
        if transport is None:
            name = safe.value(stored_name, pjsip_transport.name, uuid, "name")
            transport = transports[uuid] = Transport(uuid, name, [])
        if row is not None:
            transport.lines.append(safe.option(key, value, pjsip_transport_option.name, row))
    return list(transports.values())


@cache
def _transports() -> Select[Any]:
    columns, options = pjsip_transport.c, pjsip_transport_option.c
    return (
        select(cast(columns.uuid, Text), columns.name, options.id, options.key, options.value)
        .select_from(pjsip_transport.outerjoin(pjsip_transport_option, options.pjsip_transport_uuid == columns.uuid))
        .order_by(columns.name, columns.uuid, options.id)
    )


def read_endpoints(transports: Iterable[Transport], reader: Reader) -> Endpoints:
    """All endpoints, without circles; what they store follows by `read_options`."""
    rows = _read_rows(transports, reader)
    parents, priorities = _read_links(rows, reader)
    endpoints = Endpoints(rows, parents, priorities, announcements=_read_announcements(reader))
    endpoints.break_circles()
    return endpoints


def _read_rows(transports: Iterable[Transport], reader: Reader) -> dict[str, Endpoint]:
    names = {one.uuid: one.name for one in transports}
    return {
        uuid: Endpoint(uuid, name, label, tenant_uuid, names.get(transport), template)
        for uuid, name, label, tenant_uuid, transport, template in reader.read(_endpoints(), ENDPOINT_TEXTS)
    }


@cache
def _endpoints() -> Select[Any]:
    columns = endpoint_sip.c
    return select(
        cast(columns.uuid, Text),
        columns.name,
        columns.label,
        columns.tenant_uuid,
        cast(columns.transport_uuid, Text),
        columns.template,
    )


def _read_links(rows: Mapping[str, Endpoint], reader: Reader) -> tuple[dict[str, Parents], dict[str, int]]:
    """Parents and smallest priority by child; equal combinations of parents are one object.

    Few combinations are in use, so each is sorted once.
    """
    links_of: defaultdict[str, list[Link]] = defaultdict(list)
    for child, parent, priority in reader.rows(_links()):
        links_of[child].append((parent, priority))
    parents: dict[str, Parents] = {}
    priorities: dict[str, int] = {}
    shared: dict[Parents, Parents] = {}
    known: dict[tuple[Link, ...], tuple[Parents, int | None]] = {}
    for child, links in links_of.items():
        combination = tuple(links)
        found = known.get(combination)
        if found is None:
            by_priority = sorted((inf if priority is None else priority, parent) for parent, priority in combination)
            uuids = tuple(parent for _, parent in by_priority if parent in rows)
            smallest = min((priority for _, priority in combination if priority is not None), default=None)
            found = known[combination] = shared.setdefault(uuids, uuids), smallest
        uuids, smallest = found
        if uuids:
            parents[child] = uuids
        if smallest is not None:
            priorities[child] = smallest
    return parents, priorities


@cache
def _links() -> Select[Any]:
    columns = endpoint_sip_template.c
    return select(cast(columns.child_uuid, Text), cast(columns.parent_uuid, Text), columns.priority)


def read_options(reader: Reader) -> Mapping[str, Mapping[str, Fragment]]:
    """What endpoints store: see `Endpoints.own`."""
    return collapse_stored(written_options(reader.rows(_options()), reader.safe), reader.safe)


def written_options(rows: Sequence[Stored], safe: SafeText) -> Sequence[Stored]:
    """`rows` with values as they are written. Most need nothing, and one that does costs the others hardly anything."""
    texts = list(map(itemgetter(3), rows))
    together = "".join(texts)
    if not is_printable(together.replace(SEPARATOR, "")):
        return [_written(row, safe) for row in rows]
    if ";" not in together and max(map(len, texts), default=0) <= LONG_VALUE:
        return rows
    return [row if ";" not in row[3] and len(row[3]) <= LONG_VALUE else _written(row, safe) for row in rows]


def _written(row: Stored, safe: SafeText) -> Stored:
    endpoint, section, keys, stored_lines = row
    lines = []
    for key, line in zip(keys.split(SEPARATOR), stored_lines.split(SEPARATOR), strict=True):
        begin = len(f"{key} = ")
        lines.append(line[:begin] + safe.value(line[begin:], STORED_IN, endpoint, "value"))
    return endpoint, section, keys, SEPARATOR.join(lines)


@cache
def _options() -> Select[Any]:
    """Keys and lines of each section, put together by the database: half as many rows, with keys that are alike.

    They are sorted before: until version 16, PostgreSQL sorts slowly for aggregates that want an order.
    """
    section, stored = endpoint_sip_section.c, endpoint_sip_section_option.c
    options = (
        select(stored.endpoint_sip_section_uuid.label("section"), stored.key, stored.value)
        .order_by(
            stored.endpoint_sip_section_uuid,
            stored.key != "disallow",
            stored.key.collate("C"),
            stored.value.collate("C"),
            stored.uuid,
        )
        .subquery()
    )
    keys, lines = (
        # A separator inside is made another control character, and then treated as they all are.
        func.string_agg(func.replace(text, SEPARATOR, "\x1f"), literal_column(r"E'\x1e'"))
        for text in (options.c.key, options.c.key + " = " + options.c.value)
    )
    together = (
        select(options.c.section, keys.label("keys"), lines.label("lines")).group_by(options.c.section).subquery()
    )
    return select(
        cast(section.endpoint_sip_uuid, Text), cast(section.type, Text), together.c["keys"], together.c["lines"]
    ).where(together.c.section == section.uuid)


def _read_announcements(reader: Reader) -> dict[str, list[str]]:
    """The lines of recordings, by tenant."""
    lines = {}
    for uuid, start, stop in reader.read(_announcements(), ANNOUNCEMENT_TEXTS):
        sounds = (("START", start), ("STOP", stop))
        lines[uuid] = [f"set_var = __WAZO_RECORDING_{which}_SOUND={sound}" for which, sound in sounds if sound]
    return lines


@cache
def _announcements() -> Select[Any]:
    columns = tenant.c
    return select(columns.uuid, columns.record_start_announcement, columns.record_stop_announcement)


def read_lines(reader: Reader) -> list[tuple[str, Line]]:
    """Endpoint of each line, by keys 2 to 4 of section 8.1; their named groups follow by `read_named_groups`."""
    lines: dict[int, tuple[str, Line]] = {}
    first_extension: dict[int, int | None] = {}
    for row in sorted(reader.read(_lines(), LINE_TEXTS), key=itemgetter(RANK)):
        line_id, endpoint, context, application, extension, pickupmark, mailbox, user_id, _, _, _, _ = row
        users, mailboxes = (), ()
        if user_id is not None:
            users, mailboxes = (row[USER],), () if mailbox is None else (mailbox,)
        if line_id not in lines:
            lines[line_id] = endpoint, Line(line_id, context, application, pickupmark, users, mailboxes)
            first_extension[line_id] = extension
        elif first_extension[line_id] == extension:
            line = lines[line_id][1]
            line.users += users
            line.mailboxes += mailboxes
    return list(lines.values())


def read_named_groups(lines: Iterable[tuple[str, Line]], reader: Reader) -> None:
    """Tell `lines` their named groups."""
    groups = named_groups(reader.rows(_groups()))
    for endpoint, line in lines:
        line.pickup_groups, line.call_groups = groups.pickup.get(endpoint), groups.call.get(endpoint)


def _groups() -> Select[Any]:
    return select_named_groups(linefeatures.c.endpoint_sip_uuid)


@cache
def _lines() -> Select[Any]:
    """A row for each user and extension of a line; its first row by `RANK` says its place and its extension.

    Python sorts by that, which is the same for nearly all: PostgreSQL compares it for each pair, and takes long.
    """
    line, extension, link = linefeatures.c, line_extension.c, user_line.c
    tables = (
        linefeatures.outerjoin(line_extension, extension.line_id == line.id)
        .outerjoin(extensions, extensions.c.id == extension.extension_id)
        .outerjoin(user_line, link.line_id == line.id)
        .outerjoin(userfeatures, userfeatures.c.id == link.user_id)
        .outerjoin(voicemail, voicemail.c.uniqueid == userfeatures.c.voicemailid)
    )
    return (
        select(
            line.id,
            cast(line.endpoint_sip_uuid, Text),
            line.context,
            line.application_uuid,
            extension.extension_id,
            extensions.c.exten + "%" + extensions.c.context,
            voicemail.c.mailbox + "@" + voicemail.c.context,
            userfeatures.c.id,
            userfeatures.c.uuid,
            userfeatures.c.enableonlinerec,
            userfeatures.c.simultcalls,
            3 * _descending(extension.main_extension) + _descending(link.main_user),
        )
        .select_from(tables)
        .where(line.endpoint_sip_uuid.is_not(None))
        .order_by(line.id, extension.extension_id, link.user_id)
    )


def _descending(flag: ColumnElement[bool]) -> ColumnElement[int]:
    """The place of `flag` in descending order, NULL first."""
    return case((flag.is_(None), 0), (flag, 1), else_=2)


def read_trunks(reader: Reader) -> list[tuple[str, Trunk]]:
    """Endpoint of each trunk, by id."""
    return [(endpoint, Trunk(context)) for _, endpoint, context in reader.read(_trunks(), TRUNK_TEXTS)]


@cache
def _trunks() -> Select[Any]:
    columns = trunkfeatures.c
    statement = select(columns.id, cast(columns.endpoint_sip_uuid, Text), columns.context)
    return statement.where(columns.endpoint_sip_uuid.is_not(None)).order_by(columns.id)


def read_guests(reader: Reader) -> list[tuple[str, Guest]]:
    """Guest endpoint of each meeting, by UUID of the meeting."""
    return [(endpoint, Guest(uuid, name)) for uuid, endpoint, name in reader.read(_guests(), GUEST_TEXTS)]


@cache
def _guests() -> Select[Any]:
    columns = meeting.c
    statement = select(cast(columns.uuid, Text), cast(columns.guest_endpoint_sip_uuid, Text), columns.name)
    return statement.where(columns.guest_endpoint_sip_uuid.is_not(None)).order_by(columns.uuid)
