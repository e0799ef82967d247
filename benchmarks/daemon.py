"""The whole: a real daemon, the real client, real sockets."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg2

from benchmarks.bench import DRIVERS, Bench
from benchmarks.clients import Outcome, cat_into_socket, fetch_at_once, fetch_in_turn
from benchmarks.processes import MEGABYTE, in_fresh_process, peak_memory
from benchmarks.samples import Cell, Sample, Table, repeated, timed
from xivo_confgend.testing.daemon import Daemon

PJSIP = "asterisk/pjsip.conf"
EXTENSIONS = "asterisk/extensions.conf"
SMALL = "asterisk/rtp.conf"
FETCHED = (
    PJSIP, EXTENSIONS, "asterisk/voicemail.conf", "asterisk/queues.conf", "asterisk/sccp.conf", SMALL,
    "asterisk/hep.conf", "asterisk/features.conf",
)  # fmt: skip
IN_TURN = 300
"""How many fetches tell the daemon's share of one: about a second."""
FETCHES_OF_A_RELOAD = 17
"""How often Asterisk 22 runs `#exec` for pjsip.conf in one `pjsip reload`."""
WRITE_INTERVAL = 0.1
CLIENTS = (1, 10, 50, 100, 200, 500)
REQUESTS = 2000
MEGABYTE_FILE_USERS = 650
"""The company whose pjsip.conf has about one megabyte."""
CROWDS = ((500, MEGABYTE_FILE_USERS), (20, 10_000))
"""How many clients at once, and the company whose pjsip.conf they fetch."""


def _client() -> list[str]:
    script = Path(sys.executable).with_name("confgen")
    return [str(script)] if script.exists() else [sys.executable, "-m", "xivo_confgend.client"]


def confgen(daemon: Daemon, file: str) -> None:
    """What Asterisk runs for `#exec`: the client, its output in a file."""
    with (daemon.directory / "exec").open("wb") as output:
        subprocess.run([*_client(), "--port", str(daemon.port), file], stdout=output, check=True)


def fetch_by_socket(daemon: Daemon, file: str) -> None:
    answer = daemon.fetch(file)
    if answer.code != 200 or answer.state != "fresh":
        raise RuntimeError(f"{file}: {answer.code} {answer.state} {answer.error}\n{daemon.log[-2000:]}")


class Unrelated:
    """A table that no driver reads, and a connection that writes to it."""

    def __init__(self, uri: str) -> None:
        self._connection = psycopg2.connect(uri)
        self._connection.autocommit = True
        self._execute("CREATE TABLE IF NOT EXISTS benchmark_unrelated (n integer)")
        self._execute("INSERT INTO benchmark_unrelated VALUES (0)")

    def _execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def commit(self) -> None:
        """Commit one row."""
        self._execute("UPDATE benchmark_unrelated SET n = n + 1")

    def close(self) -> None:
        """Remove the table."""
        self._execute("DROP TABLE benchmark_unrelated")
        self._connection.close()


@contextmanager
def unrelated_table(uri: str) -> Iterator[Unrelated]:
    made = Unrelated(uri)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def in_background(function: Callable[[], None], interval: float = 0.0) -> Iterator[None]:
    """Call `function` again and again in a thread as long as the block runs."""
    stop = threading.Event()

    def again() -> None:
        while not stop.is_set():
            function()
            stop.wait(interval)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def start_up(bench: Bench) -> Iterator[Table]:
    """How long client and daemon take to start."""
    runs = 1 if bench.quick else 4 * bench.runs
    rows: list[list[Cell]] = [
        ["python -S -E -c pass", _command(runs, sys.executable, "-S", "-E", "-c", "pass")],
        ["python -c pass", _command(runs, sys.executable, "-c", "pass")],
    ]
    with bench.daemon(min(bench.sizes)) as daemon:
        confgen(daemon, SMALL)
        rows.append([f"confgen {SMALL}, unchanged", repeated(runs, lambda: confgen(daemon, SMALL)).scaled(1000)])
    listening, answering = zip(*[_start(bench) for _ in range(bench.runs)], strict=True)
    rows.append(["daemon until it listens", Sample(listening).scaled(1000)])
    rows.append([f"daemon until its first {SMALL}", Sample(answering).scaled(1000)])
    yield Table("start", "Start-up", ["what", "ms"], rows)


def _command(runs: int, *command: str) -> Sample:
    return repeated(runs, lambda: subprocess.run(command, check=True)).scaled(1000)


