"""`confgen list`, `show`, `diff`, `status`, `pin` and `unpin` against the real daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psycopg2
import pytest

from integration_tests.suite.helpers.api import guarded, token
from integration_tests.suite.helpers.base import fill_database
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.meta import METADATA

FILE = "asterisk/rtp.conf"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def uri(postgresql: PostgreSQL) -> str:
    return fill_database(postgresql, "api_commands", METADATA, "fresh")


@pytest.fixture(scope="module")
def serving(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("commands"), {"db_uri": uri, "rest_api": guarded()}) as daemon:
        daemon.fetch(FILE)
        change_database(uri, "30000")
        daemon.fetch(FILE)
        yield daemon


def change_database(uri: str, value: str) -> None:
    """Write another last port into the stored file rtp.conf."""
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE asterisk_file_variable SET value = %s WHERE key = 'rtpend'", (value,))
        assert cursor.rowcount == 1
    connection.close()


@pytest.fixture
def confgen(serving: Daemon) -> Run:
    """Runs the command as the account `owner`, or as another one."""

    def run(*arguments: str, account: str | None = "owner") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XIVO_CONFGEND_API": serving.api}
        if account:
            environment["XIVO_CONFGEND_TOKEN"] = token(account)
        command = [sys.executable, "-m", "xivo_confgend.client", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    return run


def versions(confgen: Run) -> list[dict[str, str]]:
    return json.loads(confgen("show", FILE, "--json").stdout)["versions"]


def test_list_shows_every_file(confgen: Run) -> None:
    listed = confgen("list")

    assert listed.returncode == 0, listed.stderr
    row = next(line for line in listed.stdout.splitlines() if line.startswith(FILE))
    assert row.split()[1] == "fresh"


def test_list_gives_data_to_scripts(confgen: Run) -> None:
    names = [file["name"] for file in json.loads(confgen("list", "--json").stdout)["items"]]

    assert FILE in names


def test_show_lists_the_versions(confgen: Run) -> None:
    shown = confgen("show", FILE).stdout

    assert len(versions(confgen)) == 2
    assert all(one["digest"][:12] in shown for one in versions(confgen))


def test_show_prints_the_content(confgen: Run) -> None:
    assert "rtpend = 30000\n" in confgen("show", FILE, "--content").stdout


def test_diff_shows_what_changed_last(confgen: Run) -> None:
    lines = confgen("diff", FILE).stdout.splitlines()

    assert "+rtpend = 30000" in lines


def test_diff_takes_beginnings_of_digests(confgen: Run) -> None:
    newer, older = (one["digest"][:8] for one in versions(confgen))

    assert "-rtpend = 30000" in confgen("diff", FILE, newer, older).stdout.splitlines()


def test_a_pinned_version_is_served_until_it_is_unpinned(confgen: Run, serving: Daemon) -> None:
    older = versions(confgen)[1]["digest"]

    pinned = confgen("pin", FILE, older[:10], "--reason", "test")
    while_pinned = serving.fetch(FILE).text
    unpinned = confgen("unpin", FILE)

    assert (pinned.returncode, unpinned.returncode) == (0, 0), pinned.stderr + unpinned.stderr
    assert "rtpend = 30000\n" not in while_pinned
    assert "rtpend = 30000\n" in serving.fetch(FILE).text


def test_pinning_needs_the_permission(confgen: Run) -> None:
    refused = confgen("pin", FILE, account="reader")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("confgen: ")


def test_a_missing_token_is_asked_for(confgen: Run) -> None:
    refused = confgen("list", account=None)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "; set XIVO_CONFGEND_TOKEN to a token (" in refused.stderr


def test_a_missing_permission_points_at_the_token(confgen: Run) -> None:
    assert "; check the token in XIVO_CONFGEND_TOKEN (" in confgen("pin", FILE, account="reader").stderr


def test_a_mistyped_file_is_answered_with_the_near_one(confgen: Run, serving: Daemon) -> None:
    assert "did you mean asterisk/rtp.conf?" in confgen("show", "asterisk/rpt.conf").stderr
    assert b"did you mean asterisk/rtp.conf?" in serving.confgen("asterisk/RTP.conf").stderr


def test_the_port_of_the_other_protocol_is_told(confgen: Run, serving: Daemon) -> None:
    port = serving.api.rpartition(":")[2]

    files = confgen("--port", port, "--wait", "1", FILE)
    listed = confgen("list", "--api", f"http://127.0.0.1:{serving.port}")

    assert (files.returncode, files.stdout) == (1, "")
    assert "is this its port (8669 unless listen_port says otherwise)?" in files.stderr
    assert (listed.returncode, listed.stdout) == (1, "")
    assert "is it the HTTP API" in listed.stderr


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("show", FILE, "--content")], ids=" ".join)
def test_a_closed_pipe_ends_quietly(serving: Daemon, command: tuple[str, ...]) -> None:
    environment = {**os.environ, "XIVO_CONFGEND_API": serving.api, "XIVO_CONFGEND_TOKEN": token("owner")}
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "xivo_confgend.client", *command],
        stdout=writing, stderr=subprocess.PIPE, env=environment, timeout=60, check=False,
    )  # fmt: skip

    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_ambiguous_version_is_refused(confgen: Run) -> None:
    assert "kept version" in confgen("pin", FILE, "").stderr


def test_status_says_that_all_is_well(confgen: Run) -> None:
    told = confgen("status")

    assert told.returncode == 0, told.stdout
    assert "database" in told.stdout


def test_an_api_that_is_not_there_is_one_line(confgen: Run) -> None:
    failed = confgen("list", "--api", "http://127.0.0.1:1")

    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("arguments", [("list", "--wrong"), ("show",), ("pin",)], ids=" ".join)
def test_wrong_usage_is_told(confgen: Run, arguments: tuple[str, ...]) -> None:
    assert confgen(*arguments).returncode == 2


def test_a_name_without_a_resource_is_refused(confgen: Run) -> None:
    assert confgen("show", "rtp.conf").stderr == "confgen: 'rtp.conf' is not RESOURCE/FILENAME\n"


def test_no_version_is_told_in_the_singular(confgen: Run) -> None:
    assert "no kept version begins with ff; " in confgen("diff", FILE, "ff").stderr
