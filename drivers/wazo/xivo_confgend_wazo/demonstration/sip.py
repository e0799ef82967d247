"""SIP: transports, the templates of each tenant, the endpoints of lines; and how an endpoint becomes rows.

Trunks and meetings make their endpoints with `endpoint_rows()` in their own modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xivo_confgend_wazo.demonstration.company import Company, Line, Tenant, identifier, pick, token
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import (
    endpoint_sip,
    endpoint_sip_section,
    endpoint_sip_section_option,
    endpoint_sip_template,
    pjsip_transport,
    pjsip_transport_option,
)

LOCAL_NETS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
TRANSPORTS: dict[str, tuple[tuple[str, str], ...]] = {
    "transport-udp": (
        ("protocol", "udp"),
        ("bind", "0.0.0.0:5060"),
        *(("local_net", net) for net in LOCAL_NETS),
        ("external_signaling_address", "203.0.113.10"),
        ("external_media_address", "203.0.113.10"),
    ),
    "transport-tcp": (("protocol", "tcp"), ("bind", "0.0.0.0:5060"), ("tcp_keepalive_enable", "yes")),
    "transport-wss": (("protocol", "wss"), ("bind", "0.0.0.0:5060")),
}

Option = tuple[str, str, str]
"""Section, key, value."""

TEMPLATES: dict[str, tuple[str | None, str | None, str]] = {
    # name: parent, transport, options
    "global": (
        None,
        "transport-udp",
        """
        aor maximum_expiration 3600
        aor default_expiration 120
        aor minimum_expiration 60
        aor qualify_frequency 60
        aor remove_existing true
        aor max_contacts 1
        endpoint rtp_timeout 7200
        endpoint allow_transfer yes
        endpoint use_ptime yes
        endpoint callerid wazo
        endpoint direct_media no
        endpoint dtmf_mode rfc4733
        endpoint language fr_FR
        endpoint inband_progress no
        endpoint rtp_timeout_hold 0
        endpoint timers_sess_expires 600
        endpoint timers_min_se 90
        endpoint trust_id_inbound no
        endpoint allow_subscribe yes
        endpoint allow !all,ulaw,alaw
        endpoint notify_early_inuse_ringing yes
        endpoint set_var TIMEOUT(absolute)=36000
        endpoint set_var DYNAMIC_FEATURES=togglerecord
        """,
    ),
    "webrtc": (
        "global",
        "transport-wss",
        """
        aor max_contacts 10
        aor remove_existing false
        endpoint webrtc yes
        endpoint dtls_auto_generate_cert yes
        endpoint allow !all,opus,g722,alaw,ulaw,vp9,vp8,h264
        endpoint max_audio_streams 1
        endpoint max_video_streams 25
        endpoint timers always
        endpoint timers_sess_expires 300
        """,
    ),
    "meeting_guest": ("webrtc", None, "aor max_contacts 50\nendpoint context wazo-meeting-guest"),
    "registration_trunk": (
        "global",
        None,
        """
        registration retry_interval 20
        registration max_retries 10000
        registration auth_rejection_permanent no
        registration forbidden_retry_interval 30
        registration fatal_retry_interval 30
        """,
    ),
    "twilio_trunk": (
        "registration_trunk",
        None,
        """
        identify match 198.51.100.0
        identify match 198.51.100.1
        identify match 198.51.100.2
        identify match 198.51.100.3
        """,
    ),
    "desk_phone": (
        "global",
        None,
        """
        endpoint send_pai yes
        endpoint rewrite_contact yes
        endpoint allow !all,g722,alaw,ulaw
        """,
    ),
    "open_space": ("desk_phone", None, "aor max_contacts 2\nendpoint set_var SITE=open-space"),
}


@dataclass(frozen=True)
class Endpoint:
    """One row of `endpoint_sip` with what hangs on it; `parents` are UUIDs in order of priority."""

    uuid: str
    name: str
    tenant: Tenant
    options: Sequence[Option]
    parents: Sequence[str] = ()
    label: str | None = None
    transport: str | None = None
    template: bool = False


def transport_uuid(name: str) -> str:
    """The UUID of the transport of this name."""
    return identifier("transport", name)


def template_uuid(tenant: Tenant, name: str) -> str:
    """The UUID of the template `name` of `tenant`."""
    return identifier("template", tenant.number, name)


def endpoint_uuid(kind: str, number: int) -> str:
    """The UUID of the endpoint of a line, trunk or meeting."""
    return identifier("endpoint", kind, number)


def content(company: Company) -> Iterator[Rows]:
    """Transports, templates and the endpoints of lines."""
    yield Rows(pjsip_transport, "uuid name", ((transport_uuid(name), name) for name in TRANSPORTS))
    yield Rows(
        pjsip_transport_option,
        "key value pjsip_transport_uuid",
        ((key, value, transport_uuid(name)) for name, options in TRANSPORTS.items() for key, value in options),
    )
    yield from endpoint_rows([_template(tenant, name) for tenant in company.tenants for name in TEMPLATES])
    yield from endpoint_rows([_endpoint(line) for line in company.lines if line.technology == "sip"])


def endpoint_rows(endpoints: Sequence[Endpoint]) -> Iterator[Rows]:
    """`endpoints` as rows of their four tables."""
    yield Rows(endpoint_sip, "uuid label name tenant_uuid transport_uuid template", map(_row, endpoints))
    yield Rows(
        endpoint_sip_template,
        "child_uuid parent_uuid priority",
        ((one.uuid, parent, place) for one in endpoints for place, parent in enumerate(one.parents)),
    )
    yield Rows(endpoint_sip_section, "uuid type endpoint_sip_uuid", _sections(endpoints))
    yield Rows(endpoint_sip_section_option, "uuid key value endpoint_sip_section_uuid", _options(endpoints))


def _row(one: Endpoint) -> Row:
    transport = transport_uuid(one.transport) if one.transport else None
    return one.uuid, one.label, one.name, one.tenant.uuid, transport, one.template


def _section_uuid(one: Endpoint, section: str) -> str:
    return identifier("section", one.uuid, section)


def _sections(endpoints: Sequence[Endpoint]) -> Iterator[Row]:
    for one in endpoints:
        for section in dict.fromkeys(option[0] for option in one.options):
            yield _section_uuid(one, section), section, one.uuid


def _options(endpoints: Sequence[Endpoint]) -> Iterator[Row]:
    for one in endpoints:
        sections = {section: _section_uuid(one, section) for section in {option[0] for option in one.options}}
        for place, (section, key, value) in enumerate(one.options):
            yield identifier("option", one.uuid, place), key, value, sections[section]


def _template(tenant: Tenant, name: str) -> Endpoint:
    parent, transport, text = TEMPLATES[name]
    options: list[Option] = []
    for line in text.strip().splitlines():
        section, key, value = line.split(maxsplit=2)
        options.append((section, key, value))
    return Endpoint(
        uuid=template_uuid(tenant, name),
        name=token(8, f"template {name}", tenant.number),
        tenant=tenant,
        options=options,
        parents=[template_uuid(tenant, parent)] if parent else [],
        label=name,
        transport=transport,
        template=True,
    )


def _parents(line: Line) -> list[str]:
    """Templates of a line: the product has written one or two, over the years."""
    if line.webrtc:
        names = ["global", "webrtc"] if line.id % 2 else ["webrtc"]
    else:
        names = [pick(("global", "desk_phone", "open_space"), "template", line.id)]
    return [template_uuid(line.user.tenant, name) for name in names]


def _endpoint(line: Line) -> Endpoint:
    user = line.user
    options = [
        ("auth", "username", line.name),
        ("auth", "password", token(8, "password", line.id)),
        ("endpoint", "callerid", f'"{user.name}" <{user.exten}>'),
    ]
    if user.language:
        options.append(("endpoint", "language", user.language))
    if line.id % 30 == 8:
        options.append(("endpoint", "set_var", f"DESK={line.id}"))
    if line.id % 60 == 11:
        options.append(("aor", "contact", f"sip:{line.name}@10.20.{line.id // 200 % 200}.{line.id % 200 + 1}:5060"))
    if line.id % 90 == 17:
        options += [("outbound_auth", "username", line.name), ("outbound_auth", "password", token(8, "out", line.id))]
    return Endpoint(
        uuid=endpoint_uuid("line", line.id),
        name=line.name,
        tenant=user.tenant,
        options=options,
        parents=_parents(line),
        label=f"webrtc {user.name}" if line.webrtc else (None if line.id % 4 == 1 else user.name),
        transport="transport-tcp" if line.id % 70 == 31 else None,
    )
