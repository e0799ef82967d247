"""Quantities as people write them."""

from __future__ import annotations

import pytest

from xivo_confgend.wording import counted, size


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")]
)
def test_a_number_comes_with_its_noun(number, expected):
    assert counted(number, "file") == expected


def test_a_plural_may_be_given():
    assert counted(2, "process", "processes") == "2 processes"
    assert counted(1, "process", "processes") == "1 process"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (586, "586 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (322_548, "322.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (21_512_345, "21.5 MB"),
        (41_223_000_064, "41.2 GB"),
        (5 * 10**15, "5,000.0 TB"),
    ],
)
def test_bytes_are_written_in_decimal_units(number, expected):
    assert size(number) == expected
