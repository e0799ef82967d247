"""What Asterisk's modules refuse in files whose grammar is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk_examples import ACCEPTED, REFUSED
from xivo_confgend.plugin_helpers.asterisk_modules import CHECKS, problems
from xivo_confgend.plugin_helpers.asterisk_reader import read


def found(filename: str, text: str) -> list[str]:
    file = read(text)
    assert file.refused is None
    return [str(problem) for problem in problems(filename, file.resolved())]


@pytest.mark.parametrize(("filename", "text", "expected"), REFUSED, ids=[f"{one[0]}-{one[2]}"[:60] for one in REFUSED])
def test_what_a_module_refuses_is_one_problem(filename: str, text: str, expected: str):
    (one,) = found(filename, text)

    assert one.startswith(expected)


@pytest.mark.parametrize(("filename", "text"), ACCEPTED, ids=[one[0] for one in ACCEPTED])
def test_what_a_module_accepts_is_no_problem(filename: str, text: str):
    assert found(filename, text) == []


def test_a_problem_says_what_asterisk_does():
    (one,) = found("hep.conf", "[foo]\n")

    assert one == "[foo]: unknown section: Asterisk does not load the module"


TEXTS = st.text(st.sampled_from("0123456789abn,()+-=*#[]_. xX\u0661é"), max_size=12)
KEYS = st.sampled_from(["type", "exten", "same", "parkpos", "parkext", "max_members", "mode", "foo"]) | TEXTS
SECTIONS = st.lists(st.tuples(st.sampled_from(["general", "a", "b"]) | TEXTS, st.lists(st.tuples(KEYS, TEXTS))))


@given(st.sampled_from(sorted(CHECKS)), SECTIONS)
def test_whatever_is_read_nothing_is_raised(filename: str, sections: list[tuple[str, list[tuple[str, str]]]]):
    assert all(str(problem) for problem in problems(filename, sections))
