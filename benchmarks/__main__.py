"""The command `python -m benchmarks`: what to measure, how large, and where to put the results."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import daemon, reuse, targets
from benchmarks import files as single_files
from benchmarks.bench import Bench
from benchmarks.report import Stolen, as_json, machine, markdown, write_into
from benchmarks.samples import Table
from xivo_confgend.testing.postgresql import PostgreSQL

PARTS: dict[str, Callable[[Bench], Iterator[Table]]] = {
    "files": single_files.measure,
    "start": daemon.start_up,
    "fetches": daemon.fetches,
    "concurrency": daemon.concurrency,
    "neighbours": daemon.neighbours,
    "reloads": daemon.reloads,
    "reuse": reuse.reuse,
    "crowds": daemon.crowds,
    "memory": daemon.memory,
}
SIZES = "1000,10000,50000"
QUICK_SIZES = "20,40"


def parser() -> argparse.ArgumentParser:
    """The options of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("--users", help=f"sizes of the companies, separated by commas (default {SIZES})")
    made.add_argument(
        "--parts",
        default=",".join(PARTS),
        help=f"what to measure, of {', '.join(PARTS)}; `daemon` stands for all but files (default: everything)",
    )
    made.add_argument("--files", default="", help="only these in the part `files`: asterisk/pjsip.conf,…")
    made.add_argument("--runs", type=int, help="how often each thing is measured (default 5)")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all values there")
    made.add_argument("--write", type=Path, metavar="FILE", help="put the results into this Markdown file")
    made.add_argument("--directory", type=Path, help="where databases and stores go (default: under /var/tmp)")
    made.add_argument("--quick", action="store_true", help="one small round, only to see that everything works")
    return made


def _parts(text: str) -> list[str]:
    names: list[str] = []
    for name in text.split(","):
        names += [part for part in PARTS if part != "files"] if name == "daemon" else [name]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}")
    return [name for name in PARTS if name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0."""
    options = parser().parse_args(arguments)
    names = _parts(options.parts)
    sizes = tuple(sorted(map(int, (options.users or (QUICK_SIZES if options.quick else SIZES)).split(","))))
    runs = options.runs or (1 if options.quick else 5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="xivo-confgend-bench-", dir=options.directory or "/var/tmp") as directory:
        Path(directory).chmod(0o755)
        postgresql = PostgreSQL(Path(directory) / "postgresql")
        postgresql.start()
        try:
            files = tuple(filter(None, options.files.split(",")))
            bench = Bench(Path(directory), postgresql, sizes, runs, options.quick, files)
            facts = {**machine(), **bench.facts(), "runs": str(runs)}
            print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
            stolen = Stolen()
            tables = list(_measured(bench, names))
            facts["stolen by the hypervisor"] = str(stolen)
            print(f"\nstolen by the hypervisor: {stolen}", flush=True)
        finally:
            postgresql.stop()
    if options.json:
        options.json.write_text(as_json(facts, tables), "utf-8")
    if options.write:
        write_into(options.write, facts, tables)
    return 0


def _measured(bench: Bench, names: Sequence[str]) -> Iterator[Table]:
    tables: list[Table] = []
    for name in names:
        for table in PARTS[name](bench):
            print(f"\n{markdown(table)}", flush=True)
            tables.append(table)
            yield table
    verdict = targets.verdict(bench, tables)
    if verdict.rows:
        print(f"\n{markdown(verdict)}", flush=True)
        yield verdict


if __name__ == "__main__":
    sys.exit(main())
