"""Transactions that other sessions commit at a chosen point of a generation: docs/spec/44-exact-freshness.md, "Races".

A `Race` generates one file by the code of the worker, in this process. Each `Operation` changes `table` in a way that
is not MVCC-safe, and a row of `other`, which the driver reads first, in the same transaction. So a content that
belongs to no single moment differs from those before and after.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from integration_tests.suite.helpers.puppets import wait_until
from xivo_confgend import worker
from xivo_confgend.database import Session
from xivo_confgend.database.postgresql.session import bind, current_scope
from xivo_confgend.drivers import Catalogue, Driver
from xivo_confgend.names import FileName
from xivo_confgend.worker import Failed, Generated, Job

STATEMENT_TIMEOUT = 60
POINTS = ("first statement", "between", "end", "comparison")
"""Before the first statement, between two, before the transaction ends, before it is compared with a new one."""

DROP_ALL = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT c.oid, c.relkind FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p', 'm', 'v') AND (c.relname = '{table}' OR c.relname ~ '^{table}_x_')
        ORDER BY c.relkind = 'p' DESC
    LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_class WHERE oid = found.oid);
        EXECUTE format('DROP %s %s CASCADE', CASE found.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'v' THEN 'VIEW'
                       ELSE 'TABLE' END, found.oid::regclass);
    END LOOP;
END $$
"""
RESTORE = (
    DROP_ALL
    + """;
CREATE TABLE {table} (LIKE saved_{table} INCLUDING DEFAULTS INCLUDING INDEXES);
INSERT INTO {table} SELECT * FROM saved_{table};
TRUNCATE {other};
INSERT INTO {other} SELECT * FROM saved_{other}
"""
)
HALVES = """
ALTER TABLE {table} RENAME TO {table}_x_rows;
CREATE TABLE {table} (LIKE {table}_x_rows INCLUDING DEFAULTS) {partitioned};
CREATE TABLE {table}_x_low (LIKE {table}_x_rows INCLUDING DEFAULTS);
CREATE TABLE {table}_x_high (LIKE {table}_x_rows INCLUDING DEFAULTS);
INSERT INTO {table}_x_low SELECT * FROM {table}_x_rows WHERE {key} < {middle};
INSERT INTO {table}_x_high SELECT * FROM {table}_x_rows WHERE {key} >= {middle};
"""
ATTACH_LOW = "ALTER TABLE {table} ATTACH PARTITION {table}_x_low FOR VALUES FROM (MINVALUE) TO ({middle});"
ATTACH_HIGH = "ALTER TABLE {table} ATTACH PARTITION {table}_x_high FOR VALUES FROM ({middle}) TO (MAXVALUE);"
PARTITIONED = HALVES.replace("{partitioned}", "PARTITION BY RANGE ({key})") + ATTACH_LOW
INHERITED = HALVES.replace("{partitioned}", "") + "ALTER TABLE {table}_x_low INHERIT {table};"
VIEWED = """
ALTER TABLE {table} RENAME TO {table}_x_rows;
CREATE MATERIALIZED VIEW {table} AS SELECT * FROM {table}_x_rows;
DELETE FROM {table}_x_rows WHERE {key} >= {middle};
"""
SEEN_BY_VIEW = """
ALTER TABLE {table} RENAME TO {table}_x_rows;
CREATE VIEW {table} AS SELECT * FROM {table}_x_rows
"""
SEEN_BY_FUNCTION = """
ALTER TABLE {table} RENAME TO {table}_x_rows;
CREATE OR REPLACE FUNCTION is_shown(key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE VIEW {table} AS SELECT * FROM {table}_x_rows WHERE is_shown({key}::text)
"""
SWAPPED = """
CREATE TABLE {table}_x_new (LIKE {table} INCLUDING DEFAULTS);
INSERT INTO {table}_x_new SELECT * FROM {table} WHERE {key} < {middle};
"""


@dataclass(frozen=True)
class Operation:
    """`before`: what makes the tables ready for it; `alone`: not in a transaction, and nothing to see afterwards."""

    name: str
    statement: str
    before: str = ""
    alone: bool = False


