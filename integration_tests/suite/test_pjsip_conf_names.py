"""asterisk/pjsip.conf: two objects of one name and type, after which Asterisk refuses all objects of that type."""

from __future__ import annotations

from collections import Counter

import pytest

from integration_tests.suite.helpers.scratch import Scratch
from integration_tests.suite.helpers.sip_rows import SIPRows, uuid_of
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend.testing.generation import Generated
from xivo_confgend_wazo.impl.asterisk.pjsip import PJSIPConf

AOR = [("max_contacts", "1")]
AUTH = [("username", "u")]
LONG = "n" * 79


@pytest.fixture
def rows(database: Scratch) -> SIPRows:
    return SIPRows(database)


def objects(made: Generated) -> list[tuple[str, str]]:
    """Type and name of each object that Asterisk reads, in the order of the file."""
    kinds = (
        (name, next((value for key, value in pairs if key.lower() == "type"), "")) for name, pairs in resolved(made)
    )
    found = [(kind or name, name) for name, kind in kinds if kind or name in {"global", "system"}]
    assert [one for one, often in Counter(found).items() if often > 1] == []
    return [one for one in found if one[0] not in {"global", "system"}]


def resolved(made: Generated) -> list[tuple[str, list[tuple[str, str]]]]:
    file = read(made.content)
    assert file.refused is None
    return file.resolved()


def place(name: str, table: str = "endpoint_sip") -> str:
    return f"{table} row {uuid_of(name)}"


def left_out(section: str, part: str, name: str, first: str) -> str:
    return (
        f"the {section} among the {part} of {place(name)} is left out: column name is, to Asterisk, "
        f"the same name as {place(first)} column name"
    )


def test_of_names_that_asterisk_cuts_to_one_the_first_stays(database: Scratch, rows: SIPRows) -> None:
    for number, name in enumerate((f"{LONG}z", f"{LONG}a", LONG, "other")):
        rows.endpoint(name, aor=AOR, auth=AUTH)
        rows.line(number, name, f"ctx-{number}")

    made = database.generate(PJSIPConf)

    kinds = ("endpoint", "aor", "auth")
    assert sorted(objects(made)) == sorted((kind, name) for name in (LONG, "other") for kind in kinds)
    assert ("context", "ctx-2") in dict(resolved(made))[LONG] + resolved(made)[2][1]
    assert sorted(made.warnings) == sorted(
        left_out(kind, "lines", f"{LONG}{end}", LONG) for kind in kinds for end in "az"
    )


@pytest.mark.parametrize(("first", "second"), [("a b", "a\nb"), ("a;b", "a\\;b"), ("a b", "a\x85b")])
def test_names_that_are_written_alike_are_one(database: Scratch, rows: SIPRows, first: str, second: str) -> None:
    for number, name in enumerate((second, first)):
        rows.endpoint(name, auth=AUTH)
        rows.line(number, name)

    assert [kind for kind, _ in objects(database.generate(PJSIPConf))] == ["endpoint", "auth"]


def test_names_that_differ_in_case_are_two(database: Scratch, rows: SIPRows) -> None:
    for number, name in enumerate(("ann", "Ann")):
        rows.endpoint(name)
        rows.line(number, name)

    made = database.generate(PJSIPConf)

    assert objects(made) == [("endpoint", "ann"), ("endpoint", "Ann")]
    assert made.warnings == []


