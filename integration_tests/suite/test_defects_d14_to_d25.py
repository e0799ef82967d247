"""The defects of docs/spec/30-daemon.md section 9, one after the other: ours has none of them."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from integration_tests.suite.helpers.base import fill_database
from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background
from xivo_confgend.config import Settings
from xivo_confgend.tcp_server import ConfgendFactory
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.meta import METADATA

StartDaemon = Callable[..., Daemon]


def test_d14_the_client_refuses_an_empty_name(shared: Daemon) -> None:
    assert shared.confgen("").returncode == 2


def test_d14_the_client_does_not_wait_for_ever_for_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-m", "xivo_confgend.client", "--port", str(silent.getsockname()[1])]
        done = subprocess.run(
            [*command, "--wait", "0.5", "test/first.conf"], capture_output=True, timeout=20, check=False
        )

    assert done.returncode == 1
    assert done.stdout == b""


def test_d15_the_store_is_closed_to_other_accounts(shared: Daemon) -> None:
    shared.fetch("test/second.conf")

    for path in [shared.cache, *shared.cache.rglob("*")]:
        assert path.stat().st_mode & 0o007 == 0, path
    assert (shared.cache / "test/second.conf").stat().st_mode & 0o777 == 0o640


def test_d16_a_null_value_in_the_extra_directory_breaks_nothing(puppets: Puppets, tmp_path: Path) -> None:
    daemon = puppets.daemon(tmp_path / "daemon", plugins={"test.second.conf": "ill"})
    (daemon.directory / "conf.d/0.yml").write_text("plugins:\n")

    with daemon:
        assert daemon.fetch("test/second.conf").text == "second\n"


def test_d16_a_wrong_value_in_the_extra_directory_is_told_before_anything_breaks(
    puppets: Puppets, tmp_path: Path
) -> None:
    daemon = puppets.daemon(tmp_path / "daemon")
    extra = daemon.directory / "conf.d/0.yml"
    extra.write_text("plugins: [asterisk.pjsip.conf]\n")
    daemon.start(wait=False)

    assert daemon.process is not None
    assert daemon.process.wait(20) == 2
    assert daemon.log == f"xivo-confgend: {extra}: key plugins: expected a mapping, found a list\n"


def test_d17_a_stored_file_need_not_be_utf8(puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    (daemon.cache / "test").mkdir()
    (daemon.cache / "test/first.conf").write_bytes(b"\xff\xfe")

    assert daemon.ask(b"test/first.conf cached\n") == b"\xff\xfe"
    assert daemon.fetch("test/first.conf", "cached").content == b"\xff\xfe"


def test_d17_a_directory_in_the_place_of_a_stored_file_is_no_content(puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    (daemon.cache / "test/first.conf").mkdir(parents=True)

    assert daemon.fetch("test/first.conf", "cached").text == "first\n"


@pytest.mark.parametrize(
    "sent",
    [b"test/a\0\rb\n", b"test/\x1b[31mred\n", b"\xff\xfe/x\n", "a/\u2028b\u202e\u0085\n".encode(), b"x" * 9000 + b"\n"],
    ids=["control", "escape", "not UTF-8", "line separators", "long"],
)
def test_d18_a_request_cannot_forge_the_log(shared: Daemon, sent: bytes) -> None:
    logged = len(shared.log)

    assert shared.ask(sent) == b""

    lines = shared.log[logged:].split("\n")
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    assert len(lines) == 2, lines


def test_d19_a_file_shows_one_moment_of_the_database(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items, background: ThreadPoolExecutor
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask_twice", first=ITEMS, second=ITEMS, hold=True)
    waiting = ask_in_background(background, daemon, "test/rows.conf")
    puppets.wait_until_held("rows")
    items.run("UPDATE item SET value = 'later'")
    puppets.release("rows")

    assert waiting.result(30).text == "1 one\n2 two\n" * 2


def test_d20_one_missing_element_does_not_lose_the_file(postgresql: PostgreSQL, daemon: StartDaemon) -> None:
    uri = fill_database(postgresql, "defect_d20", METADATA, "small")
    one = daemon(db_uri=uri, plugins={"asterisk.extensions.conf": "wazo"})
    whole = one.fetch("asterisk/extensions.conf").text.splitlines()
    Items(uri).run("DELETE FROM feature_extension WHERE feature = 'fwdrna'")

    fetched = one.fetch("asterisk/extensions.conf")

    assert fetched.state == "fresh"
    assert len(whole) * 0.95 < len(fetched.text.splitlines()) < len(whole)


def test_d21_a_stored_file_does_not_outlive_its_driver(puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    daemon.fetch("test/first.conf")
    daemon.config["plugins"] = {"test.first.conf": "gone"}
    daemon.reload()

    fetched = daemon.fetch("test/first.conf")

    assert fetched.code == 404
    assert "driver gone of the plugins map is not installed" in fetched.error
    assert daemon.ask(b"test/first.conf cached\n") == b""


def test_d21_an_answer_says_how_old_it_is(shared_puppets: Puppets, shared: Daemon) -> None:
    fresh = shared.fetch("test/second.conf")
    shared_puppets.tell("second", "fail", message="no")

    stale = shared.fetch("test/second.conf")

    shared_puppets.tell("second", "say", content="second\n")
    assert (fresh.state, stale.state) == ("fresh", "stale")
    assert stale.generated == fresh.generated
    assert abs(time.time() - time.mktime(time.strptime(fresh.generated, "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60


def test_d22_the_locale_does_not_matter(puppets: Puppets, tmp_path: Path) -> None:
    daemon = puppets.daemon(tmp_path / "daemon")
    daemon.environment.update({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    puppets.tell("first", "say", content="Liège ☎ \U0001f4de\n")

    with daemon:
        assert daemon.fetch("test/first.conf").text == "Liège ☎ \U0001f4de\n"
        assert (daemon.cache / "test/first.conf").read_bytes() == "Liège ☎ \U0001f4de\n".encode()


def test_d23_a_daemon_without_its_main_file_does_not_start(tmp_path: Path) -> None:
    missing = tmp_path / "config.yml"
    done = subprocess.run(
        [sys.executable, "-m", "xivo_confgend.main", "-c", str(missing)],
        capture_output=True,
        timeout=20,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == f"xivo-confgend: {missing}: cannot be read: No such file or directory\n"


def ask_as(account: str, port: int, answers: Connection) -> None:
    """In a process of its own: become `account`, ask, tell what came."""
    ids = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(ids.pw_gid)
    os.setuid(ids.pw_uid)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"test/first.conf\n")
            answers.send(connection.makefile("rb").read())
    except ConnectionError:
        answers.send(b"")


class TestD24OtherAccountsOfTheMachineAreRefused:
    """Who runs the tests as root can be another account; who does not, cannot, and asks the server's rule itself."""

    @pytest.mark.parametrize(("allowed", "expected"), [([], b""), (["nobody"], b"first\n"), (None, b"first\n")])
    def test_unless_they_are_allowed(
        self, puppet_daemon: StartDaemon, allowed: list[str] | None, expected: bytes
    ) -> None:
        if os.geteuid() != 0:
            assert may_ask(allowed, stranger=True) == bool(expected)
            return
        daemon = puppet_daemon(allowed_users=allowed)
        ours, theirs = multiprocessing.Pipe()
        stranger = multiprocessing.get_context("fork").Process(target=ask_as, args=("nobody", daemon.port, theirs))
        stranger.start()
        stranger.join(20)

        assert ours.recv() == expected

    def test_and_its_own_account_is_not(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon(allowed_users=[])

        assert daemon.ask(b"test/first.conf\n") == b"first\n"


def may_ask(allowed: list[str] | None, stranger: bool) -> bool:
    """What the server says of a connection of ours, when we are not the account it runs as."""
    factory = ConfgendFactory(Clock(), None, Settings(allowed_users=allowed))  # type: ignore[arg-type]
    if stranger and factory._allowed is not None:
        factory._allowed -= {os.geteuid()}
        if allowed:
            factory._allowed |= {os.geteuid()}
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        connection, _ = server.accept()
        transport = type("Transport", (), {"socket": connection})()
        with connection:
            return not factory.objection(transport)


@pytest.mark.parametrize("name", ["broken/import.conf", "broken/constructor.conf", "broken/attribute.conf"])
def test_d25_a_driver_that_cannot_be_imported_leaves_the_last_good_content(
    puppet_daemon: StartDaemon, name: str
) -> None:
    daemon = puppet_daemon()
    (daemon.cache / "broken").mkdir()
    (daemon.cache / name).write_text("kept from better days\n")

    assert daemon.ask(f"{name}\n".encode()) == b"kept from better days\n"
    assert daemon.fetch(name).state == "stale"
