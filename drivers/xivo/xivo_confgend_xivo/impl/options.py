"""The options of an account: which columns of `usersip` are written, in which order, and how.

PostgreSQL writes the lines (there are 80 columns, and most of them are empty most of the time), so
a row arrives as one text. Each line in it ends with a text that the caller chooses, because a
value may hold a line break of its own. See docs/spec/19-sip.conf-xivo.md sections 3.3, 5 and 8.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Enum, String, Text, bindparam, case, cast, func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from xivo_confgend_xivo.meta import usersip

END = "end_of_line"
"""Name of the parameter that takes the end of a line."""
_END = bindparam(END, type_=Text)

COLUMNS = """
busylevel mohinterpret useclientcode buggymwi fullcontact allowsubscribe call-limit subscribemwi amaflags sendrpid
session-timers cid_number callcounter g726nonstandard progressinband port transport regseconds t38pt_usertpsource
maxcallbitrate regexten callerid timert1 session-minse maxforwards ipaddr fromdomain lastms md5secret secret
allowtransfer use_q850_reason autoframing regserver qualify videosupport type directmedia username nat allow
rtpkeepalive callbackextension accountcode insecure snom_aoc_enabled rtpholdtimeout disallowed_methods parkinglot
session-expires host promiscredir defaultip remotesecret subscribecontext ignoresdpversion fullname contactdeny
allowoverlap qualifyfreq vmexten contactpermit dtmfmode timerb language callingpres usereqphone rtptimeout textsupport
unsolicited_mailbox outboundproxy rfc2833compensate deny t38pt_udptl context encryption fromuser session-refresher
trustrpid permit
"""
"""Section 8: an order that chan_sip reads like the table's (deny before permit, and so on)."""

YES_NO = """
allowtransfer subscribemwi buggymwi promiscredir usereqphone trustrpid allowsubscribe allowoverlap rfc2833compensate
g726nonstandard autoframing useclientcode t38pt_udptl t38pt_usertpsource callcounter ignoresdpversion use_q850_reason
encryption snom_aoc_enabled textsupport
"""
"""Section 3.3: the columns of class yn; all others are written as stored."""

TRUNKS_ONLY = frozenset({"fullcontact", "ipaddr", "regseconds", "lastms"})

_YES_NO = frozenset(YES_NO.split())
TRUNK_OPTIONS = tuple(COLUMNS.split())
USER_OPTIONS = tuple(name for name in TRUNK_OPTIONS if name not in TRUNKS_ONLY)


def option_lines(names: tuple[str, ...]) -> ColumnElement[str]:
    """The lines of the columns `names` as one text, behind a `disallow = all` if `allow` is among them.

    NULL and empty columns are left out. Each line ends with the parameter `END`.
    """
    allowed = case((usersip.c.allow != _text(""), _text("disallow = all") + _END))
    return func.concat(allowed, *(_line(usersip.c[name]) for name in names))


def _line(column: Column[Any]) -> ColumnElement[Any]:
    # a line with a NULL in it is NULL, and concat() skips it
    if column.name in _YES_NO:
        return case(
            (column == literal_column("0"), _text(f"{column.name} = no") + _END),
            (column.is_not(None), _text(f"{column.name} = yes") + _END),
        )
    # only a text can be empty; an enumeration would refuse the comparison
    may_be_empty = isinstance(column.type, String) and not isinstance(column.type, Enum)
    value = func.nullif(column, _text("")) if may_be_empty else cast(column, Text)
    return _text(f"{column.name} = ") + value + _END


def _text(constant: str) -> ColumnElement[str]:
    # a literal, not a parameter: the statement has about two hundred of them
    return literal_column(f"'{constant}'", Text)
