"""Installing or removing a driver package changes by itself nothing of what is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from integration_tests.suite.helpers.api import FILE, client, guarded, sha, versions
from integration_tests.suite.helpers.puppets import DRIVER, ENTRY_POINTS, Puppets, install_distribution
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]
GROUP = "confgend.test.first.conf"
LINE = "`plugins: {test.first.conf: newcomer}`"


def install_newcomer(puppets: Puppets) -> None:
    """A second driver for `test/first.conf`, which says what `test/second.conf` says."""
    install_distribution(puppets.path, "newcomer", {GROUP: {"newcomer": "ill_behaved:Second"}}, "1.0")


def remove(puppets: Puppets, distribution: str) -> None:
    shutil.rmtree(puppets.path / f"{distribution}-1.0.dist-info")


def remove_the_driver(puppets: Puppets) -> None:
    """Install the distribution of the puppets without the one that makes `test/first.conf`."""
    remove(puppets, "ill_behaved_drivers")
    points = {group: {DRIVER: target} for group, target in ENTRY_POINTS.items() if group != GROUP}
    install_distribution(puppets.path, "ill_behaved_drivers", points, "1.0")


def choose_the_newcomer(daemon: Daemon) -> None:
    daemon.config["plugins"] = {"test.first.conf": "newcomer"}
    daemon.reload()


@pytest.fixture
def daemon(puppet_daemon: StartDaemon) -> Daemon:
    """A daemon that has served `test/first.conf`."""
    daemon = puppet_daemon(workers=1)
    daemon.fetch("test/first.conf")
    return daemon


def command(daemon: Daemon, *options: str) -> subprocess.CompletedProcess[str]:
    """`xivo-confgend` with the configuration of `daemon`."""
    return subprocess.run(
        [sys.executable, "-m", "xivo_confgend.main", "-c", str(daemon.config_file), *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=daemon.environment,
    )


class TestASecondDriver:
    @pytest.fixture(autouse=True)
    def installed(self, daemon: Daemon, puppets: Puppets) -> None:
        install_newcomer(puppets)
        daemon.reload()

    def test_changes_nothing_that_is_served(self, daemon: Daemon, puppets: Puppets) -> None:
        puppets.tell("first", "say", content="again\n")

        fetched = daemon.fetch("test/first.conf")

        assert (fetched.state, fetched.text) == ("fresh", "again\n")
        assert daemon.fetch("test/first.conf", "cached").text == "again\n"

    def test_changes_nothing_after_an_invalidation(self, daemon: Daemon) -> None:
        daemon.ask(b"test/first.conf invalidate\n")
        assert daemon.fetch("test/first.conf").text == "first\n"

    def test_changes_nothing_after_a_restart(self, daemon: Daemon) -> None:
        daemon.ask(b"test/first.conf invalidate\n")
        daemon.stop()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "first\n"

    def test_is_told_in_one_line_with_what_to_write(self, daemon: Daemon) -> None:
        (line,) = [one for one in daemon.log.splitlines() if "newcomer" in one]
        assert "WARNING" in line
        assert LINE in line

    def test_is_told_by_the_commands(self, daemon: Daemon) -> None:
        checked, listed = command(daemon, "--check"), command(daemon, "--list-drivers")
        assert any(LINE in line and "warning" in line for line in checked.stderr.splitlines())
        assert any(LINE in line and "warning" in line for line in listed.stderr.splitlines())

    def test_serves_as_soon_as_it_is_chosen(self, daemon: Daemon) -> None:
        choose_the_newcomer(daemon)
        assert daemon.fetch("test/first.conf").text == "second\n"


class TestADriverThatIsRemoved:
    """The newcomer stays and could make the file."""

    @pytest.fixture(autouse=True)
    def removed(self, daemon: Daemon, puppets: Puppets) -> None:
        install_newcomer(puppets)
        remove_the_driver(puppets)
        daemon.reload()

    @pytest.mark.parametrize("argument", [(), ("cached",)])
    def test_leaves_its_content_as_stale(self, daemon: Daemon, argument: tuple[str, ...]) -> None:
        fetched = daemon.fetch("test/first.conf", *argument)
        assert (fetched.state, fetched.text) == ("stale", "first\n")

    def test_is_told_in_one_line_with_what_to_write(self, daemon: Daemon) -> None:
        (line,) = [one for one in daemon.log.splitlines() if "not installed any more" in one]
        assert LINE in line

    def test_is_an_error_where_nothing_is_stored(self, daemon: Daemon) -> None:
        daemon.ask(b"test/first.conf invalidate\n")
        fetched = daemon.fetch("test/first.conf")
        assert fetched.code == 500
        assert LINE in fetched.error

    def test_is_replaced_as_soon_as_another_one_is_chosen(self, daemon: Daemon) -> None:
        choose_the_newcomer(daemon)
        assert daemon.fetch("test/first.conf").text == "second\n"


@pytest.mark.parametrize("plugins", [{}, {"test.first.conf": DRIVER}], ids=["not named", "named"])
def test_the_only_driver_that_is_removed_leaves_its_content(
    daemon: Daemon, puppets: Puppets, plugins: dict[str, str]
) -> None:
    daemon.config["plugins"] = plugins
    remove_the_driver(puppets)
    daemon.reload()

    fetched = daemon.fetch("test/first.conf")

    assert (fetched.state, fetched.text) == ("stale", "first\n")
    assert daemon.ask(b"test/first.conf") == b"first\n"


def test_a_content_of_unknown_origin_is_stale_with_two_drivers(daemon: Daemon, puppets: Puppets) -> None:
    install_newcomer(puppets)
    daemon.stop()
    shutil.rmtree(daemon.cache / ".facts")
    daemon.start()

    fetched = daemon.fetch("test/first.conf")

    assert (fetched.state, fetched.text) == ("stale", "first\n")
    assert "several drivers are installed, name one in the plugins map" in daemon.log


def test_a_file_without_its_driver_is_stale_and_keeps_its_pin(puppets: Puppets, api_daemon: StartDaemon) -> None:
    daemon = api_daemon(**guarded())
    with client(daemon, "owner") as http:
        for content in ("old\n", "new\n"):
            puppets.tell("first", "say", content=content)
            http.post(FILE).raise_for_status()
        versions(http, 2)
        remove_the_driver(puppets)
        daemon.reload()

        (shown,) = [one for one in http.get("/1.0/files").json()["items"] if one["name"] == "test/first.conf"]
        assert shown["state"] == "stale"
        assert "not installed any more" in shown["last_error"]
        assert http.post(FILE).status_code == 503
        http.put(f"{FILE}/pin", json={"digest": sha("old\n")}).raise_for_status()
        assert daemon.fetch("test/first.conf").text == "old\n"
