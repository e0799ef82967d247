"""asterisk/pjsip.conf from rows that are odd, broken or hostile (quirks of docs/spec/10-pjsip.conf.md, our rules)."""

import re

import pytest

from integration_tests.suite.helpers.scratch import CONTROLS, hostile_texts
from integration_tests.suite.helpers.sip_rows import SIPRows, uuid_of
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.pjsip import PJSIPConf
from xivo_confgend_wazo.meta import (
    endpoint_sip_template,
    extensions,
    groupfeatures,
    line_extension,
    linefeatures,
    meeting,
    pickup,
    pickupmember,
    queuemember,
    tenant,
    trunkfeatures,
    user_line,
)

MEETING = "dddddddd-0000-4000-8000-00000000000d"


@pytest.fixture
def rows(database):
    return SIPRows(database)


def sections(database):
    """Names of the sections after the stored ones, in order."""
    return [section.name for section in read(database.generate(PJSIPConf).content).sections][2:]


def options(database, name):
    """Names and values of the first section `name`."""
    return read(database.generate(PJSIPConf).content).named(name)[0].pairs()


def test_an_endpoint_reached_only_as_a_parent_is_written(database, rows):
    rows.endpoint("shared")
    rows.endpoint("kid", ["shared"])
    rows.line(1, "kid")

    assert sections(database) == ["shared", "kid"]


def test_an_endpoint_that_is_neither_template_nor_not_is_written(database, rows):
    rows.endpoint("either", template=None)
    rows.line(1, "either")

    assert sections(database) == ["either"]


def test_a_line_on_a_template_is_not_written(database, rows):
    rows.template("tpl")
    rows.line(1, "tpl")

    assert sections(database) == []


def test_two_lines_on_one_endpoint_give_one_section_with_the_data_of_the_last(database, rows):
    rows.endpoint("one")
    rows.endpoint("two")
    rows.line(1, "one")
    rows.line(2, "two")
    rows.line(3, "one", "ctx-z")

    assert sections(database) == ["one", "two"]
    assert ("context", "ctx-z") in options(database, "one")


def test_an_endpoint_that_inherits_comes_before_one_that_does_not(database, rows):
    rows.template("tpl")
    rows.endpoint("alone")
    rows.endpoint("kid", ["tpl"])
    rows.trunk(1, "alone")
    rows.trunk(2, "kid")

    assert sections(database) == ["kid", "alone"]


def test_links_without_a_priority_come_last_and_count_as_none(database, rows):
    rows.template("first", endpoint=[("allow", "first")])
    rows.template("last", endpoint=[("allow", "last")])
    rows.endpoint("a")
    rows.endpoint("kid", ["first"])
    database.add(endpoint_sip_template, child_uuid=uuid_of("kid"), parent_uuid=uuid_of("last"), priority=None)
    rows.trunk(1, "kid")

    assert ("allow", "last") in options(database, "kid")


def test_a_meeting_without_a_name_is_called_none(database, rows):
    rows.endpoint("gst")
    rows.meeting(MEETING, "gst", None)

    assert ("set_var", "WAZO_MEETING_NAME=None") in options(database, "gst")


def test_stored_references_open_empty_sections_of_that_name(database, rows):
    rows.endpoint("one", endpoint=[("aors", "a b "), ("auth", "c;d")])
    rows.line(1, "one")

    assert database.generate(PJSIPConf).content.endswith("\n\n[a b ]\n\n[c\\;d]\n\n\n")


def test_codecs_are_disallowed_before_they_are_allowed(database, rows):
    rows.endpoint("one", endpoint=[("allow", "ulaw"), ("disallow", "all")])
    rows.trunk(1, "one")

    names = [name for name, _ in options(database, "one")]
    assert names.index("disallow") < names.index("allow")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a]b", "cannot be a section name"),
        ("", "cannot be a section name"),
        ("global", "is the name of a section for all"),
    ],
)
def test_a_stored_reference_that_cannot_be_a_section_opens_none(database, rows, name, reason):
    rows.endpoint("one", endpoint=[("aors", name)])
    rows.line(1, "one")

    assert sections(database) == ["one"]
    assert database.generate(PJSIPConf).warnings == [
        f"an empty section of endpoint_sip row {uuid_of('one')} is left out: column option aors {reason}"
    ]


