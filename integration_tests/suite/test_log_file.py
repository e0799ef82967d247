"""Whatever becomes of its log file, the daemon serves, reloads and stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where the daemons of these tests log."""
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "daemon.log"


def make_useless(log_file: Path, how: str) -> None:
    """Rotate the file, and leave none that can be opened."""
    log_file.rename(log_file.with_suffix(".1"))
    if how == "directory gone":
        log_file.parent.rename(log_file.parent.with_name("elsewhere"))
    elif how == "a directory":
        log_file.mkdir()
    else:
        log_file.symlink_to("/dev/full")


@pytest.mark.parametrize("how", ["directory gone", "a directory", "full disk"])
def test_a_log_file_that_cannot_be_written_stops_nothing(
    puppets: Puppets, puppet_daemon: StartDaemon, log_file: Path, how: str
) -> None:
    daemon = puppet_daemon(log_filename=str(log_file))
    daemon.fetch("test/first.conf")
    make_useless(log_file, how)

    for number in range(50):
        puppets.tell("first", "say", content=f"{number}\n")
        assert daemon.fetch("test/first.conf").text == f"{number}\n"
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: "configuration reloaded" in daemon.log, "the reload")
    assert daemon.fetch("test/second.conf").text == "second\n"
    assert daemon.stop() == 0

    lines = daemon.log.splitlines()
    assert sum("the log goes to standard error until it can be written" in line for line in lines) == 1
    assert "Traceback" not in daemon.log
    assert sum("test/first.conf: fresh" in line for line in lines) == 50
    assert "stopped" in lines[-1]


def test_a_log_file_that_is_rotated_is_made_anew(puppet_daemon: StartDaemon, log_file: Path) -> None:
    daemon = puppet_daemon(log_filename=str(log_file))
    daemon.fetch("test/first.conf")
    log_file.rename(log_file.with_suffix(".1"))
    daemon.fetch("test/second.conf")

    assert "test/second.conf" not in log_file.with_suffix(".1").read_text()
    assert "test/second.conf: fresh" in log_file.read_text()
    assert daemon.log == ""


def test_a_log_file_that_cannot_be_opened_at_the_start_is_one_line(puppet_daemon: StartDaemon, log_file: Path) -> None:
    daemon = puppet_daemon(log_filename=str(log_file / "not a directory" / "log"))

    assert daemon.fetch("test/first.conf").text == "first\n"
    told = [line for line in daemon.log.splitlines() if "ERROR" in line]
    assert len(told) == 1
    assert "No such file or directory; the log goes to standard error" in told[0]


def test_a_reload_follows_another_log_file(puppet_daemon: StartDaemon, log_file: Path) -> None:
    daemon = puppet_daemon(log_filename=str(log_file))
    other = log_file.with_name("other.log")
    daemon.config["log_filename"] = str(other)
    daemon.write_config()
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: other.exists() and "configuration reloaded" in other.read_text(), "the reload")
    daemon.fetch("test/first.conf")

    assert f"the log goes on in {other}" in log_file.read_text()
    assert "test/first.conf" not in log_file.read_text()
    assert "test/first.conf: fresh" in other.read_text()


def test_a_reload_goes_from_a_file_to_standard_error_and_back(puppet_daemon: StartDaemon, log_file: Path) -> None:
    daemon = puppet_daemon(log_filename=str(log_file))
    daemon.config["log_filename"] = None
    daemon.reload()
    daemon.fetch("test/first.conf")
    daemon.config["log_filename"] = str(log_file)
    daemon.write_config()
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: "configuration reloaded" in log_file.read_text(), "the reload")
    daemon.fetch("test/second.conf")

    assert "test/first.conf: fresh" in daemon.log
    assert "test/second.conf: fresh" in log_file.read_text()
    assert "test/second.conf" not in daemon.log
