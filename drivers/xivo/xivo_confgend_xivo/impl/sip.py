"""asterisk/sip.conf of a XiVO PBX: general options, outbound authentication, trunks, users.

Written after docs/spec/19-sip.conf-xivo.md, byte for byte, accounts by id. Unlike other files
nothing is trimmed here. Options of an account are the business of `options`, sections that of
`sections`. The file is streamed: its size costs time, not memory.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import exists, func, literal_column, select, type_coerce
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import NullType

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, are_distinct
from xivo_confgend_xivo.impl.options import TRUNK_OPTIONS, USER_OPTIONS, option_lines
from xivo_confgend_xivo.impl.pickups import named_groups
from xivo_confgend_xivo.impl.sections import Sections
from xivo_confgend_xivo.meta import (
    extensions,
    linefeatures,
    sipauthentication,
    staticsip,
    user_line,
    userfeatures,
    usersip,
    voicemail,
)

logger = logging.getLogger(__name__)

CALL_COMPLETION = (
    "ccnr_available_timer = 900",
    "ccbs_available_timer = 900",
    "cc_agent_policy = generic",
    "cc_offer_timer = 30",
    "cc_recall_timer = 20",
    "cc_monitor_policy = generic",
)
RESERVED = ("general", "authentication")
"""Sections that are no accounts."""
NO_CALL_COMPLETION = ("cc_agent_policy = never", "cc_monitor_policy = never")


class Trunk(NamedTuple):
    """A row of `TRUNKS`. `options` are the lines of the columns, `extra` are pairs."""

    id: int
    name: str
    options: str
    extra: Any

    def identity(self) -> object:
        return self.id


class User(NamedTuple):
    """A row of `USERS`: an account with one of those who use it as their main user."""

    id: int
    name: str
    options: str
    extra: Any
    callerid: str | None
    line_id: int
    context: str
    extension_id: int | None
    number: str | None
    user_id: int | None
    uuid: str | None
    moh: str | None
    voicemail_id: int | None
    mailbox: str | None
    pickup: str | None
    call: str | None

    def identity(self) -> object:
        """Section 6.2: rows that are equal in all of this are one."""
        return self.context, self.number, self.moh, self.user_id, self.uuid, self.mailbox


USER_SOURCES = {
    "callerid": ("usersip", "callerid", "id"),
    "context": ("linefeatures", "context", "line_id"),
    "number": ("extensions", "exten", "extension_id"),
    "uuid": ("userfeatures", "uuid", "user_id"),
    "moh": ("userfeatures", "musiconhold", "user_id"),
    "mailbox": ("voicemail", "mailbox", "voicemail_id"),
}
"""Which table, column and row a text of `User` comes from."""


def _trunks() -> Select[Any]:
    return (
        select(usersip.c.id, usersip.c.name, option_lines(TRUNK_OPTIONS), type_coerce(usersip.c.options, NullType()))
        .where(usersip.c.commented == 0, usersip.c.category == "trunk")
        .order_by(usersip.c.id)
    )


def _users() -> Select[Any]:
    # nearly all rows of all tables are needed, so hash joins carry it and no index does
    groups = named_groups()
    return (
        select(
            usersip.c.id,
            usersip.c.name,
            option_lines(USER_OPTIONS),
            type_coerce(usersip.c.options, NullType()),
            usersip.c.callerid,
            linefeatures.c.id,
            linefeatures.c.context,
            extensions.c.id,
            extensions.c.exten,
            userfeatures.c.id,
            userfeatures.c.uuid,
            userfeatures.c.musiconhold,
            voicemail.c.uniqueid,
            voicemail.c.mailbox + "@" + voicemail.c.context,
            groups.c.pickup,
            groups.c.call,
        )
        .join_from(usersip, linefeatures, linefeatures.c.protocolid == usersip.c.id)
        .outerjoin(user_line, (user_line.c.line_id == linefeatures.c.id) & user_line.c.main_user)
        .outerjoin(userfeatures, userfeatures.c.id == user_line.c.user_id)
        .outerjoin(voicemail, voicemail.c.uniqueid == userfeatures.c.voicemailid)
        .outerjoin(extensions, extensions.c.id == user_line.c.extension_id)
        .outerjoin(groups, groups.c.account == usersip.c.id)
        .where(linefeatures.c.protocol == "sip", usersip.c.category == "user", usersip.c.commented == 0)
        .order_by(usersip.c.id, user_line.c.id)
    )


TRUNKS = _trunks()
USERS = _users()


class SIPConf:
    """The driver: made with the daemon's configuration, asked for the file as often as one likes."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        asterisk = config.get("asterisk")
        self._nova_compatibility = isinstance(asterisk, Mapping) and bool(asterisk.get("nova_compatibility"))

    def generate(self) -> Iterator[str]:
        """The file in chunks of whole sections (docs/spec/19-sip.conf-xivo.md section 2)."""
        safe = SafeText(logger)
        return safe.written(self._pieces(safe))

    def _pieces(self, safe: SafeText) -> Iterator[str]:
        sections = Sections(safe, _names(safe))
        yield "[general]\n" + "".join(_general(safe)) + "\n" + "".join(_authentication(safe)) + "\n"
        yield from sections.write(TRUNKS, Trunk, {}, lambda trunk: [f"[{trunk.name}]"])
        yield "\n"
        completion = _call_completion()
        yield from sections.write(USERS, User, USER_SOURCES, lambda user: [*self._user_head(user), *completion])
        yield "\n"
        sections.warn()

    def _user_head(self, user: User) -> Iterable[str]:
        """Section 6.3, up to call completion."""
        number, context = user.number, user.context
        lines = (
            f"[{user.name}]",
            "setvar = CHANNEL(hangup_handler_push)=hangup_handlers,userevent,1",
            f"setvar = XIVO_ORIGINAL_CALLER_ID={user.callerid}",
            context and f"setvar = TRANSFER_CONTEXT={context}",
            number and context and f"setvar = PICKUPMARK={number}%{context}",
            user.user_id is not None and f"setvar = XIVO_USERID={user.user_id}",
            user.uuid and f"setvar = XIVO_USERUUID={user.uuid}",
            user.pickup and f"namedpickupgroup = {user.pickup}",
            user.call and f"namedcallgroup = {user.call}",
            user.moh and f"mohsuggest = {user.moh}",
            user.mailbox and f"mailbox = {user.mailbox}",
            user.callerid and f"description = {user.callerid}",
            self._nova_compatibility and number and f"accountcode = {number}",
        )
        return [line for line in lines if line]


