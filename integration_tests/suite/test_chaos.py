"""Kill the daemon, its workers and PostgreSQL at random moments: whatever a client accepts is whole, right and fresh.

A writer counts upwards in one row; each file is that number, repeated to 2 MB, so that a content
tells whether it is whole and of which moment it is. CHAOS_SECONDS says how long (`make chaos`: ten
minutes), CHAOS_SEED which order of events to begin with.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg2
import pytest

from integration_tests.suite.helpers.items import Items
from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import HEADER, Daemon, DaemonError, read_framed
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "20261121"))
LEAST_FETCHES = 200
CLIENTS = 6
REPEATED = 131072
STATEMENT = f"SELECT repeat(lpad(value, 15, '0') || chr(10), {REPEATED}) FROM item WHERE id = 1"
FILES = ("test/rows.conf", "test/first.conf")
"""One whose driver is deterministic, one whose driver is not."""
REQUESTS = ("", "", "", " cached")


def number_of(content: bytes) -> int | None:
    """The number that `content` repeats; None if it is not whole."""
    line = content[:16]
    whole = re.fullmatch(rb"\d{15}\n", line) and content == line * REPEATED + b"\n"
    return int(line) if whole else None


@dataclass
class Counting:
    """The row of the database. `committed` is what the server confirmed, `tried` the most it may have."""

    items: Items
    committed: int = 1
    tried: int = 1
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Count until `stopped`, over any number of servers' ends."""
        while not self.stopped.is_set():
            with suppress(psycopg2.Error), self.items.connect() as connection, connection.cursor() as cursor:
                while not self.stopped.wait(0.03):
                    self.tried += 1
                    cursor.execute("UPDATE item SET value = %s WHERE id = 1", (str(self.tried),))
                    self.committed = self.tried
            self.stopped.wait(0.05)


class Lives:
    """Says whether the daemon lived all through a fetch: only then does an answer have no excuse."""

    def __init__(self) -> None:
        self.events = 0

    @property
    def alive(self) -> bool:
        """Not between a kill and the end of the start that follows."""
        return self.events % 2 == 0


@dataclass
class Client:
    """Fetches over and over.

    `seen` counts what came of it once a daemon had the request, `wrong` tells what should never have come.
    """

    daemon: Daemon
    counting: Counting
    lives: Lives
    chance: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, ended: threading.Event) -> None:
        """Until `ended`."""
        while not ended.is_set():
            self.fetch(self.chance.choice(FILES), self.chance.choice(REQUESTS))

    def fetch(self, name: str, arguments: str) -> None:
        """One fetch, judged."""
        before, lived, alive = self.counting.committed, self.lives.events, self.lives.alive
        answer = b""
        try:
            answer = self.daemon.ask(f"{name}{arguments} framed\n".encode())
            fetched = read_framed(answer)
        except (OSError, DaemonError) as error:
            if alive and lived == self.lives.events:
                self.wrong.append(f"{name}: no answer of a living daemon: {error!r}")
            if not isinstance(error, ConnectionRefusedError):
                self.seen["broken"] += 1
            if (match := HEADER.match(answer)) and len(answer) >= match.end() + int(match["length"]):
                self.wrong.append(f"{name}: the digest is not that of the content")
            time.sleep(0.2)
            return
        self.seen[str(fetched.code) + fetched.state] += 1
        if fetched.code in (500, 503):
            return
        least = before if fetched.state == "fresh" and not arguments else 1
        number = number_of(fetched.content)
        if fetched.code != 200 or number is None or not least <= number <= self.counting.tried:
            self.wrong.append(f"{name}{arguments}: {number} at {before}: {len(fetched.content)} bytes, {fetched.error}")


