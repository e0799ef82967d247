"""The same row versions with other rows: after a crash, after transaction numbers began again, on another server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import wait_until
from integration_tests.suite.helpers.reuse import File, change, reading, rows_of
from integration_tests.suite.test_switched_databases import QUIET, answers, value
from xivo_confgend.database.postgresql import check, file_state
from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql
from xivo_confgend.worker import Generated, Unchanged

NUMBERS = 1 << 32
SEGMENT = 1 << 20
"""Transactions in one file of pg_xact."""
SEGMENT_BYTES = 32 * 8192
UNRELATED = "SELECT pg_current_xact_id()"


@pytest.fixture(autouse=True)
def _at_any_cost(at_any_cost: None) -> None:
    """These files are small."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that does nothing by itself."""
    with running_postgresql(QUIET) as server:
        yield server


@pytest.fixture
def rows(server: PostgreSQL) -> Items:
    """The rows `1 one` and `2 two` on that server."""
    made = Items(server.create_database("histories"))
    made.make("one", "two")
    return made


@pytest.fixture
def file(rows: Items, tmp_path: Path) -> Iterator[File]:
    """What the driver makes of them."""
    with reading(rows.uri):
        yield File(rows_of(ITEMS), tmp_path / "content")


def lose_a_commit(rows: Items, file: File) -> None:
    """A file of a commit that a crash forgets; another one gets its transaction number and its place in the table."""
    change(rows, "CHECKPOINT", "UPDATE item SET value = 'forgotten' WHERE id = 1")
    assert file.remember() == "1 forgotten\n2 two\n"
    with rows.connect() as victim, rows.connect() as witness:
        other = psutil.Process(witness.info.backend_pid)
        psutil.Process(victim.info.backend_pid).kill()
        wait_until(lambda: not other.is_running(), "the end of all connections")
    wait_until(lambda: answers(rows), "the recovery")
    assert value(rows, "SELECT value FROM item WHERE id = 1") == "one", "this crash forgot nothing"
    change(rows, "UPDATE item SET value = 'remembered' WHERE id = 1", UNRELATED)


def test_rows_of_a_commit_that_a_crash_forgot_are_others(rows: Items, file: File) -> None:
    lose_a_commit(rows, file)

    checked = file.check()

    assert isinstance(checked, Generated) and checked.checked
    assert checked.checked.changed == ("the database",)
    assert checked.path.read_text("utf-8") == "1 remembered\n2 two\n"


def test_without_a_look_at_the_history_they_would_not_be(
    rows: Items, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseState, "same_history", lambda *_: True)
    lose_a_commit(rows, file)

    assert isinstance(file.check(), Unchanged)


def reconnect(rows: Items) -> None:
    """End the connection of the worker."""
    rows.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_new_connection_alone_changes_nothing(rows: Items, file: File) -> None:
    file.remember()
    reconnect(rows)
    rows.run(UNRELATED)

    assert isinstance(file.check(), Unchanged)


def test_a_new_connection_after_a_checkpoint_may_be_one_after_a_crash(rows: Items, file: File) -> None:
    file.remember()
    reconnect(rows)
    change(rows, UNRELATED, "CHECKPOINT")

    assert isinstance(file.check(), Generated)
    change(rows, UNRELATED, "CHECKPOINT")
    assert isinstance(file.check(), Unchanged)


def jump(server: PostgreSQL, next_number: int) -> None:
    """Have the next transaction get `next_number` (64 bits), and freeze everything there is."""
    server.stop()
    epoch, number = divmod(next_number, NUMBERS)
    with server._lock() as lock:
        server._run(lock, "pg_resetwal", "-e", epoch, "-x", number, "-D", server.data)
    segment = server.data / "pg_xact" / f"{number // SEGMENT:04X}"
    if not segment.exists():
        segment.write_bytes(bytes(SEGMENT_BYTES))
        owner = server.data.stat()
        os.chown(segment, owner.st_uid, owner.st_gid)
    server.start()
    Items(server.uri()).run("UPDATE pg_database SET datallowconn = true WHERE datname = 'template0'")
    for database in ("template0", "template1", "postgres", "histories"):
        Items(server.uri(database)).run("VACUUM FREEZE")


