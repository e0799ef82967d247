"""What is a file's name, and that none of them leads out of a directory."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.exceptions import NoSuchFile
from xivo_confgend.names import FileName


def test_a_name_has_its_two_parts():
    assert FileName.parse("asterisk/pjsip.conf") == FileName("asterisk", "pjsip.conf")


def test_the_key_is_that_of_the_plugins_map():
    assert FileName("asterisk", "pjsip.conf").key == "asterisk.pjsip.conf"


def test_names_sort_by_resource_and_then_by_filename():
    names = [FileName.parse(text) for text in ("b/a", "a/c", "a/b")]
    assert [str(name) for name in sorted(names)] == ["a/b", "a/c", "b/a"]


@pytest.mark.parametrize("text", ["wazo/uuid.yml", "a/b", "A_b-1/x..y", "-/-", "provd/network.yml."])
def test_a_name_is_written_as_it_was_read(text):
    assert str(FileName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "wazo",
        "wazo/",
        "/x",
        "a/b/c",
        "../x",
        "a/..",
        "a/.",
        "./a",
        ".facts/a",
        "a/.lock",
        "a/b\n",
        "a /b",
        "a/b\0",
        "é/b",
        "a/ü",
        "a//b",
        "a/b%2f",
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(NoSuchFile):
        FileName.parse(text)


@given(st.text(st.sampled_from("ab./\\-_ \n\0"), max_size=8))
def test_a_name_is_refused_or_stays_in_its_directory(text):
    try:
        name = FileName.parse(text)
    except NoSuchFile:
        return
    parts = PurePosixPath(name.resource, name.filename).parts
    assert len(parts) == 2
    assert not any(part.startswith(".") for part in parts)
