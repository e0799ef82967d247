"""Kept versions of the files, pins and the audit log: what the daemon remembers beside the last good contents.

The history watches the generation. When a content changes, it makes a hard link to it at that moment, and its one
thread compresses exactly that content into an SQLite database under `.history` in the store. Nothing here is
needed to serve a file: when the database is lost or damaged, it is made anew with one line in
the log. The reactor never waits for it; whoever asks gets a Deferred.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import zstandard
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from xivo_confgend.database import queries
from xivo_confgend.database.queries import AuditEntry, Compressed, Limits, PinRow, Version
from xivo_confgend.exceptions import ConfgendError, StoreError
from xivo_confgend.generation import Observer
from xivo_confgend.names import FileName
from xivo_confgend.notices import Warnings
from xivo_confgend.pins import HeldPin, Pin, Pins
from xivo_confgend.store import DIRECTORY_MODE, Facts, Store, now

logger = logging.getLogger(__name__)

DIRECTORY = ".history"
DATABASE = "history.sqlite"
PIECE = 1 << 18
COMPRESSION_LEVEL = 3
MOST_WAITING = 8
"""Contents of one file that wait to be compressed; those that come faster are left out."""
NICENESS = 10
RETRY_INTERVAL = 60.0
"""Seconds after which a version that could not be kept is tried again."""
T = TypeVar("T")


class HistoryError(ConfgendError):
    """The history cannot be read or written now."""


class NoSuchVersion(ConfgendError):
    """The version is not kept (any more)."""


class History(Observer):
    """The history of what is in `store`, within `limits`. `on_version` is called in the reactor for new versions."""

    def __init__(self, reactor: Any, store: Store, limits: Limits) -> None:
        self.limits = limits
        self.on_version: Callable[[FileName], None] = lambda _name: None
        self._reactor = reactor
        self._store = store
        self._root = store.root / DIRECTORY
        self.pins = Pins(self._root / "pinned")
        self.pins.on_loss = self._restore_pins
        self.key = b""
        self._engine: Engine | None = None
        self._inode = 0
        self._latest: dict[FileName, tuple[str, Warnings]] = {}
        self._waiting: Counter[FileName] = Counter()
        self._numbers = itertools.count(1)
        self._complained = False
        self._pinning = DeferredLock()
        self._restoring = False
        self._retry: Any = None
        self._trigger: Any = None
        self._threads = ThreadPool(minthreads=1, maxthreads=1, name="history")

    async def start(self) -> None:
        """Open what is there; the pins are served when this returns. Never fails: without history files are served."""
        self._threads.start()
        self._trigger = self._reactor.addSystemEventTrigger("during", "shutdown", self._threads.stop)
        try:
            await self._in_thread(self._prepare)
            self._latest = await self._ask(queries.latest_versions)
        except HistoryError:
            return
        self._take_stock()

    async def stop(self) -> None:
        """Finish what waits, close the database."""
        if self._trigger is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
            self._trigger = None
            if self._retry is not None and self._retry.active():
                self._retry.cancel()
            await self._in_thread(self._close)
            self._threads.stop()

    def _take_stock(self) -> None:
        """Keep what the store holds and the history does not know."""
        for name in self._store.names():
            facts = self._store.facts(name)
            if facts is not None:
                self.generated(name, facts, changed=True)

    # What happens to the files.

    def generated(self, name: FileName, facts: Facts, changed: bool) -> None:
        """Keep the content that the store holds now, unless it is the latest version already."""
        latest = self._latest.get(name)
        if latest is not None and latest[0] == facts.digest:
            self._keep_warnings(name, facts)
            return
        if self._waiting[name] >= MOST_WAITING:
            return
        staged = self._root / "staging" / str(next(self._numbers))
        try:
            os.link(self._store.path(name), staged)
        except OSError as error:
            logger.debug("%s: this version is not kept: %s", name, error.strerror)
            if staged.parent.is_dir():
                self._try_again()
            else:
                self._repair()
            return
        self._latest[name] = (facts.digest, facts.warnings)
        self._waiting[name] += 1
        recording = self._in_thread(lambda: self._record(name, facts, staged))

        def done(kept: bool | Failure) -> None:
            self._waiting[name] -= 1
            if kept is True:
                self.on_version(name)
            elif isinstance(kept, Failure):
                if not kept.check(HistoryError):
                    logger.error("%s: a version could not be kept: %s", name, kept.getTraceback())
                if self._latest.get(name, ("",))[0] == facts.digest:
                    del self._latest[name]
                self._try_again()

        recording.addBoth(done)

    def _keep_warnings(self, name: FileName, facts: Facts) -> None:
        """Keep the warnings of a generation that gave the latest version once more, if they are others."""
        if self._latest[name] == (facts.digest, facts.warnings):
            return
        self._latest[name] = (facts.digest, facts.warnings)
        keeping = self._ask(lambda connection: queries.set_warnings(connection, name, facts.digest, facts.warnings))
        keeping.addErrback(lambda failure: failure.trap(HistoryError) and None)

    def _repair(self) -> None:
        """Make directories that were removed, and the database that went with them; then keep what the store holds."""

        def repair() -> None:
            self._run(lambda _connection: None)
            self._make_directories()

        def repaired(result: object) -> None:
            if isinstance(result, Failure):
                self._try_again()
            else:
                self._take_stock()

        self._in_thread(repair).addBoth(repaired)

    def _try_again(self) -> None:
        """Look in a while for what could not be kept; a generation of the file before that keeps it as well."""
        if self._trigger is not None and (self._retry is None or not self._retry.active()):
            self._retry = self._reactor.callLater(RETRY_INTERVAL, self._take_stock)

    # What people ask. All of these raise HistoryError through their Deferred.

    def versions(self, name: FileName) -> Deferred[list[Version]]:
        """The kept versions of `name`, the latest first."""
        return self._ask(lambda connection: queries.list_versions(connection, name))

    async def content(self, name: FileName, digest: str) -> Compressed:
        """The content of a version. Raises NoSuchVersion."""
        found = await self._ask(lambda connection: queries.version_content(connection, name, digest))
        if found is None:
            raise NoSuchVersion(f"{name}: no version {digest} is kept")
        return found

    async def pin(self, name: FileName, digest: str, who: str, reason: str) -> Pin:
        """Serve a version until it is unpinned. Raises NoSuchVersion."""
        row = PinRow(name, digest, now(), who, reason)
        return await self._pinning.run(lambda: ensureDeferred(self._pin(row)))

    async def _pin(self, row: PinRow) -> Pin:
        held = await self._ask(lambda connection: self._write_pin(connection, row))
        self.pins.show(row.name, held)
        await self._in_thread(lambda: self.pins.erase(row.name, but=row.digest))
        return held.pin

    async def unpin(self, name: FileName) -> bool:
        """Serve what the database says again; returns whether something was pinned."""
        return await self._pinning.run(lambda: ensureDeferred(self._unpin(name)))

    async def _unpin(self, name: FileName) -> bool:
        was_pinned = self.pins.get(name) is not None
        await self._ask(lambda connection: queries.remove_pin(connection, name))
        self.pins.hide(name)
        await self._in_thread(lambda: self.pins.erase(name))
        return was_pinned

    def _restore_pins(self) -> None:
        """Write pinned contents that were removed from the disk again."""
        if not self._restoring and self._trigger is not None:
            self._restoring = True
            self._in_thread(self._write_removed_pins).addBoth(self._restored)

    def _restored(self, result: object) -> None:
        self._restoring = False
        if isinstance(result, Failure):
            logger.error("pinned contents cannot be written again: %s", result.getErrorMessage())

    def note(self, entry: AuditEntry) -> None:
        """Write an entry into the audit log, and into the daemon's log in case the history is lost."""
        logger.info("audit: %s %s from %s: %s %s: %d %s", entry.method, entry.who or "nobody", entry.origin,
                    entry.operation, entry.path, entry.status, entry.detail)  # fmt: skip
        noting = self._ask(lambda connection: queries.add_audit_entry(connection, entry, self.limits))
        noting.addErrback(lambda failure: failure.trap(HistoryError) and None)

    def audit_entries(self, limit: int, offset: int) -> Deferred[Any]:
        """How many entries there are, and some of them, the latest first."""
        return self._ask(lambda connection: queries.list_audit_entries(connection, limit, offset))

    def summary(self) -> Deferred[tuple[int, int]]:
        """Number of versions and bytes they take."""
        return self._ask(queries.summary)

    # In the thread from here on.

    def _in_thread(self, what: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._threads, what)

    def _ask(self, what: Callable[[Connection], T]) -> Deferred[T]:
        return self._in_thread(lambda: self._run(what))

    def _run(self, what: Callable[[Connection], T]) -> T:
        """Call `what` in a transaction; a database that is lost or damaged is made anew. Raises HistoryError."""
        try:
            try:
                return self._in_transaction(what)
            except DatabaseError as error:
                if not queries.is_broken(error):
                    raise
                self._begin_anew(f"is damaged ({' '.join(str(error.orig).split())})")
                return self._in_transaction(what)
        except (DatabaseError, OSError, StoreError) as error:
            cause = getattr(error, "orig", None) or error
            problem = f"the history cannot be used: {' '.join(str(cause).split())}"
            if not self._complained:
                self._complained = True
                logger.error("%s", problem)
            raise HistoryError(problem) from error

    def _in_transaction(self, what: Callable[[Connection], T]) -> T:
        if self._engine is not None and not self._is_there():
            logger.error("the history was lost: it begins anew")
            self._forget()
        engine = self._engine or self._open()
        with engine.begin() as connection:
            result = what(connection)
        self._complained = False
        return result

    @property
    def _path(self) -> Path:
        return self._root / DATABASE

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _prepare(self) -> None:
        """Make the directories, take up key, database and pins."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            self._make_directories()
            for left in (self._root / "staging").iterdir():
                left.unlink()
            self.pins.load()
        except OSError as error:
            logger.error("the history cannot be used: %s: %s", error.strerror, error.filename)
        self._run(self._reconcile)

    def _make_directories(self) -> None:
        """Make what is missing, also after it was removed; the key stays what it was. Raises OSError, StoreError."""
        self._store.hold()
        for directory in (self._root, self._root / "staging", self._root / "pinned"):
            directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        self.key = _key(self._root / "key", self.key)

    def _open(self) -> Engine:
        self._make_directories()
        self._engine, made = queries.open_database(self._path)
        self._inode = self._path.stat().st_ino
        if made:
            self._adopt_pins(self._engine)
        return self._engine

    def _begin_anew(self, why: str) -> None:
        logger.error("the history %s: it begins anew", why)
        self._path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        self._close()
        self._latest = {}
        self._reactor.callFromThread(self._take_stock)

    def _adopt_pins(self, engine: Engine) -> None:
        """Write the pins that are served, and their versions, into a database that does not know them."""
        self._write_removed_pins()
        with engine.begin() as connection:
            for name, held in self.pins.held():
                pin, facts = held.pin, held.pin.facts
                if self._keep_content(connection, held):
                    queries.add_version(connection, name, facts.digest, facts.generated, facts.driver, facts.duration,
                                        facts.warnings)  # fmt: skip
                queries.set_pin(connection, PinRow(name, facts.digest, pin.pinned_at, pin.pinned_by, pin.reason))

    @staticmethod
    def _keep_content(connection: Connection, held: HeldPin) -> bool:
        """Whether the pinned content is kept in the database now."""
        if queries.has_content(connection, held.pin.facts.digest):
            return True
        with held.reopened() as file:
            content = _compress(file, held.pin.facts)
        if content is not None:
            queries.add_content(connection, content)
        return content is not None

    def _write_removed_pins(self) -> None:
        """Raises OSError, StoreError."""
        self._make_directories()
        for name in self.pins.restore():
            logger.error("%s: the pinned content was removed from the disk, it was written again", name)

    def _reconcile(self, connection: Connection) -> None:
        """Serve exactly the pins that the database knows: a killed daemon may have left one step undone."""
        rows = {row.name: row for row in queries.list_pins(connection)}
        for name in self.pins.names():
            pin = self.pins.get(name)
            if name not in rows or (pin and pin.facts.digest != rows[name].digest):
                self.pins.hide(name)
                self.pins.erase(name)
        for name, row in rows.items():
            if self.pins.get(name) is None:
                try:
                    self.pins.show(name, self._write_pin(connection, row))
                except NoSuchVersion as error:
                    logger.error("%s; it is not pinned any more", error)
                    queries.remove_pin(connection, name)

    def _write_pin(self, connection: Connection, row: PinRow) -> HeldPin:
        """Write the pin and its content. Raises NoSuchVersion, OSError."""
        version = next((v for v in queries.list_versions(connection, row.name) if v.digest == row.digest), None)
        content = queries.version_content(connection, row.name, row.digest)
        if version is None or content is None:
            raise NoSuchVersion(f"{row.name}: no version {row.digest} is kept")
        facts = Facts(content.size, content.digest, version.generated, version.duration, lines=content.lines,
                      driver=version.driver, warnings=version.warnings)  # fmt: skip
        pin = Pin(facts, row.pinned_at, row.pinned_by, row.reason)
        held = self.pins.write(row.name, pin, decompressed(content.data))
        queries.set_pin(connection, row)
        return held

    def _record(self, name: FileName, facts: Facts, staged: Path) -> bool:
        """Compress and keep the content in `staged`; whether it is kept."""
        try:
            known = self._run(lambda connection: queries.has_content(connection, facts.digest))
            content = None if known else _compress_file(staged, facts)
        except OSError as error:
            raise HistoryError(f"{name}: a version could not be kept: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                staged.unlink()
        if not known and (content is None or len(content.data) > self.limits.file_bytes):
            logger.info("%s: this version is not kept: it is too large, or was changed by hand", name)
            return False

        def keep(connection: Connection) -> None:
            if content is not None:
                queries.add_content(connection, content)
            queries.add_version(connection, name, facts.digest, facts.generated, facts.driver, facts.duration,
                                facts.warnings)  # fmt: skip
            queries.prune(connection, self.limits)

        self._run(keep)
        self._run(queries.give_back_space)
        return True

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _key(path: Path, known: bytes) -> bytes:
    """The secret of this installation that digests are keyed with: the one in use, or one made at its first start."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(known or secrets.token_bytes(32))
    return path.read_bytes()


def _compress_file(path: Path, facts: Facts) -> Compressed | None:
    """As `_compress`."""
    with path.open("rb", buffering=0) as file:
        return _compress(file, facts)


def _compress(file: BinaryIO, facts: Facts) -> Compressed | None:
    """The content of `file`; None if it is not the one that `facts` describe."""
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compressobj()
    digest = sha256()
    parts = []
    while piece := file.read(PIECE):
        digest.update(piece)
        parts.append(compressor.compress(piece))
    parts.append(compressor.flush())
    if digest.hexdigest() != facts.digest:
        return None
    return Compressed(facts.digest, facts.size, facts.lines, b"".join(parts))


def decompressed(data: bytes | BinaryIO) -> Iterator[bytes]:
    """The content of zstd `data`, piece by piece."""
    with zstandard.ZstdDecompressor().stream_reader(data, closefd=False) as reader:
        while piece := reader.read(PIECE):
            yield piece
