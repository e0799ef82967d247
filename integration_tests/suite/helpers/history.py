"""Writers at random, and the exact content of a file after each of their commits.

Every transaction that writes counts up one row before it ends, so commits are in one order (not that
in which the transactions began), and a content says by its first line after how many commits it was
true. An answer is right if it is, byte for byte, what it claims to be, and no older than the
commits that were finished before it was asked for.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg2

from integration_tests.suite.helpers.items import Items

CONTENT = (
    "SELECT 0 AS part, 'version', n::text FROM version"
    " UNION ALL SELECT 1, id::text, value FROM item UNION ALL SELECT 2, id::text, value FROM detail ORDER BY 1, 2, 3"
)
"""What the driver asks: one statement over three tables."""
SCHEMA = """
DROP TABLE IF EXISTS version, detail, noise;
CREATE TABLE version (n int NOT NULL);
INSERT INTO version VALUES (0);
CREATE TABLE detail (id int, value text NOT NULL);
CREATE TABLE noise (id serial PRIMARY KEY, value text)
"""
CHANGES = (
    "UPDATE item SET value = md5(random()::text) WHERE id = 1 + floor(random() * 20)",
    "INSERT INTO item SELECT 1 + floor(random() * 20), 'new' ON CONFLICT (id) DO UPDATE SET value = 'again'",
    "DELETE FROM item WHERE id = 1 + floor(random() * 20)",
    "INSERT INTO detail VALUES (floor(random() * 9), 'detail')",
    "DELETE FROM detail WHERE random() < 0.3",
    "SAVEPOINT one; DELETE FROM item; ROLLBACK TO SAVEPOINT one",
    "SAVEPOINT two; INSERT INTO detail VALUES (10, 'kept'); RELEASE SAVEPOINT two",
    "INSERT INTO noise (value) SELECT 'x' FROM generate_series(1, 50)",
)


class History:
    """The contents after each commit, and how many commits are finished for certain."""

    def __init__(self, items: Items, seed: int) -> None:
        self.items = items
        self.contents: dict[int, str] = {}
        self.committed = 0
        self._random = random.Random(seed)
        self._stop = threading.Event()
        items.run(SCHEMA)
        self.write(commit=True)

    def write(self, commit: bool) -> None:
        """One transaction of several changes."""
        with self.items.connect() as connection:
            self._write(connection, self._random, commit, 0)

    def _write(
        self, connection: psycopg2.extensions.connection, chance: random.Random, commit: bool, pause: float
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; SET LOCAL lock_timeout = '200ms'")
            try:
                for statement in chance.choices(CHANGES, k=chance.randrange(1, 5)):
                    cursor.execute(statement)
                self._stop.wait(pause)
                cursor.execute("SET LOCAL lock_timeout = 0; UPDATE version SET n = n + 1 RETURNING n")
            except (psycopg2.errors.LockNotAvailable, psycopg2.errors.UniqueViolation):
                cursor.execute("ROLLBACK")
                return
            number = cursor.fetchall()[0][0]
            cursor.execute(CONTENT)
            content = "".join(" ".join(map(str, row)) + "\n" for row in cursor.fetchall())
            if commit:
                self.contents[number] = content
                cursor.execute("COMMIT")
                self.committed = max(self.committed, number)
            else:
                cursor.execute("ROLLBACK")

    @contextmanager
    def going_on(self, writers: int) -> Iterator[None]:
        """Writers, and one who keeps transactions open, until the end of the block."""
        with ThreadPoolExecutor(writers + 1) as threads:
            going = [threads.submit(self._keep_writing, self._random.random()) for _ in range(writers)]
            going.append(threads.submit(self._keep_open, self._random.random()))
            try:
                yield
            finally:
                self._stop.set()
            for one in going:
                one.result()

    def _keep_writing(self, seed: float) -> None:
        chance = random.Random(seed)
        with self.items.connect() as connection:
            while not self._stop.is_set():
                self._write(connection, chance, chance.random() < 0.8, chance.choice([0, 0, 0.05, 0.2]))
                self._stop.wait(chance.choice([0, 0, 0.001, 0.01, 0.05, 0.1]))

    def _keep_open(self, seed: float) -> None:
        chance = random.Random(seed)
        with self.items.connect() as connection, connection.cursor() as cursor:
            while not self._stop.is_set():
                cursor.execute("BEGIN; INSERT INTO noise (value) VALUES ('open')")
                self._stop.wait(chance.choice([0.01, 0.1, 0.3]))
                cursor.execute(chance.choice(["COMMIT", "ROLLBACK"]))

    def check(self, answer: str, finished_before: int) -> None:
        """Raises AssertionError if `answer` mixes moments or is older than `finished_before` commits."""
        number = version_of(answer)
        assert answer == self.contents[number], f"not what commit {number} left"
        assert number >= finished_before, f"after {finished_before} commits the answer shows {number}"


def version_of(content: str) -> int:
    """How many commits a content knows of."""
    return int(content.split("\n", 1)[0].rsplit(maxsplit=1)[-1])


def ask_all_the_time(seconds: float, asking: Callable[[], None], threads: int) -> int:
    """Call `asking` again and again in several threads; returns how often."""
    until = time.monotonic() + seconds

    def ask() -> int:
        count = 0
        while time.monotonic() < until:
            asking()
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(one.result() for one in [pool.submit(ask) for _ in range(threads)])