class Killer:
    """Kills what it is told, and restarts what does not come back on its own."""

    def __init__(self, daemon: Daemon, server: PostgreSQL, lives: Lives, chance: random.Random) -> None:
        self._daemon, self._server, self._lives, self._chance = daemon, server, lives, chance
        self.left: list[psutil.Process] = []
        """Processes of daemons that were killed."""

    def kill_daemon(self) -> None:
        """It has no time to say anything to anybody."""
        self.left += [psutil.Process(pid) for pid in self._daemon.workers() if psutil.pid_exists(pid)]
        self._lives.events += 1
        self._daemon.stop(signal.SIGKILL)
        self._daemon.start()
        self._lives.events += 1

    def kill_worker(self) -> None:
        """Any process that the daemon started."""
        if workers := self._daemon.workers():
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(workers), signal.SIGKILL)

    def kill_postgresql(self) -> None:
        """With all of its backends."""
        self._server.stop(signal.SIGKILL)
        time.sleep(self._chance.uniform(0, 0.5))
        self._server.start()


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """One that nobody else needs."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def counting(server: PostgreSQL) -> Counting:
    """Begins at 1."""
    items = Items(server.create_database("chaos"))
    items.make("1")
    return Counting(items)


@pytest.fixture
def counted(puppets: Puppets, counting: Counting, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that has served both files."""
    for name in ("rows", "first"):
        puppets.tell(name, "ask", statement=STATEMENT)
    with puppets.daemon(tmp_path / "daemon", db_uri=counting.items.uri) as daemon:
        for name in FILES:
            assert number_of(daemon.fetch(name).content) == 1
        yield daemon


def wreak_havoc(killer: Killer, clients: list[Client], chance: random.Random) -> Counter[str]:
    """Kill for `SECONDS`, longer if clients were slow; returns how often what was killed."""
    kills = {"worker": killer.kill_worker, "daemon": killer.kill_daemon, "postgresql": killer.kill_postgresql}
    counts: Counter[str] = Counter()
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < SECONDS or sum(c.seen.total() for c in clients) < LEAST_FETCHES:
        assert elapsed < SECONDS + 120, f"less than {LEAST_FETCHES} fetches: {[c.seen for c in clients]}"
        # By fetches more than by the clock, so that a slow machine is given time to answer between two kills.
        enough = sum(c.seen.total() for c in clients) + chance.randint(0, 20)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and sum(c.seen.total() for c in clients) < enough:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        # Each once first, so that a short run knows all of them.
        victim = list(kills)[len(counts)] if len(counts) < len(kills) else chance.choice(["worker"] * 5 + list(kills))
        kills[victim]()
        counts[victim] += 1
    return counts


def assert_store_is_whole(daemon: Daemon) -> None:
    """Every content in it is one that was committed once, and nothing lies in the staging area."""
    contents = [path for name in FILES if (path := daemon.cache / name).exists()]
    assert len(contents) == len(FILES)
    assert sorted(path for path in daemon.cache.glob("[!.]*/*")) == sorted(contents)
    assert all(number_of(path.read_bytes()) for path in contents)
    assert list((daemon.cache / ".staging").iterdir()) == []


@pytest.mark.timeout(SECONDS + 240)
def test_no_kill_makes_anybody_believe_in_a_wrong_content(
    server: PostgreSQL, counting: Counting, counted: Daemon
) -> None:
    chance, lives, ended = random.Random(SEED), Lives(), threading.Event()
    killer = Killer(counted, server, lives, chance)
    clients = [Client(counted, counting, lives, random.Random(SEED + n)) for n in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        running = [threads.submit(counting.run), *(threads.submit(client.run, ended) for client in clients)]
        try:
            kills = wreak_havoc(killer, clients, chance)
        finally:
            ended.set()
            counting.stopped.set()
    for one in running:
        one.result()

    seen = sum((client.seen for client in clients), Counter())
    told = f"seed {SEED}: killed {dict(kills)}, seen {dict(seen)}"
    print(told)
    assert [line for client in clients for line in client.wrong] == [], told
    assert seen.total() >= LEAST_FETCHES
    assert seen["200fresh"] > LEAST_FETCHES / 4, told
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in killer.left), "the end of orphans")

    (counted.cache / ".staging" / "test.rows.conf.1.1").write_text("left by a killed worker\n")
    killer.kill_daemon()
    assert_store_is_whole(counted)
    for name in FILES:
        wait_until(lambda name=name: counted.fetch(name).state == "fresh", "a fresh answer")
        assert number_of(counted.fetch(name).content) in (counting.committed, counting.tried)
    assert_store_is_whole(counted)
    # Python's own resource tracker is no less loud when it is killed; what is ours stays calm.
    loud = [line for line in counted.log.splitlines() if re.search('CRITICAL|broke down|File ".*/xivo_confgend/', line)]
    assert loud == []