OPERATIONS = (
    Operation("truncate", "TRUNCATE {table}"),
    Operation("truncate and refill", "TRUNCATE {table}; INSERT INTO {table} SELECT * FROM saved_{table}"),
    Operation("rewrite", "ALTER TABLE {table} ADD COLUMN added uuid DEFAULT gen_random_uuid()"),
    Operation("set unlogged", "ALTER TABLE {table} SET UNLOGGED"),
    Operation(
        "drop and create",
        "DROP TABLE {table}; CREATE TABLE {table} (LIKE saved_{table});"
        " INSERT INTO {table} SELECT * FROM saved_{table}",
    ),
    Operation("truncate a partition", "TRUNCATE {table}_x_high", PARTITIONED + ATTACH_HIGH),
    Operation("refresh", "REFRESH MATERIALIZED VIEW {table}", VIEWED),
    Operation(
        "swap", "ALTER TABLE {table} RENAME TO {table}_x_old; ALTER TABLE {table}_x_new RENAME TO {table}", SWAPPED
    ),
    Operation("attach", ATTACH_HIGH, PARTITIONED),
    Operation("detach", "ALTER TABLE {table} DETACH PARTITION {table}_x_high", PARTITIONED + ATTACH_HIGH),
    Operation("drop a partition", "DROP TABLE {table}_x_high", PARTITIONED + ATTACH_HIGH),
    Operation("inherit", "ALTER TABLE {table}_x_high INHERIT {table}", INHERITED),
    Operation(
        "replace a view",
        "CREATE OR REPLACE VIEW {table} AS SELECT * FROM {table}_x_rows WHERE {key} < {middle}",
        SEEN_BY_VIEW,
    ),
    Operation(
        "replace a function",
        "CREATE OR REPLACE FUNCTION is_shown(key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'",
        SEEN_BY_FUNCTION,
    ),
    Operation("vacuum full", "VACUUM FULL {table}", alone=True),
    Operation("cluster", "CLUSTER {table} USING {index}", alone=True),
)


@dataclass(frozen=True)
class Tables:
    """What a driver reads: `other` first, then `table`, whose rows are ordered by `key`. `edit` changes `other`."""

    other: str
    table: str
    key: str
    edit: str


class InSavepoint:
    """Reads in a savepoint, which it rolls back: that gives the lock of the table back at once."""

    deterministic = True

    def generate(self) -> Iterator[str]:
        """The value of `marker`, then the rows of `item`."""
        rows = Session.execute(text("SELECT value FROM marker")).all()
        Session.execute(text("SAVEPOINT reading"))
        rows += Session.execute(text("SELECT id, value FROM item ORDER BY id")).all()
        Session.execute(text("ROLLBACK TO SAVEPOINT reading"))
        yield "".join(" ".join(map(str, row)) + "\n" for row in rows)


class Swallowing:
    """Goes on after a statement that failed: then nobody can ask any more what the transaction has read."""

    deterministic = True

    def generate(self) -> str:
        """The value of `marker`, then the rows of `item`."""
        rows = Session.execute(text("SELECT value FROM marker")).all()
        rows += Session.execute(text("SELECT id, value FROM item ORDER BY id")).all()
        with contextlib.suppress(DBAPIError):
            Session.execute(text("SELECT 1 / 0"))
        return "".join(" ".join(map(str, row)) + "\n" for row in rows)


def installed(file: FileName) -> Driver:
    """The driver for the Wazo schema."""
    (driver,) = [one for one in Catalogue({}).installed() if one.file == file and one.name == "wazo"]
    return driver


def instance(driver: Any) -> Driver:
    """A driver that is not installed: the worker finds it as if it had been made before."""
    made = Driver(
        FileName("test", f"{type(driver).__name__}{id(driver)}.conf"), "test", "confgend", "test:Test", "test", "1"
    )
    worker._process.instances[made] = driver
    return made


