"""Every statement that the history asks its SQLite database, and how that database is opened.

Each function takes an open connection and blocks; `history` calls them in its one thread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, create_engine, delete, event, exists, func, insert, select, update
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from xivo_confgend.database.models import METADATA, SCHEMA_VERSION, UPGRADES, audit, contents, pins, versions
from xivo_confgend.names import FileName
from xivo_confgend.notices import Warnings

FILE_MODE = 0o640
BUSY_TIMEOUT = 5
WAL_LIMIT = 16 << 20
REFUSED = 400
"""Audit entries from this status on were refused; they are bounded by themselves: a flood of them hides nothing."""
MOST_REFUSED = 1000
WARNINGS = (versions.c.warnings, versions.c.warning_count)
NOT_OURS = ("no such table", "no such column", "malformed", "not a database", "has no column")


@dataclass(frozen=True)
class Version:
    """A kept content of a file. Times in seconds since the epoch; `stored_size` is compressed."""

    digest: str
    generated: float
    first_generated: float
    driver: str
    duration: float
    size: int
    lines: int
    stored_size: int
    warnings: Warnings = Warnings()


@dataclass(frozen=True)
class Compressed:
    """A content as it is kept: zstd."""

    digest: str
    size: int
    lines: int
    data: bytes


@dataclass(frozen=True)
class PinRow:
    """Which version of a file is pinned, since when, by whom and why."""

    name: FileName
    digest: str
    pinned_at: float
    pinned_by: str
    reason: str


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, from where, and how it was answered."""

    at: float
    who: str | None
    method: str
    origin: str
    operation: str
    path: str
    status: int
    detail: str


@dataclass(frozen=True)
class Limits:
    """How much is kept."""

    versions: int
    total_bytes: int
    file_bytes: int
    audit_entries: int


def open_database(path: Path) -> tuple[Engine, bool]:
    """The database at `path`, made if there is none; and whether it was made now. Raises DatabaseError."""
    made = not path.exists()
    if made:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT},
        future=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = NORMAL",
                       f"journal_size_limit = {WAL_LIMIT}", "secure_delete = ON"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    try:
        with engine.begin() as connection:
            # The sqlite3 module begins no transaction for these statements by itself, and all of them are to be one.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _bring_up_to_date(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine, made


def _bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or those of an earlier version into today's. Raises DatabaseError for a later version."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version not in (0, SCHEMA_VERSION, *UPGRADES):
        raise DatabaseError("PRAGMA user_version", None, ValueError(f"malformed: schema version {version}"))
    for earlier in range(version, SCHEMA_VERSION) if version else ():
        for statement in UPGRADES[earlier]:
            connection.exec_driver_sql(statement)
    METADATA.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def is_broken(error: DatabaseError) -> bool:
    """Whether the database is damaged or not ours, as opposed to busy, full or out of reach."""
    return not isinstance(error, OperationalError) or any(text in str(error.orig) for text in NOT_OURS)


def _of(table: Any, name: FileName) -> Any:
    return and_(table.c.resource == name.resource, table.c.filename == name.filename)


def latest_versions(connection: Connection) -> dict[FileName, tuple[str, Warnings]]:
    """Of each file the digest of its latest version, and the warnings that are kept with it."""
    columns = (versions.c.resource, versions.c.filename, versions.c.digest, *WARNINGS)
    newest = select(*columns).order_by(versions.c.generated)
    return {
        FileName(resource, filename): (digest, _warnings(lines, count))
        for resource, filename, digest, lines, count in connection.execute(newest)
    }


def _warnings(lines: str, count: int) -> Warnings:
    return Warnings(tuple(json.loads(lines)), count)


def _warning_values(warnings: Warnings) -> dict[str, Any]:
    lines = json.dumps(warnings.lines, ensure_ascii=False)
    return {"warnings": lines, "warning_count": warnings.count}


def has_content(connection: Connection, digest: str) -> bool:
    """Whether a content is kept."""
    return connection.execute(select(contents.c.size).where(contents.c.digest == digest)).first() is not None


def add_content(connection: Connection, content: Compressed) -> None:
    """Keep a content."""
    connection.execute(
        insert(contents),
        [{"digest": content.digest, "size": content.size, "lines": content.lines,
          "stored_size": len(content.data), "data": content.data}],
    )  # fmt: skip


def add_version(
    connection: Connection,
    name: FileName,
    digest: str,
    generated: float,
    driver: str,
    duration: float,
    warnings: Warnings,
) -> None:
    """Say that `name` had the kept content `digest` at a time, and which warnings came with it."""
    facts = {"generated": generated, "driver": driver, "duration": duration, **_warning_values(warnings)}
    known = update(versions).where(_of(versions, name), versions.c.digest == digest).values(**facts)
    if connection.execute(known).rowcount == 0:
        row = {"resource": name.resource, "filename": name.filename, "digest": digest, "first_generated": generated}
        connection.execute(insert(versions), [{**row, **facts}])


def set_warnings(connection: Connection, name: FileName, digest: str, warnings: Warnings) -> None:
    """Say that a newer generation gave the same content with these warnings; nothing if it is not kept."""
    known = update(versions).where(_of(versions, name), versions.c.digest == digest)
    connection.execute(known.values(**_warning_values(warnings)))


