"""The contexts file is read as its specification says, and a mistake in it is one line with file and line number."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers import templates
from xivo_confgend.plugin_helpers.templates import TemplateError
from xivo_confgend_wazo.impl.dialplan.contexts_file import (
    SHIPPED,
    ContextsFile,
    Section,
    contexts_paths,
    parse_contexts_file,
    read_contexts_file,
)

MANDATORY = "[template]\n[xivo-features]\n"


def parse(text: str) -> ContextsFile:
    """The file with the mandatory sections in front, on two lines of their own."""
    return parse_contexts_file(MANDATORY + text, "contexts.conf")


def options(text: str) -> list[tuple[str, str]]:
    """The printed options of a section with the lines of `text`."""
    return list(parse("[a]\n" + text).sections["a"].options)


def mistake(text: str) -> str:
    with pytest.raises(TemplateError) as raised:
        parse(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("exten = s,1,NoOp()", ("exten", "s,1,NoOp()")),
        ("EXTEN = Foo", ("exten", "Foo")),
        ("exten : s,1,X(a=b)", ("exten", "s,1,X(a=b)")),
        ("exten => s,1,NoOp()", ("exten", "> s,1,NoOp()")),
        ("exten =", ("exten", "")),
        ("exten=  a  b  ", ("exten", "a  b")),
        ("two words = 1", ("two words", "1")),
        ("[odd = 1", ("[odd", "1")),
        ("[] = 1", ("[]", "1")),
        ("a;b = c;d", ("a;b", "c;d")),
        ("a = b ; comment", ("a", "b")),
        ("a = b;c ; comment", ("a", "b;c")),
        ("a = b\t;comment", ("a", "b")),
        ("a = b\u00a0; comment", ("a", "b")),
        ('a = "q ; r"', ("a", '"q')),
        (r"a = b\; c", ("a", r"b\; c")),
        ("a = b # no comment", ("a", "b # no comment")),
        ("a = ${EXTEN:1} 100% %(b)s", ("a", "${EXTEN:1} 100% %(b)s")),
        ("a = b\x0bc\u2028d", ("a", "b\x0bc\u2028d")),
    ],
)
def test_a_line_is_an_option(line: str, option: tuple[str, str]):
    assert options(line) == [option]


@pytest.mark.parametrize(
    "line", ["; comment", "  ; comment", "# comment", "  # comment", "#include other.conf", " ", ""]
)
def test_a_line_says_nothing(line: str):
    assert options(f"a = 1\n{line}\nb = 2") == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_ends_in_any_of_three_ways(end: str):
    assert options(f"a = 1{end}b = 2{end}") == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("[b]", "b"),
        ("  [b]", "b"),
        ("[b](!)", "b"),
        ("[ sp ]", " sp "),
        ("[c] [d]", "c] [d"),
        ("[e] rest", "e"),
        ("[E]", "E"),
        ("[f] ; comment", "f"),
        ("[]]", "]"),
        ("[a=b]", "a=b"),
    ],
)
def test_a_line_is_a_header(header: str, name: str):
    assert parse(f"{header}\nx = 1").sections[name] == Section((("x", "1"),))


def test_repeated_options_are_kept_in_their_order():
    assert options("a = 1\nb = 2\na = 1\na = 0") == [("a", "1"), ("b", "2"), ("a", "1"), ("a", "0")]


def test_sections_of_one_name_are_taken_together():
    found = parse("[a]\nx = 1\nobjtpl = o1\n[b]\ny = 2\n[a]\nobjtpl = o2\nz = 3\n")

    assert found.sections["a"] == Section((("x", "1"), ("z", "3")), ("o1", "o2"))


def test_the_object_template_is_not_printed_whatever_its_case():
    assert parse("[a]\nObjTpl = one\nx = 1\nOBJTPL=two").sections["a"] == Section((("x", "1"),), ("one", "two"))


def test_options_of_the_common_section_go_in_front_of_every_section():
    found = parse("[DEFAULT]\nx = 1\n[a]\ny = 2\n")

    assert found.sections["a"].options == (("x", "1"), ("y", "2"))


def test_the_common_section_is_no_section():
    assert "DEFAULT" not in parse("[DEFAULT]\nx = 1\n").sections


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nx = 1\n y = 2",
        "[a]\nx = 1\n\ty = 2",
        "[a]\n  x = 1\n   y = 2",
        "[a]\nx = 1\n [b]",
        "[a]\nx = 1\n anything",
    ],
)
def test_a_line_more_indented_than_the_option_above_is_refused(text: str):
    line = MANDATORY.count("\n") + 3
    assert mistake(text) == f"contexts.conf line {line}: more indented than the option above, lines cannot be continued"


@pytest.mark.parametrize(
    "text",
    [
        "[a]\n  x = 1\n  y = 2",
        "[a]\n  x = 1\n y = 2",
        "[a]\nx = 1\n\n  y = 2",
        "[a]\nx = 1\n; comment\n  y = 2",
        "[a]\nx = 1\n  # comment\n  y = 2",
        "[b]\n[a]\n  x = 1\n  y = 2",
    ],
)
def test_any_other_indentation_is_accepted(text: str):
    assert parse(text).sections["a"].options == (("x", "1"), ("y", "2"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[a]\nno delimiter", "expected `name = value` or [section], got 'no delimiter'"),
        ("[]", "expected `name = value` or [section], got '[]'"),
        ("[a", "expected `name = value` or [section], got '[a'"),
        ("= value", "expected a name before '='"),
        (" : value", "expected a name before ':'"),
    ],
)
def test_a_line_that_is_nothing_is_refused(text: str, what: str):
    line = MANDATORY.count("\n") + text.count("\n") + 1
    assert mistake(text) == f"contexts.conf line {line}: {what}"


@pytest.mark.parametrize("text", ["x = 1\n[template]\n", "\n\nx = 1", "\ufeff[template]\n"])
def test_nothing_goes_before_the_first_header(text: str):
    with pytest.raises(TemplateError, match=r"^contexts\.conf line \d+: expected a \[section\] before anything else"):
        parse_contexts_file(text, "contexts.conf")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contexts.conf line 1: the file ends without a section [template]"),
        ("[xivo-features]\n", "contexts.conf line 1: the file ends without a section [template]"),
        ("[template]\n\nx = 1\n", "contexts.conf line 3: the file ends without a section [xivo-features]"),
        ("[template]\n[XIVO-FEATURES]", "contexts.conf line 2: the file ends without a section [xivo-features]"),
    ],
)
def test_a_mandatory_section_is_missed(text: str, message: str):
    with pytest.raises(TemplateError) as raised:
        parse_contexts_file(text, "contexts.conf")

    assert str(raised.value) == message


CHOICE = parse("[type:internal]\nx = type\n[own]\nx = own\n[!hidden]\n[hidden]\nx = hidden\n[template]\nx = template\n")


@pytest.mark.parametrize(
    ("name", "contexttype", "chosen"),
    [
        ("own", "internal", "own"),
        ("other", "internal", "type"),
        ("other", "services", "template"),
        ("Own", "Internal", "template"),
        ("DEFAULT", "services", "template"),
    ],
)
def test_the_section_of_the_name_wins_over_that_of_the_type(name: str, contexttype: str, chosen: str):
    section = CHOICE.choose(name, contexttype)

    assert section is not None
    assert section.options == (("x", chosen),)


def test_a_context_with_an_exclamation_mark_is_not_written():
    assert CHOICE.choose("hidden", "internal") is None


def test_the_shipped_file_is_the_one_in_etc():
    root = Path(__file__).parents[3]

    assert SHIPPED.read_bytes() == (root / "etc/xivo-confgend/templates/contexts.conf").read_bytes()


FIRST = "%%EXTEN%%,%%PRIORITY%%,"
BASE = (f"{FIRST}Set(__WAZO_BASE_CONTEXT=${{CONTEXT}})", "n,Set(__XIVO_BASE_EXTEN=${EXTEN})")
ENTRY = "n,GoSub(contextlib,entry-exten-context,1)"
TENANT = "n,Set(__WAZO_TENANT_UUID=%%TENANT_UUID%%)"
UNKNOWN = (("exten", "i,1,Playback(no-user-find)"), ("same", "n,Hangup()"))
SHIPPED_SECTIONS = {
    "template": Section(UNKNOWN, (f"{FIRST}Playback(no-user-find)", "n,Hangup()")),
    "type:internal": Section(
        (
            ("include", "xivo-features"),
            ("include", "xivo-extrafeatures"),
            ("include", "wazo-meeting-user"),
            ("exten", "t,1,Hangup()"),
            *UNKNOWN,
        ),
        (*BASE, TENANT, ENTRY, "n,%%ACTION%%"),
    ),
    "type:incall": Section(
        (
            *UNKNOWN,
            ("exten", "s,1,NoOp()"),
            ("same", "n,GotoIf($[${CHANNEL(channeltype)} = PJSIP]?:not-pjsip)"),
            ("same", 'n,GotoIf($["${XIVO_DID_NEXT_EXTEN}" = ""]?:error-loop)'),
            ("same", "n,Set(XIVO_DID_NEXT_EXTEN=${CUT(CUT(PJSIP_HEADER(read,To),@,1),:,2)})"),
            ("same", "n,Set(XIVO_FROM_S=1)"),
            ("same", "n,Goto(%%CONTEXT%%,${XIVO_DID_NEXT_EXTEN},1)"),
            ("same", "n(not-pjsip),NoOp()"),
            ("same", "n,Log(ERROR, This s extension can only be used from a PJSIP channel)"),
            ("same", "n,Hangup()"),
            ("same", "n(error-loop),NoOp()"),
            ("same", "n,Log(ERROR, Dialplan loop detected. Got PJSIP header To: ${PJSIP_HEADER(read,To)})"),
            ("same", "n,Hangup()"),
            ("exten", "_+.,1,Goto(${EXTEN:1},1)"),
        ),
        (
            *BASE,
            ENTRY,
            TENANT,
            "n,GotoIf(${XIVO_FROM_S}?:action)",
            "n,CELGenUserEvent(XIVO_FROM_S)",
            "n(action),%%ACTION%%",
        ),
    ),
    "type:outcall": Section((), (*BASE, ENTRY, "n,%%ACTION%%")),
    "xivo-features": Section((), (*BASE, ENTRY, "n,%%ACTION%%")),
}


def test_the_shipped_file_holds_what_the_specification_says():
    assert parse_contexts_file(SHIPPED.read_text("utf-8"), "contexts.conf").sections == SHIPPED_SECTIONS


def test_the_configured_file_is_read(tmp_path: Path):
    (tmp_path / "own.conf").write_text(MANDATORY + "[own]\n", "utf-8")

    assert "own" in read_contexts_file({"templates": {"contextsconf": str(tmp_path / "own.conf")}}).sections


def test_a_configured_file_that_is_missing_is_an_error(tmp_path: Path):
    with pytest.raises(TemplateError) as raised:
        read_contexts_file({"templates": {"contextsconf": str(tmp_path / "none.conf")}})

    assert str(raised.value) == f"{tmp_path}/none.conf: No such file or directory"


@pytest.mark.parametrize("configured", [None, "", 3, ["a"]])
def test_a_configured_value_that_is_no_path_is_an_error(configured: object):
    with pytest.raises(TemplateError, match=r"^configuration key templates\.contextsconf: expected"):
        contexts_paths({"templates": {"contextsconf": configured}})


@pytest.fixture
def default_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands in for the file in /etc."""
    path = tmp_path / "etc" / "contexts.conf"
    path.parent.mkdir()
    monkeypatch.setattr(templates, "DEFAULT_DIRECTORY", str(path.parent))
    return path


