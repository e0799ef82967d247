"""Conferences and meetings."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, String, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA

conference = Table(
    "conference",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128)),
    Column("preprocess_subroutine", String(79)),
    Column("max_users", Integer, server_default=text("50"), nullable=False),
    Column("record", Boolean, server_default=text("false"), nullable=False),
    Column("pin", String(80)),
    Column("quiet_join_leave", Boolean, server_default=text("false"), nullable=False),
    Column("announce_join_leave", Boolean, server_default=text("false"), nullable=False),
    Column("announce_user_count", Boolean, server_default=text("false"), nullable=False),
    Column("announce_only_user", Boolean, server_default=text("true"), nullable=False),
    Column("music_on_hold", String(128)),
    Column("admin_pin", String(80)),
    Index("conference__idx__tenant_uuid", "tenant_uuid"),
)

meeting = Table(
    "meeting",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("name", Text),
    Column("guest_endpoint_sip_uuid", UUID(as_uuid=False)),
    Column("tenant_uuid", String(36), nullable=False),
    Column("created_at", DateTime(timezone=True), server_default=text("(now() AT TIME ZONE 'utc'::text)")),
    Column("persistent", Boolean, server_default=text("false"), nullable=False),
    Column("number", Text, nullable=False),
    Column("require_authorization", Boolean, server_default=text("false"), nullable=False),
    UniqueConstraint("number", "tenant_uuid"),
    Index("meeting__idx__guest_endpoint_sip_uuid", "guest_endpoint_sip_uuid"),
    Index("meeting__idx__tenant_uuid", "tenant_uuid"),
)
