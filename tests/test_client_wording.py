"""Numbers, sizes and ages as people write them, and near words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.client.wording import age, counted, near, size


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1234567, "1,234,567 files")]
)
def test_one_of_a_thing_is_singular(number: int, text: str) -> None:
    assert counted(number, "file") == text


def test_another_plural_may_be_given() -> None:
    assert [counted(number, "process", "processes") for number in (1, 2)] == ["1 process", "2 processes"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 seconds ago"),
        (0.6, "1 second ago"),
        (89, "89 seconds ago"),
        (90, "2 minutes ago"),
        (3600, "60 minutes ago"),
        (5400, "2 hours ago"),
        (3600 * 30, "30 hours ago"),
        (86400 * 1.5, "2 days ago"),
        (86400 * 400, "400 days ago"),
    ],
)
def test_an_age_is_told_in_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (322_548, "322.5 kB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_a_size_has_at_most_three_digits_before_the_point(number: int, text: str) -> None:
    assert size(number) == text


@given(st.integers(0, 10**12 - 10**8))
def test_no_size_is_a_thousand_of_its_unit(number: int) -> None:
    digits = re.match(r"(\d+)(\.\d)? k?[BMG]", size(number))

    assert digits and len(digits[1]) <= 3


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("asterisk/pjsp.conf", "asterisk/pjsip.conf"),
        ("asterisk/PJSIP.conf", "asterisk/pjsip.conf"),
        ("quite/another", ""),
        ("asterisk/pjsip.conf" * 100, ""),
    ],
)
def test_a_mistyped_word_gets_the_near_one(word: str, meant: str) -> None:
    assert near(word, ["asterisk/pjsip.conf", "asterisk/sccp.conf"]) == meant
