"""The sections of an endpoint: defaults, ancestors, own and computed options (docs/spec/10-pjsip.conf.md section 5).

Ancestors are collapsed once, and so is each combination of parents that endpoints have: see `collapse` for why
that is the same. One instance serves one part of the file, because roles differ between parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import TypeVar

from xivo_confgend_wazo.impl.pjsip.collapse import NOTHING, SECTIONS, Fragment
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints, Parents
from xivo_confgend_wazo.impl.pjsip.roles import Role

Sections = Mapping[str, Fragment]
Value = TypeVar("Value")
"""What stands for a line: the line itself, or its place (see `phones`)."""


def aor_options(stored: Mapping[str, str | Value], mailboxes: Value | None) -> dict[str, str | Value]:
    """Stored options of `aor` with `mailboxes`, if there is one (5.1)."""
    return {**stored} if mailboxes is None else {**stored, "mailboxes": mailboxes, "type": "type = aor"}


def endpoint_options(
    stored: Mapping[str, str | Value],
    *,
    transport: Value | None,
    aors: Value | None,
    auth: Value | None,
    outbound_auth: Value | None,
) -> dict[str, str | Value]:
    """Options of `endpoint` with those that are computed (5.7), as far as they are not None."""
    options = {**stored}
    computed = {
        "transport": transport,
        "aors": aors,
        "auth": auth,
        "type": "type = endpoint",
        "outbound_auth": outbound_auth,
    }
    for key, line in computed.items():
        if line is not None:
            options[key] = line
    return options


def tenant_line(tenant_uuid: str) -> str:
    """The first repeatable line of every endpoint, untrimmed."""
    return f"set_var = __WAZO_TENANT_UUID={tenant_uuid}"


def original_callerid(before: Fragment, own: Fragment) -> str | None:
    """The last repeatable line, untrimmed, if the endpoint inherits or stores a caller id."""
    callerid = before.callerid if own.callerid is None else own.callerid
    return f"set_var = XIVO_ORIGINAL_CALLER_ID={callerid}" if callerid else None


class Inheritance:
    """Computes sections. `roles` is the registry of one part: endpoint to role, complete."""

    def __init__(self, endpoints: Endpoints, roles: Mapping[str, Role | None]) -> None:
        self._endpoints = endpoints
        self._roles = roles
        self._ancestors: dict[str, Sections] = {}
        self._inherited: dict[Parents, Sections] = {(): dict.fromkeys(SECTIONS, NOTHING)}

    def inherited(self, parents: Parents) -> Sections:
        """The sections of all parents, one behind the other."""
        inherited = self._inherited.get(parents)
        if inherited is None:
            for ancestor in self._endpoints.ancestors(parents):
                if ancestor not in self._ancestors:
                    self._ancestors[ancestor] = self.sections(self._endpoints.rows[ancestor])
            inherited = {
                section: reduce(add, (self._ancestors[parent][section] for parent in parents)) for section in SECTIONS
            }
            self._inherited[parents] = inherited
        return inherited

    def repeated(self, endpoint: Endpoint, before: Fragment, own: Fragment) -> dict[str, str]:
        """All repeatable lines of the section `endpoint`, finished line by untrimmed line.

        `before` and `own` are what it inherits and stores there.
        """
        role = self._roles[endpoint.uuid]
        lines = [tenant_line(endpoint.tenant_uuid)]
        if role is not None:
            lines += role.item.repeatable().split("\n")
            lines += self._endpoints.announcements.get(endpoint.tenant_uuid, ())
        repeated = {line: line.strip() for line in lines} | {**before.repeated, **own.repeated}
        if original := original_callerid(before, own):
            repeated[original] = original.strip()
        return repeated

    def sections(self, endpoint: Endpoint) -> Sections:
        """All sections of a trunk or ancestor, by name."""
        name = endpoint.name
        inherited = self.inherited(self._endpoints.parents.get(endpoint.uuid, ()))
        sections = {section: self._stored(section, endpoint, inherited) for section in SECTIONS}
        before, own = inherited["endpoint"], self._endpoints.own["endpoint"].get(endpoint.uuid, NOTHING)
        role = self._roles[endpoint.uuid]
        defaults = {} if role is None else role.item.single()
        aor = sections["aor"]
        aor = sections["aor"] = Fragment.of(
            aor_options(aor.single, defaults.get("mailboxes")), aor.repeated, aor.values
        )
        auth, outbound_auth = sections["auth"], sections["outbound_auth"]
        options = endpoint_options(
            {**defaults, **sections["endpoint"].single},
            transport=None if endpoint.transport is None else f"transport = {endpoint.transport}".strip(),
            aors=f"aors = {name}".strip() if aor.keys else None,
            auth=f"auth = {name}".strip() if auth.keys else None,
            outbound_auth=f"outbound_auth = outbound_auth_{name}".strip() if outbound_auth.keys else None,
        )
        values = {**sections["endpoint"].values}
        if aor.keys:
            values["aors"] = name
        if auth.keys:
            values["auth"] = name
        callerid = sections["endpoint"].callerid
        sections["endpoint"] = Fragment.of(options, self.repeated(endpoint, before, own), values, callerid)
        computed = {"endpoint": f"endpoint = {name}".strip()}
        if sections["identify"].keys:
            sections["identify"] += Fragment.of(computed)
        if sections["registration"].keys:
            if sections["registration_outbound_auth"].keys:
                computed["outbound_auth"] = f"outbound_auth = auth_reg_{name}".strip()
            sections["registration"] += Fragment.of(computed)
        return sections

    def _stored(self, section: str, endpoint: Endpoint, inherited: Sections) -> Fragment:
        """Inherited and own options, with their `type`."""
        own = self._endpoints.own[section].get(endpoint.uuid)
        return inherited[section] if own is None else inherited[section] + own
