"""SCCP devices, lines and settings (docs/spec/11-sccp.conf.md)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import trunk_protocol

sccpgeneralsettings = Table(
    "sccpgeneralsettings",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("option_name", String(80), nullable=False),
    Column("option_value", String(80), nullable=False),
)

sccpdevice = Table(
    "sccpdevice",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("device", String(80), nullable=False),
    Column("line", String(80), server_default=text("''"), nullable=False),
)

sccpline = Table(
    "sccpline",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(80), nullable=False),
    Column("context", String(79), nullable=False),
    Column("cid_name", String(80), nullable=False),
    Column("cid_num", String(80), nullable=False),
    Column("disallow", String(100)),
    Column("allow", Text),
    Column("protocol", trunk_protocol, server_default=text("'sccp'"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Index("sccpline__idx__tenant_uuid", "tenant_uuid"),
)
