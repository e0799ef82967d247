"""What other sessions truncate, rewrite or rename while a file is generated never makes it a mixture of two moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import event

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background, wait_until
from integration_tests.suite.helpers.races import (
    OPERATIONS,
    POINTS,
    InSavepoint,
    Operation,
    Race,
    Swallowing,
    Tables,
    installed,
    instance,
)
from xivo_confgend.database.postgresql import consistency
from xivo_confgend.database.postgresql.file_state import Mode
from xivo_confgend.names import FileName
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend.worker import Failed, Generated

EDIT_VARIABLES = "UPDATE asterisk_file_variable SET value = value || '9'"
PJSIP = Tables("asterisk_file_variable", "endpoint_sip_section_option", "uuid", EDIT_VARIABLES)
CONFBRIDGE = Tables("asterisk_file_variable", "conference", "id", EDIT_VARIABLES)
OWN = Tables("marker", "item", "id", "UPDATE marker SET value = 'after'")
FOREIGN_KEYS = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT conname, conrelid::regclass AS owner FROM pg_constraint WHERE contype = 'f'
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', one.owner, one.conname); END LOOP;
END $$
"""

CASES = [pytest.param(operation, point, id=f"{operation.name}-{point}") for operation in OPERATIONS for point in POINTS]
ATTACKS = [
    pytest.param(operation, point, id=f"{operation.name}-{point}")
    for operation in OPERATIONS
    for point in POINTS[:2]
    if not operation.alone
]

REFRESH = next(one for one in OPERATIONS if one.name == "refresh")
TRUNCATE = OPERATIONS[0]


@pytest.fixture(scope="module", params=["pjsip.conf", "confbridge.conf", "savepoint"])
def race(
    request: pytest.FixtureRequest,
    postgresql: PostgreSQL,
    golden_uri: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Race]:
    """One of three files: a large one, a small one, and one that is read in a savepoint that is rolled back."""
    path = tmp_path_factory.mktemp("race") / "content"
    if request.param == "savepoint":
        made = Race(of_items(postgresql), instance(InSavepoint()), OWN, path)
    else:
        golden_uri("tricky")
        uri = postgresql.create_database("races", template="golden_tricky")
        run(uri, FOREIGN_KEYS)
        tables = PJSIP if request.param == "pjsip.conf" else CONFBRIDGE
        made = Race(uri, installed(FileName("asterisk", request.param)), tables, path)
    yield made
    made.close()


@pytest.fixture
def swallowing(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Race]:
    """A file whose transaction has failed in the end."""
    made = Race(of_items(postgresql), instance(Swallowing()), OWN, tmp_path / "content")
    yield made
    made.close()


def of_items(postgresql: PostgreSQL) -> str:
    """URL of a database with the tables of `OWN`."""
    uri = postgresql.create_database("races")
    run(uri, "CREATE TABLE item (id int PRIMARY KEY, value text NOT NULL); CREATE TABLE marker (value text)")
    run(uri, "INSERT INTO item SELECT n, 'item' FROM generate_series(1, 9) n; INSERT INTO marker VALUES ('before')")
    return uri


def run(uri: str, statement: str) -> None:
    """Execute and commit it."""
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.mark.parametrize(("operation", "point"), CASES)
def test_a_content_belongs_to_one_moment(race: Race, operation: Operation, point: str) -> None:
    race.prepare(operation)
    before = race.content()

    made = race.generate_while(operation, point)

    assert isinstance(made, Generated), made
    content = made.path.read_text("utf-8")
    after = race.content()
    assert (before == after) == operation.alone
    assert content == after or (point == "end" and content == before)


