"""Call pickups."""

from sqlalchemy import Column, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_xivo.meta.base import METADATA
from xivo_confgend_xivo.meta.types import pickup_category, pickup_membertype

pickup = Table(
    "pickup",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entity_id", Integer),
    Column("name", String(128), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("name"),
)

pickupmember = Table(
    "pickupmember",
    METADATA,
    Column("pickupid", Integer, primary_key=True, autoincrement=False),
    Column("category", pickup_category, primary_key=True),
    Column("membertype", pickup_membertype, primary_key=True),
    Column("memberid", Integer, primary_key=True, autoincrement=False),
)