def _start(bench: Bench) -> tuple[float, float]:
    with bench.daemon(min(bench.sizes)) as daemon:
        daemon.stop()
        began = time.perf_counter()
        daemon.start()
        listening = time.perf_counter() - began
        fetch_by_socket(daemon, SMALL)
        return listening, time.perf_counter() - began


def fetches(bench: Bench) -> Iterator[Table]:
    """One file after the other: cold, unchanged, and after a commit to a table that has nothing to do with it."""
    users = bench.main_size
    with bench.daemon(users) as daemon, unrelated_table(bench.company(users)) as unrelated:
        rows = [_fetched(bench, daemon, unrelated, file) for file in FETCHED]
    columns = ["file", "cold ms", "unchanged ms", "of it daemon ms", "after a commit ms", "of it daemon ms "]
    note = (
        "`cold`: the first request to a daemon with an empty store; the first row also waits for a worker to start."
        " `unchanged` and `after a commit`: through the real `confgen`; `of it daemon`: the same over a socket."
    )
    yield Table("fetches", f"One client, {users:,} users", columns, rows, note)


def _fetched(bench: Bench, daemon: Daemon, unrelated: Unrelated, file: str) -> list[Cell]:
    def by_client() -> None:
        confgen(daemon, file)

    def by_socket() -> None:
        fetch_by_socket(daemon, file)

    cold = timed(by_socket)
    unchanged = repeated(bench.runs, by_client)
    share = in_fresh_process(fetch_in_turn, daemon.port, file, 0.0, 0.0, 1 if bench.quick else IN_TURN)
    changed = Sample(tuple(_after_commit(unrelated, by_client, bench.runs)))
    share_changed = Sample(tuple(_after_commit(unrelated, by_socket, bench.runs)))
    return [
        file, cold * 1000, unchanged.scaled(1000), Sample(tuple(share.latencies)).scaled(1000).median,
        changed.scaled(1000), share_changed.scaled(1000).median,
    ]  # fmt: skip


def _after_commit(unrelated: Unrelated, fetch: Callable[[], None], runs: int) -> Iterator[float]:
    for _ in range(runs):
        unrelated.commit()
        yield timed(fetch)


