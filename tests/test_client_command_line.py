"""What `confgen` understands of its command line and of its configuration file, before it asks anybody."""

from __future__ import annotations

import os
import string
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xivo_confgend.client import (
    API_COMMANDS,
    FLAGS,
    VALUES,
    Options,
    Request,
    UsageError,
    find_server,
    parse_simple,
    read_config,
    run,
)
from xivo_confgend.client.api_commands import COMMANDS
from xivo_confgend.client.arguments import MEANINGS, parse_any
from xivo_confgend.client.wire import ConfgenError, Server

CONFGEN = (sys.executable, "-m", "xivo_confgend.client")
NOWHERE = "/nonexistent/config.conf"
ARGUMENTS = st.one_of(
    st.sampled_from([*VALUES, *FLAGS, "--", "-", "-h"[:1], "--cach", "-p5", "-c=x", "wazo/uuid.yml", "", "0", "-5"]),
    st.builds("{}={}".format, st.sampled_from([*VALUES, *FLAGS]), st.text(string.printable, max_size=4)),
    st.text(string.printable, max_size=6).filter(lambda text: "-h" not in text),
    st.integers(0, 10**12).map(str),
)


def options(*arguments: str) -> Options:
    parsed = parse_simple(list(arguments))
    assert parsed is not None
    return parsed


def everything(options: Options) -> dict[str, object]:
    return {name: getattr(options, name) for name in Options.__annotations__}


def server(*arguments: str) -> Server:
    given = options("asterisk/sip.conf", *arguments)
    return find_server(given, read_config(given.config_file))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.conf"
    path.write_text("[confgen]\nserver = 192.0.2.1\nport = 1234\ntimeout = 7\n")
    return path


@given(st.lists(ARGUMENTS, max_size=5))
def test_the_short_cut_reads_a_command_line_like_argparse(arguments: list[str]) -> None:
    simple = parse_simple(arguments)

    if simple is not None:
        assert everything(simple) == everything(parse_any(arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ["asterisk/pjsip.conf"],
        ["asterisk/pjsip.conf", "--cached"],
        ["-p", "8669", "--host", "localhost", "-t", "5", "asterisk/pjsip.conf"],
        ["--output=/etc/asterisk/pjsip.conf", "--fallback-dir", "/var/lib/confgen", "asterisk/pjsip.conf"],
    ],
)
def test_usual_command_lines_take_the_short_cut(arguments: list[str]) -> None:
    assert parse_simple(arguments) is not None


@pytest.mark.parametrize("abbreviation", ["--cach", "--ca"])
def test_abbreviations_are_understood(abbreviation: str) -> None:
    assert parse_any(["wazo/uuid.yml", abbreviation]).cached


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["wazo"],
        ["wazo/a/b"],
        ["/uuid.yml"],
        ["wazo/"],
        ["wazo/uuid.yml\n"],
        ["wazo/uuid.yml", "wazo/uuid.yml"],
        ["wazo/uuid.yml", "--nonsense"],
        ["wazo/uuid.yml", "--in", "--po"],
        ["wazo/uuid.yml", "-p", "many"],
        ["wazo/uuid.yml", "-p", "65536"],
        ["wazo/uuid.yml", "-p", "9" * 5000],
        ["wazo/uuid.yml", "-t", "-1"],
        ["wazo/uuid.yml", "--wait", "nan"],
        ["wazo/uuid.yml", "--wait", "-0.1"],
        ["wazo/uuid.yml", "--port"],
        ["wazo/uuid.yml", "--invalidate", "--output", "file"],
        ["../uuid.yml", "--fallback-dir", "dir"],
        ["wazo/..", "--fallback-dir", "dir"],
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2

    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.startswith("confgen: ")
    assert written.err.count("\n") == 1


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_all_options_and_the_exit_status(capsys: pytest.CaptureFixture[str], option: str) -> None:
    status = run([option])

    text = capsys.readouterr().out
    assert status == 0
    assert [option for option in (*VALUES, *FLAGS) if option not in text] == []
    assert "3 the file of --output was identical already" in " ".join(text.split())


def test_help_shows_every_command_with_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert [name for name in API_COMMANDS if f" {name} {MEANINGS[name]}" not in text] == []


def test_every_command_can_be_carried_out() -> None:
    assert set(COMMANDS) == set(API_COMMANDS) == set(MEANINGS)


@pytest.mark.parametrize("command", API_COMMANDS)
def test_each_command_has_its_own_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, "--help"]) == 0

    assert capsys.readouterr().out.startswith(f"usage: confgen {command} ")


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0

    assert capsys.readouterr().out == f"confgen {version('xivo-confgend')}\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lst"], "list"),
        (["LIST"], "list"),
        (["stats", "--json"], "status"),
        (["unpn", "asterisk/pjsip.conf"], "unpin"),
        (["wazo/uuid.yml", "--chached"], "--cached"),
        (["list", "--jsn"], "--json"),
    ],
)
def test_an_unknown_word_suggests_the_near_one(
    capfd: pytest.CaptureFixture[str], arguments: list[str], meant: str
) -> None:
    assert run(arguments) == 2

    assert f"; did you mean {meant}?" in capfd.readouterr().err


