"""The enumerations of the database, one each, shared by the tables that use them."""

from sqlalchemy.dialects.postgresql import ENUM

from xivo_confgend_wazo.meta.base import METADATA

callfilter_bosssecretary = ENUM(
    "bossfirst-serial",
    "bossfirst-simult",
    "secretary-serial",
    "secretary-simult",
    "all",
    name="callfilter_bosssecretary",
    metadata=METADATA,
)
callfilter_callfrom = ENUM("internal", "external", "all", name="callfilter_callfrom", metadata=METADATA)
callfilter_type = ENUM("bosssecretary", name="callfilter_type", metadata=METADATA)
callfiltermember_type = ENUM("user", name="callfiltermember_type", metadata=METADATA)
dialaction_action = ENUM(
    "none",
    "endcall:busy",
    "endcall:congestion",
    "endcall:hangup",
    "user",
    "group",
    "queue",
    "voicemail",
    "extension",
    "outcall",
    "application:callbackdisa",
    "application:disa",
    "application:directory",
    "application:faxtomail",
    "application:voicemailmain",
    "application:password",
    "sound",
    "custom",
    "ivr",
    "conference",
    "switchboard",
    "application:custom",
    name="dialaction_action",
    metadata=METADATA,
)
dialaction_category = ENUM(
    "callfilter",
    "group",
    "incall",
    "queue",
    "user",
    "ivr",
    "ivr_choice",
    "switchboard",
    name="dialaction_category",
    metadata=METADATA,
)
endpoint_sip_section_type = ENUM(
    "aor",
    "auth",
    "endpoint",
    "identify",
    "outbound_auth",
    "registration_outbound_auth",
    "registration",
    name="endpoint_sip_section_type",
    metadata=METADATA,
)
extenumbers_type = ENUM(
    "extenfeatures",
    "featuremap",
    "generalfeatures",
    "group",
    "incall",
    "outcall",
    "queue",
    "user",
    "voicemenu",
    "conference",
    "parking",
    name="extenumbers_type",
    metadata=METADATA,
)
generic_bsfilter = ENUM("no", "boss", "secretary", name="generic_bsfilter", metadata=METADATA)
netiface_family = ENUM("inet", "inet6", name="netiface_family", metadata=METADATA)
netiface_method = ENUM("static", "dhcp", "manual", name="netiface_method", metadata=METADATA)
netiface_networktype = ENUM("data", "voip", name="netiface_networktype", metadata=METADATA)
netiface_type = ENUM("iface", name="netiface_type", metadata=METADATA)
pickup_category = ENUM("member", "pickup", name="pickup_category", metadata=METADATA)
pickup_membertype = ENUM("group", "queue", "user", name="pickup_membertype", metadata=METADATA)
queue_category = ENUM("group", "queue", name="queue_category", metadata=METADATA)
queue_monitor_type = ENUM("no", "mixmonitor", name="queue_monitor_type", metadata=METADATA)
queuemember_usertype = ENUM("agent", "user", name="queuemember_usertype", metadata=METADATA)
trunk_protocol = ENUM("sip", "iax", "sccp", "custom", name="trunk_protocol", metadata=METADATA)
usercustom_category = ENUM("user", "trunk", name="usercustom_category", metadata=METADATA)
useriax_amaflags = ENUM("default", "omit", "billing", "documentation", name="useriax_amaflags", metadata=METADATA)
useriax_auth = ENUM(
    "plaintext",
    "md5",
    "rsa",
    "plaintext,md5",
    "plaintext,rsa",
    "md5,rsa",
    "plaintext,md5,rsa",
    name="useriax_auth",
    metadata=METADATA,
)
useriax_category = ENUM("user", "trunk", name="useriax_category", metadata=METADATA)
useriax_codecpriority = ENUM("disabled", "host", "caller", "reqonly", name="useriax_codecpriority", metadata=METADATA)
useriax_encryption = ENUM("no", "yes", "aes128", name="useriax_encryption", metadata=METADATA)
useriax_transfer = ENUM("no", "yes", "mediaonly", name="useriax_transfer", metadata=METADATA)
useriax_type = ENUM("friend", "peer", "user", name="useriax_type", metadata=METADATA)
voicemail_accesstype = ENUM("personal", "global", name="voicemail_accesstype", metadata=METADATA)
