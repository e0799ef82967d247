"""The sections of an endpoint: defaults, ancestors, own and computed options (docs/spec/10-pjsip.conf.md section 5).

Ancestors are collapsed once, and so is each combination of parents that endpoints have: see `collapse` for why
that is the same. One instance serves one part of the file, because roles differ between parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from xivo_confgend_wazo.impl.pjsip.collapse import NOTHING, SECTIONS, TYPES, Fragment
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints, Parents
from xivo_confgend_wazo.impl.pjsip.roles import Role

Sections = Mapping[str, Fragment]


class Inheritance:
    """Computes sections. `roles` is the registry of one part: endpoint to role, complete."""

    def __init__(self, endpoints: Endpoints, roles: Mapping[str, Role | None]) -> None:
        self._endpoints = endpoints
        self._roles = roles
        self._ancestors: dict[str, Sections] = {}
        self._inherited: dict[Parents, Sections] = {(): dict.fromkeys(SECTIONS, NOTHING)}

    def for_phone(self, endpoint: Endpoint) -> tuple[Fragment, Fragment, Fragment]:
        """The sections `endpoint`, `aor` and `auth`: all that is written for a line or guest."""
        inherited = self._inherit(endpoint)
        aor = self._aor(endpoint, inherited)
        auth = self._stored("auth", endpoint, inherited)
        outbound_auth = self._stored("outbound_auth", endpoint, inherited)
        return self._endpoint(endpoint, inherited, aor, auth, outbound_auth), aor, auth

    def for_trunk(self, endpoint: Endpoint) -> Sections:
        """All sections, by name."""
        inherited = self._inherit(endpoint)
        sections = {section: self._stored(section, endpoint, inherited) for section in TYPES}
        aor = sections["aor"] = self._aor(endpoint, inherited)
        sections["endpoint"] = self._endpoint(endpoint, inherited, aor, sections["auth"], sections["outbound_auth"])
        name = {"endpoint": f"endpoint = {endpoint.name}".strip()}
        if sections["identify"].single:
            sections["identify"] += Fragment(name, {}, {})
        if sections["registration"].single:
            if sections["registration_outbound_auth"].single:
                name["outbound_auth"] = f"outbound_auth = auth_reg_{endpoint.name}".strip()
            sections["registration"] += Fragment(name, {}, {})
        return sections

    def _inherit(self, endpoint: Endpoint) -> Sections:
        """The sections of all parents, one behind the other."""
        parents = self._endpoints.parents.get(endpoint.uuid, ())
        inherited = self._inherited.get(parents)
        if inherited is None:
            for ancestor in self._endpoints.ancestors(parents):
                if ancestor not in self._ancestors:
                    self._ancestors[ancestor] = self.for_trunk(self._endpoints.rows[ancestor])
            inherited = {
                section: reduce(add, (self._ancestors[parent][section] for parent in parents)) for section in SECTIONS
            }
            self._inherited[parents] = inherited
        return inherited

    def _stored(self, section: str, endpoint: Endpoint, inherited: Sections) -> Fragment:
        """Inherited and own options, with their `type`."""
        before = inherited[section]
        own = self._endpoints.own[section].get(endpoint.uuid)
        if own is None:
            return before
        return before + own if before.single else own

    def _aor(self, endpoint: Endpoint, inherited: Sections) -> Fragment:
        stored = self._stored("aor", endpoint, inherited)
        role = self._roles[endpoint.uuid]
        if role is None or not role.mailboxes:
            return stored
        single = {**stored.single, "mailboxes": f"mailboxes = {','.join(role.mailboxes)}".strip(), "type": "type = aor"}
        return Fragment(single, stored.repeated, stored.values)

    def _endpoint(
        self, endpoint: Endpoint, inherited: Sections, aor: Fragment, auth: Fragment, outbound_auth: Fragment
    ) -> Fragment:
        """The section `endpoint` (5.7): this runs once per line, so every line of it counts."""
        uuid, name, _, tenant_uuid, transport, _ = endpoint
        role = self._roles[uuid]
        single: dict[str, str] = {}
        repeated = [f"set_var = __WAZO_TENANT_UUID={tenant_uuid}"]
        if role is not None:
            single, defaults = role.defaults(self._endpoints.announcements.get(tenant_uuid, ()))
            repeated += defaults
        before = inherited["endpoint"]
        own = self._endpoints.own["endpoint"].get(uuid, NOTHING)
        single |= before.single
        single |= own.single
        finished = {line: line.strip() for line in repeated}
        finished |= before.repeated
        finished |= own.repeated
        values = {**before.values, **own.values}
        if transport is not None:
            single["transport"] = f"transport = {transport}".strip()
        if callerid := values.get("callerid"):
            original = f"set_var = XIVO_ORIGINAL_CALLER_ID={callerid}"
            finished[original] = original.strip()
        if aor.single:
            single["aors"] = f"aors = {name}".strip()
            values["aors"] = name
        if auth.single:
            single["auth"] = f"auth = {name}".strip()
            values["auth"] = name
        single["type"] = "type = endpoint"
        if outbound_auth.single:
            single["outbound_auth"] = f"outbound_auth = outbound_auth_{name}".strip()
        return Fragment(single, finished, values)