def test_a_word_that_resembles_nothing_gets_what_there_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["asterisk"]) == 2

    told = capfd.readouterr().err
    assert "RESOURCE/FILENAME" in told
    assert all(name in told for name in API_COMMANDS)


@pytest.mark.parametrize("command", [["--help"], ["list", "--help"], ["--version"]], ids=" ".join)
class TestOutputThatCannotBeWritten:
    """Help and version, where standard output cannot be written."""

    def test_to_a_closed_pipe_ends_quietly(self, command: list[str]) -> None:
        reading, writing = os.pipe()
        os.close(reading)

        done = subprocess.run([*CONFGEN, *command], stdout=writing, stderr=subprocess.PIPE, check=False)

        os.close(writing)
        assert (done.returncode, done.stderr) == (1, b"")

    def test_to_a_full_disk_is_one_line(self, command: list[str]) -> None:
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run([*CONFGEN, *command], stdout=full, stderr=subprocess.PIPE, check=False)

        assert (done.returncode, done.stderr) == (1, b"confgen: cannot write: No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["wazo/uuid.yml"], "wazo/uuid.yml"),
        (["wazo/uuid.yml cached"], "wazo/uuid.yml cached"),
        (["wazo/uuid.yml  cached "], "wazo/uuid.yml cached"),
        (["wazo/uuid.yml", "--cached"], "wazo/uuid.yml cached"),
        (["--cached", "wazo/uuid.yml", "--invalidate"], "wazo/uuid.yml invalidate cached"),
    ],
)
def test_the_request_is_the_name_and_what_was_asked_for(arguments: list[str], text: str) -> None:
    assert Request(options(*arguments)).text == text


def test_an_invalidation_may_stand_inside_the_name() -> None:
    assert Request(options("wazo/uuid.yml invalidate")).invalidates


@pytest.mark.parametrize("arguments", [["--output", "-"], ["--output=-"]])
def test_an_output_of_a_hyphen_is_standard_output(arguments: list[str]) -> None:
    assert Request(parse_any([*arguments, "wazo/uuid.yml"])).output == ""


def test_control_characters_never_reach_the_request() -> None:
    with pytest.raises(UsageError, match="control characters"):
        Request(options("wazo/uuid.yml\ncached"))


def test_defaults_are_those_of_the_daemon() -> None:
    found = server("-c", NOWHERE)

    assert (found.path, found.host, found.port, found.timeout) == ("", "127.0.0.1", 8669, 5)


def test_the_configuration_file_comes_before_defaults(config_file: Path) -> None:
    found = server("-c", str(config_file))

    assert (found.host, found.port, found.timeout) == ("192.0.2.1", 1234, 7)


def test_the_command_line_comes_before_the_configuration_file(config_file: Path) -> None:
    found = server("-c", str(config_file), "--host", "192.0.2.2", "-p", "99", "-t", "1")

    assert (found.host, found.port, found.timeout) == ("192.0.2.2", 99, 1)


def test_zero_and_nothing_are_not_given(config_file: Path) -> None:
    found = server("-c", str(config_file), "--host=", "-p", "0", "-t", "0")

    assert (found.host, found.port, found.timeout) == ("192.0.2.1", 1234, 7)


@pytest.mark.parametrize(
    ("text", "arguments", "path"),
    [
        ("[confgen]\nsocket = /run/a\n", [], "/run/a"),
        ("[confgen]\nserver = unix:/run/a\n", [], "/run/a"),
        ("[confgen]\nsocket = /run/a\n", ["--socket", "/run/b"], "/run/b"),
        ("[confgen]\nsocket = /run/a\n", ["--host", "unix:/run/b"], "/run/b"),
        ("[confgen]\nsocket = /run/a\n", ["--host", "192.0.2.2"], ""),
        ("", ["--socket", "/run/b", "--host", "192.0.2.2"], "/run/b"),
    ],
)
def test_a_unix_socket_may_be_named_anywhere(tmp_path: Path, text: str, arguments: list[str], path: str) -> None:
    config_file = tmp_path / "config.conf"
    config_file.write_text(text)

    assert server("-c", str(config_file), *arguments).path == path


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"port = 5\n", "no section headers"),
        (b"[confgen]\nport = many\n", "port is 'many'"),
        (b"[confgen]\ntimeout = -5\n", "timeout is '-5'"),
        (b"[confgen]\nport = 1\nport = 2\n", "already exists"),
        (b"[confgen]\nserver = \xff\n", "decode"),
    ],
)
def test_a_bad_configuration_file_is_named_and_explained(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "config.conf"
    path.write_bytes(content)

    with pytest.raises(ConfgenError, match=complaint) as error:
        server("-c", str(path))

    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "\n  \n", "# a comment\n; another\n", "[other]\nport = many\n", "[confgen]\n"])
def test_a_configuration_file_may_say_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.conf"
    path.write_text(text)

    assert server("-c", str(path)).port == 8669
