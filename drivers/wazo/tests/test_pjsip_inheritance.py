"""The fast way to the sections of SIP endpoints against the slow one that docs/spec/10-pjsip.conf.md describes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import chain, pairwise, repeat
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers.asterisk import CONTROL, SafeText
from xivo_confgend.plugin_helpers.asterisk_reader import BLANKS, read
from xivo_confgend_wazo.impl.pjsip import objects, parts
from xivo_confgend_wazo.impl.pjsip.collapse import SECTIONS, SEPARATOR, TYPES, collapse_stored
from xivo_confgend_wazo.impl.pjsip.endpoints import Endpoint, Endpoints
from xivo_confgend_wazo.impl.pjsip.roles import Guest, Line, Trunk
from xivo_confgend_wazo.impl.queries.sip_endpoints import written_options

SOUNDS = {"T1": ["set_var = __WAZO_RECORDING_START_SOUND=on "], "T2": []}
KEYS = ("allow", " allow", "type", "callerid", "callerid", "aors", "auth", "context", "set_var", "set_var", "match")
KEYS += ("named_call_group", "mailboxes")
VALUES = ("", "a", "a ", "b", "WAZO_LINE_ID=1")


@dataclass
class World:
    """Endpoints as the database has them. `stored`: endpoint, section, key, value."""

    rows: dict[str, Endpoint]
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    priorities: dict[str, int] = field(default_factory=dict)
    stored: list[tuple[str, str, str, str]] = field(default_factory=list)

    def endpoints(self):
        safe = safe_text()
        rows = {uuid: as_written(row, safe) for uuid, row in self.rows.items()}
        own = collapse_stored(written_options(stored_sections(self.stored), safe), safe)
        return Endpoints(rows, dict(self.parents), self.priorities, SOUNDS, own)


def stored_sections(options):
    """`options` as the database puts them together."""
    sections = {}
    for uuid, section, key, value in options:
        keys, lines = sections.setdefault((uuid, section), ([], []))
        keys.append(key)
        lines.append(f"{key} = {value}")
    return [(*one, SEPARATOR.join(keys), SEPARATOR.join(lines)) for one, (keys, lines) in sections.items()]


def as_written(row, safe):
    name = safe.value(row.name, "endpoint_sip", row.uuid, "name")
    label = row.label and safe.comment(row.label, "endpoint_sip", row.uuid, "label")
    return row._replace(name=name, label=label)


def safe_text():
    return SafeText(logging.getLogger(__name__))


def endpoint(uuid, template=False, label=None, tenant="T1", transport=None):
    return Endpoint(uuid, f"n-{uuid}", label, tenant, transport, template)


class Naive:
    """Sections 5 to 8 of the specification, word for word."""

    def __init__(self, world, items):
        self.world = world
        self.registry = {}
        for uuid, item in sorted(items, key=lambda item: world.priorities.get(item[0], inf)):
            self.register(uuid, item)

    def register(self, uuid, item):
        for parent in self.world.parents.get(uuid, ()):
            if parent not in self.registry:
                self.register(parent, None)
        self.registry[uuid] = item

    def raw(self, uuid, section):
        row, item = self.world.rows[uuid], self.registry[uuid]
        made = self.defaults(row, item) if section == "endpoint" else []
        for parent in self.world.parents.get(uuid, ()):
            made += self.raw(parent, section)
        made += [(key, value) for one, kind, key, value in self.world.stored if (one, kind) == (uuid, section)]
        if section == "endpoint":
            return self.finish_endpoint(row, made)
        if made:
            made.append(("type", TYPES[section]))
        if section == "aor" and isinstance(item, Line) and item.mailboxes:
            made += [("mailboxes", ",".join(item.mailboxes)), ("type", "aor")]
        if section in {"identify", "registration"} and made:
            made.append(("endpoint", row.name))
        if section == "registration" and made and self.raw(uuid, "registration_outbound_auth"):
            made.append(("outbound_auth", f"auth_reg_{row.name}"))
        return made

    def finish_endpoint(self, row, made):
        if row.transport is not None:
            made.append(("transport", row.transport))
        callerids = [value for key, value in made if key == "callerid"]
        if callerids and callerids[-1]:
            made.append(("set_var", f"XIVO_ORIGINAL_CALLER_ID={callerids[-1]}"))
        if self.raw(row.uuid, "aor"):
            made.append(("aors", row.name))
        if self.raw(row.uuid, "auth"):
            made.append(("auth", row.name))
        made.append(("type", "endpoint"))
        if self.raw(row.uuid, "outbound_auth"):
            made.append(("outbound_auth", f"outbound_auth_{row.name}"))
        return made

    def defaults(self, row, item):
        made = [("set_var", f"__WAZO_TENANT_UUID={row.tenant_uuid}")]
        if isinstance(item, Line):
            made += [("set_var", "WAZO_CHANNEL_DIRECTION=from-wazo"), ("set_var", f"WAZO_LINE_ID={item.id}")]
            if item.context:
                made += [("context", item.context), ("set_var", f"TRANSFER_CONTEXT={item.context}")]
            for number, uuid, record, calls in item.users:
                made += [("set_var", f"{name}_USERID={number}") for name in ("XIVO", "WAZO")]
                made += [("set_var", f"{name}_USERUUID={uuid}") for name in ("XIVO", "WAZO")]
                made += [("set_var", "WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1")] if record else []
                made.append(("set_var", f"WAZO_CALLER_SIMULTCALLS={calls}"))
            made += [("set_var", f"PICKUPMARK={item.pickupmark}")] if item.pickupmark else []
        if isinstance(item, Trunk):
            made += [("set_var", "WAZO_PAI_FORMAT=")] + ([("context", item.context)] if item.context else [])
        if isinstance(item, Guest):
            made += [("set_var", "WAZO_CHANNEL_DIRECTION=from-wazo"), ("set_var", f"WAZO_MEETING_UUID={item.uuid}")]
            made.append(("set_var", f"WAZO_MEETING_NAME={item.name}"))
        if item is not None:
            made += [("set_var", line.removeprefix("set_var = ")) for line in SOUNDS[row.tenant_uuid]]
        if isinstance(item, Line):
            made += [("named_pickup_group", item.pickup_groups)] if item.pickup_groups else []
            made += [("named_call_group", item.call_groups)] if item.call_groups else []
            made += [("mailboxes", ",".join(item.mailboxes))] if item.mailboxes else []
        return made

    def sections(self, title):
        """Of each endpoint that is written in the part `title`: section, name and options of what is written."""
        headers_of = trunk_headers if title == parts.TRUNKS else phone_headers
        for uuid in self.registry:
            row = self.world.rows[uuid]
            if not row.template:
                options = {section: collapse(self.raw(uuid, section)) for section in SECTIONS}
                headers = [("endpoint", row.name), *headers_of(row, options)]
                yield row, [(section, name, options[section]) for section, name in headers]

    def text(self, title):
        blocks = []
        for row, sections in self.sections(title):
            made = [f"[{name}]\n{body(options)}" for _section, name, options in sections]
            blocks += [f"; {row.label}\n{made[0]}" if row.label else made[0], *made[1:]]
        return "\n".join(blocks)


def phone_headers(_row, options):
    entries = dict(options["endpoint"])
    return [(section, entries[key]) for section, key in (("aor", "aors"), ("auth", "auth")) if entries.get(key)]


def trunk_headers(row, options):
    entries, registration = dict(options["endpoint"]), dict(options["registration"])
    wanted = [
        ("aor", entries.get("aors")),
        ("auth", entries.get("auth")),
        ("identify", row.name),
        ("outbound_auth", entries.get("outbound_auth")),
        ("registration_outbound_auth", registration.get("outbound_auth")),
        ("registration", row.name),
    ]
    return [(section, name) for section, name in wanted if name is not None and options[section]]


def collapse(raw):
    single = [pair for pair in raw if pair[0] not in {"set_var", "match"}]
    places = list(dict.fromkeys(key for key, _ in single))
    values = dict(single)
    repeated = list(dict.fromkeys(pair for pair in raw if pair[0] in {"set_var", "match"}))
    return [(key, values[key]) for key in places] + repeated


def body(options):
    return "".join(f"{key} = {value}".strip() + "\n" for key, value in options)


@st.composite
def worlds(draw):
    """Up to five endpoints, any of which inherit from any earlier ones."""
    number = draw(st.integers(1, 5))
    uuids = [f"e{place}" for place in range(number)]
    choice = st.sampled_from
    rows = {
        uuid: endpoint(
            uuid,
            draw(choice((True, False, None))),
            draw(choice((None, "", "Label"))),
            draw(choice(("T1", "T2"))),
            draw(choice((None, "udp", "tcp "))),
        )
        for uuid in uuids
    }
    parents = {
        uuid: tuple(draw(st.lists(choice(uuids[:place]), unique=True, max_size=3)))
        for place, uuid in enumerate(uuids)
        if place
    }
    priorities = {uuid: draw(st.integers(0, 2)) for uuid, some in parents.items() if some}
    options = st.tuples(choice(uuids), choice((*SECTIONS, *["endpoint"] * 7)), choice(KEYS), choice(VALUES))
    stored = draw(st.lists(options, min_size=5, max_size=25))
    return World(rows, parents, priorities, stored)


users = st.tuples(st.integers(1, 2), st.sampled_from(("u1", "u2")), st.integers(0, 1), st.integers(5, 6))
lines = st.builds(
    Line,
    st.integers(1, 3),
    st.sampled_from(("", "ctx", "ctx ")),
    users=st.lists(users, max_size=2),
    mailboxes=st.lists(st.sampled_from(("1@a", "2@a ")), max_size=2),
    pickupmark=st.sampled_from((None, "1%ctx")),
    pickup_groups=st.sampled_from((None, "1,2")),
    call_groups=st.sampled_from((None, "3")),
)
guests = st.builds(Guest, st.just("m"), st.sampled_from((None, "Room")))
trunks = st.builds(Trunk, st.sampled_from((None, "", "ctx")))


def items(world, roles, least=1):
    return st.lists(st.tuples(st.sampled_from(sorted(world.rows)), roles), min_size=least, max_size=6)


def made(title, world, some):
    """The part `title` of the file, endpoint by endpoint."""
    endpoints = world.endpoints()
    return list(parts.text(endpoints, parts.register(title, endpoints, some), {}, safe_text()))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_lines_and_guests_are_what_the_specification_says_word_for_word(data):
    world = data.draw(worlds())
    some = data.draw(items(world, st.one_of(lines, guests)))

    assert "".join(made("lines", world, some)) == Naive(world, some).text("lines")


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_trunks_are_what_the_specification_says_word_for_word(data):
    world = data.draw(worlds())
    some = data.draw(items(world, trunks))

    assert "".join(made(parts.TRUNKS, world, some)) == Naive(world, some).text(parts.TRUNKS)


SPECIAL = "tT;-[]#=\\ \t\n\x01\x85\xa0é"
HOSTILE_KEYS = st.sampled_from((*KEYS, "Type", " type", "type\x01", "#exec x", "[a](!)", "a=b", ";--", "")) | st.text(
    SPECIAL, max_size=4
)
HOSTILE_VALUES = st.sampled_from((*VALUES, "global", "n-e0", "x ;-- y", "--;", "a]b")) | st.text(SPECIAL, max_size=6)
HOSTILE_NAMES = (
    st.sampled_from(("a", "A", "a\n", "a\x01", "outbound_auth_a", "auth_reg_a", "global", "", "x" * 66, "x" * 80))
    | st.text(SPECIAL, max_size=2)
)  # fmt: skip


def as_read(text):
    """What Asterisk is to read where `text` is stored, but for blanks at its ends."""
    return CONTROL.sub(" ", text).replace("\\;", ";")


@st.composite
def hostile_worlds(draw):
    """Endpoints of which every text may be anything, or anything printable."""
    world = draw(worlds())
    clean = draw(st.sampled_from((str, lambda text: "".join(filter(str.isprintable, text)))))
    labels = st.none() | st.text(SPECIAL, max_size=6)
    rows = {
        uuid: row._replace(name=clean(draw(HOSTILE_NAMES)), label=clean(draw(labels) or ""))
        for uuid, row in world.rows.items()
    }
    choice = st.sampled_from
    option = st.tuples(choice(sorted(rows)), choice((*SECTIONS, *["endpoint"] * 7)), HOSTILE_KEYS, HOSTILE_VALUES)
    stored = [tuple(map(clean, one)) for one in draw(st.lists(option, max_size=25))]
    return World(rows, world.parents, world.priorities, stored)


def expected(world, items):
    """Name and pairs of each section that Asterisk is to read, where `items` are those of each part by its title."""
    rows = {uuid: row._replace(name=as_read(row.name)) for uuid, row in world.rows.items()}
    stored = [(*option[:3], as_read(option[3])) for option in world.stored]
    read_world = World(rows, world.parents, world.priorities, stored)
    made = []
    for title, some in items.items():
        naive = Naive(read_world, some)
        for row, sections in naive.sections(title):
            if row.name and "]" not in row.name:
                rank = row.uuid, naive.registry[row.uuid] is None
                made += [(name, rank, list(pairs_as_read(options))) for _, name, options in sections if "]" not in name]
    made = [(name, rank, pairs) for name, rank, pairs in made if not is_second_general(name, dict(pairs))]
    first = {}
    for name, rank, pairs in sorted(made, key=lambda one: one[:2]):
        first.setdefault(identity(name, pairs), (name, rank, pairs))
    kept = [id(one[2]) for one in first.values()]
    return [(cut(name), pairs) for name, _, pairs in made if "type" not in dict(pairs) or id(pairs) in kept]


def pairs_as_read(options):
    for key, value in options:
        read_key = as_read(key).lstrip().strip(BLANKS)
        if "=" not in key and read_key and (key == "type" or read_key.lower() != "type"):
            yield read_key, value.rstrip().strip(BLANKS)


def is_second_general(name, options):
    kind = options.get("type", "aor")
    usual = objects.AOR_OR_AUTH_OPTIONS & {key.lower() for key in options}
    return name in {"global", "system"} and kind in {"aor", "auth"} and not usual


def cut(name):
    return name.encode()[:79].decode("utf-8", "surrogateescape")


def identity(name, pairs):
    return dict(pairs).get("type"), cut(name)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_asterisk_reads_what_is_stored_and_no_object_twice(data):
    world = data.draw(hostile_worlds())
    roles = {"lines": lines, parts.TRUNKS: trunks, "guests": guests}
    some = {title: data.draw(items(world, role, 0)) for title, role in roles.items()}
    endpoints, safe = world.endpoints(), safe_text()

    registered = parts.named([parts.register(title, endpoints, of) for title, of in some.items()], safe)
    left_out = objects.left_out(registered, endpoints, {}, safe)
    pieces = chain.from_iterable(map(parts.text, repeat(endpoints), registered, left_out, repeat(safe)))
    file = read("".join(safe.written(pieces)))

    assert file.refused is None
    assert file.resolved() == expected(world, some)


@settings(deadline=None)
@given(worlds())
def test_what_has_no_circle_is_left_alone(world):
    endpoints = world.endpoints()

    endpoints.break_circles()

    assert endpoints.parents == world.parents


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, 6), unique=True, max_size=3)))
def test_only_links_of_a_circle_are_left_out_and_none_remains(links):
    rows = {f"e{place}": endpoint(f"e{place}") for place in range(7)}
    parents = {f"e{child}": tuple(f"e{one}" for one in some) for child, some in links.items()}
    endpoints = World(rows, parents).endpoints()

    endpoints.break_circles()

    removed = [(child, one) for child, some in parents.items() for one in some if one not in endpoints.parents[child]]
    assert all(child in reached(parents, one) for child, one in removed)
    assert not any(uuid in reached(endpoints.parents, one) for uuid in rows for one in endpoints.parents.get(uuid, ()))


def reached(parents, start):
    """`start` and all its ancestors."""
    found, waiting = set(), [start]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parents.get(one, ())
    return found


def test_templates_may_inherit_from_each_other_a_thousand_deep():
    uuids = [f"e{place}" for place in range(1500)]
    rows = {uuid: endpoint(uuid, template=True) for uuid in uuids[:-1]} | {uuids[-1]: endpoint(uuids[-1])}
    parents = {child: (parent,) for parent, child in pairwise(uuids)}
    world = World(rows, parents, stored=[(uuids[0], "endpoint", "allow", "ulaw")])

    content = "".join(made("lines", world, [(uuids[-1], Guest("m", "Room"))]))

    assert content.startswith("[n-e1499]\nallow = ulaw\n")


def test_endpoints_make_one_run_of_sections():
    rows = {f"e{place}": endpoint(f"e{place}") for place in range(2 * parts.ENDPOINTS_AT_A_TIME)}
    world = World(rows)
    some = [(uuid, Guest("m", "Room")) for uuid in rows]

    pieces = made("lines", world, some)

    assert len(pieces) == 3
    assert "".join(pieces) == Naive(world, some).text("lines")


def test_a_part_without_endpoints_is_nothing():
    assert made("lines", World({}), []) == []


def test_a_section_of_a_type_that_this_code_does_not_know_is_no_error():
    world = World({"e0": endpoint("e0")}, stored=[("e0", "acl", "permit", "all"), ("e0", "aor", "max_contacts", "1")])

    content = "".join(made("lines", world, [("e0", Guest("m", "Room"))]))

    assert content == Naive(world, [("e0", Guest("m", "Room"))]).text("lines")
