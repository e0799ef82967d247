"""What is said of texts before they are written."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers.asterisk import is_printable


@given(st.text() | st.text("aé \t\n\x7f\x85\xa0\u2028"))
@example("")
@example("Ann One")
@example("Zoé\xa0Nguyễn")
@example("\ud800")
def test_is_printable_is_what_python_says(text: str):
    assert is_printable(text) == text.isprintable()