class Race:
    """The file of `driver` in the database at `uri`, whose tables are restored for each operation."""

    def __init__(self, uri: str, driver: Driver, tables: Tables, path: Path) -> None:
        self.uri = uri
        self._driver = driver
        self._tables = tables
        self.path = path
        self._connection = psycopg2.connect(uri)
        self._connection.autocommit = True
        for table in (tables.table, tables.other):
            self.execute(f"CREATE TABLE saved_{table} (LIKE {table} INCLUDING ALL)")
            self.execute(f"INSERT INTO saved_{table} SELECT * FROM {table}")
        middle = f"SELECT quote_literal(percentile_disc(0.5) WITHIN GROUP (ORDER BY {tables.key})) FROM {tables.table}"
        self._names = {**vars(tables), "middle": self._value(middle), "index": ""}
        self.engine = bind(uri, STATEMENT_TIMEOUT)

    @property
    def table(self) -> str:
        """The name of the table that operations change."""
        return self._tables.table

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        self._connection.close()

    def execute(self, statement: str) -> None:
        """Commit it."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _value(self, statement: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0]

    def prepare(self, operation: Operation) -> None:
        """Make the tables as they are before `operation`."""
        self.execute(RESTORE.format(**self._names))
        self._names["index"] = self._value(
            f"SELECT coalesce(min(indexrelid::regclass::text), '') FROM pg_index"
            f" WHERE indrelid = '{self._tables.table}'::regclass"
        )
        if operation.before:
            self.execute(operation.before.format(**self._names))

    def commit(self, operation: Operation) -> None:
        """Let another session do `operation`; waits for its locks."""
        statement = operation.statement.format(**self._names)
        if not operation.alone:
            statement = f"BEGIN; {statement}; {self._tables.edit}; COMMIT"
        connection = psycopg2.connect(self.uri)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def generate(self) -> Generated | Failed:
        """One generation by the worker."""
        return worker.generate(Job(self._driver, self.path))

    def content(self) -> str:
        """What the file is now. Raises AssertionError if it cannot be generated."""
        made = self.generate()
        assert isinstance(made, Generated), made
        return made.path.read_text("utf-8")

    def generate_while(self, operation: Operation, point: str, times: int = 1) -> Generated | Failed:
        """A generation; `operation` is committed at `point` of its first `times` tries."""
        committed = Committed(self, operation, times)
        with committed.at(point):
            made = self.generate()
        committed.finish()
        return made


class Committed:
    """Commits `operation` when a generation is at a point."""

    def __init__(self, race: Race, operation: Operation, times: int) -> None:
        self._race = race
        self._operation = operation
        self._left = times
        self._threads: list[Thread] = []
        self._problems: list[BaseException] = []

    @contextmanager
    def at(self, point: str) -> Iterator[None]:
        """Listen until the end of the block."""
        identifier, listener = {
            "first statement": ("before_cursor_execute", self._at_statement("")),
            "between": ("before_cursor_execute", self._at_statement(self._race.table)),
            "end": ("rollback", lambda _connection: self._begin()),
            "comparison": ("checkout", self._at_checkout()),
        }[point]
        event.listen(self._race.engine, identifier, listener)
        try:
            yield
        finally:
            event.remove(self._race.engine, identifier, listener)

    def _at_statement(self, name: str) -> Callable[..., None]:
        tries: list[object] = []

        def before(connection: Any, _cursor: object, statement: str, *_: object) -> None:
            first = not tries or tries[-1] is not current_scope()
            if first and not connection.info.get("opening") and re.search(rf"\b{name}", statement):
                tries.append(current_scope())
                self._begin()

        return before

    def _at_checkout(self) -> Callable[..., None]:
        """The connection is taken for the generation, and then for the comparison."""
        seen = []

        def checkout(*_: object) -> None:
            seen.append(None)
            if len(seen) % 2 == 0:
                self._begin()

        return checkout

    def _begin(self) -> None:
        """Return when it is committed, or waits for a lock of ours."""
        if self._left == 0:
            return
        self._left -= 1
        thread = Thread(target=self._commit)
        thread.start()
        self._threads.append(thread)
        wait_until(lambda: not thread.is_alive() or self._waits(), "the operation")

    def _waits(self) -> bool:
        return bool(self._race._value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    def _commit(self) -> None:
        try:
            self._race.commit(self._operation)
        except BaseException as error:
            self._problems.append(error)

    def finish(self) -> None:
        """Wait for what still waits. Raises what went wrong, or AssertionError if nothing was committed."""
        for thread in self._threads:
            thread.join()
        assert self._threads, "the generation never came to this point"
        for problem in self._problems:
            raise problem
