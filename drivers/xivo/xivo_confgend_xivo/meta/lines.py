"""Lines and the users they belong to."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_xivo.meta.base import METADATA
from xivo_confgend_xivo.meta.types import trunk_protocol

linefeatures = Table(
    "linefeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("protocol", trunk_protocol),
    Column("protocolid", Integer),
    Column("device", String(32)),
    Column("configregistrar", String(128)),
    Column("name", String(128)),
    Column("number", String(40)),
    Column("context", String(39), nullable=False),
    Column("provisioningid", Integer, nullable=False),
    Column("num", Integer, server_default=text("1")),
    Column("ipfrom", String(15)),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("name"),
    UniqueConstraint("protocol", "protocolid"),
    Index("linefeatures__idx__context", "context"),
    Index("linefeatures__idx__device", "device"),
    Index("linefeatures__idx__number", "number"),
    Index("linefeatures__idx__provisioningid", "provisioningid"),
)

user_line = Table(
    "user_line",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer),
    Column("line_id", Integer, primary_key=True, autoincrement=False),
    Column("extension_id", Integer),
    Column("main_user", Boolean, nullable=False),
    Column("main_line", Boolean, nullable=False),
    UniqueConstraint("user_id", "line_id"),
)
