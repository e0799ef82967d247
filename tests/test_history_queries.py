"""What the history keeps and forgets, on a real SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from xivo_confgend.database import queries
from xivo_confgend.database.models import SCHEMA_VERSION, UPGRADES
from xivo_confgend.database.queries import MOST_REFUSED, AuditEntry, Compressed, Limits, PinRow
from xivo_confgend.names import FileName
from xivo_confgend.notices import Warnings

ONE, OTHER = FileName("asterisk", "one.conf"), FileName("asterisk", "other.conf")
NONE, SOME = Warnings(), Warnings(("row 7 is left out", "ein „Wort“"), 9)
PLENTY = Limits(versions=100, total_bytes=1 << 30, file_bytes=1 << 30, audit_entries=100)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine, made = queries.open_database(tmp_path / "history.sqlite")
    assert made
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def keep(
    connection: Connection,
    name: FileName,
    digest: str,
    at: float,
    size: int = 10,
    warnings: Warnings = NONE,
) -> None:
    if not queries.has_content(connection, digest):
        queries.add_content(connection, Compressed(digest, size, 1, b"z" * size))
    queries.add_version(connection, name, digest, at, "driver", 0.1, warnings)


def digests(connection: Connection, name: FileName = ONE) -> list[str]:
    return [version.digest for version in queries.list_versions(connection, name)]


def entry(status: int, detail: str = "") -> AuditEntry:
    return AuditEntry(1.0, "maria", "token", "127.0.0.1", "POST", "/", status, detail)


def test_versions_are_listed_with_the_latest_first(connection):
    for at, digest in enumerate(("a", "b", "a", "c")):
        keep(connection, ONE, digest, at)
    assert digests(connection) == ["c", "a", "b"]
    assert queries.latest_versions(connection) == {ONE: ("c", NONE)}


def test_a_content_that_comes_again_is_one_version_with_two_times(connection):
    keep(connection, ONE, "a", 1)
    keep(connection, ONE, "a", 5)
    (version,) = queries.list_versions(connection, ONE)
    assert (version.first_generated, version.generated) == (1, 5)


def test_warnings_are_kept_with_the_version(connection):
    keep(connection, ONE, "a", 1, warnings=SOME)
    keep(connection, ONE, "b", 2)
    assert [version.warnings for version in queries.list_versions(connection, ONE)] == [NONE, SOME]
    assert queries.latest_versions(connection) == {ONE: ("b", NONE)}


def test_warnings_are_those_of_the_newest_generation_of_a_content(connection):
    keep(connection, ONE, "a", 1, warnings=SOME)
    keep(connection, ONE, "a", 2)
    keep(connection, OTHER, "a", 3)
    queries.set_warnings(connection, OTHER, "a", SOME)
    queries.set_warnings(connection, OTHER, "forgotten", SOME)
    assert queries.latest_versions(connection) == {ONE: ("a", NONE), OTHER: ("a", SOME)}


def test_two_files_with_one_content_share_it(connection):
    keep(connection, ONE, "a", 1)
    keep(connection, OTHER, "a", 2)
    assert queries.summary(connection) == (2, 10)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"versions": 2}, ["e", "d"]),
        ({"file_bytes": 30}, ["e", "d", "c"]),
        ({"file_bytes": 29}, ["e", "d"]),
        ({"total_bytes": 40}, ["e", "d", "c"]),
        ({"total_bytes": 0}, []),
    ],
)
def test_the_oldest_versions_beyond_a_limit_are_forgotten(connection, limits, expected):
    for at, digest in enumerate("abcde"):
        keep(connection, ONE, digest, at)
    keep(connection, OTHER, "x", 10)
    queries.prune(connection, Limits(**{**vars(PLENTY), **limits}))
    assert digests(connection) == expected


def test_a_content_is_forgotten_with_its_last_version(connection):
    keep(connection, ONE, "a", 1)
    keep(connection, OTHER, "a", 2)
    keep(connection, ONE, "b", 3)
    queries.prune(connection, Limits(**{**vars(PLENTY), "versions": 1}))
    assert queries.has_content(connection, "a")
    keep(connection, OTHER, "c", 4)
    queries.prune(connection, Limits(**{**vars(PLENTY), "versions": 1}))
    assert not queries.has_content(connection, "a")


def test_a_pinned_version_is_not_forgotten(connection):
    for at, digest in enumerate("abc"):
        keep(connection, ONE, digest, at)
    queries.set_pin(connection, PinRow(ONE, "a", 1.0, "maria", ""))
    queries.prune(connection, Limits(**{**vars(PLENTY), "versions": 1}))
    assert digests(connection) == ["c", "a"]


def test_a_file_has_one_pin(connection):
    queries.set_pin(connection, PinRow(ONE, "a", 1.0, "maria", ""))
    queries.set_pin(connection, PinRow(ONE, "b", 2.0, "jo", "x"))
    assert queries.list_pins(connection) == [PinRow(ONE, "b", 2.0, "jo", "x")]
    queries.remove_pin(connection, ONE)
    assert queries.list_pins(connection) == []


def test_the_audit_log_is_bounded(connection):
    limits = Limits(**{**vars(PLENTY), "audit_entries": 3})
    for number in range(10):
        queries.add_audit_entry(connection, entry(200, str(number)), limits)
    total, entries = queries.list_audit_entries(connection, 10, 0)
    assert (total, [one.detail for one in entries]) == (3, ["9", "8", "7"])


def test_a_flood_of_refused_requests_hides_no_operation(connection):
    queries.add_audit_entry(connection, entry(200, "the operation"), PLENTY)
    for _ in range(MOST_REFUSED + 50):
        queries.add_audit_entry(connection, entry(401), PLENTY)
    total, entries = queries.list_audit_entries(connection, 1, MOST_REFUSED)
    assert (total, entries[0].detail) == (MOST_REFUSED + 1, "the operation")


def test_the_file_shrinks_by_what_is_forgotten(tmp_path):
    path = tmp_path / "history.sqlite"
    engine, _ = queries.open_database(path)
    with engine.begin() as connection:
        keep(connection, ONE, "a", 1, size=4 << 20)
    with engine.begin() as connection:
        queries.prune(connection, Limits(**{**vars(PLENTY), "total_bytes": 0}))
    with engine.begin() as connection:
        queries.give_back_space(connection)
    engine.dispose()
    assert path.stat().st_size < 1 << 20


def test_the_file_is_not_for_other_accounts(tmp_path):
    engine, _ = queries.open_database(tmp_path / "history.sqlite")
    engine.dispose()
    assert (tmp_path / "history.sqlite").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("content", [b"\xff" * 8192, b"SQLite format 3\0" + b"\x01" * 8192])
def test_a_damaged_file_is_told_from_one_that_is_busy(tmp_path, content):
    (tmp_path / "history.sqlite").write_bytes(content)
    with pytest.raises(DatabaseError) as raised:
        queries.open_database(tmp_path / "history.sqlite")
    assert queries.is_broken(raised.value)


def test_a_file_of_another_version_counts_as_damaged(tmp_path):
    engine, _ = queries.open_database(tmp_path / "history.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    engine.dispose()
    with pytest.raises(DatabaseError) as raised:
        queries.open_database(tmp_path / "history.sqlite")
    assert queries.is_broken(raised.value)


SCHEMA_1 = """
CREATE TABLE content (
    digest VARCHAR(64) NOT NULL PRIMARY KEY, size INTEGER NOT NULL, lines INTEGER NOT NULL,
    stored_size INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE version (
    id INTEGER NOT NULL PRIMARY KEY, resource TEXT NOT NULL, filename TEXT NOT NULL, digest VARCHAR(64) NOT NULL,
    first_generated FLOAT NOT NULL, generated FLOAT NOT NULL, driver TEXT NOT NULL, duration FLOAT NOT NULL,
    UNIQUE (resource, filename, digest)
);
CREATE INDEX version_by_time ON version (resource, filename, generated);
CREATE TABLE pin (
    resource TEXT NOT NULL, filename TEXT NOT NULL, digest VARCHAR(64) NOT NULL, pinned_at FLOAT NOT NULL,
    pinned_by TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (resource, filename)
);
CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, who TEXT, method TEXT NOT NULL, origin TEXT NOT NULL,
    operation TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, detail TEXT NOT NULL
);
INSERT INTO content VALUES ('a', 1, 1, 1, 'z');
INSERT INTO version VALUES (1, 'asterisk', 'one.conf', 'a', 1.0, 2.0, 'wazo', 0.1);
INSERT INTO pin VALUES ('asterisk', 'one.conf', 'a', 3.0, 'maria', 'brake');
INSERT INTO audit VALUES (1, 4.0, 'maria', 'token', '127.0.0.1', 'PUT', '/', 200, 'pin');
PRAGMA user_version = 1;
"""
"""A database as version 1.0.0 of the daemon leaves it."""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The path of a database of schema version 1."""
    path = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_1)
    return path


