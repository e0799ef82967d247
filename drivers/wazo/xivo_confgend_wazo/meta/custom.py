"""Endpoints of other technologies."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint, text

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import trunk_protocol, usercustom_category

usercustom = Table(
    "usercustom",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(40)),
    Column("context", String(79)),
    Column("interface", String(128), nullable=False),
    Column("intfsuffix", String(32), server_default=text("''"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("protocol", trunk_protocol, server_default=text("'custom'"), nullable=False),
    Column("category", usercustom_category, nullable=False),
    UniqueConstraint("interface", "intfsuffix", "category"),
    Index("usercustom__idx__category", "category"),
    Index("usercustom__idx__context", "context"),
    Index("usercustom__idx__name", "name"),
    Index("usercustom__idx__tenant_uuid", "tenant_uuid"),
)
