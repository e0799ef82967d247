"""Contexts, extensions, features and destinations (docs/spec/20-extensions.conf.md)."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import dialaction_action, dialaction_category, extenumbers_type

context = Table(
    "context",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("uuid", UUID(as_uuid=False), server_default=text("gen_random_uuid()")),
    Column("tenant_uuid", String(36), nullable=False),
    Column("name", String(79), nullable=False),
    Column("displayname", String(128)),
    Column("contexttype", String(40), server_default=text("'internal'"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("name"),
    UniqueConstraint("uuid"),
    Index("context__idx__tenant_uuid", "tenant_uuid"),
)

contextinclude = Table(
    "contextinclude",
    METADATA,
    Column("context", String(79), primary_key=True),
    Column("include", String(79), primary_key=True),
    Column("priority", Integer, server_default=text("0"), nullable=False),
)

extensions = Table(
    "extensions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("context", String(79), server_default=text("''"), nullable=False),
    Column("exten", String(40), server_default=text("''"), nullable=False),
    Column("type", extenumbers_type, nullable=False),
    Column("typeval", String(255), server_default=text("''"), nullable=False),
    UniqueConstraint("exten", "context"),
    Index("extensions__idx__context", "context"),
    Index("extensions__idx__exten", "exten"),
    Index("extensions__idx__type", "type"),
    Index("extensions__idx__typeval", "typeval"),
)

feature_extension = Table(
    "feature_extension",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("enabled", Boolean, server_default=text("true"), nullable=False),
    Column("exten", String(40), nullable=False),
    Column("feature", String(255), nullable=False),
    UniqueConstraint("exten"),
)

dialaction = Table(
    "dialaction",
    METADATA,
    Column("event", String(40), primary_key=True),
    Column("category", dialaction_category, primary_key=True),
    Column("categoryval", String(128), primary_key=True, server_default=text("''")),
    Column("action", dialaction_action, nullable=False),
    Column("actionarg1", String(255)),
    Column("actionarg2", String(255)),
    Index("dialaction__idx__action_actionarg1", "action", "actionarg1"),
    Index("dialaction__idx__categoryval", "categoryval"),
)