def test_the_last_of_equal_keys_in_a_section_is_that_of_the_highest_value(database, rows):
    rows.endpoint("one", endpoint=[("permit", "b"), ("permit", "a")])
    rows.line(1, "one")

    assert [value for key, value in options(database, "one") if key == "permit"] == ["b"]


def test_values_keep_their_leading_blanks_and_lose_the_trailing_ones(database, rows):
    rows.endpoint("one", endpoint=[("allow", "\u2003opus \u00a0")])
    rows.line(1, "one")

    assert "\nallow = \u2003opus\n" in database.generate(PJSIPConf).content


def test_members_of_a_group_are_reached_by_the_main_line_of_its_main_user_only(database, rows):
    for number, (main_user, main_line) in enumerate(((True, True), (False, True), (True, False)), 1):
        rows.endpoint(f"one{number}")
        rows.line(number, f"one{number}")
        database.add(user_line, user_id=7, line_id=number, main_user=main_user, main_line=main_line)
    database.add(groupfeatures, id=5, name="sales")
    database.add(queuemember, queue_name="sales", interface="x", usertype="user", userid=7, category="queue")
    for number in (10, 9):
        database.add(pickup, id=number, name=str(number))
        database.add(pickupmember, pickupid=number, category="member", membertype="group", memberid=5)
    database.add(pickup, id=11, name="disabled", commented=1)
    database.add(pickupmember, pickupid=11, category="member", membertype="group", memberid=5)

    assert ("named_pickup_group", "9,10") in options(database, "one1")
    assert "named_pickup_group" not in dict(options(database, "one2") + options(database, "one3"))


def test_several_extensions_do_not_repeat_the_users(database, rows):
    rows.endpoint("one")
    rows.line(1, "one")
    rows.voicemail(1, "100", "ctx-a")
    rows.user(7, "ann", 1, voicemailid=1)
    rows.extension(1, "102", "ctx-a", main=False)
    rows.extension(1, "101", "ctx-a", main=False)

    assert ("mailboxes", "100@ctx-a") in options(database, "one")
    assert ("set_var", "PICKUPMARK=101%ctx-a") in options(database, "one")


def test_rows_that_lead_nowhere_count_as_missing(database, rows):
    rows.endpoint("one", ["nobody"])
    rows.line(1, "one")
    rows.line(2, "nobody")
    rows.user(7, "ann", 1, voicemailid=404)
    database.add(user_line, user_id=404, line_id=1, main_user=False, main_line=True)
    database.add(line_extension, line_id=1, extension_id=404, main_extension=True)

    assert sections(database) == ["one"]
    assert [value for key, value in options(database, "one") if "404" in value or "mark" in value.lower()] == []


def test_circular_inheritance_costs_one_link_and_a_warning(database, rows):
    rows.template("tpl-a", ["tpl-b"], endpoint=[("allow", "a")])
    rows.template("tpl-b", ["tpl-a"], endpoint=[("codec_prefs", "b")])
    rows.endpoint("kid", ["tpl-a"])
    rows.endpoint("own-parent", ["own-parent"])
    rows.endpoint("good", endpoint=[("allow", "ulaw")])
    for number, name in enumerate(("kid", "own-parent", "good"), 1):
        rows.line(number, name)

    made = database.generate(PJSIPConf)

    assert [section.name for section in read(made.content).sections][2:] == ["kid", "own-parent", "good"]
    assert {"allow": "a", "codec_prefs": "b"}.items() <= dict(options(database, "kid")).items()
    assert made.warnings == [
        "circular inheritance: 2 links of endpoint_sip_template left out, first 'own-parent' as parent of 'own-parent'"
    ]


