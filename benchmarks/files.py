"""Each file by itself: its driver in a fresh process as the worker runs it, beside the floor.

The floor is what no generator can go below: the same statements asked with bare psycopg2, their rows
fetched and thrown away, and the same bytes written to the same disk and flushed.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.bench import Bench
from benchmarks.processes import MEGABYTE, become_worker, in_fresh_process, peak_memory
from benchmarks.samples import Cell, Often, Sample, Table, timed
from xivo_confgend import worker
from xivo_confgend.drivers import Driver
from xivo_confgend.store import Facts

FETCH = 10_000
WRITE = 1 << 20
SHORT = 1.0
"""Seconds for which a file is measured in each round if it takes less."""
ROUNDS = 3
"""How often a file has its turn that has a target: a machine may be slow for the minute in which one is measured."""

COLUMNS = [
    "file", "users", "first s", "time s", "floor s", "ratio", "of it fetch s", "of it write s",
    "statements", "rows", "lines", "bytes", "peak MB",
]  # fmt: skip

Statement = tuple[str, Any]
"""What psycopg2 is asked: the text and its parameters."""


@dataclass(frozen=True)
class Generations:
    """Several generations of one file in one process; `times[0]` is the first one, with its imports."""

    times: tuple[float, ...]
    size: int
    lines: int
    statements: tuple[Statement, ...]
    peak: int


@dataclass(frozen=True)
class Floor:
    """What the same statements and bytes cost without a generator, run by run."""

    fetch: tuple[float, ...]
    write: tuple[float, ...]
    rows: int


@dataclass(frozen=True)
class Round:
    """One turn of one file: it is generated in a process, and beside it the floor is measured."""

    made: Generations
    below: Floor


def generate(uri: str, config: Mapping[str, Any], driver: Driver, path: Path, often: Often) -> Generations:
    """Generate the file of `driver` once and then `often` as a worker does; to be called in a fresh process."""
    statements: list[Statement] = []
    become_worker(config, uri)

    @event.listens_for(Engine, "before_cursor_execute")
    def record(connection: Any, _cursor: object, text: str, parameters: Any, *_: object) -> None:
        if not connection.info.get("opening"):
            statements.append((text, parameters))

    made: list[Facts] = []

    def generation() -> float:
        statements.clear()
        made.append(_facts(worker.generate(worker.Job(driver, path))))
        return made[-1].duration

    times = (generation(), *often.values(generation))
    return Generations(times, made[-1].size, made[-1].lines, tuple(statements), peak_memory())


def _facts(made: worker.Generated | worker.Failed) -> Facts:
    if isinstance(made, worker.Failed):
        raise RuntimeError(f"{made.reason}\n{made.trace}")
    return made.facts


def floor(uri: str, statements: tuple[Statement, ...], path: Path, often: Often) -> Floor:
    """Ask `statements` and write the bytes at `path` again, `often`; to be called in a fresh process."""
    content = path.read_bytes()
    connection = psycopg2.connect(uri, options="-c jit=off")
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    rows = _ask(connection, statements)
    target = path.with_name("floor")
    fetch: list[float] = []
    write: list[float] = []

    def both() -> float:
        fetch.append(timed(lambda: _ask(connection, statements)))
        write.append(timed(lambda: _write(target, content)))
        return fetch[-1] + write[-1]

    often.values(both)
    connection.close()
    target.unlink()
    return Floor(tuple(fetch), tuple(write), rows)


def _ask(connection: Any, statements: tuple[Statement, ...]) -> int:
    rows = 0
    with connection, connection.cursor() as cursor:
        for text, parameters in statements:
            cursor.execute(text, parameters)
            while cursor.description and (piece := cursor.fetchmany(FETCH)):
                rows += len(piece)
    return rows


def _write(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), WRITE):
            file.write(content[start : start + WRITE])
        os.fsync(file.fileno())


def measure(bench: Bench) -> Iterator[Table]:
    """The table of all files at all sizes, and how they grow."""
    rounds = defaultdict(list)
    for turn in range(1 if bench.quick else ROUNDS):
        for driver in bench.chosen():
            for users in bench.sizes:
                if users == bench.main_size or turn == 0:
                    rounds[driver, users].append(_round(bench, driver, users))
    rows = [combined(str(driver.file), users, measured) for (driver, users), measured in rounds.items()]
    table = Table(
        "files",
        "Each file by itself",
        COLUMNS,
        rows,
        "`first`: the first generation of a process, with its imports; `time`: later ones, as in a worker that has"
        " been at work. Both end when the bytes are flushed to the disk. `peak`: of the process that generates.",
    )
    yield table
    if len(bench.sizes) > 1:
        yield _growth(bench, table)


def _round(bench: Bench, driver: Driver, users: int) -> Round:
    uri = bench.company(users, driver.name)
    path = bench.directory / driver.file.key
    often = Often(bench.runs, 0 if bench.quick else SHORT)
    made = in_fresh_process(generate, uri, bench.config(), driver, path, often)
    below = in_fresh_process(floor, uri, made.statements, path, often)
    path.unlink()
    return Round(made, below)


def combined(file: str, users: int, rounds: Sequence[Round]) -> list[Cell]:
    """The row of `COLUMNS` that all rounds of a file together give: times of any of them count alike."""
    first = Sample(tuple(one.made.times[0] for one in rounds))
    times = Sample(tuple(time for one in rounds for time in one.made.times[1:]))
    fetch = Sample(tuple(time for one in rounds for time in one.below.fetch))
    write = Sample(tuple(time for one in rounds for time in one.below.write))
    below = Sample(tuple(map(sum, zip(fetch.values, write.values, strict=True))))
    made = rounds[-1].made
    return [
        file, users, first, times, below, times.median / below.median, fetch.median, write.median,
        len(made.statements), rounds[-1].below.rows, made.lines, made.size,
        max(one.made.peak for one in rounds) / MEGABYTE,
    ]  # fmt: skip


def _growth(bench: Bench, table: Table) -> Table:
    small, large = min(bench.sizes), max(bench.sizes)
    rows: list[list[Cell]] = []
    for driver in bench.chosen():
        file = str(driver.file)
        exponents: list[Cell] = []
        for column in ("time s", "bytes", "peak MB"):
            values = [table.value(column, file=file, users=users) for users in (small, large)]
            first, last = (one.median if isinstance(one, Sample) else float(one or 1) for one in values)
            exponents.append(math.log(max(last, 1e-9) / max(first, 1e-9)) / math.log(large / small))
        rows.append([file, *exponents])
    return Table(
        "growth",
        f"Growth from {small:,} to {large:,} users",
        ["file", "time exponent", "bytes exponent", "memory exponent"],
        rows,
        "1 is linear, 0 is constant: log of the ratio over log of the ratio of users.",
    )
