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
from xivo_confgend_wazo.impl.queries.static_options import safe_pair, static_options
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

    def generate(self) -> str:
        """The content of the file."""
        safe = SafeText(logger)
        content = "\n".join([_general(safe), *_call_number_limits(safe), *_trunks(safe)])
        safe.warn()
        return content


def _option(name: str, value: object) -> str:
    """One line, or several for `allow`: Asterisk adds to the codecs it allows by default, so those are taken away."""
    if name == "allow":
        return option("disallow", "all") + "".join(option("allow", codec) for codec in str(value).split(","))
    return option(name, value)


def _general(safe: SafeText) -> str:
    lines = ["[general]\n"]
    for row in static_options(staticiax):
        name, value = safe_pair(staticiax, row, safe)
        if name == "disallow" or value is None:
            continue
        line = object_option(name, value) if name == "register" else _option(name, value)
        lines.append(safe.named_line(line, "staticiax", row.id, "var_name"))
    return "".join(lines)


def _call_number_limits(safe: SafeText) -> Iterator[str]:
    columns = iaxcallnumberlimits.c
    statement = select(columns.id, columns.destination, columns.netmask, columns.calllimits).order_by(columns.id)
    lines = []
    for row_id, destination, netmask, limit in Session.execute(statement):
        where = ("iaxcallnumberlimits", row_id, "destination or netmask")
        lines.append(safe.named_line(option(safe.value(f"{destination}/{netmask}", *where), limit), *where))
    if lines:
        yield "[callnumberlimits]\n" + "".join(lines)


def _trunks(safe: SafeText) -> Iterator[str]:
    option_pairs = OptionPairs(logger, "useriax")
    for row_id, name, array, *values in Session.execute(_trunk_rows()):
        if safe.section_name(name, "useriax", row_id, "name") is None:
            continue
        lines = [f"[{name}]\n"]
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
                lines.append(safe.named_line(_option(safe.value(key, *where), safe.value(value, *where)), *where))
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