def concurrency(bench: Bench) -> Iterator[Table]:
    """Many clients that fetch a small file, unchanged and while somebody commits."""
    users = bench.main_size
    rows: list[list[Cell]] = []
    requests = 20 if bench.quick else REQUESTS
    with bench.daemon(users) as daemon, unrelated_table(bench.company(users)) as unrelated:
        fetch_by_socket(daemon, SMALL)
        for clients in CLIENTS[:2] if bench.quick else CLIENTS:
            rounds = max(2, requests // clients)
            quiet = in_fresh_process(fetch_at_once, daemon.port, SMALL, clients, rounds)
            with in_background(unrelated.commit, WRITE_INTERVAL / 10):
                busy = in_fresh_process(fetch_at_once, daemon.port, SMALL, clients, rounds)
            rows.append([clients, *_rates(quiet), *_rates(busy)])
    columns = ["clients", "requests/s", "p50 ms", "p99 ms", "wrong"]
    note = "`busy`: another connection commits to an unrelated table every 10 ms, so nothing stays unchanged for long."
    yield Table(
        "concurrency", f"Many clients, {SMALL}", [*columns, *(f"busy {name}" for name in columns[1:])], rows, note
    )


def _rates(outcome: Outcome) -> list[Cell]:
    latencies = Sample(tuple(outcome.latencies)).scaled(1000)
    return [len(outcome.latencies) / outcome.seconds, latencies.percentile(50), latencies.percentile(99), outcome.wrong]


def neighbours(bench: Bench) -> Iterator[Table]:
    """A small file while the large ones of the largest company are being generated."""
    users = bench.largest
    seconds = 1.0 if bench.quick else 20.0
    rows: list[list[Cell]] = []
    with bench.daemon(users, generation_timeout=600) as daemon:
        uri = bench.company(users)
        for file in (SMALL, PJSIP, EXTENSIONS):
            fetch_by_socket(daemon, file)
        rows.append(["nobody", *_latency(daemon, seconds / 4)])
        with _large_generations(daemon, uri, [PJSIP]):
            rows.append([PJSIP, *_latency(daemon, seconds)])
        with _large_generations(daemon, uri, [PJSIP, EXTENSIONS]):
            rows.append([f"{PJSIP} and {EXTENSIONS}", *_latency(daemon, seconds)])
    columns = ["generated beside it", "answers", "p50 ms", "p99 ms", "slowest ms", "wrong"]
    note = "Every generation beside it commits first, so the small file is generated again each time as well."
    yield Table("neighbours", f"{SMALL} beside large files, {users:,} users", columns, rows, note)


@contextmanager
def _large_generations(daemon: Daemon, uri: str, files: list[str]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        unrelated = stack.enter_context(unrelated_table(uri))
        stack.enter_context(in_background(unrelated.commit, WRITE_INTERVAL))
        for file in files:
            stack.enter_context(in_background(partial(_drain, daemon, file)))
        yield


def _drain(daemon: Daemon, file: str) -> None:
    """Fetch and throw away, without the cost of checking."""
    with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
        connection.sendall(f"{file}\n".encode())
        buffer = bytearray(1 << 20)
        while connection.recv_into(buffer):
            pass


def _latency(daemon: Daemon, seconds: float) -> list[Cell]:
    outcome = in_fresh_process(fetch_in_turn, daemon.port, SMALL, seconds, 0.01)
    latencies = Sample(tuple(outcome.latencies)).scaled(1000)
    return [
        len(latencies.values), latencies.percentile(50), latencies.percentile(99), max(latencies.values),
        outcome.wrong,
    ]  # fmt: skip


def reloads(bench: Bench) -> Iterator[Table]:
    """What a `pjsip reload` costs: its fetches one after the other, by the real client."""
    users = bench.main_size
    fetches_of_one = 2 if bench.quick else FETCHES_OF_A_RELOAD
    rows: list[list[Cell]] = []
    with bench.daemon(users) as daemon, unrelated_table(bench.company(users)) as unrelated:

        def reload() -> None:
            for _ in range(fetches_of_one):
                confgen(daemon, PJSIP)

        confgen(daemon, PJSIP)
        rows.append(["nothing", repeated(bench.runs, reload)])
        with in_background(unrelated.commit, WRITE_INTERVAL):
            rows.append(["a row of an unrelated table every 100 ms", repeated(bench.runs, reload)])
    title = f"`pjsip reload`: {fetches_of_one} fetches of {PJSIP} by `confgen`, {users:,} users"
    yield Table("reloads", title, ["written meanwhile", "s"], rows)


def crowds(bench: Bench) -> Iterator[Table]:
    """Many clients at once at one large file that is fresh."""
    rows: list[list[Cell]] = []
    for clients, users in ((5, min(bench.sizes)),) if bench.quick else CROWDS:
        with bench.daemon(users) as daemon:
            fetch_by_socket(daemon, PJSIP)
            outcomes = [in_fresh_process(fetch_at_once, daemon.port, PJSIP, clients) for _ in range(bench.runs)]
            content = daemon.cache / PJSIP
            least = (10 if bench.quick else 500) * MEGABYTE
            cat = Sample(tuple(in_fresh_process(cat_into_socket, str(content), least) for _ in range(bench.runs)))
            rows.append(
                [
                    clients, content.stat().st_size / MEGABYTE, sum(one.wrong for one in outcomes),
                    Sample(tuple(max(one.latencies) for one in outcomes)),
                    Sample(tuple(one.bytes / one.seconds / MEGABYTE for one in outcomes)),
                    cat.scaled(1 / MEGABYTE), peak_memory(daemon.pid) / MEGABYTE,
                ]
            )  # fmt: skip
    columns = ["clients", "file MB", "wrong", "slowest s", "MB/s", "cat MB/s", "daemon peak MB"]
    note = "`cat`: `cat FILE` into one socket, read by the same loop."
    yield Table("crowds", "A crowd at one fresh file", columns, rows, note)


def memory(bench: Bench) -> Iterator[Table]:
    """What daemon and workers need after all files of a company."""
    rows: list[list[Cell]] = []
    for users in bench.sizes:
        with bench.daemon(users, generation_timeout=600) as daemon:
            for driver in bench.drivers(DRIVERS):
                fetch_by_socket(daemon, str(driver.file))
            workers = max(peak_memory(pid) for pid in daemon.workers())
            rows.append([users, peak_memory(daemon.pid) / MEGABYTE, workers / MEGABYTE])
    yield Table("memory", "Memory after every file", ["users", "daemon peak MB", "largest worker peak MB"], rows)
