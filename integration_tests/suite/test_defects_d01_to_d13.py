"""The defects of docs/spec/30-daemon.md section 9, one after the other: ours has none of them."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


def test_d01_a_request_may_arrive_in_pieces(shared: Daemon) -> None:
    def pieces() -> list[bytes]:
        return [b"test/sec", b"ond.conf\n"]

    def slowly() -> object:
        for piece in pieces():
            yield piece
            time.sleep(0.3)

    assert shared.ask(slowly()) == b"second\n"


@pytest.mark.parametrize("request_text", [b"test/second.conf\r\n", b" test/second.conf\n", b"  test/second.conf \r\n"])
def test_d02_carriage_returns_and_leading_spaces_do_not_matter(shared: Daemon, request_text: bytes) -> None:
    assert shared.ask(request_text) == b"second\n"


OUTSIDE = ["../outside", "/outside", "test/../../outside", "../../outside", "./outside", "test/..", "..", "./.", "/"]


@pytest.mark.parametrize("argument", ["", " cached"])
@pytest.mark.parametrize("name", [*OUTSIDE, ".facts/test", ".staging/x"])
def test_d03_no_request_reads_a_file_outside_of_the_store(shared: Daemon, name: str, argument: str) -> None:
    shared.fetch("test/second.conf")
    (shared.cache.parent / "outside").write_text("not to be read\n")

    assert shared.ask(f"{name}{argument}\n".encode()) == b""
    assert shared.fetch(name, *argument.split()).code in (400, 404)


@pytest.mark.parametrize("name", OUTSIDE)
def test_d04_no_request_deletes_a_file_outside_of_the_store(shared: Daemon, name: str) -> None:
    outside = shared.cache.parent / "outside"
    outside.write_text("not to be deleted\n")

    assert shared.ask(f"{name} invalidate\n".encode()) == b""
    assert outside.exists()


@pytest.mark.parametrize("name", ["test/__str__", "test/__class__", "test/second_conf", "asterisk/generate", "x/_x"])
def test_d05_names_mean_files_and_nothing_else(shared: Daemon, name: str) -> None:
    assert shared.fetch(name).code == 404
    assert not (shared.cache / name).exists()


def test_d06_a_failing_store_write_never_truncates_the_reply(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    good = "a line of the last good content\n" * 400
    puppets.tell("first", "say", content=good)
    daemon.fetch("test/first.conf")
    for pid in [daemon.pid, *daemon.workers()]:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
    puppets.tell("first", "say", content=good.upper())

    fetched = daemon.fetch("test/first.conf")

    assert (fetched.state, fetched.text) == ("stale", good)
    assert (daemon.cache / "test/first.conf").read_text() == good
    assert daemon.ask(b"test/first.conf\n").decode() == good


def put_a_file_in_place_of(directory: Path) -> None:
    directory.rmdir()
    directory.write_text("in the way")


class TestD07AGoodGenerationReachesWhoAskedWhenItCannotBeKept:
    """Whatever is in the way."""

    def test_a_file_where_the_directory_should_be(self, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        (daemon.cache / "test").write_text("in the way")

        assert daemon.fetch("test/first.conf").text == "first\n"
        assert "test/first.conf cannot be kept" in daemon.log

    def test_a_directory_where_the_file_should_be(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        (daemon.cache / "test/first.conf").mkdir(parents=True)

        assert daemon.fetch("test/first.conf").text == "first\n"
        assert daemon.ask(b"test/first.conf\n") == b"first\n"

    def test_a_file_where_the_staging_area_should_be(self, puppets: Puppets, tmp_path: Path) -> None:
        spare = tmp_path / "spare"
        spare.mkdir()
        with puppets.daemon(tmp_path / "daemon", {"TMPDIR": str(spare)}) as daemon:
            daemon.fetch("test/first.conf")
            put_a_file_in_place_of(daemon.cache / ".staging")
            puppets.tell("first", "say", content="new\n")

            fetched = daemon.fetch("test/first.conf")

            assert (fetched.state, fetched.text) == ("fresh", "new\n")
            assert "the content was sent but not kept" in daemon.log
            assert list(spare.glob("xivo-confgend-*")) == []
            assert (daemon.cache / "test/first.conf").read_text() == "first\n"

    def test_a_store_that_someone_emptied(self, puppet_daemon: StartDaemon) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        shutil.rmtree(daemon.cache)

        assert daemon.fetch("test/first.conf").state == "fresh"
        assert (daemon.cache / "test/first.conf").read_text() == "first\n"
        assert "not kept" not in daemon.log

    def test_and_many_who_asked(
        self, puppets: Puppets, puppet_daemon: StartDaemon, background: ThreadPoolExecutor
    ) -> None:
        daemon = puppet_daemon()
        daemon.fetch("test/first.conf")
        put_a_file_in_place_of(daemon.cache / ".staging")
        puppets.tell("first", "sleep", seconds=0.5, content="new\n")

        answers = [ask_in_background(background, daemon, "test/first.conf") for _ in range(16)]

        assert {(one.result(20).state, one.result().text) for one in answers} == {("fresh", "new\n")}


def test_d08_a_file_whose_last_row_is_gone_is_empty(puppets: Puppets, puppet_daemon: StartDaemon, items: Items) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    assert daemon.fetch("test/rows.conf").text == "1 one\n2 two\n"
    items.run("DELETE FROM item")

    fetched = daemon.fetch("test/rows.conf")

    assert (fetched.code, fetched.state, fetched.content) == (200, "fresh", b"")
    assert (daemon.cache / "test/rows.conf").read_bytes() == b""


def test_d09_a_driver_that_cannot_be_made_leaves_the_last_good_content(puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    (daemon.cache / "broken").mkdir()
    (daemon.cache / "broken/constructor.conf").write_text("kept from better days\n")

    fetched = daemon.fetch("broken/constructor.conf")

    assert (fetched.state, fetched.text) == ("stale", "kept from better days\n")


def test_d09_a_daemon_that_starts_without_its_database_serves_what_it_has(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    before = daemon.fetch("test/rows.conf").text
    daemon.stop()
    daemon.config["db_uri"] = "postgresql://nobody@127.0.0.1:1/nothing"

    daemon.start()

    fetched = daemon.fetch("test/rows.conf")
    assert (fetched.state, fetched.text) == ("stale", before)


def test_d10_a_changed_row_is_in_the_next_answer(puppets: Puppets, puppet_daemon: StartDaemon, items: Items) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    daemon.fetch("test/rows.conf")
    items.run("UPDATE item SET value = 'changed' WHERE id = 2")

    assert daemon.fetch("test/rows.conf").text == "1 one\n2 changed\n"


def test_d11_the_client_fails_when_there_is_nothing_to_pass_on(shared: Daemon) -> None:
    done = shared.confgen("nope/nope.conf")

    assert done.returncode == 1
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert b"nope/nope.conf" in done.stderr


def test_d12_a_file_that_waits_for_a_lock_delays_no_other(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items, background: ThreadPoolExecutor
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    with closing(psycopg2.connect(items.uri)) as locking:
        locking.cursor().execute("LOCK TABLE item")
        waiting = ask_in_background(background, daemon, "test/rows.conf")
        puppets.wait_for_run("rows")

        assert daemon.fetch("test/second.conf").text == "second\n"
        assert not waiting.done()
    assert waiting.result(10).text == "1 one\n2 two\n"


class TestD13NothingWaitsForEver:
    """Silent clients, slow statements."""

    @pytest.mark.parametrize("sent", [b"", b"test/fir", b"no-such/file"])
    def test_a_silent_connection_is_closed(self, puppet_daemon: StartDaemon, sent: bytes) -> None:
        daemon = puppet_daemon(request_timeout=0.5)
        with daemon.connect() as connection, suppress(ConnectionResetError):
            connection.sendall(sent)

            assert connection.recv(10) == b""

    def test_a_slow_statement_is_cancelled(self, puppets: Puppets, puppet_daemon: StartDaemon, items: Items) -> None:
        daemon = puppet_daemon(db_uri=items.uri, generation_timeout=4)
        puppets.tell("first", "ask", statement=ITEMS)
        daemon.fetch("test/first.conf")
        puppets.tell("first", "ask", statement="SELECT 'endless', pg_sleep(3600)")

        assert daemon.fetch("test/first.conf").state == "stale"
        assert "statement timeout" in daemon.log
        with items.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%endless%'"
                " AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone() == (0,)
