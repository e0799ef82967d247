"""Function keys and their destinations (docs/spec/21-hints.md)."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA

func_key = Table(
    "func_key",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("type_id", Integer, nullable=False),
    Column("destination_type_id", Integer, primary_key=True, autoincrement=False),
    Index("func_key__idx__type_id", "type_id"),
)

func_key_template = Table(
    "func_key_template",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(128)),
    Column("private", Boolean, server_default=text("false"), nullable=False),
    Index("func_key_template__idx__tenant_uuid", "tenant_uuid"),
)

func_key_mapping = Table(
    "func_key_mapping",
    METADATA,
    Column("template_id", Integer, primary_key=True, autoincrement=False),
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, autoincrement=False),
    Column("label", String(128)),
    Column("position", Integer, nullable=False),
    Column("blf", Boolean, server_default=text("true"), nullable=False),
    UniqueConstraint("template_id", "position"),
)

func_key_dest_agent = Table(
    "func_key_dest_agent",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("11"), autoincrement=False),
    Column("agent_id", Integer, nullable=False),
    Column("feature_extension_uuid", UUID(as_uuid=False), nullable=False),
    UniqueConstraint("agent_id", "feature_extension_uuid"),
    Index("func_key_dest_agent__idx__agent_id", "agent_id"),
)

func_key_dest_bsfilter = Table(
    "func_key_dest_bsfilter",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("12"), autoincrement=False),
    Column("filtermember_id", Integer, primary_key=True, autoincrement=False),
    Index("func_key_dest_bsfilter__idx__filtermember_id", "filtermember_id"),
)

func_key_dest_conference = Table(
    "func_key_dest_conference",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("4"), autoincrement=False),
    Column("conference_id", Integer, primary_key=True, autoincrement=False),
)

func_key_dest_custom = Table(
    "func_key_dest_custom",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("10"), autoincrement=False),
    Column("exten", String(40), nullable=False),
)

func_key_dest_forward = Table(
    "func_key_dest_forward",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("6"), autoincrement=False),
    Column("feature_extension_uuid", UUID(as_uuid=False), primary_key=True),
    Column("number", String(40)),
)

func_key_dest_groupmember = Table(
    "func_key_dest_groupmember",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("13"), autoincrement=False),
    Column("group_id", Integer, nullable=False),
    Column("feature_extension_uuid", UUID(as_uuid=False), nullable=False),
    UniqueConstraint("group_id", "feature_extension_uuid"),
    Index("func_key_dest_groupmember__idx__group_id", "group_id"),
)

func_key_dest_service = Table(
    "func_key_dest_service",
    METADATA,
    Column("func_key_id", Integer, primary_key=True, autoincrement=False),
    Column("destination_type_id", Integer, primary_key=True, server_default=text("5"), autoincrement=False),
    Column("feature_extension_uuid", UUID(as_uuid=False), primary_key=True),
)