def test_a_database_of_an_earlier_version_is_upgraded(earlier):
    for _ in range(2):
        engine, made = queries.open_database(earlier)
        with engine.begin() as connection:
            assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == SCHEMA_VERSION
            assert queries.latest_versions(connection) == {ONE: ("a", NONE)}
            assert queries.list_pins(connection) == [PinRow(ONE, "a", 3.0, "maria", "brake")]
            assert queries.list_audit_entries(connection, 10, 0)[0] == 1
        engine.dispose()
        assert not made
    engine, _ = queries.open_database(earlier)
    with engine.begin() as connection:
        keep(connection, ONE, "b", 5, warnings=SOME)
        assert queries.latest_versions(connection) == {ONE: ("b", SOME)}
    engine.dispose()


def test_an_upgraded_database_has_the_columns_of_a_new_one(earlier, tmp_path):
    def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
        queries.open_database(path)[0].dispose()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            tables = ("content", "version", "pin", "audit")
            return {one: sorted(row[1:4] for row in connection.execute(f"PRAGMA table_info({one})")) for one in tables}

    assert columns(earlier) == columns(tmp_path / "new.sqlite")


def test_an_upgrade_that_breaks_off_leaves_the_earlier_version(earlier, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(queries, "UPGRADES", {1: (*UPGRADES[1], "no statement")})
        with pytest.raises(DatabaseError):
            queries.open_database(earlier)
    engine, made = queries.open_database(earlier)
    with engine.begin() as connection:
        assert queries.latest_versions(connection) == {ONE: ("a", NONE)}
    engine.dispose()
    assert not made
