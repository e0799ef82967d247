"""What a client's line means (docs/spec/30-daemon.md section 1.1, without defects D2 to D5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.exceptions import NoSuchFile, RequestError
from xivo_confgend.names import FileName
from xivo_confgend.tcp_server import LONGEST_REQUEST, Request, parse_request

UUID = FileName("wazo", "uuid.yml")
PART = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,20}", fullmatch=True)
ARGUMENTS = st.sets(st.sampled_from(["cached", "invalidate", "framed"]))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"wazo/uuid.yml", Request(UUID)),
        (b"wazo/uuid.yml  cached ", Request(UUID, cached=True)),
        (b"wazo/uuid.yml invalidate", Request(UUID, invalidate=True)),
        (b"wazo/uuid.yml framed cached", Request(UUID, cached=True, framed=True)),
        (b"wazo/uuid.yml cached invalidate", Request(UUID, cached=True, invalidate=True)),
        (b"wazo/uuid.yml bogus", Request(UUID)),
        (b"wazo/uuid.yml CACHED", Request(UUID)),
        (b"wazo/uuid.yml cachedx", Request(UUID)),
        (b"wazo/uuid.yml\r", Request(UUID)),
        (b" wazo/uuid.yml", Request(UUID)),
        (b"WAZO/uuid.yml", Request(FileName("WAZO", "uuid.yml"))),
    ],
)
def test_a_line_means(line, expected):
    assert parse_request(line) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "'' is not RESOURCE/FILENAME"),
        (b"   ", "'' is not RESOURCE/FILENAME"),
        (b"wazo", "'wazo' is not RESOURCE/FILENAME"),
        (b"\xff\xfe", "request is not UTF-8"),
        (b"wazo/uuid.yml\tcached", "control characters"),
        (b"wazo/a\0\rb", "control characters"),
        (b"wazo/uuid.yml\r\r", "control characters"),
        (b"a/" + b"b" * LONGEST_REQUEST, f"longer than {LONGEST_REQUEST} bytes"),
    ],
)
def test_a_line_that_is_no_request_is_refused_saying_why(line, said):
    with pytest.raises(RequestError, match=said):
        parse_request(line)


@pytest.mark.parametrize("line", [b"wazo/a/b", b"../x", b"/x", b"asterisk/..", b"wazo/.x", b"w/\xc3\xa9", b"a\\/b"])
def test_a_name_that_cannot_be_a_file_is_no_such_file(line):
    with pytest.raises(NoSuchFile):
        parse_request(line)


def test_the_longest_request_is_taken():
    line = b"wazo/uuid.yml".ljust(LONGEST_REQUEST)
    assert parse_request(line) == Request(UUID)


@given(PART, PART, ARGUMENTS)
def test_a_request_that_was_written_is_read_back(resource, filename, arguments):
    line = " ".join([f"{resource}/{filename}", *arguments]).encode()
    assert parse_request(line) == Request(FileName(resource, filename), **dict.fromkeys(arguments, True))


@given(st.one_of(st.binary(), st.text().map(str.encode), st.text("a/. \r\n\0cached").map(str.encode)))
def test_no_line_does_worse_than_to_be_refused_in_one_line(line):
    try:
        request = parse_request(line)
    except (RequestError, NoSuchFile) as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(request, Request)
