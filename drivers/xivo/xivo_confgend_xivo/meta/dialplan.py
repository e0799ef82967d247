"""Extensions."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint, text

from xivo_confgend_xivo.meta.base import METADATA
from xivo_confgend_xivo.meta.types import extenumbers_type

extensions = Table(
    "extensions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("context", String(39), server_default=text("''"), nullable=False),
    Column("exten", String(40), server_default=text("''"), nullable=False),
    Column("type", extenumbers_type, nullable=False),
    Column("typeval", String(255), server_default=text("''"), nullable=False),
    UniqueConstraint("exten", "context"),
    Index("extensions__idx__context", "context"),
    Index("extensions__idx__exten", "exten"),
    Index("extensions__idx__type", "type"),
    Index("extensions__idx__typeval", "typeval"),
)
