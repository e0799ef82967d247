"""What the text of an endpoint tells, and what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import _parse

from xivo_confgend import endpoints
from xivo_confgend.config import load
from xivo_confgend.endpoints import Endpoint, address_problem, parse, problem
from xivo_confgend.exceptions import ConfigurationError

LONG = "/run/" + "x" * 103


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:8669", Endpoint("tcp", ("8669",))),
        (r"tcp:8669:interface=\:\:1", Endpoint("tcp", ("8669",), {"interface": "::1"})),
        ("unix:/run/a=b:mode=660", Endpoint("unix", (), {"/run/a": "b", "mode": "660"})),
        (r"unix:/run/a\=b\:c:lockfile=0", Endpoint("unix", ("/run/a=b:c",), {"lockfile": "0"})),
        ("unix:address=/run/a", Endpoint("unix", (), {"address": "/run/a"})),
        ("", Endpoint("")),
        ("tcp:\\", Endpoint("tcp", ("",))),
    ],
)
def test_an_endpoint_is_read_as_twisted_reads_it(text, expected):
    assert parse(text) == expected


@given(st.lists(st.sampled_from(["a", "b", ":", "=", "\\a", "\\:", "\\=", "\\\\"]), max_size=12))
def test_any_text_is_read_as_twisted_reads_it(pieces):
    text = "".join(pieces)
    arguments, named = _parse(f"kind:{text}")

    assert parse(f"kind:{text}") == Endpoint("kind", tuple(arguments[1:]), named)


@pytest.mark.parametrize(
    "address", ["*", "127.0.0.1", "::", "::1", "[::1]", "fe80::1%eth0", "localhost", "pbx-1.example."]
)
def test_an_address_or_name_can_be_listened_on(address):
    assert address_problem(address) == ""
    assert problem(endpoints.tcp(address, 8669)) == ""


@pytest.mark.parametrize("address", ["", "[::1", "127.0.0.256", "1:2", "a b", "-x", "**", "[127.0.0.1:80]", "é"])
def test_anything_else_is_no_address(address):
    assert address_problem(address) == f"expected an IP address, a host name or *, found {address}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:sip", "expected a port number, found sip"),
        ("tcp:70000", "expected a port number, found 70000"),
        ("tcp", "expected a port number, found none"),
        (r"tcp:1:interface=[\:\:1", "expected an IP address, a host name or *, found [::1"),
        (f"unix:{LONG}", "the path of a socket has at most 107 bytes, this one has 108"),
        (f"unix:address={LONG}", "the path of a socket has at most 107 bytes, this one has 108"),
        ("unix:/run/" + "é" * 60, "the path of a socket has at most 107 bytes, this one has 125"),
        ("unix", "expected the path of a socket"),
    ],
)
def test_an_endpoint_that_cannot_be_listened_on_is_told(text, expected):
    assert problem(text) == expected


@given(st.text(max_size=60))
def test_no_text_breaks_the_check(text):
    assert isinstance(problem(text), str)
    assert isinstance(address_problem(text), str)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('listen_address: "[::1"', "key listen_address: expected an IP address"),
        ("listen_address: 127.0.0.256", "key listen_address: expected an IP address"),
        (f'listen: ["unix:{LONG}"]', "key listen: the path of a socket has at most 107 bytes"),
        (f"rest_api: {{socket: {LONG}}}", "key rest_api, socket: the path of a socket has at most 107 bytes"),
        ('rest_api: {listen: "[::"}', "key rest_api, listen: expected an IP address"),
    ],
)
def test_the_configuration_says_which_key_cannot_be_listened_on(tmp_path, keys, expected):
    (tmp_path / "config.yml").write_text(keys)

    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "config.yml")

    assert expected in str(raised.value)
    assert str(tmp_path / "config.yml") in str(raised.value)