def list_versions(connection: Connection, name: FileName) -> list[Version]:
    """The versions of `name`, the latest first."""
    columns = (versions.c.digest, versions.c.generated, versions.c.first_generated, versions.c.driver,
               versions.c.duration, contents.c.size, contents.c.lines, contents.c.stored_size, *WARNINGS)  # fmt: skip
    found = (
        select(*columns)
        .join_from(versions, contents, contents.c.digest == versions.c.digest)
        .where(_of(versions, name))
        .order_by(versions.c.generated.desc(), versions.c.id.desc())
    )
    return [_version(**row) for row in connection.execute(found).mappings()]


def _version(warnings: str, warning_count: int, **facts: Any) -> Version:
    return Version(**facts, warnings=_warnings(warnings, warning_count))


def version_content(connection: Connection, name: FileName, digest: str) -> Compressed | None:
    """The content of a version of `name`; None if it is not kept."""
    found = (
        select(contents.c.digest, contents.c.size, contents.c.lines, contents.c.data)
        .join_from(versions, contents, contents.c.digest == versions.c.digest)
        .where(_of(versions, name), versions.c.digest == digest)
    )
    row = connection.execute(found).first()
    return Compressed(*row) if row else None


def prune(connection: Connection, limits: Limits) -> None:
    """Forget the oldest versions beyond the limits, and contents that no version has any more. Pinned ones stay."""

    def running(*partition: Any) -> dict[str, Any]:
        return {"partition_by": partition or None, "order_by": (versions.c.generated.desc(), versions.c.id.desc())}

    file = (versions.c.resource, versions.c.filename)
    ranked = (
        select(
            versions.c.id,
            func.row_number().over(**running(*file)).label("place"),
            func.sum(contents.c.stored_size).over(**running(*file)).label("file_bytes"),
            func.sum(contents.c.stored_size).over(**running()).label("total_bytes"),
        )
        .join_from(versions, contents, contents.c.digest == versions.c.digest)
        .subquery()
    )
    too_many = select(ranked.c.id).where(
        (ranked.c.place > limits.versions)
        | (ranked.c.file_bytes > limits.file_bytes)
        | (ranked.c.total_bytes > limits.total_bytes)
    )
    pinned = exists().where(
        pins.c.resource == versions.c.resource,
        pins.c.filename == versions.c.filename,
        pins.c.digest == versions.c.digest,
    )
    connection.execute(delete(versions).where(versions.c.id.in_(too_many), ~pinned))
    connection.execute(delete(contents).where(~exists().where(versions.c.digest == contents.c.digest)))


def give_back_space(connection: Connection) -> None:
    """Let the file shrink by what was deleted. Ends the transaction, so call it in one of its own."""
    # The pragma frees one page a step and gives no rows, so only a script lets it take all of its steps.
    connection.connection.cursor().executescript("PRAGMA incremental_vacuum")


def list_pins(connection: Connection) -> list[PinRow]:
    """All pins."""
    rows = connection.execute(
        select(pins.c.resource, pins.c.filename, pins.c.digest, pins.c.pinned_at, pins.c.pinned_by, pins.c.reason)
    )
    return [PinRow(FileName(resource, filename), *rest) for resource, filename, *rest in rows]


def set_pin(connection: Connection, pin: PinRow) -> None:
    """Pin a version; an earlier pin of the file goes."""
    remove_pin(connection, pin.name)
    row = {"resource": pin.name.resource, "filename": pin.name.filename, "digest": pin.digest,
           "pinned_at": pin.pinned_at, "pinned_by": pin.pinned_by, "reason": pin.reason}  # fmt: skip
    connection.execute(insert(pins), [row])


def remove_pin(connection: Connection, name: FileName) -> None:
    """Unpin a file; no error if it is not pinned."""
    connection.execute(delete(pins).where(_of(pins, name)))


def add_audit_entry(connection: Connection, entry: AuditEntry, limits: Limits) -> None:
    """Keep an entry and forget the oldest ones beyond the limits."""
    connection.execute(insert(audit), [vars(entry)])
    for refused, most in ((audit.c.status >= REFUSED, MOST_REFUSED), (audit.c.status < REFUSED, limits.audit_entries)):
        kept = select(audit.c.id).where(refused).order_by(audit.c.id.desc()).limit(1).offset(most)
        connection.execute(delete(audit).where(refused, audit.c.id <= kept.scalar_subquery()))


def list_audit_entries(connection: Connection, limit: int, offset: int) -> tuple[int, Sequence[AuditEntry]]:
    """How many entries there are, and some of them, the latest first."""
    columns = [audit.c[name] for name in AuditEntry.__dataclass_fields__]
    total = connection.execute(select(func.count()).select_from(audit)).scalar_one()
    found = connection.execute(select(*columns).order_by(audit.c.id.desc()).limit(limit).offset(offset))
    return total, [AuditEntry(*row) for row in found]


def summary(connection: Connection) -> tuple[int, int]:
    """Number of versions, and bytes of all kept contents."""
    count = connection.execute(select(func.count()).select_from(versions)).scalar_one()
    stored = connection.execute(select(func.coalesce(func.sum(contents.c.stored_size), 0))).scalar_one()
    return count, stored
