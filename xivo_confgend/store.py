"""Generated files on disk: staged by a worker, committed and opened by the daemon.

The commit rule: content is written to the staging area on the same file system and flushed there;
only then the daemon renames it over the last good content. So at every moment the store holds
either the old or the new content of a file, never half of one, whoever is killed. Beside each
content lie its facts; facts that do not describe the content that is there (it was seeded or
edited by hand) are made anew. Names come in as `FileName`, which never makes a path leave the store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from xivo_confgend.exceptions import StoreError
from xivo_confgend.names import FileName
from xivo_confgend.notices import GenerationFailure, Shrinkage, Warnings

DIRECTORY_MODE = 0o750
FILE_MODE = 0o640
"""Contents hold passwords: nobody but owner and group reads them (defect D15 of docs/spec/30-daemon.md)."""
READ_SIZE = 1 << 20
LOCK_ATTEMPTS = 10
"""Times that the lock file may be replaced while it is being locked."""


@dataclass(frozen=True)
class Facts:
    """What is known of one content.

    `generated`: seconds since the epoch; `duration`: seconds; `digest`: SHA-256 in hexadecimal; `driver`:
    who made it, as the operator knows it; `statements`, `rows`: of the database, 0 if unknown; `warnings`: of the
    generation that gave this content last; `shrunk`: if it is drastically smaller than the content before it.
    """

    size: int
    digest: str
    generated: float
    duration: float = 0.0
    statements: int = 0
    lines: int = 0
    driver: str = ""
    peak_memory: int = 0
    warnings: Warnings = Warnings()
    shrunk: Shrinkage | None = None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Facts:
        """What `dataclasses.asdict` and JSON made of facts, also those of an earlier version of this daemon.

        Raises TypeError, KeyError or ValueError on anything else.
        """
        values = dict(kept)
        if "warnings" in values:
            values["warnings"] = Warnings.from_json(values["warnings"])
        if values.get("shrunk") is not None:
            values["shrunk"] = Shrinkage(**values["shrunk"])
        return cls(**values)


@dataclass(frozen=True)
class StoredFile:
    """An open content with its facts; whoever gets it closes `file`."""

    file: BinaryIO
    facts: Facts


@dataclass(frozen=True)
class OpenedFile:
    """An open content; `facts` is None if they must be made anew by `Store.examine`."""

    file: BinaryIO
    facts: Facts | None


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_mtime_ns, status.st_size]


class Store:
    """The directory `root` with `root/RESOURCE/FILENAME` as plain contents.

    Raises StoreError from every method when the file system refuses.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._staging = self.root / ".staging"
        self._facts = self.root / ".facts"
        self._known: dict[FileName, tuple[list[int], Facts]] = {}
        self._failures: dict[FileName, GenerationFailure | None] = {}
        self._makers: dict[FileName, str] = {}
        self._lock: BinaryIO | None = None
        self._closed = False
        self._holding = threading.Lock()

    def prepare(self) -> None:
        """Make the directories, keep other daemons out, clear what a killed one left in the staging area."""
        self.hold()
        try:
            for left in self._staging.iterdir():
                left.unlink()
        except OSError as error:
            raise StoreError(f"store {self.root}: {error.strerror}: {error.filename}") from error

    def hold(self) -> bool:
        """Keep other daemons out, also after the directory or its lock was removed; may be called from any thread.

        Returns whether the lock had to be taken. Raises StoreError if another daemon has taken it, or after `close`.
        """
        with self._holding:
            if self._closed:
                raise StoreError(f"store {self.root}: it is closed")
            try:
                for directory in (self.root, self._staging, self._facts):
                    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
                if self._lock is not None and _is_same(self._lock, self._lock_path):
                    return False
                lock = _locked(self._lock_path)
            except BlockingIOError as error:
                raise StoreError(f"store {self.root}: another daemon uses it") from error
            except OSError as error:
                raise StoreError(f"store {self.root}: {error.strerror}: {error.filename}") from error
            if self._lock is not None:
                self._lock.close()
            self._lock = lock
            return True

    @property
    def _lock_path(self) -> Path:
        return self.root / ".lock"

    def close(self) -> None:
        """Let other daemons in."""
        with self._holding:
            self._closed = True
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def staging_path(self, name: FileName, run: int) -> Path:
        """Where the worker of run number `run` of this daemon writes the content of `name`."""
        with contextlib.suppress(StoreError):
            # The whole cache may have been removed meanwhile.
            self.hold()
        return self._staging / f"{name.key}.{os.getpid()}.{run}"

    def path(self, name: FileName) -> Path:
        """Where the content of `name` is kept."""
        return self.root / name.resource / name.filename

    def commit(self, name: FileName, staged: Path, facts: Facts) -> None:
        """Replace the content of `name` by the flushed file `staged`. Raises StoreError if another daemon took over."""
        target = self.path(name)
        self.hold()
        try:
            target.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            identity = _identity(staged.stat())
            staged.replace(target)
            self._known[name] = (identity, facts)
            self._makers[name] = facts.driver
            self._write_facts(name)
        except OSError as error:
            raise StoreError(f"store: {name} cannot be kept: {error.strerror}: {error.filename}") from error

    def confirm(self, name: FileName, facts: Facts) -> None:
        """Say that a new generation gave the content that is there already."""
        known = self._known.get(name)
        if known is None or known[1].digest != facts.digest:
            raise StoreError(f"store: {name} is not what was to be confirmed")
        self.hold()
        self._known[name] = (known[0], facts)
        self._makers[name] = facts.driver
        with contextlib.suppress(OSError):
            self._write_facts(name)

    def facts(self, name: FileName) -> Facts | None:
        """The facts of the content of `name` without opening it; None if there is none or they must be made anew."""
        try:
            status = self.path(name).stat()
        except OSError:
            return None
        return self._facts_of(name, status)

    def has_content(self, name: FileName) -> bool:
        """Whether there is a content of `name`, also one whose facts must be made anew."""
        return self.path(name).is_file()

    def open(self, name: FileName) -> OpenedFile | None:
        """The content of `name` now, None if there is none."""
        try:
            file = self.path(name).open("rb", buffering=0)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"store: {name} cannot be read: {error.strerror}") from error
        return OpenedFile(file, self._facts_of(name, os.fstat(file.fileno())))

    def examine(self, name: FileName, file: BinaryIO) -> StoredFile:
        """Read all of the open content `file` of `name` to know its facts. Blocks as long as the disk takes."""
        status = os.fstat(file.fileno())
        digest, size, lines = hashlib.sha256(), 0, 0
        while piece := file.read(READ_SIZE):
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n")
        file.seek(0)
        facts = Facts(size, digest.hexdigest(), status.st_mtime, lines=lines)
        self._known[name] = (_identity(status), facts)
        return StoredFile(file, facts)

    def remove(self, name: FileName) -> None:
        """Forget the content of `name`, but not who made it; no error if there is none."""
        self.hold()
        maker = self.maker(name)
        self._known.pop(name, None)
        try:
            self.path(name).unlink(missing_ok=True)
            if maker:
                self._write_beside(name, self._maker_path(name), {"driver": maker})
            self._facts_path(name).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise StoreError(f"store: {name} cannot be removed: {error.strerror}") from error

    def maker(self, name: FileName) -> str:
        """The driver that made the content of `name`, also one that was edited or removed since; empty if unknown."""
        if name not in self._makers:
            kept = _read_json(self._facts_path(name)).get("facts") or _read_json(self._maker_path(name))
            maker = kept.get("driver") if isinstance(kept, dict) else None
            self._makers[name] = maker if isinstance(maker, str) else ""
        return self._makers[name]

    def failure(self, name: FileName) -> GenerationFailure | None:
        """Why the newest generation of `name` failed, also in an earlier run of the daemon; None if it did not."""
        if name not in self._failures:
            self._failures[name] = None
            with contextlib.suppress(OSError, ValueError, TypeError):
                kept = json.loads(self._failure_path(name).read_text("utf-8"))
                self._failures[name] = GenerationFailure(str(kept["reason"]), float(kept["since"]))
        return self._failures[name]

    def note_failure(self, name: FileName, reason: str) -> None:
        """Remember that a generation of `name` failed. What cannot be written is remembered until the daemon ends."""
        before = self.failure(name)
        failure = GenerationFailure(reason, before.since if before else now())
        if failure != before:
            self._failures[name] = failure
            with contextlib.suppress(OSError):
                self._write_beside(name, self._failure_path(name), dataclasses.asdict(failure))

    def forget_failure(self, name: FileName) -> bool:
        """Say that what is stored for `name` is up to date; returns whether a failure was remembered."""
        if self.failure(name) is None:
            return False
        self._failures[name] = None
        with contextlib.suppress(OSError):
            self._failure_path(name).unlink(missing_ok=True)
        return True

    def names(self) -> list[FileName]:
        """The files that have a content, sorted."""
        found = []
        for path in self.root.glob("*/*"):
            if path.is_file() and not path.parent.name.startswith("."):
                with contextlib.suppress(Exception):
                    found.append(FileName.parse(f"{path.parent.name}/{path.name}"))
        return sorted(found)

    def _facts_path(self, name: FileName) -> Path:
        return self._facts / name.resource / f"{name.filename}.json"

    def _maker_path(self, name: FileName) -> Path:
        return self._facts / name.resource / f"{name.filename}.maker"

    def _failure_path(self, name: FileName) -> Path:
        return self._facts / name.resource / f"{name.filename}.failure"

    def _facts_of(self, name: FileName, status: os.stat_result) -> Facts | None:
        if name not in self._known:
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                kept = json.loads(self._facts_path(name).read_text("utf-8"))
                self._known[name] = (kept["identity"], Facts.from_json(kept["facts"]))
        identity, facts = self._known.get(name, (None, None))
        return facts if identity == _identity(status) else None

    def _write_facts(self, name: FileName) -> None:
        identity, facts = self._known[name]
        self._write_beside(name, self._facts_path(name), {"identity": identity, "facts": dataclasses.asdict(facts)})

    def _write_beside(self, name: FileName, path: Path, kept: Mapping[str, Any]) -> None:
        """Replace `path`, which belongs to `name`, by `kept` as JSON. Raises OSError."""
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        staged = self._staging / f"{name.key}{path.suffix}"
        with _create(staged) as file:
            file.write(json.dumps(kept).encode())
        staged.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    """The object in the file at `path`; empty if there is none."""
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(path.read_text("utf-8"))
        return kept if isinstance(kept, dict) else {}
    return {}


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)
    return os.fdopen(descriptor, "wb", buffering=0)