def test_an_endpoint_whose_name_cannot_be_a_section_is_left_out_and_its_children_are_not(database, rows):
    rows.endpoint("x]\n[good", endpoint=[("allow", "a")], aor=[("max_contacts", "1")])
    rows.endpoint("kid", ["x]\n[good"])
    rows.line(1, "kid")

    made = database.generate(PJSIPConf)

    assert [section.name for section in read(made.content).sections][2:] == ["kid", "kid"]
    place = f"endpoint_sip row {uuid_of('x]' + chr(10) + '[good')}"
    assert made.warnings == [
        f"{place} is left out: column name cannot be a section name",
        f"control characters were written as spaces in 1 value, first in {place} column name",
    ]


def test_a_transport_whose_name_cannot_be_a_section_is_left_out(database, rows):
    rows.transport("a]b")
    rows.transport("good")

    assert sections(database) == ["good"]


def test_an_option_is_never_a_section_or_a_directive(database, rows):
    keys = ["[good]", " [good](!)", "#exec sh", "\u2003[good]"]
    rows.endpoint("bad", endpoint=[(key, "x") for key in keys])
    rows.transport("transport", [(key, "x") for key in keys])
    rows.line(1, "bad")

    file = read(database.generate(PJSIPConf).content)

    assert [section.name for section in file.sections] == ["global", "system", "transport", "bad"]
    assert file.directives == []


@pytest.mark.parametrize("key", ["Type", " type", "TYPE\t", "\x01type", "\u2003tYpE"])
def test_only_the_computed_line_says_what_a_section_is(database, rows, key):
    sections = ("aor", "auth", "endpoint", "identify", "registration", "outbound_auth")
    rows.endpoint("one", **{section: [(key, "global"), ("allow", "x")] for section in sections})
    rows.trunk(1, "one")

    made = database.generate(PJSIPConf)

    kinds = [pairs["type"] for pairs in (dict(pairs) for _, pairs in read(made.content).resolved()[2:])]
    assert kinds == ["endpoint", "aor", "auth", "identify", "auth", "registration"]
    assert "global" not in made.content.replace("[global]", "")
    warning = (
        f"an option of endpoint_sip_section_option of endpoint row {uuid_of('one')} is left out: "
        "column key is read as `type`, which is computed"
    )
    assert made.warnings.count(warning) == len(sections)


def test_the_type_of_a_transport_is_the_first_line_of_its_section(database, rows):
    rows.transport("one", [("Type", "global"), ("type", "system")])

    ((name, pairs),) = read(database.generate(PJSIPConf).content).resolved()[2:]

    assert (name, pairs[0]) == ("one", ("type", "transport"))


@pytest.mark.parametrize(("key", "reason"), [("a=b", "holds ="), (" \x01", "is empty"), ("", "is empty")])
def test_an_option_without_a_key_is_left_out(database, rows, key, reason):
    rows.endpoint("one", aor=[(key, "x"), ("max_contacts", "1")])
    rows.transport("two", [(key, "x"), ("bind", "y")])
    rows.stored_file("pjsip.conf", {"three": [(key, "x"), ("kept", "y")]})
    rows.line(1, "one")

    made = database.generate(PJSIPConf)

    pairs = dict(read(made.content).resolved())
    assert pairs["two"] == [("type", "transport"), ("bind", "y")]
    assert pairs["three"] == [("kept", "y")]
    assert "[one]\nmax_contacts = 1\ntype = aor\n" in made.content
    warnings = [line for line in made.warnings if line.endswith(f"is left out: column key {reason}")]
    assert [line.split(" row ")[0] for line in warnings] == [
        "an option of asterisk_file_variable",
        "an option of pjsip_transport_option",
        "an option of endpoint_sip_section_option of endpoint",
    ]


