"""The tables of the database as SQLAlchemy Core tables: what other packages may use that share it."""

from xivo_confgend_xivo.meta.base import METADATA
from xivo_confgend_xivo.meta.dialplan import extensions
from xivo_confgend_xivo.meta.lines import linefeatures, user_line
from xivo_confgend_xivo.meta.pickups import pickup, pickupmember
from xivo_confgend_xivo.meta.queues import groupfeatures, queuefeatures, queuemember
from xivo_confgend_xivo.meta.sip import sipauthentication, staticsip, usersip
from xivo_confgend_xivo.meta.users import userfeatures, voicemail

__all__ = [
    "METADATA",
    "extensions",
    "groupfeatures",
    "linefeatures",
    "pickup",
    "pickupmember",
    "queuefeatures",
    "queuemember",
    "sipauthentication",
    "staticsip",
    "user_line",
    "userfeatures",
    "usersip",
    "voicemail",
]
