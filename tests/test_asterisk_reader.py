"""What the reader of Asterisk's grammar sees, and what it reports."""

import pytest

from xivo_confgend.plugin_helpers.asterisk_reader import read


def problems(text):
    return [str(problem) for problem in read(text).problems]


def test_sections_keep_their_options_in_order():
    file = read("[general]\na = 1\nb => 2\n\n[other]\nc=3\n")

    assert [(section.name, section.pairs()) for section in file.sections] == [
        ("general", [("a", "1"), ("b", "2")]),
        ("other", [("c", "3")]),
    ]


def test_a_repeated_option_has_all_its_values():
    (section,) = read("[q]\nmember = a\nx = y\nmember = b\n").sections

    assert section.values("member") == ["a", "b"]


def test_a_value_may_hold_further_equal_signs_and_arrows():
    (section,) = read("[s]\nsetvar = A=>B=C\n").sections

    assert section.pairs() == [("setvar", "A=>B=C")]


def test_an_option_may_be_empty():
    (section,) = read("[s]\na =\nb =>\n").sections

    assert section.pairs() == [("a", ""), ("b", "")]


def test_a_semicolon_begins_a_comment_unless_escaped():
    (section,) = read("; label\n[s] ; here\na = 1;2\nb = 1\\;2\n").sections

    assert section.pairs() == [("a", "1"), ("b", "1;2")]


def test_a_comment_block_may_span_lines():
    (section,) = read("[s]\na = 1 ;-- b = 2\n[t]\nc = 3 --;\nd = 5\n").sections

    assert section.pairs() == [("a", "1"), ("d", "5")]


def test_modifiers_of_a_header_are_kept():
    file = read("[a](!)\n[b](a)\n[b](+)\n[c](a,b)\n")

    assert [section.modifiers for section in file.sections] == [("!",), ("a",), ("+",), ("a", "b")]
    assert file.problems == []


def test_directives_are_listed():
    assert read('#exec "/usr/bin/confgen asterisk/x.conf"\n#include a.conf\n').directives == [
        (1, '#exec "/usr/bin/confgen asterisk/x.conf"'),
        (2, "#include a.conf"),
    ]


def test_a_template_may_come_from_an_included_file():
    assert problems("#include templates.conf\n[a](elsewhere)\n") == []


@pytest.mark.parametrize("text", ["", "\n\n", "; only a comment\n", "[s]\n", "[s]\n1000 => 1234,Ann,,,tz=x\n"])
def test_these_are_without_problem(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\n[s]\n", "line 1: option outside of a section"),
        ("[s]\n[broken\n", "line 2: section header without ]"),
        ("[a](!)\n[s](a\n", "line 2: section header without )"),
        ("[s] x = 1\n", "line 1: text after a section header"),
        ("[]\n", "line 1: section without a name"),
        ("[s]\na = \x07b\n", "line 2: control character"),
        ("[s]\na = b\u2028c\n", "line 2: control character"),
        ("[s]\njust words\n", "line 2: neither option nor section, comment or directive"),
        ("[s]\n= 1\n", "line 2: option without a name"),
        ("[s]\n#import x\n", "line 2: unknown directive"),
        ("[s]\n;-- never ends\na = 1\n", "line 2: comment block without an end"),
        ("[a](b)\n", "line 1: template that is not above the section"),
        ("[a](+)\n", "line 1: addition to a section that is not above it"),
        ("[a](!)\n[a](+)\n", "line 2: addition to a section that is not above it"),
        ("[a]\n[b]( a)\n", "line 2: template that is not above the section"),
        ("[a]\nx = 1\n[a](+,a)\n", "line 3: section that inherits from itself: Asterisk hangs"),
        ("[a]\n[b]()\n", "line 2: a template without a name, which is the first section of the file"),
        ("[" + "n" * 80 + "]\n", "line 1: section name of more than 79 bytes, which is cut"),
        ("[s]\n\\ a = 1\n", "line 2: backslash in front of what cannot be escaped"),
        ("[s]\n\\é = 1\n", "line 2: backslash in front of what cannot be escaped"),
        ("[s]\n\\\n", "line 2: backslash in front of what cannot be escaped"),
        ("[s]\n#exec\n", "line 2: directive without an argument"),
        ("[s]\na = 1\0b = 2\n", "line 2: NUL: the rest of the line is not read"),
        ("[s]\n" + "a" * 8191 + "\n", "line 2: line of more than 8,190 bytes, which is not read"),
        (
            "[s]\na = b--;c\n",
            "line 2: end of a comment block that has no beginning: what follows is a comment",
        ),
        (";--" * 129 + "\n[s]\n", "line 1: comment blocks more than 128 deep: Asterisk hangs"),
    ],
)
def test_this_is_reported(text, expected):
    assert problems(text) == [expected]


def test_a_tabulator_is_no_problem():
    assert problems("[s]\na =\tb\n") == []


def test_a_no_break_space_is_part_of_a_name():
    (section,) = read("[s]\n\u00a0[t] = 1\n").sections

    assert section.pairs() == [("\u00a0[t]", "1")]


