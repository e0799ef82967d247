"""When a loss of lines is worth a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.notices import Shrinkage


@pytest.mark.parametrize(
    ("before", "after", "percent", "expected"),
    [
        (100, 70, 30, True),
        (100, 71, 30, False),
        (20, 10, 30, True),
        (20, 11, 30, False),
        (12_360, 20, 30, True),
        (100, 0, 100, True),
        (100, 1, 100, False),
        (9, 0, 30, False),
        (10, 0, 30, True),
        (100, 0, 0, False),
        (100, 200, 30, False),
        (0, 0, 30, False),
        (1000, 995, 0.5, False),
        (10_000, 9_950, 0.5, True),
    ],
)
def test_a_loss_is_drastic_from_a_percentage_and_ten_lines_on(before, after, percent, expected):
    assert Shrinkage(before, after, 0, 0).is_drastic(percent) is expected


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 100))
def test_a_file_that_does_not_lose_ten_lines_is_never_drastic(before, after, percent):
    drastic = Shrinkage(before, after, 0, 0).is_drastic(percent)
    assert not drastic or before - after >= 10
    assert not (drastic and Shrinkage(before, before, 0, 0).is_drastic(percent))
