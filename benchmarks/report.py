"""Tables for people, JSON for programs, and the part of BENCHMARKS.md that keeps the last results."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import sqlalchemy

from benchmarks.samples import Cell, Sample, Table, number

BEGIN = "<!-- results begin -->"
END = "<!-- results end -->"


def machine() -> dict[str, str]:
    """Where this was measured."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    total = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "memory": f"{total / 1e6:.1f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLAlchemy": sqlalchemy.__version__,
        "psycopg2": str(getattr(psycopg2, "__version__", "unknown")).split()[0],
    }


class Stolen:
    """What the hypervisor keeps of the processors' time, from now on (proc_stat(5): "steal")."""

    def __init__(self) -> None:
        self._before = _processor_time()

    def __str__(self) -> str:
        wanted, stolen = (after - before for before, after in zip(self._before, _processor_time(), strict=True))
        return f"{100 * stolen / wanted:.1f} % of the processor time that was wanted" if wanted else "unknown"


def _processor_time() -> tuple[int, int]:
    """Time in which something wanted to run, and what of it was stolen, in clock ticks since the start."""
    for line in _lines("/proc/stat")[:1]:
        user, nice, system, _idle, _iowait, irq, softirq, stolen = map(int, line.split()[1:9])
        return user + nice + system + irq + softirq + stolen, stolen
    return 0, 0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _written(cell: Cell) -> str:
    if isinstance(cell, bool | str):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else number(cell) if isinstance(cell, float) else str(cell)


def markdown(table: Table) -> str:
    """`table` in Markdown, its columns under each other."""
    lines = [list(map(str.strip, table.columns)), *([_written(cell) for cell in row] for row in table.rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    texts = [isinstance(cell, str) for cell in table.rows[0]] if table.rows else [True] * len(widths)

    def row(line: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(line, widths, texts, strict=True)
        ]
        return f"| {' | '.join(cells)} |"

    rule = "|".join("-" * (width + 1) + ("-" if text else ":") for width, text in zip(widths, texts, strict=True))
    note = f"{table.note}\n\n" if table.note else ""
    return f"### {table.title}\n\n{note}" + "\n".join([row(lines[0]), f"|{rule}|", *map(row, lines[1:])]) + "\n"


def as_json(facts: Mapping[str, str], tables: Iterable[Table]) -> str:
    """Everything, with each single run."""

    def plain(cell: Cell) -> object:
        return {"median": cell.median, "runs": list(cell.values)} if isinstance(cell, Sample) else cell

    content = {
        "machine": dict(facts),
        "tables": {
            table.name: [dict(zip(table.columns, map(plain, row), strict=True)) for row in table.rows]
            for table in tables
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write_into(path: Path, facts: Mapping[str, str], tables: Iterable[Table]) -> None:
    """Replace what is between the two marks in the file at `path`. Raises ValueError if they are not there."""
    before, begin, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: no {BEGIN} … {END}")
    about = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    results = "\n".join(map(markdown, tables))
    path.write_text(f"{before}{BEGIN}\n\n{about}\n\n{results}\n{END}{after}", "utf-8")
