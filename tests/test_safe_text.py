"""Database values, written and read again as Asterisk reads them (docs/spec/01-asterisk-grammar.md section 3)."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers.asterisk import (
    CONTROL,
    LINE_BYTES,
    MOST_REMEMBERED,
    Claim,
    SafeText,
    are_plain,
    is_plain,
    is_printable,
    key_as_read,
    option,
)
from xivo_confgend.plugin_helpers.asterisk_reader import BLANKS, read

SPECIAL = st.text(";-[]()#!+=>\\,\"' \t\n\r\x00\x1f\x7f\x85\xa0\u2028aé", max_size=12)
STORED = (st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | SPECIAL).filter(
    lambda text: "\0" not in text
)
"""Anything that PostgreSQL stores: it holds no NUL and no lone surrogate."""


class Made:
    """A `SafeText` and what it warned of."""

    def __init__(self) -> None:
        logger = logging.Logger("made")
        self.warnings: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.warnings.append(record.getMessage())  # type: ignore[method-assign]
        logger.addHandler(handler)
        self.safe = SafeText(logger)

    def written(self, *pieces: str) -> str:
        return "".join(self.safe.written(pieces))


def as_read(value: str) -> str:
    """What Asterisk is to read where `value` is stored, by the last sentence of section 3."""
    return CONTROL.sub(" ", value).replace("\\;", ";").strip(BLANKS)


@given(st.text() | st.text("aé \t\n\x7f\x85\xa0\u2028"))
@example("")
@example("Ann One")
@example("Zoé\xa0Nguyễn")
@example("\ud800")
def test_is_printable_is_what_python_says(text: str):
    assert is_printable(text) == text.isprintable()


@given(STORED)
def test_a_plain_value_is_written_unchanged(text: str):
    if is_plain(text):
        assert Made().safe.value(text, "t", 1, "c") == text


@given(STORED, STORED)
@example(";--", "--;")
@example("a\\", "\\;")
@example("\\\\;", ";--")
@example(">x", "=")
def test_a_value_is_read_as_it_is_stored(first: str, second: str):
    made = Made()
    lines = [option(key, made.safe.value(value, "t", 1, "c")) for key, value in (("a", first), ("b", second))]

    file = read(made.written("[s]\n", *lines, "[other]\nc = d\n"))

    assert file.refused is None
    (section, (a, b)), other = file.resolved()
    assert section == "s"
    assert other == ("other", [("c", "d")])
    # the line is trimmed as a whole, of Unicode blanks too
    assert a == ("a", as_read(first).rstrip())
    assert b == ("b", as_read(second).rstrip())


@given(STORED, STORED)
@example("[evil](!)", "x")
@example("#exec id", "x")
@example("\\", "x")
@example("\\é", "x")
@example(";--", "x")
@example("\n[evil]", "x")
@example(" \\[x", "x")
@example("\\;x", "x")
@example("k+", "x")
def test_a_key_is_read_as_it_is_stored_or_left_out(key: str, value: str):
    made = Made()
    line = made.safe.option(key, value, "t", 1)

    file = read(made.written("[s]\n", line, "[other]\nc = d\n"))

    assert file.refused is None
    (_, options), other = file.resolved()
    assert other == ("other", [("c", "d")])
    if "=" in key or not CONTROL.sub(" ", key).strip():
        assert options == []
        assert [warning for warning in made.warnings if "option of t row 1 is left out" in warning]
    else:
        assert options == [(as_read(key).lstrip().strip(BLANKS), as_read(value).rstrip())]


@given(STORED)
@example("a;b")
@example(";--")
@example("[x")
@example("a\\")
@example("]")
@example("(!)")
def test_a_section_name_is_read_as_it_is_stored_or_left_out(name: str):
    made = Made()
    written = made.safe.section_name(name, "t", 1, "name")
    if written is None:
        assert not name or "]" in name
        assert made.warnings == ["t row 1 is left out: column name cannot be a section name"]
        return

    file = read(made.written(f"[{written}]\na = b\n[other]\nc = d\n"))

    assert [section.name for section in file.sections] == [CONTROL.sub(" ", name).replace("\\;", ";"), "other"]


@given(STORED)
def test_a_comment_ends_with_its_line(label: str):
    made = Made()

    file = read(made.written(f"; {made.safe.comment(label, 't', 1, 'label')}\n[s]\na = b\n"))

    assert file.resolved() == [("s", [("a", "b")])]


@given(STORED)
def test_a_field_of_a_mailbox_holds_no_comma(value: str):
    field = Made().safe.mailbox_field(value, "t", 1, "fullname")

    assert field.replace("\\;", ";") == CONTROL.sub(" ", value).replace("\\;", ";").replace(",", " ")


@pytest.mark.parametrize("value", ["a;b", ";;", "\\;"])
def test_what_a_driver_escapes_itself_is_escaped_once(value: str):
    written = Made().safe.value(value, "t", 1, "c")

    assert str(written).replace(";", "\\;") == written
    assert written.replace("b", "c") == str(written).replace("b", "c")


def test_an_item_with_the_separator_is_left_out():
    made = Made()

    assert made.safe.item("a,b", ",", "t", 1, "c") is None
    assert made.safe.item("a;b", ",", "t", 1, "c") == "a\\;b"
    assert made.warnings == ["an item of t row 1 is left out: column c holds ',', at which Asterisk cuts"]


def repeated(names: Iterable[str], **options: object) -> tuple[list[object], list[str]]:
    """The rows whose names are repeated, and what was warned of them; rows count from 1."""
    made = Made()
    claims = [Claim(name, row, "t", "name") for row, name in enumerate(names, 1)]
    return sorted(claim.row for claim in made.safe.repeated_names(claims, **options)), made.warnings


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], []),
        (["b" * 80, "b" * 79], [1]),
        (["b" * 79 + "z", "b" * 79 + "y"], [1]),
        (["é" * 40, "é" * 39 + "è"], [1]),
        (["a\\;", "a\\;"], [2]),
        (["A", "a"], []),
    ],
)
def test_the_first_name_by_order_stays(names: list[str], expected: list[int]):
    rows, warnings = repeated(names)

    assert rows == expected
    assert len(warnings) == len(expected)


def test_names_can_be_compared_without_case():
    assert repeated(["b", "B", "A"], ignore_case=True)[0] == [1]


def test_a_name_that_the_file_uses_is_left_out():
    rows, warnings = repeated(["general", "x"], reserved=("general",))

    assert rows == [1]
    assert warnings == ["t row 1 is left out: column name is, to Asterisk, a name that the file uses itself"]


def test_a_row_may_give_its_name_to_several_sections():
    made = Made()

    assert made.safe.repeated_names([Claim("a", 1, "t", "name"), Claim("a", 1, "t", "name")]) == set()


def test_a_row_may_give_its_name_to_one_of_several_objects():
    made = Made()
    line, trunk = (Claim("a", 1, "t", "name", what) for what in ("the line of ", "the trunk of "))

    assert made.safe.repeated_names([line, trunk]) == {trunk}
    assert made.warnings == [
        "the trunk of t row 1 is left out: column name is, to Asterisk, the same name as t row 1 column name"
    ]


def test_what_only_administrators_store_is_written_and_told():
    made = Made()

    made.safe.written_anyway("t", 1, "name", "is odd")

    assert made.warnings == ["t row 1 column name is odd"]


@given(st.text(st.sampled_from("tTyYpPeE ;\\[#é\u2003\x01\t"), max_size=6))
@example(" Type\x01")
@example("\\;type")
def test_a_key_is_compared_as_asterisk_reads_it(key: str):
    made = Made()
    written = made.safe.key(key, "t", 1, "key")

    if written is not None:
        ((_, ((read_key, _value),)),) = read(made.written("[s]\n", option(written, "x"))).resolved()
        assert key_as_read(written) == read_key.lower()


def test_a_comment_that_is_too_long_names_its_row():
    made = Made()
    label = made.safe.comment("é" * LINE_BYTES, "t", 1, "label")

    assert made.written(f"; {label}\n[s]\n") == "[s]\n"
    assert made.warnings[0].startswith("t row 1 column label: the line of ")


def test_a_line_that_is_too_long_names_its_row():
    made = Made()
    line = made.safe.option("a", "é" * 4095, "t", 7)

    assert made.written("[s]\n", line, "b = c\n") == "[s]\nb = c\n"
    assert made.warnings == [
        f"t row 7 column value: the line of 8195 bytes is left out, Asterisk reads at most {LINE_BYTES}"
    ]


@pytest.mark.parametrize("pad", ["a", "é"])
def test_the_longest_line_stays_and_the_next_longer_goes(pad: str):
    room = LINE_BYTES - len("a = \n")
    value = pad * (room // len(pad.encode()))
    value += "a" * (room - len(value.encode()))
    text = f"[s]\na = {value}\nb = c\n"

    assert Made().written(text) == text
    assert Made().written(f"[s]\na = {value}x\nb = c\n") == "[s]\nb = c\n"


def test_with_a_long_header_goes_its_section():
    made = Made()

    assert made.written(f"[s]\na = b\n[{'x' * LINE_BYTES}]\nc = d\n\n; label\n", "[t]\ne = f\n") == (
        "[s]\na = b\n[t]\ne = f\n"
    )
    assert len(made.warnings) == 1


def test_with_a_long_exten_go_its_same_lines():
    long = f"exten = 1,1,{'x' * LINE_BYTES}\nsame  =   n,A()\nsame = n,B()\n"

    assert Made().written("[s]\n", long, "exten = 2,1,C()\nsame = n,D()\n") == "[s]\nexten = 2,1,C()\nsame = n,D()\n"


@given(st.lists(st.integers(0, 3 * LINE_BYTES), max_size=20), st.integers(1, 50_000))
def test_lines_are_kept_wherever_pieces_end(lengths: list[int], cut: int):
    lines = ["[s]\n", *(f"k = {'v' * length}\n" for length in lengths)]
    text = "".join(lines)
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]

    assert Made().written(*pieces) == "".join(line for line in lines if len(line) <= LINE_BYTES)


def test_values_are_plain_only_if_they_are_short():
    assert are_plain(["a", "b"])
    assert are_plain([])
    assert not are_plain(["a", "b" * 3000])
    assert not are_plain(["a", "b;"])


def test_warnings_are_bounded_and_say_how_many_more():
    made = Made()
    for row in range(MOST_REMEMBERED + 5):
        made.safe.section_name("", "t", row, "name")

    made.safe.warn()

    assert len(made.warnings) == MOST_REMEMBERED + 1
    assert made.warnings[-1] == "5 more objects or lines are left out"


def test_no_warning_holds_a_value():
    made = Made()
    made.safe.option("sec=ret", "x", "t", 1)
    made.safe.section_name("sec]ret", "t", 2, "name")
    made.safe.item("sec,ret", ",", "t", 3, "c")
    made.safe.value("sec\nret", "t", 4, "c")
    made.written("[s]\n", made.safe.option("k", "secret" * 2000, "t", 5))

    assert len(made.warnings) == 5
    assert not [warning for warning in made.warnings if "sec" in warning.replace("section", "")]
