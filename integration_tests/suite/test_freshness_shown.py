"""Why an answer was what it was, and what spares the next generation, is shown wherever an operator looks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from integration_tests.suite.helpers.api import client, guarded, token
from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

FILE = "test/rows.conf"
LONG = 0.5
"""Seconds of a generation that is worth a check, on a slow machine too."""


@pytest.fixture
def serving(puppets: Puppets, api_daemon: Callable[..., Daemon], items: Items) -> Daemon:
    """A daemon that has generated one file that takes long."""
    items.run("CREATE TABLE unrelated (id int)")
    puppets.tell("rows", "ask", statement=ITEMS, seconds=LONG)
    daemon = api_daemon({"db_uri": items.uri}, **guarded())
    daemon.fetch(FILE)
    return daemon


@pytest.fixture
def http(serving: Daemon) -> Iterator[httpx.Client]:
    with client(serving, "owner") as http:
        yield http


def freshness(http: httpx.Client) -> dict[str, object]:
    """What the API tells of the file."""
    told: dict[str, object] = http.get(f"/1.0/files/{FILE}/info").json()["freshness"]
    return told


def metrics(http: httpx.Client) -> dict[str, float]:
    """The values of this file, by name and labels other than `file`."""
    found = re.findall(rf'^(\w+)\{{file="{FILE}",?(.*)\}} (\S+)$', http.get("/1.0/metrics").text, re.MULTILINE)
    return {f"{name} {labels}".strip(): float(value) for name, labels, value in found}


def test_a_generation_is_told_with_what_it_depends_on(http: httpx.Client) -> None:
    assert freshness(http) == {
        "why": "generated", "mode": "tables", "reason": None, "tables": ["item"], "changed": None, "changed_at": None,
    }  # fmt: skip


def test_an_unchanged_database_is_told(serving: Daemon, http: httpx.Client) -> None:
    serving.fetch(FILE)

    assert freshness(http)["why"] == "unchanged database"
    assert metrics(http)['confgend_reused_answers_total why="unchanged database"'] == 1


def test_unchanged_tables_spare_the_generation_and_are_told(
    serving: Daemon, http: httpx.Client, items: Items, puppets: Puppets
) -> None:
    items.run("INSERT INTO unrelated VALUES (1)")

    assert serving.fetch(FILE).text == "1 one\n2 two\n"

    assert puppets.runs("rows") == 1
    assert freshness(http)["why"] == "unchanged tables"
    told = metrics(http)
    assert told['confgend_reused_answers_total why="unchanged tables"'] == 1
    assert told['confgend_checks_total result="unchanged"'] == 1
    assert told["confgend_check_seconds_count"] == 1
    assert told['confgend_file_reuse mode="tables"'] == 1
    assert told["confgend_file_tables"] == 1


def test_the_table_that_changed_last_is_told(
    serving: Daemon, http: httpx.Client, items: Items, puppets: Puppets
) -> None:
    items.run("UPDATE item SET value = 'new' WHERE id = 1")

    assert serving.fetch(FILE).text == "1 new\n2 two\n"

    assert puppets.runs("rows") == 2
    told = freshness(http)
    assert (told["why"], told["changed"]) == ("generated", "item")
    assert told["changed_at"]
    assert 'confgend_file_changed_timestamp_seconds relation="item"' in metrics(http)


def test_the_status_command_tells_it_of_each_file(serving: Daemon, items: Items, puppets: Puppets) -> None:
    puppets.tell("other_rows", "ask_and_commit", statement=ITEMS)
    puppets.release("other_rows")
    serving.fetch("test/other_rows.conf")
    items.run("UPDATE item SET value = 'new' WHERE id = 1")
    serving.fetch(FILE)
    environment = {**os.environ, "XIVO_CONFGEND_API": serving.api, "XIVO_CONFGEND_TOKEN": token("owner")}

    done = subprocess.run(
        [sys.executable, "-m", "xivo_confgend.client", "status"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    lines = {line.split()[0]: " ".join(line.split()) for line in done.stdout.splitlines() if line.startswith("test/")}
    assert re.fullmatch(rf"{FILE} generated tables item, \d+ seconds? ago item", lines[FILE])
    reason = "never (the driver reads in several transactions)"
    assert lines["test/other_rows.conf"] == f"test/other_rows.conf generated {reason} - item"
