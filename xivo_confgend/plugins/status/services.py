"""Health, put together from the rooms of the daemon."""

from __future__ import annotations

import os
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from xivo_confgend.exceptions import ConfgendError
from xivo_confgend.services import Daemon, written_time

LEAST_FREE = 64 << 20
"""Bytes; with less on the disk a large file may not be kept any more."""
ADVISORY = frozenset({"history"})
"""Checks that do not make the daemon unhealthy: files are served all the same."""


class StatusService:
    """The health of `daemon`."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def status(self, details: bool) -> dict[str, Any]:
        """As the schema `Status` says; without `details` only what a load balancer needs."""
        checks = [
            ("database", *await self._database()),
            ("workers", *self._workers()),
            *await self._daemon.threads.run(self._store_and_disk),
            ("history", *await self._history()),
            *((f"listener {one.name}", one.open, f"{one.address}, {one.connections} connection(s)")
              for one in self._daemon.listeners()),
        ]  # fmt: skip
        well = all(ok for name, ok, _ in checks if name not in ADVISORY)
        return {
            "health": "ok" if well else "failing",
            "version": _version() if details else None,
            "started_at": written_time(self._daemon.started_at) if details else None,
            "checks": [{"name": name, "ok": ok, "detail": detail if details else None} for name, ok, detail in checks],
        }

    async def _database(self) -> tuple[bool, str]:
        began = time.perf_counter()
        problem = await self._daemon.generation.database_problem()
        return not problem, problem or f"answers in {(time.perf_counter() - began) * 1000:.1f} ms"

    def _workers(self) -> tuple[bool, str]:
        workers = self._daemon.generation.workers
        said = (
            f"{workers.ready} process(es), {workers.busy} busy, {workers.queued} waiting, {workers.restarts} restart(s)"
        )
        return workers.ready > 0, said

    def _store_and_disk(self) -> list[tuple[str, bool, str]]:
        store = self._daemon.generation.store
        facts = [found for name in store.names() if (found := store.facts(name))]
        kept = f"{len(facts)} file(s), {sum(one.size for one in facts)} bytes in {store.root}"
        try:
            disk = os.statvfs(store.root)
        except OSError as error:
            return [("store", False, f"{store.root}: {error.strerror}"), ("disk", False, f"{error.strerror}")]
        free = disk.f_bavail * disk.f_frsize
        writable = os.access(store.root, os.W_OK) and not disk.f_flag & os.ST_RDONLY
        return [
            ("store", writable, kept if writable else f"{store.root} is not writable"),
            ("disk", free >= LEAST_FREE, f"{free} bytes free"),
        ]

    async def _history(self) -> tuple[bool, str]:
        try:
            count, size = await self._daemon.history.summary()
        except ConfgendError as error:
            return False, str(error)
        return True, f"{count} version(s), {size} bytes"


def _version() -> str:
    try:
        return version("xivo-confgend")
    except PackageNotFoundError:
        return "unknown"
