"""Directories that are removed under a running daemon: it keeps its lock, its pins and its history."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from integration_tests.suite.helpers.api import FILE, client, guarded, sha, until, versions
from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


def test_no_second_daemon_starts_on_a_cache_that_was_removed(
    puppets: Puppets, puppet_daemon: StartDaemon, tmp_path: Path
) -> None:
    daemon = puppet_daemon()
    daemon.fetch("test/first.conf")
    shutil.rmtree(daemon.cache)
    wait_until((daemon.cache / ".lock").exists, "the lock")

    second = puppets.daemon(tmp_path / "second", cache=str(daemon.cache), rest_api={"enabled": False})
    second.start(wait=False)

    assert second.process is not None
    assert second.process.wait(30) == 1
    assert "another daemon uses it" in second.log
    assert daemon.fetch("test/first.conf").state == "fresh"
    assert (daemon.cache / "test/first.conf").read_text() == "first\n"


def test_a_pin_outlives_the_directory_of_the_history(puppets: Puppets, api_daemon: StartDaemon) -> None:
    daemon = api_daemon(**guarded())
    with client(daemon, "owner") as http:
        for content in ("old\n", "new\n"):
            puppets.tell("first", "say", content=content)
            http.post(FILE).raise_for_status()
        versions(http, 2)
        http.put(f"{FILE}/pin", json={"digest": sha("old\n"), "reason": "emergency"}).raise_for_status()
        shutil.rmtree(daemon.cache / ".history")

        assert daemon.fetch("test/first.conf").text == "old\n"
        until((daemon.cache / ".history/pinned/test/first.conf" / sha("old\n")).exists)
        assert http.get(f"{FILE}/pin").json()["reason"] == "emergency"
        assert {item["digest"] for item in versions(http, 2)} == {sha("old\n"), sha("new\n")}
        daemon.stop()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"
