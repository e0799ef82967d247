"""Masking: no value of a secret option survives, and nothing else is lost."""

from __future__ import annotations

import importlib.metadata
import logging
import string
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers import secrets
from xivo_confgend.plugin_helpers.secrets import LONGEST_LINE, SECRET_OPTIONS, MaskingRules

RULES = MaskingRules()
SECRET = st.text(string.ascii_letters + string.digits + "!#$%&()*+-./;=?[]^_{|}~é€ \t", min_size=4).map(
    lambda text: f"Zq7{text.strip()}x9Q"
)
NAME = st.sampled_from(SECRET_OPTIONS).flatmap(
    lambda name: st.sampled_from(["", "x_", "sip."]).map(lambda filling: name.replace("*", filling))
)
HARMLESS_LINE = st.sampled_from(
    ["[general]", "; a comment", "", "type = endpoint", "context = default", "auth = line-1", "exten = 1,1,NoOp()"]
)


def mask(text: str, filename: str = "any.conf") -> str:
    return RULES.masker(f"asterisk.{filename}", filename).mask(text.encode()).decode()


@given(NAME, SECRET, st.sampled_from([" = ", "=", " => ", "=>", " += ", ": "]), st.booleans(), st.lists(HARMLESS_LINE))
def test_no_value_of_a_secret_option_survives(name, value, separator, capitals, lines):
    option = f"{name.upper() if capitals else name}{separator}{value}"
    masked = mask("\n".join([*lines, option, *lines]) + "\n")
    assert value not in masked
    assert "Zq7" not in masked and "x9Q" not in masked


@given(st.lists(st.one_of(HARMLESS_LINE, SECRET.map("password = {}".format))), st.integers(1, 40))
def test_masking_does_not_depend_on_how_the_content_is_cut(lines, size):
    content = "\n".join(lines).encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    masker = RULES.masker("asterisk.any.conf", "any.conf")
    assert b"".join(masker.pieces(pieces)) == masker.mask(content)


@given(st.text(), st.sampled_from(["any.conf", "voicemail.conf", "any.yml"]))
def test_masking_keeps_the_number_of_lines(text, filename):
    assert mask(text, filename).count("\n") == text.count("\n")


@given(st.lists(HARMLESS_LINE))
def test_what_is_not_secret_stays_as_it_is(lines):
    assert mask("\n".join(lines)) == "\n".join(lines)


URIS = ["sip:{}:{}@host", "sips:{}:{}@[::1]:5061;x=y", "https://{}:{}@host/x@y", "Dial(IAX2/{}:{}@host/1,30)"]


@given(st.sampled_from(URIS), st.text(string.ascii_letters + "!/,.;=@", min_size=1).map("Zq7{}x9Q".format))
def test_no_password_in_a_uri_survives(uri, password):
    masked = mask(f"contact = {uri.format('bob', password)}\n")
    assert "Zq7" not in masked and "x9Q" not in masked
    assert "bob:********@" in masked


@pytest.mark.parametrize(
    "line",
    [
        "contact = sip:1000@192.0.2.1:5060",
        "bosssecretary = x",
        "auth = auth_reg_trunk",
        "vm-password = vm-password",
        "minpassword = 4",
        "authdebug = no",
        "pinsets = 1",
        "secret = ",
        "calltokenoptional = 0.0.0.0",
        "1000 = Someone",
    ],
)
def test_a_line_that_only_looks_secret_stays(line):
    assert mask(f"{line}\n") == f"{line}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("auth = bob#s1@r.example", "auth = ********"),
        ("auth = al:s2@r2.example", "auth = ********"),
        ("register => u:p@gw.example/100", "register => ********"),
        ("mwi => 1234:pw@gw.example/9", "mwi => ********"),
        ("same = n,Authenticate(4711,j)", "same = n,Authenticate(********,j)"),
        ("exten = 1,1,Set(MY_PASSWORD=abc)", "exten = 1,1,Set(MY_PASSWORD=********"),
        ("set_var = X_PIN=1234", "set_var = X_PIN=********"),
        ("turnpassword = t", "turnpassword = ********"),
        ("; secret = old", "; secret = ********"),
        ("{'password': 'x'}", "{'password': ********"),
    ],
)
def test_a_secret_is_found_wherever_it_stands(line, expected):
    assert mask(f"{line}\n") == f"{expected}\n"


def test_the_code_of_a_mailbox_is_masked_and_the_rest_of_its_line_stays():
    masked = mask("[general]\nmaxmsg = 100\n[default]\n1001 => 1234,Ann,ann@example.org,,tz=eu-fr\n", "voicemail.conf")
    assert masked.endswith("[default]\n1001 => ********,Ann,ann@example.org,,tz=eu-fr\n")


def test_a_mailbox_without_code_stays():
    assert mask("1001 => ,Ann,,\n", "voicemail.conf") == "1001 => ,Ann,,\n"


@pytest.mark.parametrize(
    "value",
    ["abc", "'abc'", "|\n  abc\n\n  abc", "\n  - abc\n  - abc", "\n- abc", "{x: abc,\n  y: abc}", "\n  abc", "&a abc"],
)
def test_every_form_of_a_yaml_value_is_masked(value):
    masked = mask(f"user: bob\npassword: {value}\nlanguage: fr\n", "config.yml")
    assert "abc" not in masked
    assert masked.startswith("user: bob\npassword:") and masked.endswith("\nlanguage: fr\n")


def test_a_line_too_long_to_be_looked_at_is_masked_as_a_whole():
    pieces = [b"a = b\nc = ", *[b"Zq7" * 10_000] * 4, b"Zq7\nd = e\n"]
    masked = b"".join(RULES.masker("a.b.conf", "b.conf").pieces(pieces))
    assert masked == b"a = b\n********\nd = e\n"


@pytest.mark.parametrize(
    "line", ["auth = " + ":" * 65000, "@" + "a" * 65000, "@" + "/a:" * 20000, "pass" + "-a" * 32000]
)
def test_a_hostile_line_takes_no_more_than_linear_time(line):
    assert len(line) <= LONGEST_LINE
    began = time.perf_counter()
    mask(line)
    assert time.perf_counter() - began < 1


def entry_point(name: str, value: object) -> SimpleNamespace:
    def load():
        if isinstance(value, Exception):
            raise value
        return value

    return SimpleNamespace(name=name, load=load)


def test_a_driver_adds_secret_options_of_its_file(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry_point("a.b.conf", ("colour*",))])
    rules = secrets.load_rules()
    assert rules.masker("a.b.conf", "b.conf").mask(b"colour_of_hat = red\n") == b"colour_of_hat = ********\n"
    assert rules.masker("a.c.conf", "c.conf").mask(b"colour_of_hat = red\n") == b"colour_of_hat = red\n"
    assert rules.version != RULES.version


def test_an_operator_adds_secret_options_of_all_files(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [])
    assert secrets.load_rules(["hat"]).masker("a.b.conf", "b.conf").mask(b"hat = red\n") == b"hat = ********\n"


@pytest.mark.parametrize("value", [ImportError("no such module"), "colour", 5, [""], ["*"]])
def test_a_file_whose_secret_options_cannot_be_read_is_not_shown(monkeypatch, caplog, value):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry_point("a.b.conf", value)])
    with caplog.at_level(logging.ERROR):
        rules = secrets.load_rules()
    assert not rules.knows("a.b.conf") and rules.knows("a.c.conf")
    assert len(caplog.records) == 1


@settings(max_examples=20)
@given(st.binary())
def test_bytes_that_are_no_text_pass(content):
    RULES.masker("a.b.conf", "b.conf").mask(content)
