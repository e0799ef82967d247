"""Lines, trunks and what they are tied to."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA

linefeatures = Table(
    "linefeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("device", String(32)),
    Column("configregistrar", String(128)),
    Column("name", String(128)),
    Column("number", String(40)),
    Column("context", String(79), nullable=False),
    Column("provisioningid", Integer, nullable=False),
    Column("num", Integer, server_default=text("1")),
    Column("ipfrom", String(15)),
    Column("application_uuid", String(36)),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    Column("endpoint_sip_uuid", UUID(as_uuid=False)),
    Column("endpoint_sccp_id", Integer),
    Column("endpoint_custom_id", Integer),
    UniqueConstraint("name"),
    Index("linefeatures__idx__application_uuid", "application_uuid"),
    Index("linefeatures__idx__context", "context"),
    Index("linefeatures__idx__device", "device"),
    Index("linefeatures__idx__endpoint_custom_id", "endpoint_custom_id"),
    Index("linefeatures__idx__endpoint_sccp_id", "endpoint_sccp_id"),
    Index("linefeatures__idx__endpoint_sip_uuid", "endpoint_sip_uuid"),
    Index("linefeatures__idx__number", "number"),
    Index("linefeatures__idx__provisioningid", "provisioningid"),
)

user_line = Table(
    "user_line",
    METADATA,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("line_id", Integer, primary_key=True, autoincrement=False),
    Column("main_user", Boolean, nullable=False),
    Column("main_line", Boolean, nullable=False),
    Index("user_line__idx__line_id", "line_id"),
    Index("user_line__idx__user_id", "user_id"),
)

line_extension = Table(
    "line_extension",
    METADATA,
    Column("line_id", Integer, primary_key=True, autoincrement=False),
    Column("extension_id", Integer, primary_key=True, autoincrement=False),
    Column("main_extension", Boolean, nullable=False),
    Index("line_extension__idx__extension_id", "extension_id"),
    Index("line_extension__idx__line_id", "line_id"),
)

trunkfeatures = Table(
    "trunkfeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant_uuid", String(36), nullable=False),
    Column("endpoint_sip_uuid", UUID(as_uuid=False)),
    Column("endpoint_iax_id", Integer),
    Column("endpoint_custom_id", Integer),
    Column("register_iax_id", Integer),
    Column("registercommented", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    Column("context", String(79)),
    Column("outgoing_caller_id_format", Text, server_default=text("'+E164'"), nullable=False),
    Column("twilio_incoming", Boolean, server_default=text("false"), nullable=False),
    Index("trunkfeatures__idx__endpoint_custom_id", "endpoint_custom_id"),
    Index("trunkfeatures__idx__endpoint_iax_id", "endpoint_iax_id"),
    Index("trunkfeatures__idx__endpoint_sip_uuid", "endpoint_sip_uuid"),
    Index("trunkfeatures__idx__register_iax_id", "register_iax_id"),
    Index("trunkfeatures__idx__registercommented", "registercommented"),
    Index("trunkfeatures__idx__tenant_uuid", "tenant_uuid"),
)
