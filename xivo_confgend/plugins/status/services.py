"""The health of the daemon, put together from its parts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xivo_confgend.client.wording import counted, size
from xivo_confgend.exceptions import ConfgendError
from xivo_confgend.http_access import Caller
from xivo_confgend.services import Daemon, FileFacts, Listener, written_time
from xivo_confgend.version import installed_version

LEAST_FREE = 64 << 20
"""Bytes; with less on the disk a large file may not be kept any more."""
OK, DEGRADED, FAILING = "ok", "degraded", "failing"
MOST_NAMED = 3
"""Files that the detail of a check names; all of them are listed in `files`."""


@dataclass(frozen=True)
class Check:
    """One part of the daemon: whether it works as it should, and what there is to say about it."""

    name: str
    ok: bool
    detail: str

    def described(self, details: bool) -> dict[str, Any]:
        """As the schema `Check` says."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail if details else None}


class StatusService:
    """The health of `daemon`, with what `facts` say of its files."""

    def __init__(self, daemon: Daemon, facts: FileFacts) -> None:
        self._daemon = daemon
        self._facts = facts

    async def status(self, caller: Caller, details: bool) -> dict[str, Any]:
        """As the schema `Status` says; without `details` only what a load balancer needs."""
        files = [self._facts.describe(name, caller.reads_secrets) for name in self._facts.names()]
        database, workers = await self._database(), self._workers()
        listeners = map(_listener_check, self._daemon.listeners())
        checks = [files_check(files), self._configuration(), database, workers,
                  *await self._daemon.threads.run(self._store_and_disk), await self._history(), *listeners]  # fmt: skip
        answers = self._is_reachable() and ((database.ok and workers.ok) or any(map(_has_content, files)) or not files)
        return {
            "health": (OK if all(check.ok for check in checks) else DEGRADED) if answers else FAILING,
            "version": installed_version() if details else None,
            "started_at": written_time(self._daemon.started_at) if details else None,
            "checks": [check.described(details) for check in checks],
            "files": [remarkable(file) for file in files if is_remarkable(file)] if details else None,
            "freshness": [{"name": f["name"], "freshness": f["freshness"]} for f in files] if details else None,
        }

    def _is_reachable(self) -> bool:
        """Whether at least one of the places where files are served is open."""
        return any(one.open for one in self._daemon.tcp_listeners())

    def _configuration(self) -> Check:
        errors = self._daemon.configuration_errors()
        more = [f"{len(errors) - MOST_NAMED} more"] if len(errors) > MOST_NAMED else []
        return Check("configuration", not errors, "; ".join([*errors[:MOST_NAMED], *more]) or "no error is known")

    async def _database(self) -> Check:
        began = time.perf_counter()
        problem = await self._daemon.generation.database_problem()
        answers = f"answers in {(time.perf_counter() - began) * 1000:.1f} ms"
        return Check("database", not problem, problem or answers)

    def _workers(self) -> Check:
        workers = self._daemon.generation.workers
        processes = counted(workers.ready, "process", "processes")
        said = f"{processes}, {workers.busy} busy, {workers.queued} waiting, {counted(workers.restarts, 'restart')}"
        return Check("workers", workers.usable, said)

    def _store_and_disk(self) -> list[Check]:
        store = self._daemon.generation.store
        facts = [found for name in store.names() if (found := store.facts(name))]
        kept = f"{counted(len(facts), 'file')}, {size(sum(one.size for one in facts))} in {store.root}"
        try:
            disk = os.statvfs(store.root)
        except OSError as error:
            problem = f"{store.root}: {error.strerror}"
            return [Check("store", False, problem), Check("disk", False, problem)]
        free = disk.f_bavail * disk.f_frsize
        writable = os.access(store.root, os.W_OK) and not disk.f_flag & os.ST_RDONLY
        return [
            Check("store", writable, kept if writable else f"{store.root} is not writable"),
            Check("disk", free >= LEAST_FREE, f"{size(free)} free"),
        ]

    async def _history(self) -> Check:
        try:
            count, stored = await self._daemon.history.summary()
        except ConfgendError as error:
            return Check("history", False, str(error))
        return Check("history", True, f"{counted(count, 'version')}, {size(stored)}")


def _listener_check(one: Listener) -> Check:
    return Check(f"listener {one.name}", one.open, f"{one.address}, {counted(one.connections, 'connection')}")


def _has_content(file: dict[str, Any]) -> bool:
    return file["state"] in ("fresh", "stale") or file["pin"] is not None


def is_remarkable(file: dict[str, Any]) -> bool:
    """Whether there is more to say of `file`, as the schema `File` describes it, than that it is served."""
    return (
        file["state"] in ("stale", "failed")
        or file["pin"] is not None
        or file["warnings"]["count"] > 0
        or bool(file["shrunk"])
    )


def remarkable(file: dict[str, Any]) -> dict[str, Any]:
    """As the schema `RemarkableFile` says."""
    return {
        "name": file["name"],
        "state": file["state"],
        "since": file["failing_since"],
        "reason": file["last_error"],
        "pinned": file["pin"] is not None,
        "pinned_at": file["pin"] and file["pin"]["pinned_at"],
        "warnings": file["warnings"],
        "shrunk": file["shrunk"],
    }


def files_check(files: list[dict[str, Any]]) -> Check:
    """What the files say together. Pins, warnings and losses are named, but no failure."""
    stale = [file for file in files if file["state"] == "stale"]
    failed = [file for file in files if file["state"] == "failed"]
    pinned = [file for file in files if file["pin"] is not None]
    shrunk = [file for file in files if file["shrunk"]]
    warned = [file for file in files if file["warnings"]["count"]]
    if not files:
        return Check("files", False, "no file is served: no driver is installed, or all are switched off")
    said = [
        *([f"{len(failed)} failed: {_named(failed, 'failing_since')}"] if failed else []),
        *([f"{len(stale)} stale: {_named(stale, 'failing_since')}"] if stale else []),
        *([f"{len(pinned)} pinned: {_named(pinned)}"] if pinned else []),
        *([f"{len(shrunk)} shrunk: {_named(shrunk)}"] if shrunk else []),
        *([f"{counted(sum(f['warnings']['count'] for f in warned), 'warning')}: {_named(warned)}"] if warned else []),
    ]
    return Check("files", not (stale or failed), "; ".join([f"{counted(len(files), 'file')} served", *said]))


def _named(files: list[dict[str, Any]], since: str = "") -> str:
    """The first of `files` by name, with the moment under the key `since`, and how many more there are."""
    named: Iterable[str] = (
        f"{one['name']} since {one[since]}" if since and one[since] else one["name"] for one in files[:MOST_NAMED]
    )
    more = len(files) - MOST_NAMED
    return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])
