"""Groups and queues, for the pickups of their members."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, UniqueConstraint, text

from xivo_confgend_xivo.meta.base import METADATA
from xivo_confgend_xivo.meta.types import queue_category, queuemember_usertype

groupfeatures = Table(
    "groupfeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("number", String(40), server_default=text("''"), nullable=False),
    Column("context", String(39), nullable=False),
    Column("transfer_user", Integer, server_default=text("0"), nullable=False),
    Column("transfer_call", Integer, server_default=text("0"), nullable=False),
    Column("write_caller", Integer, server_default=text("0"), nullable=False),
    Column("write_calling", Integer, server_default=text("0"), nullable=False),
    Column("ignore_forward", Integer, server_default=text("1"), nullable=False),
    Column("timeout", Integer),
    Column("preprocess_subroutine", String(39)),
    Column("deleted", Integer, server_default=text("0"), nullable=False),
    Index("groupfeatures__idx__context", "context"),
    Index("groupfeatures__idx__name", "name"),
    Index("groupfeatures__idx__number", "number"),
)

queuefeatures = Table(
    "queuefeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("displayname", String(128), nullable=False),
    Column("number", String(40), server_default=text("''"), nullable=False),
    Column("context", String(39)),
    Column("data_quality", Integer, server_default=text("0"), nullable=False),
    Column("hitting_callee", Integer, server_default=text("0"), nullable=False),
    Column("hitting_caller", Integer, server_default=text("0"), nullable=False),
    Column("retries", Integer, server_default=text("0"), nullable=False),
    Column("ring", Integer, server_default=text("0"), nullable=False),
    Column("transfer_user", Integer, server_default=text("0"), nullable=False),
    Column("transfer_call", Integer, server_default=text("0"), nullable=False),
    Column("write_caller", Integer, server_default=text("0"), nullable=False),
    Column("write_calling", Integer, server_default=text("0"), nullable=False),
    Column("ignore_forward", Integer, server_default=text("1"), nullable=False),
    Column("url", String(255), server_default=text("''"), nullable=False),
    Column("announceoverride", String(128), server_default=text("''"), nullable=False),
    Column("timeout", Integer),
    Column("preprocess_subroutine", String(39)),
    Column("announce_holdtime", Integer, server_default=text("0"), nullable=False),
    Column("waittime", Integer),
    Column("waitratio", Float),
    UniqueConstraint("name"),
    Index("queuefeatures__idx__context", "context"),
    Index("queuefeatures__idx__number", "number"),
)

queuemember = Table(
    "queuemember",
    METADATA,
    Column("queue_name", String(128), primary_key=True),
    Column("interface", String(128), primary_key=True),
    Column("penalty", Integer, server_default=text("0"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("usertype", queuemember_usertype, nullable=False),
    Column("userid", Integer, nullable=False),
    Column("channel", String(25), nullable=False),
    Column("category", queue_category, nullable=False),
    Column("position", Integer, server_default=text("0"), nullable=False),
    UniqueConstraint("queue_name", "channel", "usertype", "userid", "category"),
    Index("queuemember__idx__category", "category"),
    Index("queuemember__idx__channel", "channel"),
    Index("queuemember__idx__userid", "userid"),
    Index("queuemember__idx__usertype", "usertype"),
)
