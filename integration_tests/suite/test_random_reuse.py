"""Writers with all kinds of DML and DDL at random, readers of many shapes: what is reused is what would be read.

The truth is read in the transaction that made the check, and counts only where nothing was changed under its snapshot.
REUSE_SECONDS says how long. With CHAOS_SECONDS (`make chaos`) it is that long, and each rule that chance can miss is
taken away in its turn: something must be found then.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from integration_tests.suite.helpers.items import Items
from integration_tests.suite.helpers.reuse import File, Read, in_savepoint, reading, rows_of
from integration_tests.suite.test_unchanged_tables import without_counters, without_either, without_row_security
from xivo_confgend import worker
from xivo_confgend.database import Session
from xivo_confgend.database.postgresql import consistency, notes
from xivo_confgend.database.postgresql.check import is_current
from xivo_confgend.database.postgresql.file_state import Known
from xivo_confgend.database.postgresql.session import Scope, cursor_of, open_scope
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql
from xivo_confgend.worker import Failed, Generated, Job

SECONDS = float(os.environ.get("CHAOS_SECONDS", os.environ.get("REUSE_SECONDS", "30")))
CHAOS = "CHAOS_SECONDS" in os.environ
ABLATION_SECONDS = 60.0
SEED = int(os.environ.get("CHAOS_SEED", "20261121"))
WRITERS = 3

SCHEMA = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE item (id int PRIMARY KEY, value text NOT NULL, mood mood NOT NULL DEFAULT 'good');
INSERT INTO item SELECT n, 'item' FROM generate_series(1, 20) n;
CREATE TABLE other (LIKE item INCLUDING ALL);
INSERT INTO other SELECT * FROM item;
CREATE TABLE spare (LIKE item INCLUDING ALL);
CREATE TABLE heir () INHERITS (other);
CREATE TABLE stranger (LIKE item);
INSERT INTO stranger VALUES (100, 'stranger', 'bad');
CREATE TABLE parted (id int, value text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE high (id int, value text);
INSERT INTO low VALUES (1, 'low');
INSERT INTO high VALUES (11, 'high');
CREATE VIEW seen AS SELECT id, value FROM item;
CREATE MATERIALIZED VIEW kept AS SELECT id, value FROM item;
CREATE UNIQUE INDEX ON kept (id);
CREATE FUNCTION told(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', (SELECT string_agg(value, ',' ORDER BY id) FROM item);
EXCEPTION WHEN raise_exception THEN RETURN sqlerrm;
END $$;
CREATE TABLE secret (owner text, value int);
INSERT INTO secret VALUES ('reader', 1), ('other', 2);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (owner = current_user);
CREATE FUNCTION of_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(value) FROM secret';
CREATE TABLE noise (id int);
DROP ROLE IF EXISTS reader, grouped;
CREATE ROLE reader LOGIN;
CREATE ROLE grouped;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader
"""
NOISE = "INSERT INTO noise VALUES ({n})"
"""What no reader reads: most of what a PBX writes."""
WRITES = (
    "UPDATE item SET value = value || '{n}' WHERE id = {n}",
    "UPDATE item SET mood = 'bad' WHERE id = {n}",
    "UPDATE other SET value = '{n}' WHERE id = {n}",
    "INSERT INTO item VALUES ({n}, 'new') ON CONFLICT (id) DO UPDATE SET value = 'again'",
    "DELETE FROM item WHERE id = {n}",
    "DELETE FROM other WHERE id = {n}",
    "INSERT INTO heir VALUES ({n}, 'heir')",
    "INSERT INTO low VALUES ({n} % 10, 'low')",
    "UPDATE high SET value = '{n}'",
    "UPDATE stranger SET value = '{n}'",
    "UPDATE secret SET value = value + 1 WHERE owner = 'other'",
    "UPDATE secret SET value = value + 1 WHERE owner = 'reader'",
    NOISE,
    "SAVEPOINT a; DELETE FROM item; ROLLBACK TO SAVEPOINT a",
    "SAVEPOINT b; UPDATE item SET value = 'kept{n}' WHERE id = {n}; RELEASE SAVEPOINT b",
    "TRUNCATE noise",
)
CHANGES = (
    "CREATE TEMP TABLE passing (id int); DROP TABLE passing",
    "TRUNCATE item; INSERT INTO item SELECT n, 'refilled' FROM generate_series(1, 20) n",
    "TRUNCATE other",
    "INSERT INTO other SELECT n, 'other' FROM generate_series(1, 20) n ON CONFLICT DO NOTHING",
    "ALTER TABLE item ALTER value TYPE varchar({n}00)",
    "ALTER TABLE item ADD COLUMN IF NOT EXISTS more text DEFAULT 'more'",
    "ALTER TABLE item DROP COLUMN IF EXISTS more",
    "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'",
    "ALTER TYPE mood RENAME VALUE 'fine' TO 'good'",
    "ALTER TABLE stranger INHERIT other",
    "ALTER TABLE stranger NO INHERIT other",
    "ALTER TABLE parted ATTACH PARTITION high FOR VALUES FROM (10) TO (99)",
    "ALTER TABLE parted DETACH PARTITION high",
    "CREATE OR REPLACE VIEW seen AS SELECT id, upper(value) AS value FROM other",
    "CREATE OR REPLACE VIEW seen AS SELECT id, value::text AS value FROM item WHERE id > {n}",
    "CREATE OR REPLACE FUNCTION told(n int) RETURNS int LANGUAGE sql AS 'SELECT n + {n}'",
    "REFRESH MATERIALIZED VIEW kept",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY kept",
    "ALTER TABLE other RENAME TO aside; ALTER TABLE spare RENAME TO other; ALTER TABLE aside RENAME TO spare",
    "TRUNCATE spare; INSERT INTO spare SELECT n, 'spare' FROM generate_series(1, {n}) n",
    "DROP TABLE noise; CREATE TABLE noise (id int)",
    "GRANT grouped TO reader",
    "REVOKE grouped FROM reader",
    "CREATE INDEX IF NOT EXISTS item_value ON item (value)",
    "DROP INDEX IF EXISTS item_value",
    "ALTER TABLE item SET (fillfactor = {n}0)",
    "COMMENT ON TABLE item IS '{n}'",
)
ALONE = ("VACUUM FULL item", "VACUUM other", "ANALYZE item", "CLUSTER item USING item_pkey", "VACUUM", "CHECKPOINT")
ENDS = ("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")
READERS: tuple[Read, ...] = (
    rows_of("SELECT * FROM item ORDER BY id"),
    rows_of("SELECT i.id, o.value FROM item i JOIN other o USING (id) ORDER BY 1, 2"),
    rows_of("SELECT count(*) FROM item", "SELECT count(*), max(value) FROM other"),
    rows_of("SELECT mood FROM item ORDER BY id"),
    rows_of("SELECT * FROM seen ORDER BY id"),
    rows_of("SELECT * FROM kept ORDER BY id"),
    rows_of("SELECT * FROM parted ORDER BY 1, 2"),
    rows_of("SELECT told(id) FROM item ORDER BY 1"),
    rows_of("SELECT caught()"),
    rows_of("SELECT of_all()"),
    rows_of("SELECT pg_has_role('grouped', 'MEMBER') FROM item LIMIT 1"),
    in_savepoint("SELECT * FROM other ORDER BY 1, 2"),
    in_savepoint("SELECT * FROM parted ORDER BY 1, 2"),
    in_savepoint("SELECT * FROM kept ORDER BY id"),
    in_savepoint("SELECT * FROM seen ORDER BY id"),
)


