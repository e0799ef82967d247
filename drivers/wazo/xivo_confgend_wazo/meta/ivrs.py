"""Interactive voice menus (docs/spec/20-extensions.conf.md section 9)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from xivo_confgend_wazo.meta.base import METADATA

ivr = Table(
    "ivr",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128), nullable=False),
    Column("greeting_sound", Text),
    Column("menu_sound", Text, nullable=False),
    Column("invalid_sound", Text),
    Column("abort_sound", Text),
    Column("timeout", Integer, server_default=text("5"), nullable=False),
    Column("max_tries", Integer, server_default=text("3"), nullable=False),
    Column("description", Text),
    Index("ivr__idx__tenant_uuid", "tenant_uuid"),
)

ivr_choice = Table(
    "ivr_choice",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ivr_id", Integer, nullable=False),
    Column("exten", String(40), nullable=False),
    Index("ivr_choice__idx__ivr_id", "ivr_id"),
)
