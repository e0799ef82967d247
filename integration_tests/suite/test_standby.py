"""A daemon that reads from a standby: its answers are never older than what the standby shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import psycopg2
import pytest

from integration_tests.suite.helpers.history import CONTENT, History, ask_all_the_time, version_of
from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql

StartDaemon = Callable[..., Daemon]
SECONDS = 5
DATABASE = "replicated"
READERS = (
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.relation = 'item'::regclass AND a.state = '{}' AND l.granted AND pid <> pg_backend_pid()"
)
"""How many other sessions have read the table and are in this state."""


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgreSQL]:
    """The server that is written to."""
    with running_postgresql({"autovacuum": "off"}) as server:
        server.create_database(DATABASE)
        yield server


def following(primary: PostgreSQL) -> AbstractContextManager[PostgreSQL]:
    """A copy of the primary that follows it."""
    return running_postgresql({"autovacuum": "off"}, primary)


@pytest.fixture(scope="module")
def standby(primary: PostgreSQL) -> Iterator[PostgreSQL]:
    """A standby of the primary."""
    with following(primary) as server:
        yield server


@pytest.fixture
def rows(primary: PostgreSQL) -> Items:
    """Rows on the primary."""
    made = Items(primary.uri(DATABASE))
    made.make("one", "two")
    return made


@pytest.fixture
def serving(puppets: Puppets, puppet_daemon: StartDaemon, rows: Items, standby: PostgreSQL) -> Daemon:
    """A daemon that reads from the standby."""
    puppets.tell("rows", "ask", statement=ITEMS)
    daemon = puppet_daemon(db_uri=standby.uri(DATABASE))
    wait_until(lambda: shown(standby, ITEMS) == [(1, "one"), (2, "two")], "the replay of the rows")
    return daemon


def shown(server: PostgreSQL, statement: str) -> list[tuple[object, ...]]:
    """The rows that a server shows now, none if it has no such table yet."""
    connection = psycopg2.connect(server.uri(DATABASE))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    except psycopg2.errors.UndefinedTable:
        return []
    finally:
        connection.close()


def test_what_the_standby_shows_is_in_the_next_answer(serving: Daemon, rows: Items, standby: PostgreSQL) -> None:
    """Younger transactions commit first, so that the text of the snapshot stays the same when the oldest does."""
    with rows.connect() as eldest, rows.connect() as elder, eldest.cursor() as first, elder.cursor() as second:
        for number in range(30):
            first.execute("BEGIN; SELECT pg_current_xact_id()")
            second.execute(f"BEGIN; UPDATE item SET value = 'v{number}' WHERE id = 1")
            rows.run("UPDATE item SET value = %s WHERE id = 2", f"w{number}")
            wait_until(lambda n=number: (2, f"w{n}") in shown(standby, ITEMS), "the replay")  # type: ignore[misc]
            assert f"2 w{number}\n" in serving.fetch("test/rows.conf").text
            second.execute("COMMIT")
            wait_until(lambda n=number: (1, f"v{n}") in shown(standby, ITEMS), "the replay")  # type: ignore[misc]

            assert serving.fetch("test/rows.conf").text == f"1 v{number}\n2 w{number}\n"
            first.execute("COMMIT")


def test_a_standby_that_replays_nothing_new_spares_generations(serving: Daemon, puppets: Puppets) -> None:
    for _ in range(3):
        serving.fetch("test/rows.conf")
    generated = puppets.runs("rows")

    assert {serving.fetch("test/rows.conf").text for _ in range(5)} == {"1 one\n2 two\n"}
    assert puppets.runs("rows") == generated


def test_with_many_writers_on_the_primary_no_answer_is_older_than_what_the_standby_showed(
    serving: Daemon, rows: Items, standby: PostgreSQL, puppets: Puppets
) -> None:
    rows.make(*"abcdefghij")
    history = History(rows, seed=2)
    puppets.tell("rows", "ask", statement=CONTENT)
    wait_until(lambda: shown(standby, CONTENT), "the replay of the tables")

    def ask() -> None:
        finished = int(str(shown(standby, "SELECT n FROM version")[0][0]))
        answer = serving.fetch("test/rows.conf")
        assert answer.state == "fresh"
        history.check(answer.text, finished)

    with history.going_on(writers=2):
        asked = ask_all_the_time(SECONDS, ask, threads=3)

    assert asked > 30
    assert history.committed > 30
    wait_until(lambda: version_of(serving.fetch("test/rows.conf").text) == history.committed, "the last replay")


@pytest.fixture
def impatient(standby: PostgreSQL) -> Iterator[None]:
    """The standby cancels at once what keeps it from replaying."""
    with Items(standby.uri(DATABASE)).connect() as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        cursor.execute("SELECT pg_reload_conf()")
        yield
        cursor.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        cursor.execute("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("idle", [False, True])
def test_a_conflict_with_the_replay_costs_no_answer(
    serving: Daemon,
    rows: Items,
    standby: PostgreSQL,
    puppets: Puppets,
    background: ThreadPoolExecutor,
    idle: bool,
) -> None:
    if idle:
        puppets.tell("first", "ask_twice", first=ITEMS, second=ITEMS, hold=True)
    else:
        puppets.tell("first", "ask", statement="SELECT value, pg_sleep(60) FROM item")
    waiting = ask_in_background(background, serving, "test/first.conf")
    puppets.wait_for_run("first")
    readers = Items(standby.uri(DATABASE))
    wait_until(lambda: readers.value(READERS.format("idle in transaction" if idle else "active")), "its statement")
    puppets.tell("first", "ask", statement=ITEMS)

    rows.run("ALTER TABLE item ALTER value TYPE varchar")
    puppets.release("first")

    answer = waiting.result(60)
    assert (answer.state, answer.text) == ("fresh", "1 one\n2 two\n"), serving.log
    assert "the database is away" not in serving.log


def test_a_standby_that_becomes_the_primary_is_another_history(
    primary: PostgreSQL, puppets: Puppets, puppet_daemon: StartDaemon, rows: Items
) -> None:
    puppets.tell("rows", "ask", statement=ITEMS)
    with following(primary) as standby:
        daemon = puppet_daemon(db_uri=standby.uri(DATABASE))
        assert {daemon.fetch("test/rows.conf").text for _ in range(3)} == {"1 one\n2 two\n"}
        promoted = Items(standby.uri(DATABASE))
        promoted.run("SELECT pg_promote()")
        promoted.run("UPDATE item SET value = 'on my own' WHERE id = 1")

        assert daemon.fetch("test/rows.conf").text == "1 on my own\n2 two\n"