def test_a_section_that_only_one_of_both_has_stays(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint(f"{LONG}a", aor=AOR)
    rows.endpoint(f"{LONG}b", auth=AUTH)
    rows.line(1, f"{LONG}b")
    rows.line(2, f"{LONG}a")

    made = database.generate(PJSIPConf)

    assert objects(made) == [("auth", LONG), ("endpoint", LONG), ("aor", LONG)]
    assert made.warnings == [left_out("endpoint", "lines", f"{LONG}b", f"{LONG}a")]


def test_an_endpoint_of_a_line_and_a_trunk_is_that_of_the_line(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint("both", label="Both", aor=AOR, registration=[("server_uri", "sip:a")], identify=[("match", "::1")])
    rows.line(1, "both", "ctx-line")
    rows.trunk(1, "both", "ctx-trunk")

    made = database.generate(PJSIPConf)

    assert objects(made) == [(kind, "both") for kind in ("endpoint", "aor", "identify", "registration")]
    assert "ctx-line" in made.content
    assert "ctx-trunk" not in made.content
    assert made.content.count("; Both\n") == 1
    assert made.warnings == [left_out(kind, "trunks", "both", "both") for kind in ("endpoint", "aor")]


def test_an_endpoint_keeps_the_part_in_which_it_has_a_role(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint("trunk", aor=AOR)
    rows.endpoint("kid", ["trunk"])
    rows.line(1, "kid")
    rows.trunk(1, "trunk", "ctx-trunk")

    made = database.generate(PJSIPConf)

    assert objects(made) == [("endpoint", "kid"), ("aor", "kid"), ("endpoint", "trunk"), ("aor", "trunk")]
    assert "context = ctx-trunk\n" in made.content


def test_the_first_section_of_a_part_may_be_left_out(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint(f"{LONG}b")
    rows.endpoint(f"{LONG}a")
    rows.line(1, f"{LONG}b")
    rows.line(2, f"{LONG}a")

    made = database.generate(PJSIPConf)

    assert made.content.startswith(f"[global]\n\n\n[system]\n\n\n[{LONG}a]\n")


@pytest.mark.parametrize("name", ["outbound_auth_t", "auth_reg_t"])
def test_the_auths_of_a_trunk_are_not_those_of_others(database: Scratch, rows: SIPRows, name: str) -> None:
    given = {"outbound_auth": AUTH, "registration_outbound_auth": AUTH, "registration": [("server_uri", "sip:a")]}
    rows.endpoint("t", **given)
    rows.endpoint(name, auth=AUTH)
    rows.trunk(1, "t")
    rows.line(1, name)

    made = database.generate(PJSIPConf)

    assert ("auth", name) in objects(made)
    assert len(made.warnings) == 1


def test_the_name_of_an_auth_counts_with_what_is_before_it(database: Scratch, rows: SIPRows) -> None:
    for number, end in enumerate("ab"):
        rows.endpoint("t" * 70 + end, outbound_auth=AUTH)
        rows.trunk(number, "t" * 70 + end)

    made = database.generate(PJSIPConf)

    assert [kind for kind, _ in objects(made)] == ["endpoint", "auth", "endpoint"]
    assert made.warnings == [left_out("outbound_auth", "trunks", "t" * 70 + "b", "t" * 70 + "a")]


def test_objects_of_different_types_share_a_name(database: Scratch, rows: SIPRows) -> None:
    rows.transport("same")
    rows.endpoint("same", aor=AOR, auth=AUTH)
    rows.line(1, "same")

    made = database.generate(PJSIPConf)

    assert objects(made) == [(kind, "same") for kind in ("transport", "endpoint", "aor", "auth")]
    assert made.warnings == []


def test_of_transports_of_one_name_the_first_stays(database: Scratch, rows: SIPRows) -> None:
    for name in (f"{LONG}b", f"{LONG}a", "a;b"):
        rows.transport(name, [("bind", name[-1])])

    made = database.generate(PJSIPConf)

    assert sorted(objects(made)) == [("transport", "a;b"), ("transport", LONG)]
    assert "bind = a\n" in made.content
    assert made.warnings == [
        f"{place(f'{LONG}b', 'pjsip_transport')} is left out: column name is, to Asterisk, the same name as "
        f"{place(f'{LONG}a', 'pjsip_transport')} column name"
    ]


def test_what_administrators_stored_stays(database: Scratch, rows: SIPRows) -> None:
    stored = {"x": [("Type", " endpoint")], "outbound_auth_t": [("type", "auth")], "tr": [("type", "transport")]}
    rows.stored_file("pjsip.conf", stored)
    rows.transport("tr")
    rows.endpoint("x", aor=AOR)
    rows.endpoint("t", outbound_auth=AUTH)
    rows.line(1, "x")
    rows.trunk(1, "t")

    made = database.generate(PJSIPConf)

    expected = [("endpoint", "x"), ("auth", "outbound_auth_t"), ("transport", "tr"), ("aor", "x"), ("endpoint", "t")]
    assert objects(made) == expected
    reason = "is left out: column name is, to Asterisk, a name that the file uses itself"
    assert made.warnings == [
        f"{place('tr', 'pjsip_transport')} {reason}",
        f"the endpoint among the lines of {place('x')} {reason}",
        f"the outbound_auth among the trunks of {place('t')} {reason}",
    ]


def test_stored_sections_of_one_name_are_written_and_told(database: Scratch, rows: SIPRows) -> None:
    kind = [("type", "acl")]
    rows.stored_file("pjsip.conf", {f"{LONG}a": kind, f"{LONG}b": kind, "x": kind, "y": [("type", "global")]})

    made = database.generate(PJSIPConf)

    assert made.content.count("type = acl") == 3
    assert made.warnings == [
        "asterisk_file_section row 4 column name is that of a second object of type global: Asterisk refuses both",
        "asterisk_file_section row 2 column name is to Asterisk the same name as asterisk_file_section row 1 column"
        " name: it refuses all objects of type acl",
    ]


@pytest.mark.parametrize("section", ["aor", "auth"])
@pytest.mark.parametrize("name", ["global", "system"])
def test_no_endpoint_gives_a_second_general_object(database: Scratch, rows: SIPRows, section: str, name: str) -> None:
    rows.endpoint(name, **{section: [("user_agent", "x"), ("timer_t1", "100")]})
    rows.line(1, name)

    made = database.generate(PJSIPConf)

    assert objects(made) == [("endpoint", name)]
    assert made.content.count("user_agent") == 0
    assert made.warnings == [
        f"the {section} among the lines of {place(name)} is left out: column name is the name of a section for all"
    ]


def test_an_endpoint_called_global_keeps_its_usual_sections(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint("global", aor=AOR, auth=AUTH)
    rows.line(1, "global")

    made = database.generate(PJSIPConf)

    assert "[global]\nmax_contacts = 1\ntype = aor\n" in made.content
    assert "[global]\nusername = u\ntype = auth\n" in made.content
    assert made.warnings == []


def test_endpoints_without_a_name_are_left_out_and_told_once(database: Scratch, rows: SIPRows) -> None:
    rows.endpoint("", aor=AOR, identify=[("match", "::1")])
    rows.endpoint("kid", [""])
    rows.line(1, "")
    rows.trunk(1, "")
    rows.line(2, "kid")

    made = database.generate(PJSIPConf)

    assert objects(made) == [("endpoint", "kid"), ("aor", "kid")]
    assert made.warnings == [f"{place('')} is left out: column name cannot be a section name"]


def test_a_stored_section_without_a_name_is_left_out(database: Scratch, rows: SIPRows) -> None:
    rows.stored_file("pjsip.conf", {"": [("type", "acl")], "x": [("type", "acl")]})

    made = database.generate(PJSIPConf)

    assert objects(made) == [("acl", "x")]
    assert made.warnings == ["asterisk_file_section row 1 is left out: column name cannot be a section name"]