@pytest.fixture
def wrapped(tmp_path: Path) -> Iterator[tuple[Items, int]]:
    """A server whose transaction numbers have begun again, and the one of its row `1 old`, which is 41 ahead."""
    with running_postgresql(QUIET) as server:
        rows = Items(server.create_database("histories"))
        rows.make("old")
        number = int(value(rows, "SELECT xmin::text::bigint FROM item"))
        Items(server.uri("histories")).run("VACUUM FREEZE")
        for next_number in (3 * NUMBERS // 8, 6 * NUMBERS // 8, NUMBERS + number - 41):
            jump(server, next_number)
        yield rows, number


def take_place(rows: Items, number: int) -> None:
    """A new row gets the place and the transaction number of the old one."""
    change(rows, "DELETE FROM item", "VACUUM item")
    for _ in range(200):
        following = int(value(rows, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")) % NUMBERS
        if following == number:
            break
        rows.run(UNRELATED)
    rows.run("INSERT INTO item VALUES (1, 'new')")
    assert value(rows, "SELECT concat(ctid, xmin) FROM item") == f"(0,1){number}"


def test_a_row_with_the_number_of_one_that_is_gone_is_another(
    wrapped: tuple[Items, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, number = wrapped
    with reading(rows.uri):
        file, unguarded = (File(rows_of(ITEMS), tmp_path / name) for name in ("content", "other"))
        assert file.remember() == unguarded.remember() == "1 old\n"
        rows.run(UNRELATED)
        assert isinstance(file.check(), Unchanged)
        take_place(rows, number)

        checked = file.check()

        assert isinstance(checked, Generated)
        assert checked.path.read_text("utf-8") == "1 new\n"
        # And without rule R6:
        for module in (check, file_state):
            monkeypatch.setattr(module, "is_wrapped", lambda _: False)
        assert isinstance(unguarded.check(), Unchanged)


class TestStandby:
    """What a worker makes of a standby, where the text of a snapshot does not tell."""

    @pytest.fixture(scope="class")
    def primary(self) -> Iterator[PostgreSQL]:
        """A server whose commits are on the disk at once, as a standby needs them."""
        with running_postgresql({"autovacuum": "off"}) as server:
            yield server

    @pytest.fixture
    def rows(self, primary: PostgreSQL) -> Items:
        """The rows `1 one` and `2 two` on the primary."""
        made = Items(primary.create_database("histories"))
        made.make("one", "two")
        return made

    @pytest.fixture
    def standby(self, primary: PostgreSQL, rows: Items) -> Iterator[Items]:
        """The rows as the standby shows them."""
        with running_postgresql({"autovacuum": "off"}, primary) as other:
            yield Items(other.uri("histories"))

    def replayed(self, rows: Items, standby: Items) -> None:
        """Wait until the standby shows what the primary has."""
        shown = "SELECT string_agg(value, ',' ORDER BY id) FROM item"
        position = value(rows, "SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: value(standby, f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "True", "the replay")
        assert value(rows, shown) == value(standby, shown)

    def test_beside_long_writers_every_check_is_right(self, rows: Items, standby: Items, tmp_path: Path) -> None:
        rows.run("CREATE TABLE unrelated (id int)")
        self.replayed(rows, standby)
        with reading(standby.uri), rows.connect() as old, old.cursor() as cursor:
            file = File(rows_of(ITEMS), tmp_path / "content")
            file.remember()
            for number in range(10):
                cursor.execute(f"BEGIN; UPDATE item SET value = 'long{number}' WHERE id = 1")
                rows.run("INSERT INTO unrelated VALUES (1)")
                self.replayed(rows, standby)
                assert isinstance(file.check(), Unchanged)
                rows.run(f"UPDATE item SET value = 'short{number}' WHERE id = 2")
                self.replayed(rows, standby)
                assert isinstance(file.check(), Generated)
                cursor.execute("COMMIT")
                self.replayed(rows, standby)

                checked = file.check()

                assert isinstance(checked, Generated)
                assert checked.path.read_text("utf-8") == f"1 long{number}\n2 short{number}\n"

    def test_a_standby_that_is_promoted_has_another_history(self, rows: Items, standby: Items, tmp_path: Path) -> None:
        self.replayed(rows, standby)
        with reading(standby.uri):
            file = File(rows_of(ITEMS), tmp_path / "content")
            file.remember()
            standby.run("SELECT pg_promote()")
            standby.run(UNRELATED)

            checked = file.check()

            assert isinstance(checked, Generated) and checked.checked
            assert checked.checked.changed == ("the database",)
