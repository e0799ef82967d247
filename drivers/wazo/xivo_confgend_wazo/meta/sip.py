"""SIP endpoints, their templates and transports (docs/spec/10-pjsip.conf.md)."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import endpoint_sip_section_type

pjsip_transport = Table(
    "pjsip_transport",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("name", Text, nullable=False),
    UniqueConstraint("name"),
)

pjsip_transport_option = Table(
    "pjsip_transport_option",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("pjsip_transport_uuid", UUID(as_uuid=False), nullable=False),
    Index("pjsip_transport_option__idx__pjsip_transport_uuid", "pjsip_transport_uuid"),
)

endpoint_sip = Table(
    "endpoint_sip",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("label", Text),
    Column("name", Text, nullable=False),
    Column("asterisk_id", Text),
    Column("tenant_uuid", String(36), nullable=False),
    Column("transport_uuid", UUID(as_uuid=False)),
    Column("template", Boolean, server_default=text("false")),
    UniqueConstraint("name"),
)

endpoint_sip_template = Table(
    "endpoint_sip_template",
    METADATA,
    Column("child_uuid", UUID(as_uuid=False), primary_key=True),
    Column("parent_uuid", UUID(as_uuid=False), primary_key=True),
    Column("priority", Integer),
)

endpoint_sip_section = Table(
    "endpoint_sip_section",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("type", endpoint_sip_section_type, nullable=False),
    Column("endpoint_sip_uuid", UUID(as_uuid=False), nullable=False),
    UniqueConstraint("type", "endpoint_sip_uuid"),
    Index("endpoint_sip_section__idx__endpoint_sip_uuid", "endpoint_sip_uuid"),
)

endpoint_sip_section_option = Table(
    "endpoint_sip_section_option",
    METADATA,
    Column("uuid", UUID(as_uuid=False), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("endpoint_sip_section_uuid", UUID(as_uuid=False), nullable=False),
    Index("endpoint_sip_section_option__idx__endpoint_sip_section_uuid", "endpoint_sip_section_uuid"),
)
