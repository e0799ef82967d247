"""Call pickups."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import pickup_category, pickup_membertype

pickup = Table(
    "pickup",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("name"),
    Index("pickup__idx__tenant_uuid", "tenant_uuid"),
)

pickupmember = Table(
    "pickupmember",
    METADATA,
    Column("pickupid", Integer, primary_key=True, autoincrement=False),
    Column("category", pickup_category, primary_key=True),
    Column("membertype", pickup_membertype, primary_key=True),
    Column("memberid", Integer, primary_key=True, autoincrement=False),
)