@pytest.mark.parametrize("config", [{}, {"templates": None}, {"templates": {}}])
def test_without_any_file_the_shipped_one_is_read(default_path: Path, config: dict[str, None]):
    assert read_contexts_file(config).sections == SHIPPED_SECTIONS


def test_the_default_path_may_be_named_without_a_file_there(default_path: Path):
    assert read_contexts_file({"templates": {"contextsconf": str(default_path)}}).sections == SHIPPED_SECTIONS


def test_the_file_in_the_directory_of_templates_is_read(tmp_path: Path, default_path: Path):
    default_path.write_text(MANDATORY + "[default]\n", "utf-8")
    (tmp_path / "contexts.conf").write_text(MANDATORY + "[own]\n", "utf-8")

    sections = read_contexts_file({"templates": {"directory": str(tmp_path)}}).sections

    assert set(sections) == {"template", "xivo-features", "own"}


def test_a_named_file_goes_before_the_directory_of_templates(tmp_path: Path):
    (tmp_path / "contexts.conf").write_text(MANDATORY, "utf-8")
    (tmp_path / "named.conf").write_text(MANDATORY + "[named]\n", "utf-8")
    config = {"directory": str(tmp_path), "contextsconf": str(tmp_path / "named.conf")}

    assert "named" in read_contexts_file({"templates": config}).sections