def _locked(path: Path) -> BinaryIO:
    """The file at `path`, locked. Raises BlockingIOError if another process has locked it, OSError."""
    for _ in range(LOCK_ATTEMPTS):
        file = _create(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        if _is_same(file, path):
            return file
        # It was removed between opening and locking, so another process may have made and locked a new one.
        file.close()
    raise BlockingIOError


def _is_same(file: BinaryIO, path: Path) -> bool:
    """Whether the open `file` is what `path` names."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


class StagedContent:
    """A content being written in a worker process.

    Written at `path`, or, when that file system refuses (full, read-only), in the system's
    temporary directory as long as the content stays under `SPARE_BOUND` bytes, so that a good
    generation still reaches who asked (defect D7). `finish` tells where it is.
    """

    SPARE_BOUND = 64 << 20

    def __init__(self, path: Path) -> None:
        self.path = path
        self.in_store = True
        self.flushed = False
        self.problem = ""
        self.size = 0
        self.lines = 0
        self._digest = hashlib.sha256()
        try:
            self._file = _create(path)
        except OSError as error:
            self._file = self._spare(error)

    def write(self, piece: bytes) -> None:
        """Append `piece`. Raises StoreError when there is no room anywhere."""
        self._digest.update(piece)
        self.size += len(piece)
        self.lines += piece.count(b"\n")
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                if not self.in_store:
                    raise StoreError(f"no room for the content: {error.strerror}") from error
                self._move(error)
        if not self.in_store and self.size > self.SPARE_BOUND:
            raise StoreError(f"{self.problem}, and the content is over {self.SPARE_BOUND} bytes")

    def finish(self, known_digest: str = "") -> str:
        """Flush to the disk, close, return the digest; a content that is known already need not be flushed."""
        digest = self._digest.hexdigest()
        if self.in_store and digest != known_digest:
            try:
                os.fsync(self._file.fileno())
                self.flushed = True
            except OSError as error:
                self._move(error)
        self._file.close()
        return digest

    def discard(self) -> None:
        """Close and remove what was written."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _spare(self, error: OSError) -> BinaryIO:
        self.in_store = False
        self.problem = f"store: cannot write {self.path.parent}: {error.strerror}"
        try:
            descriptor, name = tempfile.mkstemp(prefix="xivo-confgend-")
        except OSError as second:
            raise StoreError(f"{self.problem}; temporary directory: {second.strerror}") from second
        self.path = Path(name)
        return os.fdopen(descriptor, "wb", buffering=0)

    def _move(self, error: OSError) -> None:
        old = self.path
        self._file.flush()
        written = old.read_bytes()
        self._file.close()
        old.unlink(missing_ok=True)
        if len(written) > self.SPARE_BOUND:
            raise StoreError(f"store: {error.strerror}, and the content is over {self.SPARE_BOUND} bytes") from error
        self._file = self._spare(error)
        rest = memoryview(written)
        try:
            # A nearly full disk takes a part and says so: what is not written again would be missing in the middle.
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as second:
            raise StoreError(f"{self.problem}; temporary directory: {second.strerror}") from second


def now() -> float:
    """Seconds since the epoch: when a content was generated."""
    return time.time()