@pytest.mark.parametrize(("operation", "point"), ATTACKS)
def test_without_the_comparison_it_would_not(
    race: Race, operation: Operation, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the schedules of the test above attack anything."""
    monkeypatch.setattr(consistency._Reading, "_compare", lambda *_: None)
    race.prepare(operation)
    before = race.content()

    made = race.generate_while(operation, point)

    assert isinstance(made, Failed) or made.path.read_text("utf-8") not in (before, race.content())


@pytest.mark.parametrize("operation", OPERATIONS[:5], ids=lambda operation: operation.name)
def test_a_driver_that_hides_an_error_is_no_exception(swallowing: Race, operation: Operation) -> None:
    swallowing.prepare(operation)

    made = swallowing.generate_while(operation, "between")

    assert isinstance(made, Generated)
    assert made.path.read_text("utf-8") == swallowing.content()


def test_what_hides_an_error_is_never_reused(swallowing: Race) -> None:
    """Nobody knows what it has read: perhaps a sequence."""
    swallowing.prepare(TRUNCATE)

    made = swallowing.generate()

    assert isinstance(made, Generated) and made.state
    assert (made.state.mode, made.state.reason) == (Mode.NEVER, "a statement failed")


def test_what_was_warned_of_counts_once(race: Race) -> None:
    race.prepare(TRUNCATE)

    made = race.generate_while(TRUNCATE, "comparison")

    again = race.generate()
    assert isinstance(made, Generated) and isinstance(again, Generated)
    assert made.facts.warnings == again.facts.warnings


def test_the_second_try_keeps_others_from_the_tables(race: Race) -> None:
    """The operation waits at the second try, so there is no third one."""
    race.prepare(TRUNCATE)

    made = race.generate_while(TRUNCATE, "first statement", times=2)

    assert isinstance(made, Generated)


def test_after_three_tries_the_table_is_named(race: Race) -> None:
    """A materialized view cannot be locked."""
    race.prepare(REFRESH)

    made = race.generate_while(REFRESH, "first statement", times=3)

    assert isinstance(made, Failed)
    assert f"3 times: {race.table}" in made.reason
    assert not race.path.exists()


def test_a_table_that_stays_locked_is_not_waited_for(race: Race) -> None:
    race.prepare(TRUNCATE)
    holder = psycopg2.connect(race.uri)
    taken: list[None] = []

    def hold(*_: object) -> None:
        """When the connection is taken for the comparison, which is the second time."""
        taken.append(None)
        if len(taken) == 2:
            race.commit(TRUNCATE)
            holder.cursor().execute(f"LOCK TABLE {race.table} IN ACCESS EXCLUSIVE MODE")

    event.listen(race.engine, "checkout", hold)
    try:
        made = race.generate()
    finally:
        event.remove(race.engine, "checkout", hold)
        holder.close()

    assert isinstance(made, Failed)
    assert f"3 times: {race.table}" in made.reason


class TestDaemon:
    """A routine job empties and fills a table in one transaction while a file is generated."""

    CONTENT = "here\n1 one\n2 two\n"

    @pytest.fixture
    def serving(self, puppets: Puppets, puppet_daemon: Callable[..., Daemon], items: Items) -> Daemon:
        """A daemon whose file reads one table, and then the one of the job."""
        items.run("CREATE TABLE first AS SELECT 'here' AS value")
        daemon = puppet_daemon(db_uri=items.uri)
        puppets.tell("rows", "ask_twice", first="SELECT value FROM first", second=ITEMS)
        assert daemon.fetch("test/rows.conf").text == self.CONTENT
        return daemon

    def test_the_answer_is_fresh_and_whole(self, serving: Daemon, items: Items, background: ThreadPoolExecutor) -> None:
        with items.connect() as job, job.cursor() as cursor:
            cursor.execute("BEGIN; TRUNCATE item; INSERT INTO item VALUES (1, 'one'), (2, 'new')")
            items.run("UPDATE first SET value = 'here'")
            asked = ask_in_background(background, serving, "test/rows.conf")
            wait_until(lambda: waiting(items) == 1, "the generation's wait for the table")
            cursor.execute("COMMIT")

        answer = asked.result(20)
        assert (answer.state, answer.text) == ("fresh", "here\n1 one\n2 new\n")

    def test_what_no_moment_shows_leaves_the_last_good_content(
        self, serving: Daemon, items: Items, background: ThreadPoolExecutor
    ) -> None:
        """Another job waits for the same table, and keeps it."""
        with items.connect() as job, items.connect() as next_job, job.cursor() as cursor, next_job.cursor() as next_one:
            cursor.execute("BEGIN; TRUNCATE item; INSERT INTO item VALUES (1, 'one'), (2, 'new')")
            items.run("UPDATE first SET value = 'here'")
            asked = ask_in_background(background, serving, "test/rows.conf")
            wait_until(lambda: waiting(items) == 1, "the generation's wait for the table")
            next_one.execute("BEGIN")
            locking = background.submit(next_one.execute, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
            wait_until(lambda: waiting(items) == 2, "the next job's wait for the table")
            cursor.execute("COMMIT")
            answer = asked.result(20)
            locking.result(20)

        assert (answer.state, answer.text) == ("stale", self.CONTENT)
        assert (
            "test/rows.conf: generation failed: truncated, rewritten or altered while it was read, 3 times: item"
            in (serving.log)
        )
        assert serving.fetch("test/rows.conf").text == "here\n1 one\n2 new\n"


def waiting(items: Items) -> object:
    """How many wait for the table."""
    return items.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass")
