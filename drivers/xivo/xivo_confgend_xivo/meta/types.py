"""The enumerations of the database, one each, shared by the tables that use them."""

from sqlalchemy.dialects.postgresql import ENUM

from xivo_confgend_xivo.meta.base import METADATA

extenumbers_type = ENUM(
    "extenfeatures",
    "featuremap",
    "generalfeatures",
    "group",
    "incall",
    "meetme",
    "outcall",
    "queue",
    "user",
    "voicemenu",
    name="extenumbers_type",
    metadata=METADATA,
)
generic_bsfilter = ENUM("no", "boss", "secretary", name="generic_bsfilter", metadata=METADATA)
pickup_category = ENUM("member", "pickup", name="pickup_category", metadata=METADATA)
pickup_membertype = ENUM("group", "queue", "user", name="pickup_membertype", metadata=METADATA)
queue_category = ENUM("group", "queue", name="queue_category", metadata=METADATA)
queuemember_usertype = ENUM("agent", "user", name="queuemember_usertype", metadata=METADATA)
sipauthentication_secretmode = ENUM("md5", "clear", name="sipauthentication_secretmode", metadata=METADATA)
trunk_protocol = ENUM("sip", "iax", "sccp", "custom", name="trunk_protocol", metadata=METADATA)
useriax_amaflags = ENUM("default", "omit", "billing", "documentation", name="useriax_amaflags", metadata=METADATA)
useriax_category = ENUM("user", "trunk", name="useriax_category", metadata=METADATA)
useriax_type = ENUM("friend", "peer", "user", name="useriax_type", metadata=METADATA)
usersip_dtmfmode = ENUM("rfc2833", "inband", "info", "auto", name="usersip_dtmfmode", metadata=METADATA)
usersip_insecure = ENUM("port", "invite", "port,invite", name="usersip_insecure", metadata=METADATA)
usersip_nat = ENUM("no", "force_rport", "comedia", "force_rport,comedia", name="usersip_nat", metadata=METADATA)
usersip_progressinband = ENUM("no", "yes", "never", name="usersip_progressinband", metadata=METADATA)
usersip_session_refresher = ENUM("uac", "uas", name="usersip_session_refresher", metadata=METADATA)
usersip_session_timers = ENUM("originate", "accept", "refuse", name="usersip_session_timers", metadata=METADATA)
usersip_videosupport = ENUM("no", "yes", "always", name="usersip_videosupport", metadata=METADATA)
