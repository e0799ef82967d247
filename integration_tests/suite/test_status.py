"""What the daemon says of its own state: to load balancers, to operators, to Prometheus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration_tests.suite.helpers.api import FILE, client, guarded, problem, token, until, versions
from integration_tests.suite.helpers.items import ITEMS, Items, items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

__all__ = ["items"]

STATUS = "/1.0/status"
NOWHERE = "postgresql://x:hidden-9@127.0.0.1:1/x"


@pytest.fixture
def daemon(api_daemon: Callable[..., Daemon], items: Items) -> Daemon:
    """A daemon with its database."""
    return api_daemon({"db_uri": items.uri}, **guarded())


@pytest.fixture
def http(daemon: Daemon) -> Iterator[httpx.Client]:
    with client(daemon, "owner") as http:
        yield http


def fail(puppets: Puppets, daemon: Daemon, name: str, message: str = "no such hat") -> None:
    puppets.tell(name, "fail", message=message)
    daemon.fetch(f"test/{name}.conf")


def ready(http: httpx.Client) -> dict[str, Any]:
    """The status once the workers have started."""
    return until(lambda: (told := http.get(STATUS).json()) and check(told, "workers")["ok"] and told)


def check(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in told["checks"] if one["name"] == name)


def file_of(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in told["files"] if one["name"] == f"test/{name}.conf")


class TestHealth:
    def test_all_is_well_when_no_file_fails(self, http: httpx.Client, daemon: Daemon) -> None:
        daemon.fetch("test/first.conf")
        told = ready(http)
        assert (told["health"], told["files"]) == ("ok", [])
        assert all(one["ok"] for one in told["checks"])
        names = [one["name"] for one in told["checks"]]
        assert {"files", "database", "workers", "store", "disk", "history", "listener http"} <= set(names)
        assert any(name.startswith("listener tcp:") for name in names)

    def test_a_stale_file_degrades_with_since_when_and_why(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets
    ) -> None:
        daemon.fetch("test/first.conf")
        fail(puppets, daemon, "first")
        ready(http)
        answer = http.get(STATUS)
        told, since = answer.json(), http.get(f"{FILE}/info").json()["failing_since"]
        assert (answer.status_code, told["health"]) == (200, "degraded")
        assert f"1 stale: test/first.conf since {since}" in check(told, "files")["detail"]
        first = file_of(told, "first")
        assert (first["state"], first["since"]) == ("stale", since)
        assert "no such hat" in first["reason"]

    def test_a_failed_file_degrades(self, http: httpx.Client, daemon: Daemon, puppets: Puppets) -> None:
        fail(puppets, daemon, "first")
        told = ready(http)
        assert told["health"] == "degraded"
        assert "1 failed: test/first.conf since " in check(told, "files")["detail"]
        assert file_of(told, "first")["state"] == "failed"

    def test_since_is_when_it_failed_first(self, http: httpx.Client, daemon: Daemon, puppets: Puppets) -> None:
        fail(puppets, daemon, "first")
        since = file_of(ready(http), "first")["since"]
        fail(puppets, daemon, "first", "another hat")
        first = file_of(http.get(STATUS).json(), "first")
        assert first["since"] == since
        assert "another hat" in first["reason"]

    @pytest.mark.parametrize("how", ["reload", "restart", "kill"])
    def test_a_failure_is_known_afterwards(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets, how: str
    ) -> None:
        daemon.fetch("test/first.conf")
        fail(puppets, daemon, "first")
        before = file_of(ready(http), "first")
        if how == "reload":
            daemon.reload()
        else:
            daemon.stop(*([9] if how == "kill" else []))
            daemon.start()
        assert file_of(ready(http), "first") == before
        puppets.tell("first", "say", content="first\n")
        daemon.fetch("test/first.conf")
        assert http.get(STATUS).json()["files"] == []

    @pytest.mark.parametrize("writes", [False, True], ids=["quiet", "beside a writer"])
    def test_a_content_that_is_up_to_date_after_all_counts_as_fresh(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets, items: Items, writes: bool
    ) -> None:
        items.run("CREATE TABLE unrelated (id int)")
        puppets.tell("rows", "ask", statement=ITEMS, seconds=1)
        daemon.fetch("test/rows.conf")
        puppets.tell("rows", "fail", message="a moment of weakness")
        assert problem(http.post("/1.0/files/test/rows.conf")) == (503, "generation-failed")
        assert file_of(ready(http), "rows")["state"] == "stale"
        if writes:
            items.run("INSERT INTO unrelated VALUES (1)")
        assert daemon.fetch("test/rows.conf").state == "fresh"
        assert http.get(STATUS).json()["files"] == []

    def test_a_pin_is_named_and_does_not_degrade(self, http: httpx.Client, daemon: Daemon) -> None:
        daemon.fetch("test/first.conf")
        http.put(f"{FILE}/pin", json={"digest": versions(http, 1)[0]["digest"]}).raise_for_status()
        told = ready(http)
        assert told["health"] == "ok"
        assert "1 pinned: test/first.conf" in check(told, "files")["detail"]
        assert file_of(told, "first")["pinned_at"] == http.get(f"{FILE}/pin").json()["pinned_at"]

    def test_warnings_are_named_and_do_not_degrade(self, http: httpx.Client, daemon: Daemon, puppets: Puppets) -> None:
        puppets.tell("first", "warn", lines=["row 1", "row 2"])
        daemon.fetch("test/first.conf")
        told = ready(http)
        assert told["health"] == "ok"
        assert "2 warnings: test/first.conf" in check(told, "files")["detail"]
        assert file_of(told, "first")["warnings"] == {"count": 2, "lines": ["row 1", "row 2"]}

    def test_a_hand_made_content_that_is_served_counts_as_stale(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets
    ) -> None:
        daemon.fetch("test/first.conf")
        (daemon.cache / "test" / "first.conf").write_text("edited\n", "utf-8")
        fail(puppets, daemon, "first")
        assert file_of(ready(http), "first")["state"] == "stale"

    def test_many_failing_files_are_counted_and_listed(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets
    ) -> None:
        for name in ("first", "second", "third", "fourth"):
            fail(puppets, daemon, name)
        told = ready(http)
        detail = check(told, "files")["detail"]
        assert "4 failed: test/first.conf since " in detail and ", 1 more" in detail
        assert [one["name"] for one in told["files"]] == [
            f"test/{n}.conf" for n in ("first", "fourth", "second", "third")
        ]


class TestLoadBalancers:
    def test_an_outage_degrades_as_long_as_something_is_stored(
        self, api_daemon: Callable[..., Daemon], puppets: Puppets
    ) -> None:
        daemon = api_daemon({"db_uri": NOWHERE})
        daemon.fetch("test/first.conf")
        with client(daemon) as http:
            told = http.get(STATUS)
            strict = http.get(STATUS, params={"strict": ""})
        assert (told.status_code, told.json()["health"]) == (200, "degraded")
        assert not check(told.json(), "database")["ok"]
        assert problem(strict) == (503, "unhealthy")
        assert strict.json()["health"] == "degraded"
        assert "hidden-9" not in told.text + strict.text

    def test_a_daemon_that_can_answer_nothing_is_failing(self, api_daemon: Callable[..., Daemon]) -> None:
        daemon = api_daemon({"db_uri": NOWHERE})
        with client(daemon) as http:
            answer = http.get(STATUS)
        assert problem(answer) == (503, "unhealthy")
        assert answer.json()["health"] == "failing"
        assert "database: " in answer.json()["detail"]
        assert "hidden-9" not in answer.text

    def test_what_was_stored_before_a_restart_counts(self, api_daemon: Callable[..., Daemon]) -> None:
        daemon = api_daemon({"db_uri": NOWHERE})
        daemon.fetch("test/first.conf")
        daemon.stop()
        daemon.start()
        with client(daemon) as http:
            assert http.get(STATUS).json()["health"] == "degraded"

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("strict", 503), ("strict=true", 503), ("strict=", 503), ("strict=false", 200), ("", 200)],
    )
    def test_strict_answers_503_for_degraded(
        self, http: httpx.Client, daemon: Daemon, puppets: Puppets, query: str, expected: int
    ) -> None:
        fail(puppets, daemon, "first")
        ready(http)
        assert http.get(f"{STATUS}?{query}").status_code == expected

    def test_strict_is_a_switch_and_nothing_else(self, http: httpx.Client) -> None:
        assert problem(http.get(f"{STATUS}?strict=perhaps")) == (400, "invalid-parameter")

    def test_without_the_permission_to_read_details_are_left_out(
        self, daemon: Daemon, puppets: Puppets, http: httpx.Client
    ) -> None:
        fail(puppets, daemon, "first")
        ready(http)
        with client(daemon) as stranger:
            told = stranger.get(STATUS).json()
        assert (told["health"], told["version"], told["started_at"], told["files"]) == ("degraded", None, None, None)
        assert {one["detail"] for one in told["checks"]} == {None}

    def test_a_cache_that_cannot_be_written_degrades(self, http: httpx.Client, daemon: Daemon, tmp_path: Path) -> None:
        ready(http)
        daemon.cache.rename(tmp_path / "elsewhere")
        told = http.get(STATUS)
        assert (told.status_code, told.json()["health"]) == (200, "degraded")
        assert not check(told.json(), "store")["ok"]


def confgen(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XIVO_CONFGEND_API": daemon.api, "XIVO_CONFGEND_TOKEN": token("owner")}
    command = [sys.executable, "-m", "xivo_confgend.client", "status", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


class TestCommand:
    def test_of_a_daemon_that_is_well_exits_with_0(self, daemon: Daemon, http: httpx.Client) -> None:
        ready(http)
        told = confgen(daemon)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.splitlines()[0] == "health: ok"

    def test_of_failing_files_lists_them_and_exits_with_3(
        self, daemon: Daemon, puppets: Puppets, http: httpx.Client
    ) -> None:
        daemon.fetch("test/first.conf")
        puppets.tell("second", "warn", lines=[f"row {number} is left out" for number in range(12)])
        daemon.fetch("test/second.conf")
        fail(puppets, daemon, "first")
        ready(http)
        told = confgen(daemon)
        assert told.returncode == 3
        lines = told.stdout.splitlines()
        assert lines[0] == "health: degraded"
        row = next(line for line in lines if line.startswith("test/first.conf"))
        assert row.split()[1] == "stale" and "no such hat" in row
        row = next(line for line in lines if line.startswith("test/second.conf"))
        assert row.split()[1] == "fresh" and "12 warnings" in row
        at = lines.index("Warnings of test/second.conf:")
        assert lines[at + 1 : at + 11] == [f"  row {number} is left out" for number in range(10)]
        assert lines[at + 11] == "  … and 2 more: confgen show test/second.conf"
        data = json.loads(confgen(daemon, "--json").stdout)
        assert data["health"] == "degraded"

    def test_of_a_daemon_that_can_answer_nothing_exits_with_1(self, api_daemon: Callable[..., Daemon]) -> None:
        told = confgen(api_daemon({"db_uri": NOWHERE}, **guarded()))
        assert told.returncode == 1
        assert told.stdout.splitlines()[0] == "health: failing"


class TestGauges:
    def test_the_state_of_each_file_is_told(self, http: httpx.Client, daemon: Daemon, puppets: Puppets) -> None:
        daemon.fetch("test/first.conf")
        fail(puppets, daemon, "first")
        fail(puppets, daemon, "second")
        text = http.get("/1.0/metrics").text
        expected = {"first": "stale", "second": "failed", "third": "none"}
        for name, state in expected.items():
            for one in ("fresh", "stale", "failed", "none", "pinned"):
                line = f'confgend_file_state{{file="test/{name}.conf",state="{one}"}} {float(one == state)}'
                assert line in text.splitlines()

    def test_since_when_a_file_is_stale_is_told(self, http: httpx.Client, daemon: Daemon, puppets: Puppets) -> None:
        def since() -> list[float]:
            lines = http.get("/1.0/metrics").text.splitlines()
            return [float(line.split()[-1]) for line in lines if line.startswith("confgend_file_stale_since_seconds{")]

        assert since() == []
        daemon.fetch("test/first.conf")
        generated = http.get("/1.0/metrics").text
        fail(puppets, daemon, "first")
        (at,) = since()
        line = next(
            one for one in generated.splitlines() if one.startswith("confgend_file_generated_timestamp_seconds{")
        )
        assert at >= float(line.split()[-1])
        puppets.tell("first", "say", content="first\n")
        daemon.fetch("test/first.conf")
        assert since() == []

    def test_a_pinned_file_is_told(self, http: httpx.Client, daemon: Daemon) -> None:
        daemon.fetch("test/first.conf")
        http.put(f"{FILE}/pin", json={"digest": versions(http, 1)[0]["digest"]}).raise_for_status()
        assert 'confgend_file_state{file="test/first.conf",state="pinned"} 1.0\n' in http.get("/1.0/metrics").text
