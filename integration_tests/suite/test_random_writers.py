"""Whatever writers do and in whatever order, an answer is exactly one moment of the database, never an older one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_tests.suite.helpers.history import CONTENT, History, ask_all_the_time
from integration_tests.suite.helpers.items import Items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql

StartDaemon = Callable[..., Daemon]
SECONDS = 8
FILES = ("test/rows.conf", "test/other_rows.conf")
STATEMENT = "SELECT item FROM item ORDER BY id"
"""Whole rows: what DDL does to them shows."""

WRITES = [
    "INSERT INTO item SELECT coalesce(max(id), 0) + 1, 'new' FROM item",
    "UPDATE item SET value = value || 'x' WHERE id % 3 = {number}",
    "DELETE FROM item WHERE id = {number} + 1",
    "INSERT INTO noise VALUES ('unrelated')",
    "SELECT pg_current_xact_id()",
    "SAVEPOINT s",
    "ROLLBACK TO SAVEPOINT s",
    "RELEASE SAVEPOINT s",
    "CREATE TABLE made_by_{number} (id int)",
]
ENDS = ["COMMIT", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'p'"]
AT_ONCE = [
    "UPDATE item SET value = 'at once' WHERE id = 3",
    "INSERT INTO noise VALUES ('at once')",
    "TRUNCATE item",
    "INSERT INTO item SELECT n, 'many' FROM generate_series(1, 5) n ON CONFLICT DO NOTHING",
    "ALTER TABLE item ADD COLUMN IF NOT EXISTS more text DEFAULT 'more'",
    "ALTER TABLE item DROP COLUMN IF EXISTS more",
    "COMMIT PREPARED 'p'",
    "ROLLBACK PREPARED 'p'",
    "VACUUM FULL item",
    "CHECKPOINT",
]
WRITERS = 3
AUTOCOMMIT = WRITERS
"""The number of the writer without transactions."""


@st.composite
def interleavings(draw: st.DrawFn) -> list[tuple[int, str]]:
    """Transactions of several writers, statement by statement in any order: (writer, statement)."""
    transaction = st.tuples(st.lists(st.sampled_from(WRITES), min_size=1, max_size=3), st.sampled_from(ENDS))
    queues = [
        [statement for writes, end in draw(st.lists(transaction, max_size=3)) for statement in (*writes, end)]
        for _ in range(WRITERS)
    ]
    queues.append(draw(st.lists(st.sampled_from(AT_ONCE), min_size=1, max_size=6)))
    order = draw(st.permutations([number for number, queue in enumerate(queues) for _ in queue]))
    return [(number, queues[number].pop(0).format(number=number)) for number in order]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that does nothing by itself, so that an unchanged database stays so."""
    with running_postgresql({"autovacuum": "off", "max_prepared_transactions": "5", "checkpoint_timeout": "1h"}) as one:
        yield one


@pytest.fixture(scope="module")
def rows(server: PostgreSQL) -> Items:
    """Some rows on that server."""
    made = Items(server.create_database("random"))
    made.make("one", "two", "three")
    return made


@pytest.fixture(scope="module")
def serving(shared_puppets: Puppets, tmp_path_factory: pytest.TempPathFactory, rows: Items) -> Iterator[Daemon]:
    """A daemon with two deterministic files of these rows."""
    with shared_puppets.daemon(tmp_path_factory.mktemp("daemon"), db_uri=rows.uri) as daemon:
        yield daemon


class Connections:
    """Three writers with transactions, one without."""

    def __init__(self, rows: Items, stack: ExitStack) -> None:
        self._connections = [stack.enter_context(rows.connect()) for _ in range(WRITERS + 1)]
        for connection in self._connections:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '10ms'")

    def run(self, number: int, statement: str) -> None:
        """What waits for a lock or makes no sense now fails, and its transaction with it."""
        connection = self._connections[number]
        idle = connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
        try:
            with connection.cursor() as cursor:
                if number != AUTOCOMMIT and idle:
                    cursor.execute("BEGIN")
                cursor.execute(statement)
        except psycopg2.Error:
            if number != AUTOCOMMIT:
                connection.rollback()


def forced(rows: Items, snapshot: str) -> str:
    """What the driver's statement gives in the exported `snapshot`."""
    with rows.connect() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot,))
        cursor.execute(STATEMENT)
        return "".join(f"{row[0]}\n" for row in cursor.fetchall())


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=interleavings())
def test_every_answer_equals_a_forced_generation_in_the_same_snapshot(
    shared_puppets: Puppets, serving: Daemon, rows: Items, actions: list[tuple[int, str]]
) -> None:
    begin_with(rows, "one", "two", "three")
    rows.run("DROP TABLE IF EXISTS noise; CREATE TABLE noise (value text)")
    shared_puppets.tell("rows", "ask", statement=STATEMENT)
    with ExitStack() as stack:
        connections = Connections(rows, stack)
        for number, statement in actions:
            connections.run(number, statement)
            with rows.connect() as observer, observer.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot()")
                snapshot = cursor.fetchall()[0][0]

                answer = serving.fetch("test/rows.conf")

                assert (answer.state, answer.text) == ("fresh", forced(rows, snapshot))
            assert reused(shared_puppets, serving, "test/rows.conf") == answer.text


def reused(puppets: Puppets, daemon: Daemon, name: str) -> str:
    """The content once more; nothing was written since, so nothing is generated."""
    file = name.removeprefix("test/").removesuffix(".conf")
    generated = puppets.runs(file)
    content = daemon.fetch(name).text
    assert puppets.runs(file) == generated
    return content


def begin_with(rows: Items, *values: str) -> None:
    """The table anew; what the example before left prepared would hold its lock for ever."""
    with rows.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT gid FROM pg_prepared_xacts")
        for (gid,) in cursor.fetchall():
            cursor.execute("ROLLBACK PREPARED %s", (gid,))
    rows.make(*values)


@pytest.mark.parametrize("seed", [1])
def test_with_many_writers_at_once_every_answer_is_one_moment_and_none_is_older_than_its_question(
    shared_puppets: Puppets, serving: Daemon, rows: Items, seed: int
) -> None:
    begin_with(rows, *"abcdefghij")
    history = History(rows, seed)
    for name in ("rows", "other_rows"):
        shared_puppets.tell(name, "ask", statement=CONTENT, seconds=0.01)

    def ask() -> None:
        for name in FILES:
            finished = history.committed
            answer = serving.fetch(name)
            assert answer.state == "fresh"
            history.check(answer.text, finished)

    with history.going_on(writers=3):
        asked = ask_all_the_time(SECONDS, ask, threads=4)

    assert asked > 50
    assert history.committed > 50
