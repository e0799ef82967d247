"""The parts of pjsip.conf that hold endpoints: which, in which order, which sections (docs/spec/10-pjsip.conf.md 8).

What is in a section is computed by `inheritance`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import inf

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints
from xivo_confgend_wazo.impl.pjsip.inheritance import Inheritance
from xivo_confgend_wazo.impl.pjsip.phones import Phones, header
from xivo_confgend_wazo.impl.pjsip.roles import Item, Role, trim

Items = Iterable[tuple[str, Item]]
"""Endpoint (UUID) of each line, trunk or guest, by all but the first key of 8.1; endpoints may come twice."""
Registry = Mapping[str, Role | None]
"""The endpoints of a part in the order of section 8.2, each with its last role."""
ENDPOINTS_AT_A_TIME = 50
"""About 64 KiB of text."""


def register(endpoints: Endpoints, items: Items) -> Registry:
    """The endpoints of `items` and their ancestors. What endpoints store is not needed yet."""
    registry: dict[str, Role | None] = {}
    known = set()
    for uuid, item in sorted(items, key=lambda item: endpoints.priorities.get(item[0], inf)):
        if uuid not in endpoints.rows:
            continue
        parents = endpoints.parents.get(uuid, ())
        if parents not in known:
            known.add(parents)
            for ancestor in endpoints.ancestors(parents):
                registry.setdefault(ancestor, None)
        registry[uuid] = Role(item)
    trim([role for role in registry.values() if role is not None])
    return registry


def phones(endpoints: Endpoints, registry: Registry, safe: SafeText) -> Iterator[str]:
    """The part of lines or of guests."""
    made = Phones(endpoints, registry, safe)
    return _run(map(made.text, _written(endpoints, registry, safe)))


def trunks(endpoints: Endpoints, registry: Registry, safe: SafeText) -> Iterator[str]:
    """The part of trunks."""
    inheritance = Inheritance(endpoints, registry)
    return _run(_trunk(endpoint, inheritance) for endpoint in _written(endpoints, registry, safe))


def _written(endpoints: Endpoints, registry: Iterable[str], safe: SafeText) -> Sequence[Endpoint]:
    written = [row for row in [endpoints.rows[uuid] for uuid in registry] if not row.template]
    names = "".join([row.name for row in written])
    if names.isprintable() and "]" not in names:
        return written
    return [row for row in written if safe.section_name(row.name, "endpoint_sip", row.uuid, "name") is not None]


def _trunk(endpoint: Endpoint, inheritance: Inheritance) -> str:
    """The sections of a trunk. One that has content is always named after the endpoint."""
    sections, name = inheritance.sections(endpoint), endpoint.name
    headers = {
        "aor": name,
        "auth": name,
        "identify": name,
        "outbound_auth": f"outbound_auth_{name}",
        "registration_outbound_auth": f"auth_reg_{name}" if sections["registration"].keys else None,
        "registration": name,
    }
    lines = [header(endpoint), *sections["endpoint"].all_lines()]
    for section, above in headers.items():
        if above is not None and sections[section].keys:
            lines += (f"\n[{above}]", *sections[section].all_lines())
    return "\n".join(lines) + "\n"


def _run(blocks: Iterable[str]) -> Iterator[str]:
    """`blocks`, each of which begins with an empty line, but the first one without it; some at a time."""
    blocks = iter(blocks)
    for first in blocks:
        yield first[1:]
        while some := "".join(islice(blocks, ENDPOINTS_AT_A_TIME)):
            yield some
