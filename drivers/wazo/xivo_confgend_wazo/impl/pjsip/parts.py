"""The parts of pjsip.conf that hold endpoints: which, in which order, which sections (docs/spec/10-pjsip.conf.md 8).

What is in a section is computed by `inheritance`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from math import inf

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints
from xivo_confgend_wazo.impl.pjsip.inheritance import Inheritance
from xivo_confgend_wazo.impl.pjsip.roles import Role

LINES_AT_ONCE = 5000
"""How many lines are joined into one piece of text: about 150 kB."""

Items = Iterable[tuple[str, Role]]
"""Endpoint (UUID) and role of each line, trunk or guest, by all but the first key of 8.1; endpoints may come twice."""


def phones(endpoints: Endpoints, items: Items, safe: SafeText) -> Iterator[str]:
    """The part of lines or of guests, in large pieces."""
    registry = register(endpoints, items)
    inheritance = Inheritance(endpoints, registry)
    return _run(_phone(endpoint, inheritance, safe) for endpoint in _written(endpoints, registry, safe))


def trunks(endpoints: Endpoints, items: Items, safe: SafeText) -> Iterator[str]:
    """The part of trunks, in large pieces."""
    registry = register(endpoints, items)
    inheritance = Inheritance(endpoints, registry)
    return _run(_trunk(endpoint, inheritance) for endpoint in _written(endpoints, registry, safe))


def register(endpoints: Endpoints, items: Items) -> dict[str, Role | None]:
    """The endpoints of `items` and their ancestors in the order of section 8.2, each with its last role."""
    registry: dict[str, Role | None] = {}
    known = set()
    for uuid, role in sorted(items, key=lambda item: endpoints.priorities.get(item[0], inf)):
        if uuid not in endpoints.rows:
            continue
        parents = endpoints.parents.get(uuid, ())
        if parents not in known:
            known.add(parents)
            for ancestor in endpoints.ancestors(parents):
                registry.setdefault(ancestor, None)
        registry[uuid] = role
    return registry


def _written(endpoints: Endpoints, registry: Iterable[str], safe: SafeText) -> Iterator[Endpoint]:
    for uuid in registry:
        endpoint = endpoints.rows[uuid]
        if not endpoint.template and safe.section_name(endpoint.name, "endpoint_sip", uuid, "name") is not None:
            yield endpoint


def _header(endpoint: Endpoint) -> str:
    return f"\n; {endpoint.label}\n[{endpoint.name}]" if endpoint.label else f"\n[{endpoint.name}]"


def _phone(endpoint: Endpoint, inheritance: Inheritance, safe: SafeText) -> list[str]:
    """The lines of a line or guest. Stored `aors` and `auth` name sections too, even empty ones (quirk 13)."""
    options, aor, auth = inheritance.for_phone(endpoint)
    lines = [_header(endpoint), *options.single.values(), *options.repeated.values()]
    for reference, section in (("aors", aor), ("auth", auth)):
        name = options.values.get(reference)
        if name is not None and name != endpoint.name:
            name = safe.section_name(name, "endpoint_sip", endpoint.uuid, f"option {reference}")
        if name is not None:
            lines += (f"\n[{name}]", *section.single.values(), *section.repeated.values())
    return lines


def _trunk(endpoint: Endpoint, inheritance: Inheritance) -> list[str]:
    """The lines of a trunk. A section that has content is always named after the endpoint."""
    sections, name = inheritance.for_trunk(endpoint), endpoint.name
    headers = {
        "aor": name,
        "auth": name,
        "identify": name,
        "outbound_auth": f"outbound_auth_{name}",
        "registration_outbound_auth": f"auth_reg_{name}" if sections["registration"].single else None,
        "registration": name,
    }
    lines = [_header(endpoint), *sections["endpoint"].lines()]
    for section, header in headers.items():
        if header is not None and sections[section].single:
            lines += (f"\n[{header}]", *sections[section].lines())
    return lines


def _run(blocks: Iterable[list[str]]) -> Iterator[str]:
    """`blocks` as text. Each begins with the empty line above it, which the first one has not."""
    lines: list[str] = []
    skipped = 1
    for block in chain(blocks, [None]):
        if block is not None:
            lines += block
            if len(lines) < LINES_AT_ONCE:
                continue
        if lines:
            lines.append("")
            yield "\n".join(lines)[skipped:]
            lines, skipped = [], 0
