"""Names of PJSIP objects: which sections are left out, because Asterisk would refuse more than them.

Where two sections have one name and one type, Asterisk refuses all objects of that type. Names count as it reads them:
byte by byte, up to the length that it keeps. A section named `global` or `system` is an object of that type even
without a type, if it has no option that such an object has not; a second one makes Asterisk refuse both.

Sections that are stored in `asterisk_file` are written in any case, because only administrators write them. See
docs/spec/01-asterisk-grammar.md section 3 and docs/spec/43-asterisk-fetching.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from xivo_confgend.plugin_helpers.asterisk import NAME_BYTES, Claim, SafeText, is_plain, key_as_read, name_as_read
from xivo_confgend_wazo.impl.pjsip.collapse import TYPES
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints
from xivo_confgend_wazo.impl.pjsip.inheritance import Inheritance
from xivo_confgend_wazo.impl.pjsip.parts import OF_TRUNKS, LeftOut, Part
from xivo_confgend_wazo.impl.pjsip.phones import GENERAL_OBJECTS
from xivo_confgend_wazo.impl.queries.sip_endpoints import Transport
from xivo_confgend_wazo.impl.queries.stored_files import StoredSection

PREFIXES = tuple(filter(None, OF_TRUNKS.values()))
USUAL_BYTES = NAME_BYTES - max(map(len, PREFIXES))
"""Longest name that is not cut, whatever precedes it."""
_OPTIONS = """
authenticate_qualify auth_type contact default_expiration mailboxes max_contacts maximum_expiration md5_cred
minimum_expiration nonce_lifetime outbound_proxy password password_digest qualify_2xx_only qualify_frequency
qualify_timeout realm remove_existing remove_unavailable support_path username voicemail_extension
"""
AOR_OR_AUTH_OPTIONS = frozenset(_OPTIONS.split())
"""Options of these objects, none of which a general object has."""

Names = Mapping[str, Sequence[str]]
"""Names of the stored sections that are objects, by type."""
Place = tuple[int, Endpoint]
"""An endpoint in the part of that number."""


def stored_names(stored: Iterable[StoredSection], safe: SafeText) -> Names:
    """What is taken by `stored`. Those that Asterisk refuses beside others are warned of."""
    claims: defaultdict[str, list[Claim]] = defaultdict(list)
    for section in stored:
        claim = section.claim
        if section.type in GENERAL_OBJECTS and section.name != section.type:
            reason = f"is that of a second object of type {section.type}: Asterisk refuses both"
            safe.written_anyway(claim.table, claim.row, claim.column, reason)
        elif section.type:
            claims[section.type].append(claim)
    for kind, some in claims.items():
        first: dict[bytes, Claim] = {}
        for claim in some:
            other = first.setdefault(name_as_read(claim.name), claim)
            if other is not claim:
                reason = f"is to Asterisk the same name as {other.place}: it refuses all objects of type {kind}"
                safe.written_anyway(claim.table, claim.row, claim.column, reason)
    return {kind: [claim.name for claim in some] for kind, some in claims.items()}


def without_repeated(transports: Sequence[Transport], taken: Names, safe: SafeText) -> Sequence[Transport]:
    """Those of `transports` that are written."""
    named = [one for one in transports if safe.section_name(one.name, "pjsip_transport", one.uuid, "name") is not None]
    claims = {one.uuid: Claim(one.name, one.uuid, "pjsip_transport", "name") for one in named}
    repeated = safe.repeated_names(claims.values(), taken.get("transport", ()))
    return [one for one in named if claims[one.uuid] not in repeated]


def left_out(parts: Sequence[Part], endpoints: Endpoints, taken: Names, safe: SafeText) -> Sequence[LeftOut]:
    """The sections of each part that are not written, because their names are those of others.

    Of the objects of one endpoint in several parts, those stay for which it has a role.
    """
    found: list[defaultdict[str, set[str]]] = [defaultdict(set) for _ in parts]
    if _all_differ([row.name for part in parts for row in part.rows], taken):
        return found
    claims: defaultdict[str, dict[Claim, tuple[int, str, str]]] = defaultdict(dict)
    inheritances = [Inheritance(endpoints, part.registry) for part in parts]
    without_role_last = sorted(_suspects(parts, taken), key=lambda at: parts[at[0]].registry[at[1].uuid] is None)
    for number, row in without_role_last:
        part = parts[number]
        sections = inheritances[number].sections(row)
        for section, name in part.objects(row, sections).items():
            what = f"the {section} among the {part.title} of "
            claim = Claim(name, row.uuid, "endpoint_sip", "name", what)
            if name in GENERAL_OBJECTS and section in {"aor", "auth"} and _is_general(sections[section].keys):
                safe.left_out(claim.table, claim.row, claim.column, "is the name of a section for all", what)
                found[number][row.uuid].add(section)
            else:
                claims[TYPES.get(section, section)][claim] = number, row.uuid, section
    for kind, places in claims.items():
        for claim in safe.repeated_names(places, taken.get(kind, ())):
            number, uuid, section = places[claim]
            found[number][uuid].add(section)
    return found


def _all_differ(names: Sequence[str], taken: Names) -> bool:
    """Whether it is plain that no two sections are alike to Asterisk: so it is in nearly every database."""
    distinct = set(names)
    stored = {name for some in taken.values() for name in some}
    together = "".join((*names, *stored))
    return (
        len(distinct) == len(names)
        and distinct.isdisjoint(stored | GENERAL_OBJECTS)
        and max(map(len, map(str.encode, names)), default=0) <= USUAL_BYTES
        and is_plain(together)
        and not any(prefix in together for prefix in PREFIXES)
    )


def _suspects(parts: Sequence[Part], taken: Names) -> Iterator[Place]:
    """The endpoints of which a section has a name that is there twice, whatever the types."""
    named = [
        (number, row, [name_as_read(name) for name in set(part.headers(row.name).values())])
        for number, part in enumerate(parts)
        for row in part.rows
    ]
    often = Counter(chain.from_iterable(names for _, _, names in named))
    reserved = {name_as_read(name) for name in chain(GENERAL_OBJECTS, *taken.values())}
    for number, row, names in named:
        if any(often[name] > 1 or name in reserved for name in names):
            yield number, row


def _is_general(keys: Iterable[str]) -> bool:
    """Whether a section with these options could be one of `GENERAL_OBJECTS`."""
    return AOR_OR_AUTH_OPTIONS.isdisjoint(map(key_as_read, keys))
