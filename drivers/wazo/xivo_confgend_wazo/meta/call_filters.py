"""Boss and secretary filters."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import (
    callfilter_bosssecretary,
    callfilter_callfrom,
    callfilter_type,
    callfiltermember_type,
    generic_bsfilter,
)

callfilter = Table(
    "callfilter",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128), server_default=text("''"), nullable=False),
    Column("type", callfilter_type, nullable=False),
    Column("bosssecretary", callfilter_bosssecretary),
    Column("callfrom", callfilter_callfrom),
    Column("ringseconds", Integer, server_default=text("0"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("name"),
    Index("callfilter__idx__tenant_uuid", "tenant_uuid"),
)

callfiltermember = Table(
    "callfiltermember",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("callfilterid", Integer, server_default=text("0"), nullable=False),
    Column("type", callfiltermember_type, nullable=False),
    Column("typeval", String(128), server_default=text("'0'"), nullable=False),
    Column("ringseconds", Integer, server_default=text("0"), nullable=False),
    Column("priority", Integer, server_default=text("0"), nullable=False),
    Column("bstype", generic_bsfilter, nullable=False),
    Column("active", Integer, server_default=text("0"), nullable=False),
    UniqueConstraint("callfilterid", "type", "typeval"),
)
