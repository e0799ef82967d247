"""A file that loses many of its lines at once is served as it is, and that is said until it changes again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from integration_tests.suite.helpers.api import FILE, client, events, guarded, token, versions
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

LARGE, SMALL, SMALLER = "0123456\n" * 2000, "0123456\n" * 20, "0123456\n" * 19
LOSS = {"lines_before": 2000, "lines": 20, "size_before": 16000, "size": 160}


@pytest.fixture
def daemon(puppets: Puppets, api_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon with a large test/first.conf."""
    puppets.tell("first", "say", content=LARGE)
    daemon = api_daemon(**guarded())
    daemon.fetch("test/first.conf")
    return daemon


@pytest.fixture
def http(daemon: Daemon) -> Iterator[httpx.Client]:
    with client(daemon, "owner") as http:
        yield http


def write(puppets: Puppets, daemon: Daemon, content: str) -> None:
    puppets.tell("first", "say", content=content)
    assert daemon.fetch("test/first.conf").text == content


def shrunk(http: httpx.Client) -> object:
    return http.get(f"{FILE}/info").json()["shrunk"]


def test_a_loss_is_one_warning_with_the_numbers(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    assert shrunk(http) is None
    write(puppets, daemon, SMALL)
    assert shrunk(http) == LOSS
    daemon.fetch("test/first.conf")
    (line,) = [line for line in daemon.log.splitlines() if "shrank" in line]
    assert "(WARNING)" in line
    assert "test/first.conf: shrank from 2,000 to 20 lines (16,000 to 160 bytes)" in line


def test_it_is_told_until_the_content_changes_again(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    write(puppets, daemon, SMALL)
    versions(http, 2)
    daemon.stop()
    daemon.start()
    write(puppets, daemon, SMALL)
    assert shrunk(http) == LOSS
    write(puppets, daemon, SMALLER)
    assert shrunk(http) is None


def test_it_is_an_event(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    with http.stream("GET", "/1.0/events") as answer:
        stream = events(answer)
        assert next(stream).event == "hello"
        write(puppets, daemon, SMALL)
        seen = []
        while not seen or seen[-1].event != "shrunk":
            seen.append(next(stream))
    assert [one.event for one in seen if one.event != "version"] == ["started", "generated", "shrunk"]
    assert seen[-1].data["file"]["shrunk"] == LOSS


def test_it_is_listed_in_the_status_and_does_not_degrade(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    write(puppets, daemon, SMALL)
    told = http.get("/1.0/status").json()
    (file,) = told["files"]
    assert (file["name"], file["state"], file["shrunk"]) == ("test/first.conf", "fresh", LOSS)
    (files,) = [check for check in told["checks"] if check["name"] == "files"]
    assert files["ok"]
    assert "1 shrunk: test/first.conf" in files["detail"]


def test_it_is_a_gauge(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    assert "confgend_file_shrunk_lines{" not in http.get("/1.0/metrics").text
    write(puppets, daemon, SMALL)
    assert 'confgend_file_shrunk_lines{file="test/first.conf"} 1980.0\n' in http.get("/1.0/metrics").text


@pytest.mark.parametrize("command", [("show", "test/first.conf"), ("status",)], ids=lambda command: command[0])
def test_the_command_prints_the_numbers(puppets: Puppets, daemon: Daemon, command: tuple[str, ...]) -> None:
    write(puppets, daemon, SMALL)
    environment = {**os.environ, "XIVO_CONFGEND_API": daemon.api, "XIVO_CONFGEND_TOKEN": token("owner")}
    arguments = [sys.executable, "-m", "xivo_confgend.client", *command]
    told = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert "from 2,000 to 20 lines (16.0 kB to 160 B)" in told.stdout


@pytest.mark.parametrize(("percent", "told"), [(0, False), (100, False), (99, True)])
def test_the_percentage_is_configured(
    puppets: Puppets, api_daemon: Callable[..., Daemon], percent: float, told: bool
) -> None:
    daemon = api_daemon({"shrink_warning": percent})
    write(puppets, daemon, LARGE)
    write(puppets, daemon, SMALL)
    assert ("shrank" in daemon.log) is told
