"""The tables of the database as SQLAlchemy Core tables: what other packages may use that share it."""

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.call_filters import callfilter, callfiltermember
from xivo_confgend_wazo.meta.conferences import conference, meeting
from xivo_confgend_wazo.meta.custom import usercustom
from xivo_confgend_wazo.meta.dialplan import context, contextinclude, dialaction, extensions, feature_extension
from xivo_confgend_wazo.meta.features import features, moh, parking_lot
from xivo_confgend_wazo.meta.files import asterisk_file, asterisk_file_section, asterisk_file_variable
from xivo_confgend_wazo.meta.func_keys import (
    func_key,
    func_key_dest_agent,
    func_key_dest_bsfilter,
    func_key_dest_conference,
    func_key_dest_custom,
    func_key_dest_forward,
    func_key_dest_groupmember,
    func_key_dest_service,
    func_key_mapping,
    func_key_template,
)
from xivo_confgend_wazo.meta.iax import iaxcallnumberlimits, staticiax, useriax
from xivo_confgend_wazo.meta.ivrs import ivr, ivr_choice
from xivo_confgend_wazo.meta.lines import line_extension, linefeatures, trunkfeatures, user_line
from xivo_confgend_wazo.meta.pickups import pickup, pickupmember
from xivo_confgend_wazo.meta.provisioning import accessfeatures, netiface, provisioning
from xivo_confgend_wazo.meta.queues import (
    agentfeatures,
    agentqueueskill,
    groupfeatures,
    queue,
    queuefeatures,
    queuemember,
    queueskill,
    queueskillrule,
    staticqueue,
)
from xivo_confgend_wazo.meta.sccp import sccpdevice, sccpgeneralsettings, sccpline
from xivo_confgend_wazo.meta.sip import (
    endpoint_sip,
    endpoint_sip_section,
    endpoint_sip_section_option,
    endpoint_sip_template,
    pjsip_transport,
    pjsip_transport_option,
)
from xivo_confgend_wazo.meta.tenants import infos, tenant
from xivo_confgend_wazo.meta.users import userfeatures
from xivo_confgend_wazo.meta.voicemails import staticvoicemail, voicemail

__all__ = [
    "METADATA",
    "accessfeatures",
    "agentfeatures",
    "agentqueueskill",
    "asterisk_file",
    "asterisk_file_section",
    "asterisk_file_variable",
    "callfilter",
    "callfiltermember",
    "conference",
    "context",
    "contextinclude",
    "dialaction",
    "endpoint_sip",
    "endpoint_sip_section",
    "endpoint_sip_section_option",
    "endpoint_sip_template",
    "extensions",
    "feature_extension",
    "features",
    "func_key",
    "func_key_dest_agent",
    "func_key_dest_bsfilter",
    "func_key_dest_conference",
    "func_key_dest_custom",
    "func_key_dest_forward",
    "func_key_dest_groupmember",
    "func_key_dest_service",
    "func_key_mapping",
    "func_key_template",
    "groupfeatures",
    "iaxcallnumberlimits",
    "infos",
    "ivr",
    "ivr_choice",
    "line_extension",
    "linefeatures",
    "meeting",
    "moh",
    "netiface",
    "parking_lot",
    "pickup",
    "pickupmember",
    "pjsip_transport",
    "pjsip_transport_option",
    "provisioning",
    "queue",
    "queuefeatures",
    "queuemember",
    "queueskill",
    "queueskillrule",
    "sccpdevice",
    "sccpgeneralsettings",
    "sccpline",
    "staticiax",
    "staticqueue",
    "staticvoicemail",
    "tenant",
    "trunkfeatures",
    "user_line",
    "usercustom",
    "userfeatures",
    "useriax",
    "voicemail",
]