def test_names_with_semicolons_are_read_everywhere_as_stored(database, rows):
    name = "a;--b"
    some = {"aor": [("contact", "sip:a;b")], "auth": [("username", "u")], "registration": [("server_uri", "sip:a")]}
    more = {"outbound_auth": [("username", "o;")], "registration_outbound_auth": [("username", "r")]}
    rows.transport("t;--", [("bind", "0.0.0.0;"), (";k", "v")])
    rows.endpoint(name, label="L;-- x", transport="t;--", identify=[("match", "m;")], **some, **more)
    rows.trunk(1, name, "ctx;")
    rows.endpoint("b;")
    rows.line(1, "b;", "ctx;--")
    rows.user(7, "ann;", 1, voicemailid=1)
    rows.voicemail(1, "10;0", "vm;")
    rows.extension(1, "100", "ext;", main=True)
    rows.endpoint("c;")
    rows.meeting(MEETING, "c;", "Room;--")

    made = database.generate(PJSIPConf)

    file = read(made.content)
    assert (file.refused, file.problems, made.warnings) == (None, [], [])
    assert [name for name, _ in file.resolved()] == [
        *("global", "system", "t;--", "b;", "b;"),
        *(name, name, name, name, f"outbound_auth_{name}", f"auth_reg_{name}", name),
        "c;",
    ]
    pairs = [pair for _, pairs in file.resolved() for pair in pairs]
    for pair in (
        ("bind", "0.0.0.0;"), (";k", "v"), ("transport", "t;--"), ("context", "ctx;"), ("context", "ctx;--"),
        ("mailboxes", "10;0@vm;"), ("set_var", "PICKUPMARK=100%ext;"), ("set_var", "TRANSFER_CONTEXT=ctx;--"),
        ("set_var", "XIVO_USERUUID=ann;"), ("set_var", "WAZO_MEETING_NAME=Room;--"), ("contact", "sip:a;b"),
        ("match", "m;"), ("username", "o;"), ("aors", name), ("auth", name), ("endpoint", name),
        ("outbound_auth", f"outbound_auth_{name}"), ("outbound_auth", f"auth_reg_{name}"),
    ):  # fmt: skip
        assert pair in pairs
    assert f"; L;-- x\n[{name}]".replace(f"[{name}", "[a\\;--b") in made.content


def test_a_line_that_is_too_long_is_left_out_and_its_row_named(database, rows):
    rows.endpoint("one", label="l" * 9000, endpoint=[("callerid", "é" * 4090), ("allow", "ulaw")])
    rows.endpoint("two", auth=[("username", "u" * 3000)])
    rows.transport("three", [("bind", "x" * 9000), ("protocol", "udp")])
    rows.line(1, "one")
    rows.line(2, "two")

    made = database.generate(PJSIPConf)

    assert (read(made.content).problems, read(made.content).refused) == ([], None)
    assert "[three]\ntype = transport\nprotocol = udp\n" in made.content
    assert f"username = {'u' * 3000}\n" in made.content
    option = f"endpoint_sip_section_option of endpoint row {uuid_of('one')} column value"
    assert sorted(re.sub(r"row \d+ ", "row N ", line.split(":")[0]) for line in made.warnings) == [
        f"endpoint_sip row {uuid_of('one')} column label",
        option,
        option,
        "pjsip_transport_option row N column value",
    ]


def test_a_name_of_thousands_of_characters_leaves_its_endpoint_out(database, rows):
    rows.endpoint("n" * 2001, auth=[("username", "u")])
    rows.endpoint("good")
    rows.line(1, "n" * 2001)
    rows.line(2, "good")

    made = database.generate(PJSIPConf)

    assert [section.name for section in read(made.content).sections][2:] == ["good"]
    assert made.warnings == [
        f"endpoint_sip row {uuid_of('n' * 2001)} is left out: column name cannot be a section name"
    ]


