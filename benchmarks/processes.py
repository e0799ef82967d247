"""Fresh processes for what must not be disturbed by, or share memory with, the one that measures."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from xivo_confgend import worker

P = ParamSpec("P")
T = TypeVar("T")

MEGABYTE = 1_000_000
STATEMENT_TIMEOUT = 600.0

_held: list[object] = []
"""The ends of pipes that a daemon would hold: a worker dies with whoever holds them."""


def in_fresh_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in a new interpreter and return what it returns; raises what it raises."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as executor:
        return executor.submit(function, *args, **kwargs).result()


def peak_memory(pid: int | str = "self") -> int:
    """The most memory that a living process ever had, in bytes.

    Not `getrusage`, which also counts what the process was before it executed its program.
    """
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) * 1024 if match else 0


def become_worker(config: Mapping[str, Any], uri: str) -> None:
    """Make this process, a fresh one, a worker that reads the database at `uri`."""
    alive, living = multiprocessing.Pipe(duplex=False)
    told, reports = multiprocessing.Pipe(duplex=False)
    printed, output = multiprocessing.Pipe(duplex=False)
    _held.extend((living, told, printed))
    worker.initialise(worker.SetUp(config, uri, STATEMENT_TIMEOUT, 0, alive, reports, output))
