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
    ],
)
def test_this_is_reported(text, expected):
    assert problems(text) == [expected]


def test_a_tabulator_is_no_problem():
    assert problems("[s]\na =\tb\n") == []


def test_a_no_break_space_is_part_of_a_name():
    (section,) = read("[s]\n\u00a0[t] = 1\n").sections

    assert section.pairs() == [("\u00a0[t]", "1")]
