"""The texts of lines and guests: nearly all of pjsip.conf, so what is done for one of them is what the file costs.

Thousands of them have the same parents and store the same keys, each with values of its own. Then every option stands
in the same place of their texts. So the sections are merged once for such a shape, with places of values instead of
lines, and an endpoint only fills in its values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from operator import itemgetter
from typing import NamedTuple

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.pjsip.collapse import NO_LINES, NOTHING, Fragment
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints, Parents
from xivo_confgend_wazo.impl.pjsip.inheritance import (
    Inheritance,
    Sections,
    aor_options,
    endpoint_options,
    original_callerid,
    tenant_line,
)
from xivo_confgend_wazo.impl.pjsip.roles import COMPUTED, SINGLE, Role

MOST_LAYOUTS = 2000
"""How many layouts are kept, of some kB each. A tenant has tens, and its lines mostly come one after the other."""

Keys = tuple[str, ...]
(
    TOP,
    REPEATED,
    TRANSPORT,
    NAME,
    REFERENCE,
    AOR_NAME,
    MAILBOXES,
    AOR_REPEATED,
    AUTH_NAME,
    AUTH_REPEATED,
) = range(10)
"""Places of the values that every endpoint has; those of its options follow. `REFERENCE` is the name behind a `=`."""
FIRST_OPTION = AUTH_REPEATED + 1
GENERAL_OBJECTS = frozenset({"global", "system"})
"""Names of sections that Asterisk reads as objects of these types if they have neither a type nor other options."""
GAP = "\0"
"""What no text of PostgreSQL holds."""


class Shape(NamedTuple):
    """What two endpoints have in common whose options stand in the same places; the rest says what is written.

    `defaults`: of the role, as far as they do not stand at the top anyway.
    """

    parents: Parents
    defaults: Keys
    endpoint: Keys
    aor: Keys
    auth: Keys
    transport: bool
    outbound_auth: bool
    aor_section: bool
    mailboxes: bool
    aor_repeated: bool
    auth_section: bool
    auth_repeated: bool


class Common(NamedTuple):
    """What endpoints of a tenant with the same parents have in common.

    `endpoint`, `aor`, `auth`: what they inherit. Around the repeatable lines of their role are the tenant's, `above`,
    and those of recordings and ancestors, `below`; `lines` are the latter, untrimmed. `defaults_first`: no ancestor
    stores what is a role's single line, so these stand at the top. `touches_role`: an ancestor stores what roles
    compute, and may repeat their lines.
    """

    endpoint: Fragment
    aor: Fragment
    auth: Fragment
    above: str
    below: str
    lines: Collection[str]
    defaults_first: bool
    touches_role: bool


class Around(NamedTuple):
    """A line with the place of a value in it."""

    before: str
    place: int
    after: str = ""


class Layout:
    """A text with gaps, from `lines`: finished ones, and places of values in what is around them."""

    __slots__ = ("_places", "_text")

    def __init__(self, lines: Sequence[str | Around]) -> None:
        self._places = itemgetter(*[line.place for line in lines if isinstance(line, Around)])
        texts = [line if isinstance(line, str) else f"{line.before}{GAP}{line.after}" for line in lines]
        around = "\n".join(texts).split(GAP)
        self._text = [""] * (2 * len(around) - 1)
        self._text[::2] = around

    def fill(self, values: tuple[str, ...]) -> str:
        """The text with `values` in its gaps."""
        text = [*self._text, "\n"]
        text[1:-1:2] = self._places(values)
        return "".join(text)


def header(endpoint: Endpoint) -> str:
    """An empty line, the label if there is one, the name."""
    return f"\n; {endpoint.label}\n[{endpoint.name}]" if endpoint.label else f"\n[{endpoint.name}]"


def reference(name: str | None, key: str, phone: Endpoint, safe: SafeText) -> str | None:
    """The name of the empty section that is opened by the stored value `name` of `aors` or `auth` (quirk 13).

    None if there is no such value or if it cannot be the name of an empty section.
    """
    where = "endpoint_sip", phone.uuid, f"option {key}"
    what = "an empty section of "
    if name is None or safe.section_name(name, *where, what) is None:
        return None
    if name in GENERAL_OBJECTS:
        safe.left_out(*where, "is the name of a section for all", what)
        return None
    return name


class Phones:
    """Makes the texts of one part of the file."""

    def __init__(self, endpoints: Endpoints, roles: Mapping[str, Role | None], safe: SafeText) -> None:
        self._parents = endpoints.parents
        self._announcements = endpoints.announcements
        self._roles = roles
        own = endpoints.own
        self._endpoint, self._aor, self._auth = own["endpoint"], own["aor"], own["auth"]
        self._outbound_auth = own["outbound_auth"]
        self._inheritance = Inheritance(endpoints, roles)
        self._safe = safe
        self._layouts: dict[tuple[object, ...], Layout] = {}
        self._common: dict[tuple[Parents, str], Common] = {}

    def text(self, phone: Endpoint) -> str:
        """The sections of a line or guest (8.3), with an empty line above each. This runs for every one of them."""
        uuid, name, _, tenant_uuid, transport, _ = phone
        role = self._roles[uuid]
        parents = self._parents.get(uuid, ())
        endpoint = self._endpoint.get(uuid, NOTHING)
        aor = self._aor.get(uuid, NOTHING)
        auth = self._auth.get(uuid, NOTHING)
        common = self._common.get((parents, tenant_uuid)) or self._new_common(parents, tenant_uuid)
        before, aor_before, auth_before, above, below, others, defaults_first, touches_role = common
        defaults = NO_LINES if role is None else role.item.single()
        mailboxes = defaults.get("mailboxes")
        top = header(phone)
        if defaults_first and SINGLE.isdisjoint(endpoint.keys):
            top = "\n".join((top, *defaults.values()))
            defaults = NO_LINES
        if role is None or endpoint.repeated or touches_role:
            repeated = "\n".join(self._inheritance.repeated(phone, before, endpoint).values())
        else:
            original = original_callerid(before, endpoint)
            end = "" if original is None or original in others else f"\n{original}".rstrip()
            repeated = f"{above}{role.text}{below}{end}"
        aor_repeated = _repeated(aor_before, aor) if aor_before.repeated or aor.repeated else ""
        auth_repeated = _repeated(auth_before, auth) if auth_before.repeated or auth.repeated else ""
        # named after the endpoint where there is a section: as `_new_layout` writes the references
        aors: str | None = name
        if not (aor_before.keys or aor.keys or mailboxes is not None):
            aors = reference(endpoint.values.get("aors", before.values.get("aors")), "aors", phone, self._safe)
        auths: str | None = name
        if not (auth_before.keys or auth.keys):
            auths = reference(endpoint.values.get("auth", before.values.get("auth")), "auth", phone, self._safe)
        shape = (
            parents,
            tuple(defaults),
            endpoint.keys,
            aor.keys,
            auth.keys,
            transport is not None,
            uuid in self._outbound_auth,
            aors is not None,
            mailboxes is not None,
            bool(aor_repeated),
            auths is not None,
            bool(auth_repeated),
        )
        layout = self._layouts.get(shape) or self._new_layout(Shape(*shape))
        return layout.fill(
            (
                top,
                repeated,
                "" if transport is None else f"transport = {transport}".strip(),
                name.rstrip(),
                f" {name}".rstrip(),
                aors or "",
                mailboxes or "",
                aor_repeated,
                auths or "",
                auth_repeated,
                *defaults.values(),
                *endpoint.lines,
                *aor.lines,
                *auth.lines,
            )
        )

    def _new_common(self, parents: Parents, tenant_uuid: str) -> Common:
        inherited = self._inheritance.inherited(parents)
        before = inherited["endpoint"]
        above = tenant_line(tenant_uuid)
        lines = dict.fromkeys((*self._announcements.get(tenant_uuid, ()), *before.repeated))
        lines.pop(above, None)
        common = self._common[parents, tenant_uuid] = Common(
            endpoint=before,
            aor=inherited["aor"],
            auth=inherited["auth"],
            above=f"{above.strip()}\n",
            below="".join([f"\n{line}".rstrip() for line in lines]),
            lines=lines,
            defaults_first=SINGLE.isdisjoint(before.keys),
            touches_role=any(line.startswith(COMPUTED) for line in before.repeated),
        )
        return common

    def _new_layout(self, shape: Shape) -> Layout:
        inherited: Sections = self._inheritance.inherited(shape.parents)
        places = count(FIRST_OPTION)
        defaults, own, own_aor, own_auth = (
            {key: Around("", next(places)) for key in keys}
            for keys in (shape.defaults, shape.endpoint, shape.aor, shape.auth)
        )
        aor = aor_options({**inherited["aor"].single, **own_aor}, Around("", MAILBOXES) if shape.mailboxes else None)
        auth = {**inherited["auth"].single, **own_auth}
        endpoint = endpoint_options(
            {**defaults, **inherited["endpoint"].single, **own},
            transport=Around("", TRANSPORT) if shape.transport else None,
            aors=Around("aors =", REFERENCE) if aor else None,
            auth=Around("auth =", REFERENCE) if auth else None,
            outbound_auth=Around("outbound_auth = outbound_auth_", NAME)
            if shape.outbound_auth or inherited["outbound_auth"].keys
            else None,
        )
        lines: list[str | Around] = [Around("", TOP), *endpoint.values(), Around("", REPEATED)]
        for written, name, options, any_repeated, repeated in (
            (shape.aor_section, AOR_NAME, aor, shape.aor_repeated, AOR_REPEATED),
            (shape.auth_section, AUTH_NAME, auth, shape.auth_repeated, AUTH_REPEATED),
        ):
            if written:
                lines += (Around("\n[", name, "]"), *options.values())
                if any_repeated:
                    lines.append(Around("", repeated))
        if len(self._layouts) >= MOST_LAYOUTS:
            self._layouts.clear()
        layout = self._layouts[shape] = Layout(lines)
        return layout


def _repeated(inherited: Fragment, own: Fragment) -> str:
    return "\n".join({**inherited.repeated, **own.repeated}.values())