class Writers:
    """Sessions that write as long as they are not stopped. What waits for a lock or makes no sense now fails."""

    def __init__(self, items: Items, seed: int) -> None:
        self._items = items
        self._seed = seed
        self._stop = threading.Event()
        self.committed = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Until the end of the block."""
        threads = [threading.Thread(target=self._write, args=(self._seed + n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _write(self, seed: int) -> None:
        chance = random.Random(seed)
        with self._items.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '30ms'")
            while not self._stop.wait(chance.choice([0, 0.01, 0.05, 0.1])):
                with suppress(psycopg2.Error):
                    self._transaction(cursor, chance)
                cursor.execute("ROLLBACK")

    def _transaction(self, cursor: psycopg2.extensions.cursor, chance: random.Random) -> None:
        if chance.random() < 0.02:
            cursor.execute(chance.choice(ALONE))
            return
        cursor.execute("BEGIN")
        (kind,) = chance.choices([[NOISE], WRITES, CHANGES], [80, 15, 5])
        for _ in range(chance.randint(1, 3)):
            cursor.execute(chance.choice(kind).replace("{n}", str(chance.randint(1, 20))))
        end = chance.choice(ENDS)
        cursor.execute(end)
        self.committed += end == "COMMIT"


def check_against_truth(file: File, known: Known) -> tuple[str, Known]:
    """`wrong`, `right`, or why nothing can be said: `changed`, or `doubtful` where the truth may be a mixture."""
    assert file.state is not None
    taker = notes.NoteTaker(known, deterministic=False)
    scope = Scope(taker.take)
    truth = None
    with suppress(SQLAlchemyError), open_scope(scope):
        connection = Session.connection()
        with cursor_of(connection) as cursor:
            answer = is_current(cursor, file.state, scope.transactions[0].moment, known)
            if answer.changed:
                return "changed", answer.known
            if answer.known.moment is not None and file.state.mode.value == "tables":
                with suppress(psycopg2.Error):
                    cursor.execute("ROLLBACK TO SAVEPOINT checking")
        truth = file.read()
    if truth is None:
        return "doubtful", answer.known
    original = ORIGINAL_COMPARE
    reading_again: consistency._Reading[str] = consistency._Reading(file.read, lambda _: None, consistency.Question())
    original(reading_again, taker.notes)
    if reading_again.changed:
        return "doubtful", answer.known
    return ("right" if truth == file.path.read_text("utf-8") else "wrong"), answer.known


ORIGINAL_COMPARE = consistency._Reading._compare


def ask_for(seconds: float, files: list[File], until_wrong: bool = False) -> Counter[str]:
    """Check files at random, and generate those that changed; how often what came of it."""
    seen: Counter[str] = Counter()
    chance = random.Random(SEED)
    known = Known()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (until_wrong and seen["wrong"]):
        file = chance.choice(files)
        if file.state is not None:
            result, known = check_against_truth(file, known)
            seen[result] += 1
            if result in ("right", "wrong"):
                continue
        made = worker.generate(Job(file.driver, file.path))
        assert isinstance(made, Generated | Failed)
        seen["generated" if isinstance(made, Generated) else "failed"] += 1
        file.state = (
            made.state if isinstance(made, Generated) and made.state and made.state.mode.value != "never" else None
        )
    return seen


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server of its own: everything that is written anywhere makes another snapshot."""
    with running_postgresql({"autovacuum_naptime": "1s"}) as server:
        yield server


