"""PostgreSQL goes away, hangs, comes back: the last good contents are served, and the log says so once."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import psycopg2
import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, unread, wait_until
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql

StartDaemon = Callable[..., Daemon]
CONTENT = "1 one\n2 two\n"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that a test may stop, if it starts it again."""
    with running_postgresql({"max_connections": "20"}) as server:
        yield server


@pytest.fixture
def rows(server: PostgreSQL) -> Items:
    """The rows `1 one` and `2 two` on that server."""
    made = Items(server.create_database("faults"))
    made.make("one", "two")
    return made


@pytest.fixture
def serving(puppets: Puppets, puppet_daemon: StartDaemon, rows: Items) -> Daemon:
    """A daemon that has served `test/rows.conf` (deterministic) and `test/first.conf` (not) from these rows."""
    daemon = puppet_daemon(db_uri=rows.uri, generation_timeout=3)
    for name in ("rows", "first"):
        puppets.tell(name, "ask", statement=ITEMS)
        assert daemon.fetch(f"test/{name}.conf").text == CONTENT
    return daemon


@contextmanager
def stopped_by_signal(server: PostgreSQL) -> Iterator[None]:
    """Every process of the server stands still, as on a machine that swaps itself to death."""
    processes = [server.pid, *server._children()]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def fresh(daemon: Daemon, name: str) -> bool:
    return daemon.fetch(name).state == "fresh"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_database_that_is_away_leaves_the_last_good_contents(
    server: PostgreSQL, serving: Daemon, how: signal.Signals
) -> None:
    server.stop(how)
    try:
        for name in ("test/rows.conf", "test/first.conf"):
            fetched = serving.fetch(name)
            assert (fetched.state, fetched.text) == ("stale", CONTENT)
            assert serving.ask(f"{name}\n".encode()) == CONTENT.encode()
    finally:
        server.start()
    assert fresh(serving, "test/rows.conf")
    assert fresh(serving, "test/first.conf")


def test_an_outage_is_one_line_and_its_end_another(server: PostgreSQL, serving: Daemon) -> None:
    for _ in range(2):
        server.stop()
        try:
            for _ in range(5):
                serving.fetch("test/rows.conf")
                serving.fetch("test/first.conf")
        finally:
            server.start()
        serving.fetch("test/rows.conf")
        serving.fetch("test/first.conf")

    lines = [line for line in serving.log.splitlines() if "(ERROR)" in line or "(WARNING)" in line]
    assert ["away" if "the database is away" in line else "back" for line in lines] == ["away", "back"] * 2, lines
    assert "10 generations failed" in lines[1]


def test_a_database_that_was_restarted_costs_no_answer(server: PostgreSQL, serving: Daemon) -> None:
    server.restart()

    assert fresh(serving, "test/rows.conf")
    assert fresh(serving, "test/first.conf")
    assert "(ERROR)" not in serving.log


def test_connections_that_the_server_ended_cost_no_answer(server: PostgreSQL, serving: Daemon, rows: Items) -> None:
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    for _ in range(3):
        rows.run(f"{terminate} AND datname = current_database()")

        assert fresh(serving, "test/rows.conf")
        assert fresh(serving, "test/first.conf")


def backends_at_work(server: PostgreSQL) -> list[psutil.Process]:
    """The processes of the server that carry out a SELECT."""
    return [p for p in map(psutil.Process, server._children()) if "SELECT" in " ".join(p.cmdline())]


def test_a_backend_that_is_killed_costs_its_generation_at_most(
    server: PostgreSQL, serving: Daemon, puppets: Puppets, background: ThreadPoolExecutor
) -> None:
    puppets.tell("first", "ask", statement="SELECT 'slow', pg_sleep(60)")
    waiting = ask_in_background(background, serving, "test/first.conf")
    puppets.wait_for_run("first", 2)
    wait_until(lambda: backends_at_work(server), "the statement")
    backends_at_work(server)[0].kill()

    answer = waiting.result(60)

    assert (answer.state, answer.text) == ("stale", CONTENT)
    wait_until(lambda: fresh(serving, "test/rows.conf"), "the recovery")


def test_a_database_that_hangs_is_not_waited_for(server: PostgreSQL, serving: Daemon) -> None:
    with stopped_by_signal(server):
        fetched = serving.fetch("test/rows.conf")

        assert (fetched.state, fetched.text) == ("stale", CONTENT)
        assert serving.fetch("test/second.conf").text == "second\n"
    wait_until(lambda: fresh(serving, "test/rows.conf"), "the end of the hanging")


def test_a_daemon_stops_while_the_database_hangs(server: PostgreSQL, serving: Daemon) -> None:
    with stopped_by_signal(server), serving.connect() as waiting:
        waiting.sendall(b"test/rows.conf\n")
        wait_until(lambda: not unread(serving), "the request")

        assert serving.stop() == 0


