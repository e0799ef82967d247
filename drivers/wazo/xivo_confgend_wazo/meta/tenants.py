"""Tenants and the identity of the PBX."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from xivo_confgend_wazo.meta.base import METADATA

tenant = Table(
    "tenant",
    METADATA,
    Column("uuid", String(36), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("slug", String(10)),
    Column("sip_templates_generated", Boolean, server_default=text("false"), nullable=False),
    Column("global_sip_template_uuid", UUID(as_uuid=False)),
    Column("webrtc_sip_template_uuid", UUID(as_uuid=False)),
    Column("registration_trunk_sip_template_uuid", UUID(as_uuid=False)),
    Column("meeting_guest_sip_template_uuid", UUID(as_uuid=False)),
    Column("twilio_trunk_sip_template_uuid", UUID(as_uuid=False)),
    Column("country", String(2)),
    Column("record_start_announcement", Text),
    Column("record_stop_announcement", Text),
    Column("voicemail_transcription_enabled", Boolean, server_default=text("false"), nullable=False),
    Index("tenant__idx__global_sip_template_uuid", "global_sip_template_uuid"),
    Index("tenant__idx__meeting_guest_sip_template_uuid", "meeting_guest_sip_template_uuid"),
    Index("tenant__idx__registration_trunk_sip_template_uuid", "registration_trunk_sip_template_uuid"),
    Index("tenant__idx__twilio_trunk_sip_template_uuid", "twilio_trunk_sip_template_uuid"),
    Index("tenant__idx__webrtc_sip_template_uuid", "webrtc_sip_template_uuid"),
)

infos = Table(
    "infos",
    METADATA,
    Column("uuid", String(38), primary_key=True),
    Column("wazo_version", String(64), nullable=False),
    Column("live_reload_enabled", Boolean, server_default=text("true"), nullable=False),
    Column("timezone", String(128)),
    Column("configured", Boolean, server_default=text("false"), nullable=False),
)
