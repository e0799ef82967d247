"""Voicemail settings and boxes (docs/spec/23-voicemail.conf.md)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import voicemail_accesstype

staticvoicemail = Table(
    "staticvoicemail",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("cat_metric", Integer, server_default=text("0"), nullable=False),
    Column("var_metric", Integer, server_default=text("0"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("filename", String(128), nullable=False),
    Column("category", String(128), nullable=False),
    Column("var_name", String(128), nullable=False),
    Column("var_val", Text),
    Index("staticvoicemail__idx__category", "category"),
)

voicemail = Table(
    "voicemail",
    METADATA,
    Column("uniqueid", Integer, primary_key=True),
    Column("context", String(79), nullable=False),
    Column("mailbox", String(40), nullable=False),
    Column("password", String(80)),
    Column("fullname", String(80), server_default=text("''"), nullable=False),
    Column("email", String(80)),
    Column("pager", String(80)),
    Column("language", String(20)),
    Column("tz", String(80)),
    Column("attach", Integer),
    Column("deletevoicemail", Integer, server_default=text("0"), nullable=False),
    Column("maxmsg", Integer),
    Column("skipcheckpass", Integer, server_default=text("0"), nullable=False),
    Column("options", ARRAY(String, dimensions=2), server_default=text("'{}'"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("accesstype", voicemail_accesstype, server_default=text("'personal'"), nullable=False),
    UniqueConstraint("mailbox", "context"),
    Index(
        "voicemail__idx__accesstype_context",
        "accesstype",
        "context",
        unique=True,
        postgresql_where=text("(accesstype = 'global')"),
    ),
    Index("voicemail__idx__context", "context"),
)