def resolved(text):
    return read(text).resolved()


REFUSED = [
    "a = 1\n[s]\n",
    "[s]\n[broken\n",
    "[s]\n[t](s\n",
    "[a](b)\n",
    "[a](+)\n",
    "[a]()\n",
    "[s]\n\\\n",
    "[a]\nx = 1\n[a](+,a)\n",
]


@pytest.mark.parametrize("text", REFUSED)
def test_of_a_refused_file_nothing_is_held(text):
    file = read("[fine]\n" + text.replace("[a]()", "[a](none)") if text.startswith("[") else text)

    assert file.refused is not None
    assert file.refused in file.problems
    assert file.resolved() == []


@pytest.mark.parametrize(
    "text",
    ["", "[s] x = 1\n", "[]\n", "[s]\nwords\n= 1\n#import x\n;-- to the end\n[", "[a]\n[b]()\n", "[s]\na = b--;\n[\n"],
)
def test_what_is_only_doubtful_refuses_nothing(text):
    assert read(text).refused is None


def test_the_first_refusing_line_is_the_reason():
    assert str(read("[s]\nwords\n[a](b)\n[c\n").refused) == "line 3: template that is not above the section"


def test_templates_are_resolved_and_not_held_themselves():
    text = "[a](!)\nx = 1\n[b](a)\ny = 2\n[c](!,a)\nz = 3\n[d](C,b)\n"

    assert resolved(text) == [
        ("b", [("x", "1"), ("y", "2")]),
        ("d", [("x", "1"), ("z", "3"), ("x", "1"), ("y", "2")]),
    ]


def test_what_is_added_later_is_not_inherited():
    assert resolved("[a]\nx = 1\n[b](a)\n[a](+)\ny = 2\n") == [("a", [("x", "1"), ("y", "2")]), ("b", [("x", "1")])]


def test_an_addition_may_name_a_template_by_a_condition():
    text = "[a](!)\nx = 1\n[a](+TEMPLATES=include)\ny = 2\n[b](a)\n"

    assert resolved(text) == [("b", [("x", "1"), ("y", "2")])]


def test_an_addition_may_name_the_options_of_a_section():
    text = "[a]\ntype = aor\n[a]\ntype = endpoint\n[a](+type=end.*)\ny = 2\n"

    assert resolved(text) == [("a", [("type", "aor")]), ("a", [("type", "endpoint"), ("y", "2")])]


@pytest.mark.parametrize("condition", ["x", "x=[", "TEMPLATES=other", "TEMPLATES=restrict", "type=aor&type=endpoint"])
def test_an_addition_to_what_does_not_match_is_refused(condition):
    assert read(f"[a]\ntype = aor\n[a](+{condition})\n").refused


def test_two_sections_of_one_name_are_two():
    assert resolved("[a]\nx = 1\n[a]\ny = 2\n") == [("a", [("x", "1")]), ("a", [("y", "2")])]


def test_plus_equals_appends_to_the_last_value():
    (section,) = read("[a]\nx = 1\nx = 2\nx +=  3\ny += 4\nx => 5\n").sections

    assert [option.appends for option in section.options] == [False, False, True, True, False]
    assert resolved("[a]\nx = 1\nx = 2\nx +=  3\ny += 4\n") == [("a", [("x", "1"), ("x", "2  3"), ("y", "4")])]


def test_bytes_are_read_as_text_is():
    text = "[é]\nk = ü\n\u2028 = 1\n"

    assert read(text.encode()) == read(text)


def test_bytes_that_are_no_utf8_are_kept():
    ((name, pairs),) = read(b"[\xff]\nk = \xe9\n").resolved()

    assert (name, pairs) == ("\udcff", [("k", "\udce9")])
    assert name.encode("utf-8", "surrogateescape") == b"\xff"


def test_a_long_name_is_cut_after_79_bytes():
    ((name, _),) = resolved("[" + "é" * 40 + "]\n")

    assert name.encode("utf-8", "surrogateescape") == ("é" * 40).encode()[:79]


@pytest.mark.parametrize(("length", "read_bytes"), [(8190, 8190), (8191, 0)])
def test_the_longest_line_has_8190_bytes(length, read_bytes):
    line = "é = " + "v" * (length - len("é = ".encode()))

    pairs = dict(resolved(f"[a]\n{line}\nz = 1\n")[0][1])

    assert (len(line.encode()) if "é" in pairs else 0, pairs["z"]) == (read_bytes, "1")


def test_a_byte_order_mark_counts_at_the_start_only():
    assert resolved("\ufeff[a]\n\ufeffk = 1\n") == [("a", [("\ufeffk", "1")])]


def test_behind_a_nul_in_a_long_line_asterisk_reads_on():
    assert resolved("[a]\nk = 1\0" + "v" * 8186 + "w = 2\n") == [("a", [("k", "1"), ("vw", "2")])]


def test_another_block_makes_up_for_an_end_too_many():
    text = "[a]\nk = a--;b\nlost = 1\n;-- lost\nk = 2\n"

    assert resolved(text) == [("a", [("k", "a--;b"), ("k", "2")])]