@pytest.fixture
def items(server: PostgreSQL) -> Items:
    """The tables of `SCHEMA`."""
    made = Items(server.create_database("random"))
    with made.connect() as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA)
    return made


@pytest.fixture
def files(items: Items, tmp_path: Path, at_any_cost: None) -> Iterator[list[File]]:
    """One for each of `READERS`, read by a role that may only SELECT."""
    with reading(make_url(items.uri).set(username="reader").render_as_string(hide_password=False)):
        yield [File(read, tmp_path / f"content{number}") for number, read in enumerate(READERS)]


@pytest.mark.timeout(SECONDS + 240)
def test_what_is_reused_is_what_would_be_read(items: Items, files: list[File]) -> None:
    writers = Writers(items, SEED)
    with writers.going_on():
        seen = ask_for(SECONDS, files)

    print(f"seed {SEED}: {writers.committed} commits, {dict(seen)}")
    assert seen["wrong"] == 0
    assert seen["right"] > 20
    assert seen["generated"] > 20
    assert writers.committed > 50


def chaos_only(ablations: list[Callable[[pytest.MonkeyPatch], None]]) -> list[Callable[[pytest.MonkeyPatch], None]]:
    """Chance needs up to a minute for each, and more for R4 and R7, which cover for each other.

    Deterministic schedules need none: `test_unchanged_tables`, `test_changed_meanwhile`.
    """
    return ablations if CHAOS else []


@pytest.mark.timeout(ABLATION_SECONDS + 240)
@pytest.mark.parametrize(
    "without",
    chaos_only([without_counters, without_either, without_row_security]),
)
def test_without_a_rule_chance_finds_something(
    items: Items, files: list[File], without: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch)
    with Writers(items, SEED).going_on():
        seen = ask_for(ABLATION_SECONDS, files, until_wrong=True)

    assert seen["wrong"], dict(seen)