def _names(safe: SafeText) -> Mapping[int | str, str] | None:
    """The section of each account that is written, by id; None if all are named as they are stored.

    Asterisk compares the names of accounts without case. All of them come in one text first: as rows they take longer.
    """
    separator = "\x1e"
    stored = usersip.c.name
    together = Session.execute(
        select(func.string_agg(stored, literal_column(r"E'\x1e'"))).where(usersip.c.commented == 0)
    ).scalar()
    if are_distinct((together or "-").split(separator), RESERVED, ignore_case=True):
        return None
    has_line = exists().where(linefeatures.c.protocol == "sip", linefeatures.c.protocolid == usersip.c.id)
    is_written = (usersip.c.category == "trunk") | has_line
    rows = Session.execute(select(usersip.c.id, stored).where(usersip.c.commented == 0, is_written)).all()
    return safe.section_names(map(tuple, rows), "usersip", "name", RESERVED, ignore_case=True)


def _general(safe: SafeText) -> Iterator[str]:
    """Section 4: all that is not disabled, whatever its file and category say."""
    rows = Session.execute(
        select(staticsip.c.id, staticsip.c.var_name, staticsip.c.var_val)
        .where(staticsip.c.commented == 0, staticsip.c.var_val.is_not(None))
        .order_by(staticsip.c.id)
    )
    for id_, raw_name, raw_value in rows:
        name = safe.key(raw_name, "staticsip", id_, "var_name")
        value = safe.value(raw_value, "staticsip", id_, "var_val")
        if name is None:
            continue
        if name in {"register", "mwi"}:
            yield f"{name} => {value}\n"
        elif name == "prematuremedia":
            yield f"prematuremedia = {'yes' if value == 'no' else 'no'}\n"
        elif name == "allow":
            yield f"disallow = all\nallow = {value}\n"
        elif name != "disallow":
            yield f"{name} = {value}\n"


def _authentication(safe: SafeText) -> Iterator[str]:
    rows = Session.execute(select(sipauthentication).order_by(sipauthentication.c.id)).mappings().all()
    if rows:
        yield "\n[authentication]\n"
    for row in rows:
        user, secret, realm = (
            safe.value(row[column], "sipauthentication", row["id"], column) for column in ("user", "secret", "realm")
        )
        yield f"auth = {user}{'#' if row['secretmode'] == 'md5' else ':'}{secret}@{realm}\n"


def _call_completion() -> Sequence[str]:
    """Section 6.4: what the feature code that toggles call completion says, for all users."""
    disabled = Session.execute(
        select(extensions.c.commented)
        .where(
            extensions.c.context == "xivo-features",
            extensions.c.type == "extenfeatures",
            extensions.c.typeval == "cctoggle",
        )
        .order_by(extensions.c.exten)
        .limit(1)
    ).scalar()
    return CALL_COMPLETION if disabled == 0 else NO_CALL_COMPLETION
