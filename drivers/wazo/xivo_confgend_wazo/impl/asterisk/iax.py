"""asterisk/iax.conf: settings and trunks of IAX2 (docs/spec/12-iax.conf.md).

Order: everything by id, the columns of a trunk as listed in section 4.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Text, cast, select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, object_option, option
from xivo_confgend_wazo.impl.queries.option_pairs import OptionPairs, array_as_fetched
from xivo_confgend_wazo.impl.queries.static_options import safe_value, static_options
from xivo_confgend_wazo.meta import iaxcallnumberlimits, staticiax, useriax

logger = logging.getLogger(__name__)

COLUMNS = (
    "type",
    "username",
    "secret",
    "dbsecret",
    "setvar",
    "context",
    "language",
    "accountcode",
    "mailbox",
    "callerid",
    "fullname",
    "cid_number",
    "amaflags",
    "trunk",
    "auth",
    "encryption",
    "forceencryption",
    "maxauthreq",
    "inkeys",
    "outkey",
    "adsi",
    "jitterbuffer",
    "forcejitterbuffer",
    "immediate",
    "keyrotate",
    "transfer",
    "codecpriority",
    "sendani",
    "qualifysmoothing",
    "qualify",
    "qualifyfreqok",
    "qualifyfreqnotok",
    "timezone",
    "mohinterpret",
    "mohsuggest",
    "deny",
    "permit",
    "defaultip",
    "sourceaddress",
    "mask",
    "regexten",
    "peercontext",
    "allow",
    "host",
    "port",
    "parkinglot",
    "requirecalltoken",
)
"""The columns of `useriax` that are options, in the order in which they are written."""

RESERVED = ("general", "callnumberlimits")
"""Sections that are no trunks."""

YES_NO = frozenset(
    {
        "trunk",
        "adsi",
        "jitterbuffer",
        "forcejitterbuffer",
        "immediate",
        "keyrotate",
        "sendani",
        "qualifysmoothing",
    }
)
ENUMERATIONS = frozenset({"type", "amaflags", "auth", "encryption", "forceencryption", "transfer", "codecpriority"})


class IAXConf:
    """The driver of asterisk/iax.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        safe = SafeText(logger)
        return safe.written(["\n".join([_general(safe), *_call_number_limits(safe), *_trunks(safe)])])


def _option(name: str, value: object) -> str:
    """One line, or several for `allow`: Asterisk adds to the codecs it allows by default, so those are taken away."""
    if name == "allow":
        return option("disallow", "all") + "".join(option("allow", codec) for codec in str(value).split(","))
    return option(name, value)


def _general(safe: SafeText) -> str:
    lines = ["[general]\n"]
    for row in static_options(staticiax):
        if row.var_name == "disallow" or row.var_val is None:
            continue
        name = safe.key(row.var_name, "staticiax", row.id, "var_name")
        if name is not None:
            value = safe_value(staticiax, row, safe)
            lines.append(object_option(name, value) if name == "register" else _option(name, value))
    return "".join(lines)


def _call_number_limits(safe: SafeText) -> Iterator[str]:
    columns = iaxcallnumberlimits.c
    statement = select(columns.id, columns.destination, columns.netmask, columns.calllimits).order_by(columns.id)
    lines = []
    for row_id, destination, netmask, limit in Session.execute(statement):
        key = safe.key(f"{destination}/{netmask}", "iaxcallnumberlimits", row_id, "destination or netmask")
        if key is not None:
            lines.append(option(key, limit))
    if lines:
        yield "[callnumberlimits]\n" + "".join(lines)


def _trunks(safe: SafeText) -> Iterator[str]:
    option_pairs = OptionPairs(logger, "useriax")
    rows = Session.execute(_trunk_rows()).all()
    names = safe.section_names([(row.id, row.name) for row in rows], "useriax", "name", reserved=RESERVED)
    for row_id, _, array, *values in rows:
        if row_id not in names:
            continue
        lines = [f"[{names[row_id]}]\n"]
        for column, value in zip(COLUMNS, values, strict=True):
            if value is None or value == "":
                continue
            if column in YES_NO:
                lines.append(option(column, "yes" if value else "no"))
            else:
                lines.append(_option(column, safe.value(str(value), "useriax", row_id, column)))
        for key, value in option_pairs.read(array, row_id):
            if value:
                where = ("useriax", row_id, "options")
                written = safe.key(key, *where)
                if written is not None:
                    lines.append(_option(written, safe.value(value, *where)))
        yield "".join(lines)
    option_pairs.warn()


def _trunk_rows() -> Any:
    """Enumerations are read as text: a value that this code does not know is no error."""
    columns = [cast(useriax.c[name], Text) if name in ENUMERATIONS else useriax.c[name] for name in COLUMNS]
    return (
        select(useriax.c.id, useriax.c.name, array_as_fetched(useriax.c.options), *columns)
        .where(useriax.c.commented == 0, useriax.c.category == "trunk")
        .order_by(useriax.c.id)
    )