HOSTILE = (
    f"\n[good]\ntype = evil\r\n#exec sh\n{CONTROLS}",
    '"Bob ;-- x" <10014>',
    ";--",
    "x --; y",
    ";",
    "\\",
    "\\;--",
    "[",
    "[good](!)",
    "#exec id",
    ">x",
    "=",
    "a,b&c@d|e",
    "(+)",
    "+",
    "good",
    "",
    " ",
    "\x01",
    "\u2028[good]",
    "é" * 39,
)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_hostile_tenant_changes_what_others_get(database, rows, hostile):
    good = ("good", ["tpl"])
    rows.tenants()
    rows.template("tpl", endpoint=[("allow", "ulaw")], aor=[("max_contacts", "1")])
    rows.endpoint(*good, auth=[("username", "good")])
    rows.line(900, "good")
    before = read(database.generate(PJSIPConf).content)
    add_hostile_tenant(database, rows, hostile)

    after = read(database.generate(PJSIPConf).content)

    assert (after.refused, after.directives, after.problems) == (None, [], [])
    typed = [(name, pairs) for name, pairs in after.resolved() if "type" in dict(pairs)]
    for section in [(name, pairs) for name, pairs in before.resolved() if name == "good"]:
        assert section in typed
    kinds = [(name, dict(pairs)["type"]) for name, pairs in typed]
    assert len({*kinds}) == len(kinds)
    assert {kind for kind in kinds if kind[0] == "good"} <= {
        ("good", kind) for kind in ("endpoint", "aor", "auth", "transport")
    }
    trunk = ("endpoint", "aor", "auth", "identify", "registration")
    assert {("bad", "endpoint"), ("guest", "endpoint"), *(("trunk", kind) for kind in trunk)} <= {*kinds}


def test_options_with_control_characters_are_options_still_with_one_warning(database, rows):
    rows.endpoint("kid", endpoint=[("a\x1eb", "c\x1e\nd"), ("e", "f")])
    rows.line(900, "kid")

    made = database.generate(PJSIPConf)

    assert "\na b = c  d\ne = f\n" in made.content
    assert made.warnings == [
        "control characters were written as spaces in 2 values, first in endpoint_sip_section_option of endpoint"
        f" row {uuid_of('kid')} column value"
    ]


def add_hostile_tenant(database, rows, hostile):
    """Every text of its line, trunk and meeting is `hostile`, but for the names of their endpoints."""
    owner = hostile[:36]
    database.add(tenant, **hostile_texts(tenant, hostile))
    everything = {
        section: [(hostile, hostile), ("allow", hostile), ("set_var", hostile), ("callerid", hostile)]
        for section in ("endpoint", "aor", "auth", "identify", "registration", "outbound_auth")
    }
    rows.transport(hostile, [(hostile, hostile)])
    for name in ("bad", "trunk", "guest"):
        rows.endpoint(name, label=hostile, transport=hostile or None, tenant_uuid=owner, **everything)
    number = {"id": 666, "endpoint_sip_uuid": uuid_of("bad")}
    database.add(linefeatures, **{**hostile_texts(linefeatures, hostile), **number})
    rows.user(666, hostile[:38], 666, voicemailid=666)
    rows.voicemail(666, hostile[:40], hostile[:79])
    database.add(extensions, **{**hostile_texts(extensions, hostile), "id": 666, "type": "user"})
    database.add(line_extension, line_id=666, extension_id=666, main_extension=True)
    trunk = {"id": 666, "endpoint_sip_uuid": uuid_of("trunk")}
    database.add(trunkfeatures, **{**hostile_texts(trunkfeatures, hostile), **trunk})
    guest = {"uuid": MEETING, "guest_endpoint_sip_uuid": uuid_of("guest")}
    database.add(meeting, **{**hostile_texts(meeting, hostile), **guest})
