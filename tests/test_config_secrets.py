"""No secret of the configuration is shown, and what the command says of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xivo_confgend.config import MASK, Configuration, load, mask
from xivo_confgend.exceptions import ConfigurationError
from xivo_confgend.main import main as command

SECRET = "hunter2"
URI = f"postgresql://asterisk:{SECRET}@db.example.org:5433/asterisk?application_name=x"

Loaded = Callable[[str], Configuration]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a main file with an extra directory beside it."""
    monkeypatch.delenv("XIVO_CONFGEND_DB_URI", raising=False)
    (tmp_path / "conf.d").mkdir()
    return tmp_path / "config.yml"


@pytest.fixture
def loaded(path: Path) -> Loaded:
    """Writes the main file and loads it."""

    def write(text: str) -> Configuration:
        path.write_text(text, "utf-8")
        return load(path, environment={})

    return write


@pytest.mark.parametrize(
    "text",
    [
        f"db_uri: {URI}",
        f"db_uri: postgresql://asterisk:{SECRET}/x@db/asterisk",
        f"db_uri: postgresql://db/asterisk?user=a&password={SECRET}",
        f"acme: {{password: {SECRET}}}",
        f"acme: {{Api_Token: {SECRET}}}",
        f"acme: {{passwords: [{SECRET}, {SECRET}]}}",
        f"acme: {{passwords: {{alice: {SECRET}}}}}",
        f"acme: {{credentials: {{user: a, value: {SECRET}}}}}",
        f"acme: [{{secret: {SECRET}}}]",
        f"acme: ['http://a:{SECRET}@b/']",
        f"acme: amqp://a:x@{SECRET}@b/",
        f"acme: amqp://a:{SECRET}?x@b/?to=c@d",
    ],
)
def test_no_secret_is_in_the_printed_configuration(loaded, text):
    lines = list(loaded(text).lines())
    assert not [line for line in lines if SECRET in line]
    assert [line for line in lines if MASK in line]


@pytest.mark.parametrize(
    "text",
    [
        f"db_uri: mysql://asterisk:{SECRET}@db/asterisk",
        f"db_uri: {SECRET}",
        f"db_uri: [{SECRET}]",
        f"db_uri: 'postgresql://a:{SECRET}@",
        f"password: !{SECRET}",
        f"password: *{SECRET}",
        f"password: @{SECRET}",
        f"acme: {{password: '{SECRET}'x}}",
        f"rest_api: {{tokens: [{SECRET}]}}",
        f"rest_api: {{tokens: [{{name: a, sha256: {SECRET}, permissions: [read]}}]}}",
    ],
)
def test_no_secret_is_in_an_error(loaded, text):
    with pytest.raises(ConfigurationError) as caught:
        loaded(text)
    assert SECRET not in str(caught.value)


def test_a_database_url_that_cannot_be_used_says_what_one_looks_like(loaded, path):
    with pytest.raises(
        ConfigurationError, match=f"^{path}: key db_uri: expected postgresql://USER@HOST:PORT/DATABASE$"
    ):
        loaded("db_uri: sqlite:///x")


def test_masking_leaves_everything_but_the_password():
    assert mask(URI) == URI.replace(SECRET, MASK)


@pytest.mark.parametrize("value", [{"workers": 2}, {"password": None}, {"password": ""}, ["a", 1, None], "a:b@c"])
def test_what_is_no_secret_is_not_masked(value):
    assert mask(value) == value


def test_each_leaf_is_a_line_with_its_origin(loaded, path):
    lines = list(loaded("acme: {a.b: {c: [1, x]}, d: {}, e: }").lines())
    acme = [line for line in lines if line.startswith("acme")]
    assert acme == [f"acme > a.b > c: [1, x]  # {path}", f"acme > d: {{}}  # {path}", f"acme > e: null  # {path}"]


def test_keys_that_are_no_text_are_printed_too(loaded, path):
    lines = list(loaded("acme: {5: one, true: {2: two}, 'a > b': three}").lines())
    acme = [line.partition("  # ")[0] for line in lines if line.startswith("acme")]
    assert acme == ["acme > 5: one", "acme > True > 2: two", "acme > a > b: three"]


def test_a_valid_configuration_is_said_to_be_valid(path, capsys):
    path.write_text(f"cache: {path.parent}", "utf-8")
    assert command(["-c", str(path), "--check"]) == 0
    assert capsys.readouterr() == ("configuration is valid\n", "")


def test_checking_tells_warnings_on_standard_error(path, capsys):
    path.write_text(f"{{cache: {path.parent}, extra_config_files: /nonexistent}}", "utf-8")
    assert command(["-c", str(path), "--check"]) == 0
    assert capsys.readouterr().err.startswith("xivo-confgend: warning: /nonexistent: no such directory")


@pytest.mark.parametrize("option", ["--check", "--print-config", "--list-drivers"])
def test_a_bad_configuration_is_one_line_and_status_2(path, capsys, option):
    path.write_text("workers: many", "utf-8")
    assert command(["-c", str(path), option]) == 2
    expected = f"xivo-confgend: {path}: key workers: expected a whole number of at least 1, found text\n"
    assert capsys.readouterr() == ("", expected)


def test_the_command_prints_the_merged_configuration_without_secrets(path, capsys):
    path.write_text(f"db_uri: {URI}", "utf-8")
    assert command(["-c", str(path), "--debug", "--listen", "tcp:0", "--print-config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"debug: true  # command line", "listen: ['tcp:0']  # command line"} < set(lines)
    assert f"db_uri: {URI.replace(SECRET, MASK)}  # {path}" in lines


def test_the_url_of_the_command_line_is_masked_as_well(path, capsys):
    path.write_text("", "utf-8")
    assert command(["-c", str(path), "--db-uri", URI, "--print-config"]) == 0
    assert SECRET not in capsys.readouterr().out
