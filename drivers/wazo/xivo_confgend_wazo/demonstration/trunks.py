"""Ways to the outside: SIP trunks of three kinds, IAX trunks, custom trunks."""

from __future__ import annotations

from collections.abc import Iterator

from xivo_confgend_wazo.demonstration.company import Company, Tenant, token
from xivo_confgend_wazo.demonstration.sip import Endpoint, Option, endpoint_rows, endpoint_uuid, template_uuid
from xivo_confgend_wazo.demonstration.writer import Row, Rows, array
from xivo_confgend_wazo.meta import iaxcallnumberlimits, trunkfeatures, usercustom, useriax

KINDS = ("registration_trunk", "global", "twilio_trunk")
"""The SIP trunks of a tenant, by their template: one that registers, one known by address, one in between."""

LIMITS = (("10.20.0.0", "255.255.0.0", 512), ("192.168.44.0", "255.255.255.0", 32), ("203.0.113.0", "255.255.255.0", 4))
CUSTOM_OFFSET = 10_000_000
"""Custom trunks have ids after those of all custom lines."""
TRUNKS_OF_A_TENANT = len(KINDS) + 2

IAX_COLUMNS = (
    "id tenant_uuid name type username secret context language trunk encryption jitterbuffer sendani qualify"
    " disallow allow setvar host port requirecalltoken options category"
)


def content(company: Company) -> Iterator[Rows]:
    """Trunks and their endpoints."""
    tenants = company.tenants
    yield from endpoint_rows([_endpoint(tenant, kind) for tenant in tenants for kind in KINDS])
    yield Rows(useriax, IAX_COLUMNS, map(_iax, tenants))
    yield Rows(iaxcallnumberlimits, "destination netmask calllimits", LIMITS)
    yield Rows(
        usercustom,
        "id tenant_uuid context interface category",
        ((_custom_id(one), one.uuid, one.incall, f"dahdi/g{one.number}", "trunk") for one in tenants),
    )
    columns = "id tenant_uuid endpoint_sip_uuid endpoint_iax_id endpoint_custom_id description context twilio_incoming"
    yield Rows(trunkfeatures, columns, (row for tenant in tenants for row in _trunks(tenant)))


def _custom_id(tenant: Tenant) -> int:
    return CUSTOM_OFFSET + tenant.number


def _number(tenant: Tenant, kind: str) -> int:
    return (tenant.number - 1) * TRUNKS_OF_A_TENANT + KINDS.index(kind) + 1


def _trunks(tenant: Tenant) -> Iterator[Row]:
    for kind in KINDS:
        number = _number(tenant, kind)
        uuid = endpoint_uuid("trunk", number)
        yield number, tenant.uuid, uuid, None, None, "", tenant.incall, kind == "twilio_trunk"
    number = _number(tenant, KINDS[-1])
    yield number + 1, tenant.uuid, None, tenant.number, None, "", tenant.incall, False
    yield number + 2, tenant.uuid, None, None, _custom_id(tenant), "", tenant.incall, False


def _endpoint(tenant: Tenant, kind: str) -> Endpoint:
    number = _number(tenant, kind)
    host = f"sip{number}.carrier.example.net"
    name = token(8, "trunk", number)
    options: list[Option] = [
        ("aor", "contact", f"sip:{host}:5060"),
        ("endpoint", "allow", "!all,alaw,ulaw"),
        ("endpoint", "from_domain", host),
        ("endpoint", "set_var", f"CARRIER={number}"),
    ]
    if kind == "registration_trunk":
        options += [
            ("registration", "client_uri", f"sip:{name}@{host}:5060"),
            ("registration", "server_uri", f"sip:{host}:5060"),
            ("registration_outbound_auth", "username", name),
            ("registration_outbound_auth", "password", token(12, "registration", number)),
            ("endpoint", "callerid", f'"{tenant.slug}" <+331{number:08}>'),
        ]
    if kind != "twilio_trunk":
        options += [
            ("outbound_auth", "username", name),
            ("outbound_auth", "password", token(12, "outbound", number)),
            ("identify", "match", host),
            ("identify", "match", f"203.0.113.{number % 250 + 1}"),
        ]
    else:
        options += [("auth", "username", name), ("auth", "password", token(12, "inbound", number))]
    return Endpoint(
        uuid=endpoint_uuid("trunk", number),
        name=name,
        tenant=tenant,
        options=options,
        parents=[template_uuid(tenant, kind)],
        label=f"Carrier {number}",
        transport="transport-tcp" if kind == "global" else None,
    )


def _iax(tenant: Tenant) -> Row:
    number = tenant.number
    return (
        number,
        tenant.uuid,
        f"iax-{tenant.slug}",
        ("friend", "peer", "user")[number % 3],
        f"branch{number}",
        token(12, "iax", number),
        tenant.incall,
        "fr_FR" if number % 2 else None,
        number % 2,
        "aes128" if number % 3 == 1 else None,
        1 if number % 4 == 2 else None,
        0,
        "yes",
        "all",
        "ulaw,alaw" if number % 3 else None,
        f"BRANCH={number}",
        f"iax{number}.branch.example.net",
        4569 if number % 2 else None,
        "no",
        array([("maxcallnumbers", "64"), ("allow", "gsm,speex")]) if number % 2 else "{}",
        "trunk",
    )
