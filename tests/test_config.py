"""Merging, checking and telling the configuration (docs/spec/30-daemon.md sections 5 and 10.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend import config, yaml_files
from xivo_confgend.config import KINDS, Configuration, Settings, load, merge
from xivo_confgend.exceptions import ConfigurationError

Write = Callable[..., Configuration]
URI = "postgresql://asterisk:hunter2@db.example.org:5433/asterisk?application_name=x"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """The path of the main file."""
    (tmp_path / "conf.d").mkdir()
    return tmp_path / "config.yml"


@pytest.fixture
def loaded(main: Path) -> Write:
    """Writes the main file and extra files by name, and loads them."""

    def write(text: str = "", extra: Mapping[str, str] | None = None, **others: Any) -> Configuration:
        main.write_text(text, "utf-8")
        for name, content in (extra or {}).items():
            (main.parent / "conf.d" / name).write_text(content, "utf-8")
        return load(main, **{"environment": {}, **others})

    return write


def error_of(load_it: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_it()
    assert "\n" not in str(caught.value)
    return str(caught.value)


EXAMPLE = {
    "01-a.yml": "{listen_port: 1, plugins: {a: one, b: one}}",
    "02-b.yml": "{listen_port: 2, plugins: {a: two, c: two}, listen_address: '*', log_level: DEBUG}",
    "00-x.yaml": "listen_port: 3",
    ".00-h.yml": "listen_port: 4",
}


def test_the_worked_example_of_the_specification(loaded):
    settings = loaded("listen_port: 9", EXAMPLE).settings
    assert settings.plugins == {"a": "one", "b": "one", "c": "two"}
    assert settings.endpoints == ["tcp:1:interface=*"]
    assert settings.logging_level == logging.DEBUG
    assert settings.workers == Settings().workers


def test_the_origin_of_each_value_is_told(loaded, main):
    origins = loaded("{listen_port: 9, workers: 3}", EXAMPLE).origins
    keys = ("listen_port", "plugins > a", "plugins > c", "workers", "cache")
    first, second = str(main.parent / "conf.d" / "01-a.yml"), str(main.parent / "conf.d" / "02-b.yml")
    assert [origins[key] for key in keys] == [first, first, second, str(main), "default"]


def test_capitals_come_before_small_letters(loaded):
    assert loaded("", {"aa.yml": "listen_port: 1", "ZZ.yml": "listen_port: 2"}).settings.listen_port == 2


def test_an_extra_file_wins_over_the_main_file(loaded):
    assert loaded("workers: 5", {"a.yml": "workers: 6"}).settings.workers == 6


def test_the_environment_wins_over_files(loaded):
    found = loaded("db_uri: postgresql://file/a", environment={"XIVO_CONFGEND_DB_URI": "postgresql://environment/a"})
    assert found.settings.db_uri == "postgresql://environment/a"
    assert found.origins["db_uri"] == "environment"


def test_the_command_line_wins_over_everything(loaded):
    found = loaded(
        "",
        {"a.yml": "db_uri: postgresql://file/a"},
        overrides={"db_uri": "postgresql://command/a"},
        environment={"XIVO_CONFGEND_DB_URI": "postgresql://environment/a"},
    )
    assert found.settings.db_uri == "postgresql://command/a"
    assert found.origins["db_uri"] == "command line"


def test_null_in_a_higher_source_stands(loaded):
    found = loaded("plugins: {asterisk.sip.conf: wazo}", {"a.yml": "plugins:"})
    assert found.settings.plugins is None


def test_null_switches_one_plugin_off_and_leaves_the_others(loaded):
    found = loaded("plugins: {a: wazo, b: wazo}", {"a.yml": "plugins: {a: }"})
    assert found.settings.plugins == {"a": None, "b": "wazo"}


def test_lists_are_not_merged(loaded):
    found = loaded("allowed_users: [a, b]", {"x.yml": "allowed_users: [c]"})
    assert found.settings.allowed_users == ["c"]


def test_keys_the_core_does_not_know_pass_through(loaded):
    found = loaded("templates: {a: 1, b: 2}", {"x.yml": "templates: {b: 3}"})
    assert found.mapping["templates"] == {"a": 1, "b": 3}


def test_an_empty_file_is_an_empty_mapping(loaded):
    assert loaded("", {"a.yml": "# nothing\n"}).settings == Settings()


def test_a_directory_named_like_a_file_is_reported_and_skipped(loaded, main):
    (main.parent / "conf.d" / "x.yml").mkdir()
    assert loaded("").warnings == (f"{main.parent}/conf.d/x.yml: is a directory, skipped",)


def test_a_missing_extra_directory_is_reported(loaded, main):
    warnings = loaded("extra_config_files: /nonexistent/conf.d").warnings
    assert warnings == ("/nonexistent/conf.d: no such directory, no extra configuration files are read",)


def test_the_extra_directory_is_that_of_the_main_file(loaded, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.yml").write_text("workers: 7", "utf-8")
    assert loaded(f"extra_config_files: {tmp_path}/other", {"a.yml": "workers: 8"}).settings.workers == 7


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def naive(high: Any, low: Any) -> Any:
    """The rule as the specification words it, for one value."""
    if not (isinstance(high, dict) and isinstance(low, dict)):
        return high
    absent = object()
    return {
        key: low[key] if high.get(key, absent) is absent else naive(high[key], low.get(key)) for key in {**low, **high}
    }


@given(MAPPINGS, MAPPINGS)
def test_merging_is_what_the_specification_says(high, low):
    assert merge(high, low) == naive(high, low)


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging_changes_none_of_its_sources(high, middle, low):
    before = repr((high, middle, low))
    merge(high, merge(middle, low))
    assert repr((high, middle, low)) == before


WRONG = {
    "text": [5, None, ["a"]],
    "text or null": [5, ["a"]],
    "true or false": ["yes", 1, None],
    "a port number": ["80", True, -1, 1.5, None],
    "a whole number of at least 1": [0, 1.5, True, "2", None],
    "a number of seconds": [-1, "1", True, float("inf"), float("nan"), None],
    "a number of seconds of at least 0.1": [0, "1", True, float("inf"), None],
    "a percentage from 0 to 100": [-1, 100.5, "30", True, float("inf"), float("nan"), None],
    "a list of texts or null": ["a", [1], {"a": "b"}],
    "a mapping": ["a", ["a"], 1],
    "at least 134217728 bytes, 0, or null": [-1, 134217727, 2e9, "1G", True],
}


def test_every_kind_has_wrong_values_here():
    assert {kind.expected for kind in KINDS.values()} == WRONG.keys()


@pytest.mark.parametrize(("key", "value"), [(key, wrong) for key in KINDS for wrong in WRONG[KINDS[key].expected]])
def test_a_value_of_the_wrong_kind_is_named_with_key_and_file(loaded, main, key, value):
    text = config.yaml.safe_dump({key: value})
    path = main.parent / "conf.d" / "a.yml"
    said = error_of(lambda: loaded("", {"a.yml": text}))
    assert said.startswith(f"{path}: key {key}: expected {KINDS[key].expected}, found ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen_port: 65536", "key listen_port: expected at most 65535"),
        ("listen: []", "key listen: expected at least one endpoint, or null"),
        ("log_level: loud", "key log_level: expected one of critical, error, warning, info, debug"),
        ("plugins: {a: 5}", "key plugins, a: expected a driver's name or null, found the number 5"),
        ("enabled_plugins: {a: 5}", "key enabled_plugins, a: expected true or false"),
        ("rest_api: {port: x}", "key rest_api, port: expected a port number"),
        ("extra_config_files: 5", "key extra_config_files: expected text, found the number 5"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_key_and_file(loaded, main, text, said):
    assert error_of(lambda: loaded(text)) == f"{main}: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [\n", " line 3: not valid YAML: "),
        ("a: 1\n\tb: 2\n", " line 2: not valid YAML: "),
        ("a: !!python/object:os.system {}\n", " line 1: not valid YAML: "),
        ("- a\n", ": expected a mapping of keys to values, found a list"),
        ("text\n", ": expected a mapping of keys to values, found text"),
        ("7\n", ": expected a mapping of keys to values, found the number 7"),
        ("false\n", ": expected a mapping of keys to values, found a boolean"),
        ("a: 1\nb: &b\n  c: [*b]\n", " line 3: not valid YAML: a value that holds itself"),
        ("a: " + "[" * 5000 + "]" * 5000, ": not valid YAML: nested too deeply"),
        ("a: 2026-13-45\n", ": not valid YAML: month must be in 1..12"),
    ],
)
@pytest.mark.parametrize("where", ["config.yml", "conf.d/a.yml"])
def test_a_file_that_cannot_be_used_is_named_with_the_line(loaded, main, where, text, said):
    broken = (lambda: loaded(text)) if where == "config.yml" else (lambda: loaded("", {"a.yml": text}))
    assert error_of(broken).startswith(f"{main.parent / where}{said}")


def test_a_file_that_is_not_utf8_is_named_with_the_byte(main):
    main.write_bytes(b"a: \xff\n")
    assert error_of(lambda: load(main)) == f"{main}: is not UTF-8 at byte 3"


def test_a_file_that_cannot_be_read_is_named(main):
    main.symlink_to(main)
    assert error_of(lambda: load(main)) == f"{main}: cannot be read: Too many levels of symbolic links"


def test_an_extra_file_that_cannot_be_read_is_no_reason_to_do_without_it(loaded, main):
    path = main.parent / "conf.d" / "a.yml"
    path.symlink_to("/nonexistent")
    assert error_of(lambda: loaded("")) == f"{path}: cannot be read: No such file or directory"


def test_a_missing_main_file_is_an_error(main):
    assert error_of(lambda: load(main)) == f"{main}: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('!exec {command: "echo 7"}', 7),
        ('!exec {command: "echo {a: 1, b: [x]}"}', {"a": 1, "b": ["x"]}),
        ('!exec {command: "true"}', None),
        ("!exec {}", None),
        ("!exec {shell: x}", None),
        ('!exec {command: "echo $HOME;ls"}', "$HOME;ls"),
    ],
)
def test_the_output_of_a_command_is_the_value(loaded, written, expected):
    assert loaded(f"acme: {written}").mapping["acme"] == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('!exec {command: "false"}', "!exec command failed (CalledProcessError)"),
        ('!exec {command: "/nonexistent"}', "!exec command failed (FileNotFoundError)"),
        ('!exec {command: "echo [hunter2"}', "!exec command failed (ParserError)"),
        ('!exec {command: "echo !exec {}"}', "!exec command failed (ConstructorError)"),
        ("!exec ls", "!exec takes a mapping with the key command"),
    ],
)
def test_a_command_that_fails_is_named_with_the_line_and_without_its_output(loaded, main, written, said):
    assert error_of(lambda: loaded(f"a: 1\nacme: {written}\n")) == f"{main} line 2: not valid YAML: {said}"


def test_a_command_that_does_not_end_is_given_up(loaded, monkeypatch):
    monkeypatch.setattr(yaml_files, "EXEC_TIMEOUT", 0.2)
    assert error_of(lambda: loaded('a: !exec {command: "sleep 30"}')).endswith("!exec command failed (TimeoutExpired)")
