"""The command line of `xivo-confgend`: mistakes are one line with the near word, and a closed pipe is no mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from xivo_confgend.main import COMMANDS, main

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command in this process; its exit status, and what it printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        return int(left.value.code or 0), *capsys.readouterr()

    return run


def test_help_shows_every_command(told: Told) -> None:
    status, output, errors = told("--help")
    assert (status, errors) == (0, "")
    assert all(name in output and meaning in " ".join(output.split()) for name, _, meaning in COMMANDS)


def test_the_version_is_that_of_the_distribution(told: Told) -> None:
    assert told("--version") == (0, f"xivo-confgend {version('xivo-confgend')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek-driver"], "'chek-driver' is not a command; did you mean check-driver?"),
        (["CHECK-DRIVER"], "'CHECK-DRIVER' is not a command; did you mean check-driver?"),
        (["serve"], "'serve' is not a command; there are check-driver, new-driver"),
        (["--chek"], "unrecognized argument '--chek'; did you mean --check?"),
        (["--lost-drivers=x"], "unrecognized argument '--lost-drivers'; did you mean --list-drivers?"),
        (["check-driver", ".", "--jsn"], "unrecognized argument '--jsn'; did you mean --json?"),
        (["--nothing-like-it"], "unrecognized argument '--nothing-like-it'"),
        (["--check", "--print-config"], "argument --print-config: not allowed with argument --check"),
        (["--database"], "--database goes with --check"),
        (["-c"], "argument -c/--config-file: expected one argument"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(told: Told, arguments: list[str], said: str) -> None:
    assert told(*arguments) == (2, "", f"xivo-confgend: {said} (xivo-confgend --help tells more)\n")


def test_wrong_usage_of_a_command_names_it(told: Told) -> None:
    status, _, errors = told("check-driver")
    assert status == 2
    assert errors.startswith("xivo-confgend check-driver: the following arguments are required: PATH_OR_PACKAGE (")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("option", ["--check", "--print-config", "--list-drivers"])
def test_a_missing_configuration_file_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    missing = tmp_path / "none.yml"
    assert main(["-c", str(missing), option]) == 2
    assert capsys.readouterr().err == f"xivo-confgend: {missing}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("arguments", [["--print-config"], ["--list-drivers"], ["--check"], ["--help"], ["--version"]])
def test_a_closed_pipe_ends_quietly(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "config.yml").write_text(f"cache: {tmp_path}\n", "utf-8")
    (tmp_path / "conf.d").mkdir()
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "xivo_confgend.main", "-c", str(tmp_path / "config.yml"), *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 1)
