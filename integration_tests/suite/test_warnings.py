"""What drivers warn of: kept with the content and with its version, and shown wherever an operator looks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from integration_tests.suite.helpers.api import FILE, client, guarded, token, until, versions
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

LINES = ["queue row 7 is left out: column name cannot be a section name", "userfeatures row 3: password = hunter2"]
KNOWN = {"count": 2, "lines": LINES}
MASKED = {"count": 2, "lines": [LINES[0], "userfeatures row 3: password = ********"]}
NONE = {"count": 0, "lines": []}


@pytest.fixture
def daemon(puppets: Puppets, api_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon whose `test/first.conf` was generated with two warnings."""
    puppets.tell("first", "warn", lines=[*LINES, LINES[0]])
    daemon = api_daemon(**guarded())
    daemon.fetch("test/first.conf")
    return daemon


@pytest.fixture
def http(daemon: Daemon) -> Iterator[httpx.Client]:
    with client(daemon, "owner") as http:
        yield http


def info(http: httpx.Client, file: str = FILE) -> dict[str, object]:
    return http.get(f"{file}/info").json()


def test_warnings_are_told_with_the_file_and_with_its_version(daemon: Daemon, http: httpx.Client) -> None:
    assert info(http)["warnings"] == KNOWN
    assert [one["warnings"] for one in versions(http, 1)] == [KNOWN]
    assert http.head(FILE).headers["confgend-warnings"] == "2"
    version = versions(http, 1)[0]["digest"]
    assert http.head(f"{FILE}/versions/{version}").headers["confgend-warnings"] == "2"


def test_a_warning_is_logged_once_in_a_generation_with_its_file(daemon: Daemon) -> None:
    assert daemon.log.count(f"test/first.conf: {LINES[0]}") == 1


def test_secrets_in_warnings_are_masked(daemon: Daemon) -> None:
    with client(daemon, "reader") as reader:
        assert info(reader)["warnings"] == MASKED
        assert [one["warnings"] for one in versions(reader, 1)] == [MASKED]


def test_warnings_survive_a_restart(daemon: Daemon, http: httpx.Client) -> None:
    versions(http, 1)
    daemon.stop()
    daemon.start()
    assert info(http)["warnings"] == KNOWN
    assert [one["warnings"] for one in versions(http, 1)] == [KNOWN]


def test_a_reused_content_still_shows_its_warnings(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    puppets.tell("rows", "warn", lines=LINES)
    file = "/1.0/files/test/rows.conf"
    for _ in range(2):
        assert http.get(file).headers["confgend-warnings"] == "2"
    assert puppets.runs("rows") == 1
    assert info(http, file)["warnings"] == KNOWN


def test_a_newer_generation_of_the_same_content_tells_its_own(
    puppets: Puppets, daemon: Daemon, http: httpx.Client
) -> None:
    versions(http, 1)
    puppets.tell("first", "say", content="warned\n")
    daemon.fetch("test/first.conf")
    assert info(http)["warnings"] == NONE
    until(lambda: [one["warnings"] for one in versions(http, 1)] == [NONE])
    daemon.stop()
    daemon.start()
    assert info(http)["warnings"] == NONE


def test_an_older_version_keeps_its_warnings(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    versions(http, 1)
    puppets.tell("first", "say", content="other\n")
    daemon.fetch("test/first.conf")
    assert [one["warnings"] for one in versions(http, 2)] == [NONE, KNOWN]


def test_many_warnings_are_counted_and_the_first_are_kept(puppets: Puppets, daemon: Daemon, http: httpx.Client) -> None:
    puppets.tell("first", "warn", lines=[f"row {number}" for number in range(5000)])
    daemon.fetch("test/first.conf")
    told = info(http)["warnings"]
    assert (told["count"], len(told["lines"]), told["lines"][0]) == (5000, 50, "row 0")
    assert "test/first.conf: 4,950 more warnings are only counted" in daemon.log


def test_the_number_of_warnings_is_a_gauge(daemon: Daemon, http: httpx.Client) -> None:
    assert 'confgend_file_warnings{file="test/first.conf"} 2.0\n' in http.get("/1.0/metrics").text


def test_show_prints_the_warnings(daemon: Daemon) -> None:
    environment = {**os.environ, "XIVO_CONFGEND_API": daemon.api, "XIVO_CONFGEND_TOKEN": token("owner")}
    command = [sys.executable, "-m", "xivo_confgend.client", "show", "test/first.conf"]
    shown = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True).stdout
    assert [line for line in shown.splitlines() if line.startswith("warning:")] == [
        f"warning:   {line}" for line in LINES
    ]
