"""The reader against what a real Asterisk read (docs/spec/01-asterisk-grammar.md), and on random files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers.asterisk_reader import BLANKS, read

CORPUS = Path(__file__).parent / "data" / "asterisk-grammar.jsonl"
CASES = 1537

Resolved = list[tuple[str, list[tuple[str, str]]]]

PIECES = [
    *";;-=>+[]()!,#\\\"&|\t \r\x01\x7fabKé\x85\xa0\u2028\ufeff\0",
    ";--", "--;", "\\;", "+=", "=>", "#include x", "#exec x", "#foo", "(!)", "(+)", "(a)", "x" * 80, "x" * 9000,
    "\n", "\n[a]\n", "\n[b](a)\n", "\nk = v\n", "\nK = w\n",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
PLAIN = st.text(
    st.characters(min_codepoint=33, exclude_categories=["Cs"], exclude_characters=";"), min_size=1, max_size=20
)
NAMES = PLAIN.filter(lambda name: "]" not in name)
KEYS = PLAIN.filter(lambda key: key[0] not in "[#\\+>" and "=" not in key and not key.endswith("+"))
VALUES = PLAIN.filter(lambda value: not value.startswith(">"))
FILES = st.lists(st.tuples(NAMES, st.lists(st.tuples(KEYS, VALUES), max_size=4)), max_size=4)


def corpus() -> Iterator[tuple[str, Resolved | None]]:
    """Each text, and what Asterisk read in it: None where it refused the file."""
    for line in CORPUS.read_text("utf-8").splitlines():
        case = json.loads(line)
        sections = case["reads"]
        yield case["file"], sections and [(name, [(key, value) for key, value in pairs]) for name, pairs in sections]


def held(text: str | bytes) -> Resolved | None:
    """What the reader says that Asterisk holds of `text`."""
    file = read(text)
    return None if file.refused else file.resolved()


def written(sections: Resolved) -> list[str]:
    """The lines of a file that holds `sections`, which need no escaping."""
    return [line for name, pairs in sections for line in (f"[{name}]", *(f"{key} = {value}" for key, value in pairs))]


@pytest.mark.parametrize("kind", [str, bytes])
def test_every_file_of_the_corpus_is_read_as_by_asterisk(kind: type):
    cases = list(corpus())

    wrong = [text for text, reads in cases if held(text if kind is str else text.encode()) != reads]

    assert wrong == []
    assert len(cases) == CASES


@given(TEXTS)
def test_whatever_is_read_nothing_is_raised(text: str):
    file = read(text)

    assert (file.refused is None) or file.resolved() == []
    assert [problem.line for problem in file.problems] == sorted(problem.line for problem in file.problems)
    assert all(
        option.name == option.name.strip(BLANKS) != "" for section in file.sections for option in section.options
    )


@given(st.text() | TEXTS)
def test_text_and_its_bytes_are_read_alike(text: str):
    encoded = text.encode("utf-8", "surrogatepass")

    assert read(encoded) == read(encoded.decode("utf-8", "surrogateescape"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes):
    read(content)


@given(st.text(st.characters(categories=["Cs", "L", "P", "S"])))
def test_lone_surrogates_are_read(text: str):
    read(text)


@given(FILES)
def test_what_needs_no_escape_is_read_as_it_is_written(sections: Resolved):
    assert held("\n".join(written(sections))) == sections


@given(FILES, st.data())
def test_comments_between_and_behind_lines_change_nothing(sections: Resolved, data: st.DataObject):
    comments = st.sampled_from(
        ["", " ;", " ; x = 1", " ;--- [x", "\t;-- a ;-- b --; c\n[x\n--;", " ;-- x --; ; y", " ;----;"]
    )

    lines = [line + data.draw(comments) for line in ["", *written(sections)]]

    assert held("\n".join(lines)) == sections


@given(FILES, st.data())
def test_blanks_around_lines_names_and_values_change_nothing(sections: Resolved, data: st.DataObject):
    blank = st.text(st.sampled_from("\t \r\x01\x1f"), max_size=2)
    lines = [
        line
        for name, pairs in sections
        for line in (f"[{name}]", *(f"{key}{data.draw(blank)}={data.draw(blank)}{value}" for key, value in pairs))
    ]

    assert held("\n".join(data.draw(blank) + line + data.draw(blank) for line in lines)) == sections


@given(TEXTS, FILES)
def test_sections_behind_a_file_that_is_read_are_read(before: str, sections: Resolved):
    file = read(before)
    closed = not [problem for problem in file.problems if "block" in problem.text]

    if closed and file.refused is None:
        after = read("\n".join([before, *written(sections)]))
        assert after.resolved()[len(file.resolved()) :] == sections


@given(
    FILES.filter(bool), st.sampled_from(["[x", "[x](y", "[x](y)", "[x y](+)", "\\", "\\ a = 1", "\\é = 1"]), st.data()
)
def test_one_such_line_refuses_the_whole_file(sections: Resolved, bad: str, data: st.DataObject):
    lines = written(sections)
    place = data.draw(st.integers(1, len(lines)))

    file = read("\n".join([*lines[:place], bad, *lines[place:]]))

    assert file.refused is not None
    assert file.refused.line == place + 1