def test_an_address_that_does_not_answer_is_given_up_after_the_connect_timeout(
    puppets: Puppets, puppet_daemon: StartDaemon
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        daemon = puppet_daemon(db_uri=f"postgresql://u:hidden@127.0.0.1:{silent.getsockname()[1]}/x")
        puppets.tell("rows", "ask", statement=ITEMS)

        fetched = daemon.fetch("test/rows.conf")

    assert fetched.code == 503
    assert "timeout expired" in fetched.error
    assert "hidden" not in fetched.error + daemon.log


def test_a_server_without_a_free_connection_counts_as_away(server: PostgreSQL, serving: Daemon, rows: Items) -> None:
    serving.stop()
    taken = []
    with pytest.raises(psycopg2.OperationalError):
        while len(taken) < 50:
            taken.append(psycopg2.connect(rows.uri))
    serving.start()

    assert serving.fetch("test/rows.conf").state == "stale"
    assert "the database is away" in serving.log
    for connection in taken:
        connection.close()
    wait_until(lambda: fresh(serving, "test/rows.conf"), "a free connection")


def test_a_statement_that_fails_is_told_as_that_and_not_as_an_outage(serving: Daemon, puppets: Puppets) -> None:
    puppets.tell("first", "ask", statement="SELECT no_such_column FROM item")

    assert serving.fetch("test/first.conf").state == "stale"
    assert 'UndefinedColumn: column "no_such_column" does not exist' in serving.log
    assert "is away" not in serving.log


@pytest.mark.parametrize("statement", ["INSERT INTO item VALUES (9, 'written')", "CREATE TABLE made (id int)"])
def test_a_driver_cannot_write(serving: Daemon, puppets: Puppets, rows: Items, statement: str) -> None:
    puppets.tell("first", "ask", statement=statement)

    assert serving.fetch("test/first.conf").state == "stale"
    assert "read-only transaction" in serving.log
    assert serving.fetch("test/rows.conf").text == CONTENT


def test_a_driver_that_hides_an_error_of_the_database_hurts_no_other(serving: Daemon, puppets: Puppets) -> None:
    puppets.tell("first", "swallow", statement="SELECT no_such_column FROM item", content="hidden\n")

    assert serving.fetch("test/first.conf").text == "hidden\n"
    assert {serving.fetch("test/rows.conf").text for _ in range(4)} == {CONTENT}


def test_an_account_without_privileges_is_enough(
    server: PostgreSQL, serving: Daemon, puppets: Puppets, puppet_daemon: StartDaemon, rows: Items
) -> None:
    rows.run("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; GRANT SELECT ON item TO plain")
    daemon = puppet_daemon(db_uri=rows.uri.replace("postgres@", "plain@"))
    assert daemon.fetch("test/rows.conf").text == CONTENT
    generated = puppets.runs("rows")

    assert daemon.fetch("test/rows.conf").text == CONTENT
    assert puppets.runs("rows") == generated
    daemon.stop()
    rows.run("REVOKE ALL ON item FROM plain; DROP ROLE plain")


def test_a_deadlock_costs_no_answer(
    serving: Daemon, rows: Items, puppets: Puppets, background: ThreadPoolExecutor
) -> None:
    """PostgreSQL gives up the transaction that looks for the deadlock first; the other one never looks."""
    rows.run("CREATE TABLE other AS SELECT 3 AS id, 'three' AS value")
    puppets.tell("first", "ask_twice", first=ITEMS, second="SELECT * FROM other", hold=True)
    with rows.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE other IN ACCESS EXCLUSIVE MODE")
        waiting = ask_in_background(background, serving, "test/first.conf")
        puppets.wait_until_held("first")
        locking = background.submit(cursor.execute, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE; COMMIT")
        puppets.release("first")
        locking.result(30)

    answer = waiting.result(30)
    assert (answer.state, answer.text) == ("fresh", f"{CONTENT}3 three\n")
    assert puppets.runs("first") == 3


ATTACKS = {
    "its own transaction": "COMMIT; BEGIN; INSERT INTO item VALUES (3, 'three'); COMMIT",
    "a transaction of another kind": (
        "ROLLBACK; START TRANSACTION ISOLATION LEVEL READ COMMITTED; INSERT INTO item VALUES (3, 'three'); COMMIT"
    ),
    "no transaction": "COMMIT; INSERT INTO item VALUES (3, 'three')",
    "a new table": "COMMIT; CREATE TABLE another (id int)",
    "a sequence": "COMMIT; SELECT setval('counter', 7)",
}


@pytest.mark.parametrize("statements", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_driver_that_begins_its_own_transaction_writes_nothing(
    serving: Daemon, rows: Items, puppets: Puppets, statements: str
) -> None:
    rows.run("CREATE SEQUENCE counter")
    for _ in range(2):
        puppets.tell("first", "begin_another_transaction", statements=statements)

        assert serving.fetch("test/first.conf").text == "25006\n"

    assert rows.value("SELECT count(*) FROM item") == 2
    assert rows.value("SELECT last_value FROM counter") == 1
    assert rows.value("SELECT count(*) FROM pg_class WHERE relname = 'another'") == 0
