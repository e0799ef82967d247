"""Another database behind the same URL, another past, another way of printing: what was known counts no more.

Each test makes the one thing equal that is compared first, the text of the snapshot, so that it is
the rest of the state that has to tell the difference.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql

StartDaemon = Callable[..., Daemon]
SNAPSHOT = "SELECT pg_current_snapshot()::text"
QUIET = {
    "autovacuum": "off",
    # A commit counts as done before it is on the disk, and a crash forgets those of the last seconds.
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "wal_buffers": "64MB",
    "wal_writer_flush_after": "1GB",
    "max_prepared_transactions": "5",
}


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server that does nothing by itself."""
    with running_postgresql(QUIET) as server:
        yield server


@pytest.fixture
def rows(server: PostgreSQL) -> Items:
    """The rows `1 one` and `2 two` on that server."""
    made = Items(server.create_database("switched"))
    made.make("one", "two")
    return made


@pytest.fixture
def serving(puppets: Puppets, puppet_daemon: StartDaemon, rows: Items) -> Daemon:
    """A daemon that reads these rows."""
    puppets.tell("rows", "ask", statement=ITEMS)
    return puppet_daemon(db_uri=rows.uri)


def value(rows: Items, statement: str) -> str:
    """The only value that a statement returns."""
    with rows.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchall()[0][0])


def test_a_cluster_restored_from_a_copy_is_another_past(
    server: PostgreSQL, serving: Daemon, rows: Items, puppets: Puppets
) -> None:
    server.stop()
    copy = server.directory / "copy"
    shutil.copytree(server.data, copy)
    server.start()
    rows.run("UPDATE item SET value = 'before the restore' WHERE id = 1")
    assert serving.fetch("test/rows.conf").text == "1 before the restore\n2 two\n"
    before = value(rows, SNAPSHOT)
    server.stop()
    restore(server, copy)
    server.start()
    rows.run("UPDATE item SET value = 'after the restore' WHERE id = 2")
    assert value(rows, SNAPSHOT) == before

    assert serving.fetch("test/rows.conf").text == "1 one\n2 after the restore\n"


def restore(server: PostgreSQL, copy: Path) -> None:
    owner = server.data.stat()
    shutil.rmtree(server.data)
    copy.rename(server.data)
    for path in [server.data, *server.data.rglob("*")]:
        shutil.chown(path, owner.st_uid, owner.st_gid)


def test_commits_that_a_crash_forgot_are_another_past(server: PostgreSQL, serving: Daemon, rows: Items) -> None:
    rows.run("CHECKPOINT")
    rows.run("UPDATE item SET value = 'forgotten' WHERE id = 1")
    assert serving.fetch("test/rows.conf").text == "1 forgotten\n2 two\n"
    before = value(rows, SNAPSHOT)
    with rows.connect() as victim, rows.connect() as witness:
        other = psutil.Process(witness.info.backend_pid)
        psutil.Process(victim.info.backend_pid).kill()
        wait_until(lambda: not other.is_running(), "the end of all connections")
    wait_until(lambda: answers(rows), "the recovery")
    assert value(rows, "SELECT value FROM item WHERE id = 1") == "one", "this crash forgot nothing"
    rows.run("UPDATE item SET value = 'remembered' WHERE id = 2")
    assert value(rows, SNAPSHOT) == before

    assert serving.fetch("test/rows.conf").text == "1 one\n2 remembered\n"


def answers(rows: Items) -> bool:
    try:
        return value(rows, "SELECT NOT pg_is_in_recovery()") == "True"
    except psycopg2.OperationalError:
        return False


def test_a_database_that_was_dropped_and_made_again_is_another(
    server: PostgreSQL, serving: Daemon, rows: Items
) -> None:
    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    server.create_database("switched")
    rows.make("anew")

    assert serving.fetch("test/rows.conf").text == "1 anew\n"


def test_a_database_that_took_the_name_of_another_is_another(server: PostgreSQL, serving: Daemon, rows: Items) -> None:
    other = Items(server.create_database("other"))
    other.make("of the other")
    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    administrator = Items(server.uri())
    administrator.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('switched', 'other')")
    administrator.run("ALTER DATABASE switched RENAME TO old")
    administrator.run("ALTER DATABASE other RENAME TO switched")

    assert serving.fetch("test/rows.conf").text == "1 of the other\n"


def test_the_same_address_may_lead_to_another_server(server: PostgreSQL, serving: Daemon, rows: Items) -> None:
    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    server.stop()
    with running_postgresql(QUIET) as other_server:
        other_server.stop()
        other_server.port = server.port
        other_server.start()
        other = Items(other_server.create_database("switched"))
        other.make("elsewhere")

        assert serving.fetch("test/rows.conf").text == "1 elsewhere\n"


def test_a_prepared_transaction_counts_when_it_is_committed(serving: Daemon, rows: Items) -> None:
    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    rows.run("BEGIN; UPDATE item SET value = 'prepared'; PREPARE TRANSACTION 'waiting'")
    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"

    rows.run("COMMIT PREPARED 'waiting'")

    assert serving.fetch("test/rows.conf").text == "1 prepared\n2 prepared\n"


def test_a_setting_that_prints_values_in_another_way_counts(serving: Daemon, rows: Items, puppets: Puppets) -> None:
    puppets.tell("rows", "ask", statement="SELECT 'day ' || date '2026-02-01'")
    assert serving.fetch("test/rows.conf").text == "day 2026-02-01\n"
    rows.run("ALTER SYSTEM SET datestyle = 'German'")
    rows.run("SELECT pg_reload_conf()")

    wait_until(lambda: serving.fetch("test/rows.conf").text == "day 01.02.2026\n", "the new way of printing", 3)


def test_a_reloaded_server_configuration_costs_one_generation(serving: Daemon, rows: Items, puppets: Puppets) -> None:
    serving.fetch("test/rows.conf")
    rows.run("SELECT pg_reload_conf()")
    time.sleep(0.2)
    serving.fetch("test/rows.conf")
    generated = puppets.runs("rows")

    serving.fetch("test/rows.conf")

    assert puppets.runs("rows") == generated


def test_a_server_that_crashed_and_recovered_without_loss_costs_one_generation(
    server: PostgreSQL, serving: Daemon, rows: Items, puppets: Puppets
) -> None:
    serving.fetch("test/rows.conf")
    rows.run("CHECKPOINT")
    server.stop(signal.SIGKILL)
    server.start()
    serving.fetch("test/rows.conf")
    generated = puppets.runs("rows")

    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    assert puppets.runs("rows") == generated
