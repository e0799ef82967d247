"""The parts of pjsip.conf that hold endpoints: which, in which order, which sections (docs/spec/10-pjsip.conf.md 8).

What is in a section is computed by `inheritance`; which sections Asterisk would refuse is found by `objects`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from math import inf
from typing import NamedTuple

from xivo_confgend.plugin_helpers.asterisk import LONG_VALUE, SafeText
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints
from xivo_confgend_wazo.impl.pjsip.inheritance import Inheritance, Sections
from xivo_confgend_wazo.impl.pjsip.phones import Phones, header, reference
from xivo_confgend_wazo.impl.pjsip.roles import Item, Role, trim

Items = Iterable[tuple[str, Item]]
"""Endpoint (UUID) of each line, trunk or guest, by all but the first key of 8.1; endpoints may come twice."""
Registry = Mapping[str, Role | None]
"""The endpoints of a part in the order of section 8.2, each with its last role."""
LeftOut = Mapping[str, Collection[str]]
"""Names of sections that are not written, by endpoint (UUID)."""
ENDPOINTS_AT_A_TIME = 50
"""About 64 KiB of text."""

TRUNKS = "trunks"
OF_PHONES = {"endpoint": "", "aor": "", "auth": ""}
OF_TRUNKS = {
    **OF_PHONES,
    "identify": "",
    "outbound_auth": "outbound_auth_",
    "registration_outbound_auth": "auth_reg_",
    "registration": "",
}
"""The sections that are written, in their order, and what precedes the endpoint's name in their headers."""


class Part(NamedTuple):
    """The lines, the trunks or the guests; `title` says which.

    `rows`: the endpoints of `registry` that are written.
    """

    title: str
    registry: Registry
    rows: Sequence[Endpoint]

    def headers(self, name: str) -> dict[str, str]:
        """The name of each section that the endpoint `name` may have here."""
        prefixes = OF_TRUNKS if self.title == TRUNKS else OF_PHONES
        return {section: f"{prefix}{name}" for section, prefix in prefixes.items()}

    def objects(self, endpoint: Endpoint, sections: Sections) -> dict[str, str]:
        """The name of each section that has content, which is named after the endpoint."""
        without = set() if sections["registration"].keys else {"registration_outbound_auth"}
        return {
            section: name
            for section, name in self.headers(endpoint.name).items()
            if sections[section].keys and section not in without
        }


def register(title: str, endpoints: Endpoints, items: Items) -> Part:
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
    rows = [endpoints.rows[uuid] for uuid in registry]
    return Part(title, registry, [row for row in rows if not row.template])


def named(parts: Sequence[Part], safe: SafeText) -> Sequence[Part]:
    """`parts` without endpoints whose name cannot be that of a section, each of which is warned of once."""
    names = [row.name for part in parts for row in part.rows]
    if all(names) and "]" not in "".join(names) and max(map(len, names), default=0) <= LONG_VALUE:
        return parts
    usable = {
        row.uuid
        for row in dict.fromkeys(chain.from_iterable(part.rows for part in parts))
        if safe.section_name(row.name, "endpoint_sip", row.uuid, "name") is not None
    }
    return [part._replace(rows=[row for row in part.rows if row.uuid in usable]) for part in parts]


def text(endpoints: Endpoints, part: Part, left_out: LeftOut, safe: SafeText) -> Iterator[str]:
    """`part` as it is written, without the sections `left_out`."""
    inheritance = Inheritance(endpoints, part.registry)

    def trunk(endpoint: Endpoint) -> str:
        sections = inheritance.sections(endpoint)
        return _block(endpoint, sections, part.objects(endpoint, sections), left_out.get(endpoint.uuid, ()))

    if part.title == TRUNKS:
        return _run(map(trunk, part.rows))
    phone = Phones(endpoints, part.registry, safe).text
    if not left_out:
        return _run(map(phone, part.rows))

    def incomplete(endpoint: Endpoint) -> str:
        sections = inheritance.sections(endpoint)
        objects = part.objects(endpoint, sections)
        for section, key in (("aor", "aors"), ("auth", "auth")):
            stored = sections["endpoint"].values.get(key)
            name = objects.pop(section, None) or reference(stored, key, endpoint, safe)
            if name is not None:
                objects[section] = name
        return _block(endpoint, sections, objects, left_out[endpoint.uuid])

    return _run((incomplete if row.uuid in left_out else phone)(row) for row in part.rows)


def _block(endpoint: Endpoint, sections: Sections, headers: Mapping[str, str], left_out: Collection[str]) -> str:
    """`sections` under `headers`, with an empty line above each."""
    tops = {section: f"\n[{name}]" for section, name in headers.items()} | {"endpoint": header(endpoint)}
    written = [section for section in tops if section not in left_out]
    return "".join("\n".join((tops[section], *sections[section].all_lines(), "")) for section in written)


def _run(blocks: Iterable[str]) -> Iterator[str]:
    """`blocks`, each of which begins with an empty line or is empty, but the first one without it; some at a time."""
    blocks = iter(blocks)
    for first in filter(None, blocks):
        yield first[1:]
        while some := "".join(islice(blocks, ENDPOINTS_AT_A_TIME)):
            yield some
