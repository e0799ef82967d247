"""The targets, held against what was measured in this run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.daemon import EXTENSIONS, PJSIP
from benchmarks.samples import Cell, Sample, Table, number

Tables = dict[str, Table]


@dataclass(frozen=True)
class Target:
    """`measure` finds the value in the tables, None if it was not measured; it must be at most (or least) `limit`.

    `floor`: what no generator can go below on this machine, where the limit was set on another one.
    """

    what: str
    measure: Callable[[Tables, Bench], Cell | None]
    limit: float
    unit: str
    at_least: bool = False
    floor: Callable[[Tables, Bench], Cell | None] = lambda tables, bench: None


def _file(column: str, file: str) -> Callable[[Tables, Bench], Cell | None]:
    return lambda tables, bench: tables["files"].value(column, file=file, users=bench.main_size)


def _cell(table: str, row: int, column: str) -> Callable[[Tables, Bench], Cell | None]:
    def find(tables: Tables, _bench: Bench) -> Cell | None:
        rows = tables[table].rows
        return rows[row][list(tables[table].columns).index(column)] if len(rows) > row else None

    return find


def _most(table: str, column: str, function: Callable[[list[float]], float] = max) -> Callable[[Tables, Bench], Cell]:
    def find(tables: Tables, _bench: Bench) -> Cell:
        place = list(tables[table].columns).index(column)
        return function([_value(row[place]) for row in tables[table].rows])

    return find


def _small_daemon_share(tables: Tables, _bench: Bench) -> Cell:
    rows = [row for row in tables["fetches"].rows if row[0] not in (PJSIP, EXTENSIONS)]
    return max(_value(row[3]) for row in rows)


def _crowd_throughput(tables: Tables, _bench: Bench) -> Cell:
    place = list(tables["crowds"].columns).index("MB/s")
    return min(_value(row[place]) / min(300, _value(row[place + 1])) for row in tables["crowds"].rows)


def _main(bench: Bench) -> int:
    return bench.main_size


def _largest(bench: Bench) -> int:
    return bench.largest


def _reuse(what: str, size: Callable[[Bench], int]) -> Callable[[Tables, Bench], Cell | None]:
    def find(tables: Tables, bench: Bench) -> Cell | None:
        rows = tables["reuse"].rows
        return next((row[-1] for row in rows if str(row[0]).startswith(what) and row[1] == size(bench)), None)

    return find


def _time(file: str, limit: float) -> Target:
    return Target(f"{file}: time", _file("time s", file), limit, "s", floor=_file("floor s", file))


TARGETS = (
    _time(PJSIP, 0.6),
    Target(f"{PJSIP}: ratio to the floor", _file("ratio", PJSIP), 3, ""),
    Target(f"{PJSIP}: peak memory", _file("peak MB", PJSIP), 200, "MB"),
    _time(EXTENSIONS, 5.66 / 20),
    Target(f"{EXTENSIONS}: ratio to the floor", _file("ratio", EXTENSIONS), 4, ""),
    _time("asterisk/voicemail.conf", 0.17 / 5),
    _time("asterisk/queues.conf", 0.27 / 10),
    _time("asterisk/sccp.conf", 0.026),
    Target("small files: daemon's share", _small_daemon_share, 5, "ms"),
    Target("reload, nothing written", _cell("reloads", 0, "s"), 2, "s"),
    Target("reload beside a writer", _cell("reloads", 1, "s"), 12, "s"),
    Target("reload beside a writer: times as long", _reuse("pjsip reload beside a writer", _main), 2.0, ""),
    Target("the same, largest company", _reuse("pjsip reload beside a writer", _largest), 2.5, ""),
    Target("all files after an unrelated commit: part of the time", _reuse("18 files", _main), 0.35, ""),
    Target("pjsip.conf after a commit of its own: times as long", _reuse(PJSIP, _main), 1.15, ""),
    Target("small file beside large ones: p99", _cell("neighbours", 2, "p99 ms"), 50, "ms"),
    Target("growth of time: largest exponent", _most("growth", "time exponent"), 1.1, ""),
    Target("growth of bytes: largest exponent", _most("growth", "bytes exponent"), 1.1, ""),
    Target("crowd: slowest answer", _most("crowds", "slowest s"), 5, "s"),
    Target("crowd: wrong answers", _most("crowds", "wrong"), 0, ""),
    Target("crowd: daemon's peak memory", _most("crowds", "daemon peak MB"), 150, "MB"),
    Target("crowd: throughput, of 300 MB/s or what `cat` moves", _crowd_throughput, 1, "times", at_least=True),
)


def _value(cell: Cell) -> float:
    return cell.median if isinstance(cell, Sample) else float(cell)


def verdict(bench: Bench, measured: Sequence[Table]) -> Table:
    """The targets of which this run measured the value."""
    tables = {table.name: table for table in measured}
    rows: list[list[Cell]] = []
    for target in TARGETS:
        try:
            cell = target.measure(tables, bench)
        except KeyError:
            continue
        if cell is None:
            continue
        value = _value(cell)
        met = value >= target.limit if target.at_least else value <= target.limit
        sign = "≥" if target.at_least else "≤"
        unit = f" {target.unit}" if target.unit else ""
        floor = target.floor(tables, bench)
        rows.append(
            [
                target.what,
                f"{sign} {number(target.limit)}{unit}",
                f"{number(value)}{unit}",
                "" if floor is None else f"{number(_value(floor))}{unit}",
                "yes" if met else "NO",
            ]
        )
    note = (
        f"For {bench.main_size:,} users where nothing else is said. Times of single files were set on the machine of"
        " the reference; beside them is the floor on this one, which no generator goes below."
    )
    return Table("targets", "Targets", ["what", "target", "measured", "floor", "met"], rows, note)
