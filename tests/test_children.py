"""Processes that are killed take those that they started with them."""

import subprocess
import time
from pathlib import Path

import pytest

from xivo_confgend.children import run_limited
from xivo_confgend.config import load
from xivo_confgend.exceptions import ConfigurationError


def lives(pid):
    """Whether the process runs; one that only waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_for_end(pid):
    deadline = time.monotonic() + 20
    while lives(pid):
        assert time.monotonic() < deadline, f"{pid} lives on"
        time.sleep(0.01)


@pytest.fixture
def starts_another(tmp_path):
    """A program that starts another one, writes its process id and waits."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    return program


def test_what_a_command_started_ends_at_the_time_limit(starts_another, tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        run_limited([str(starts_another)], 1, stdout=subprocess.PIPE)

    wait_for_end(int((tmp_path / "pid").read_text()))


def test_a_command_gets_its_input_and_gives_its_output():
    done = run_limited(["cat"], 20, b"given", stdout=subprocess.PIPE)

    assert (done.returncode, done.stdout) == (0, b"given")


def test_an_exec_command_ends_at_its_limit_with_all_it_started(starts_another, tmp_path, monkeypatch):
    monkeypatch.setattr("xivo_confgend.yaml_files.EXEC_TIMEOUT", 1)
    (tmp_path / "config.yml").write_text(f"db_uri: !exec {{command: {starts_another}}}\n")

    with pytest.raises(ConfigurationError, match="!exec command failed"):
        load(tmp_path / "config.yml")

    wait_for_end(int((tmp_path / "pid").read_text()))
