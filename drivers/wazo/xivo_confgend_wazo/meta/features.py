"""Asterisk features, parking lots, music on hold (docs/spec/24-features-parking-moh-modules.md)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_wazo.meta.base import METADATA

features = Table(
    "features",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("cat_metric", Integer, server_default=text("0"), nullable=False),
    Column("var_metric", Integer, server_default=text("0"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("filename", String(128), nullable=False),
    Column("category", String(128), nullable=False),
    Column("var_name", String(128), nullable=False),
    Column("var_val", String(255)),
    Index("features__idx__category", "category"),
)

parking_lot = Table(
    "parking_lot",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128)),
    Column("slots_start", String(40), nullable=False),
    Column("slots_end", String(40), nullable=False),
    Column("timeout", Integer),
    Column("music_on_hold", String(128)),
    Index("parking_lot__idx__tenant_uuid", "tenant_uuid"),
)

moh = Table(
    "moh",
    METADATA,
    Column("uuid", String(38), primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("application", Text),
    Column("sort", Text),
    UniqueConstraint("name"),
    Index("moh__idx__tenant_uuid", "tenant_uuid"),
)