def test_without_a_directory_of_templates_the_shipped_file_is_read(default_path: Path):
    default_path.write_text(MANDATORY + "[default]\n", "utf-8")

    assert read_contexts_file({"templates": {"directory": None}}).sections == SHIPPED_SECTIONS


def test_the_default_file_goes_before_the_shipped_one(default_path: Path):
    default_path.write_text(MANDATORY + "[own]\n", "utf-8")

    assert set(read_contexts_file({}).sections) == {"template", "xivo-features", "own"}


def test_a_default_file_that_leads_nowhere_is_an_error(default_path: Path):
    default_path.symlink_to("nowhere.conf")

    with pytest.raises(TemplateError, match="No such file"):
        read_contexts_file({})


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True).filter(lambda name: name != "default")
VALUES = st.text(st.characters(exclude_characters=";\r\n", exclude_categories=["Cs"]), max_size=12).map(str.strip)
SECTIONS = st.lists(st.tuples(NAMES, st.lists(st.tuples(NAMES, VALUES), max_size=4)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(SECTIONS, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([" = ", "=", ": ", "\t=\t"]))
def test_what_was_written_is_read_back(sections: list[tuple[str, list[tuple[str, str]]]], end: str, delimiter: str):
    expected: dict[str, list[tuple[str, str]]] = {"template": [], "xivo-features": []}
    lines = ["[template]", "[xivo-features]"]
    for name, section in sections:
        expected.setdefault(name, []).extend(section)
        lines += [f"[{name}]", *(f"{option}{delimiter}{value}" for option, value in section)]

    found = parse_contexts_file(end.join(lines), "contexts.conf")

    assert found.sections == {
        name: Section(
            tuple(option for option in section if option[0] != "objtpl"),
            tuple(value for option, value in section if option == "objtpl"),
        )
        for name, section in expected.items()
    }


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("[]=:;# \t\na%\ufeff\u2028"), max_size=30))
def test_whatever_is_in_the_file_is_read_or_refused_with_its_line(text: str):
    try:
        found = parse(text)
    except TemplateError as error:
        line = int(str(error).removeprefix("contexts.conf line ").partition(":")[0])
        assert 3 <= line <= (MANDATORY + text).count("\n") + 1
    else:
        assert set(found.sections) >= {"template", "xivo-features"}
