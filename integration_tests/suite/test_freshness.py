"""A file is generated anew if and only if what it depends on may have changed since."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, ask_in_background
from xivo_confgend.testing.daemon import Daemon

StartDaemon = Callable[..., Daemon]


@pytest.fixture
def serving(puppets: Puppets, puppet_daemon: StartDaemon, items: Items) -> Daemon:
    """A daemon that has generated `test/rows.conf` once."""
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    daemon.fetch("test/rows.conf")
    return daemon


def test_an_unchanged_database_spares_the_generation(puppets: Puppets, serving: Daemon) -> None:
    answers = [serving.fetch("test/rows.conf") for _ in range(5)]

    assert {(answer.state, answer.text) for answer in answers} == {("fresh", "1 one\n2 two\n")}
    assert puppets.runs("rows") == 1


def test_readers_of_the_database_cost_no_generation(puppets: Puppets, serving: Daemon, items: Items) -> None:
    items.run("SELECT count(*) FROM item")

    serving.fetch("test/rows.conf")

    assert puppets.runs("rows") == 1


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE item SET value = 'new' WHERE id = 1", "1 new\n2 two\n"),
        ("INSERT INTO item VALUES (3, 'three')", "1 one\n2 two\n3 three\n"),
        ("DELETE FROM item WHERE id = 1", "2 two\n"),
        ("TRUNCATE item", ""),
        ("ALTER TABLE item ALTER value TYPE varchar(2)  USING left(value, 2)", "1 on\n2 tw\n"),
        ("ALTER TABLE item RENAME value TO old; ALTER TABLE item ADD value text DEFAULT 'd'", "1 d\n2 d\n"),
        ("ALTER TABLE item RENAME TO other; CREATE VIEW item AS SELECT 7 AS id, 'view' AS value", "7 view\n"),
        ("CREATE SCHEMA postgres; CREATE TABLE postgres.item AS SELECT 8 AS id, 'first' AS value", "8 first\n"),
        ("DO $$ BEGIN UPDATE item SET value='x' WHERE id=1; RAISE EXCEPTION 'no'; EXCEPTION WHEN others THEN END $$",
         "1 one\n2 two\n"),
        ("BEGIN; SAVEPOINT a; DELETE FROM item; ROLLBACK TO a; UPDATE item SET value = 'kept' WHERE id = 2; COMMIT",
         "1 one\n2 kept\n"),
    ],
    ids=["update", "insert", "delete", "truncate", "rewrite", "column", "view", "search path", "caught", "savepoint"],
)  # fmt: skip
def test_whatever_was_committed_is_in_the_next_answer(
    serving: Daemon, items: Items, statement: str, expected: str
) -> None:
    items.run(statement)

    assert serving.fetch("test/rows.conf").text == expected
    assert serving.fetch("test/rows.conf").text == expected


def test_what_is_not_committed_is_in_no_answer(serving: Daemon, items: Items) -> None:
    with items.connect() as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE item SET value = 'open'")
        during = serving.fetch("test/rows.conf").text
        cursor.execute("COMMIT")

    assert during == "1 one\n2 two\n"
    assert serving.fetch("test/rows.conf").text == "1 open\n2 open\n"


def test_a_long_open_transaction_does_not_stop_reuse(puppets: Puppets, serving: Daemon, items: Items) -> None:
    with items.connect() as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE item SET value = 'open'")
        serving.fetch("test/rows.conf")
        generated = puppets.runs("rows")

        assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
        assert puppets.runs("rows") == generated


def test_a_commit_of_an_older_transaction_is_seen_although_newer_ones_were_seen_before(
    serving: Daemon, items: Items
) -> None:
    with items.connect() as old, old.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE item SET value = 'old' WHERE id = 1")
        items.run("UPDATE item SET value = 'young' WHERE id = 2")
        assert serving.fetch("test/rows.conf").text == "1 one\n2 young\n"
        cursor.execute("COMMIT")

    assert serving.fetch("test/rows.conf").text == "1 old\n2 young\n"


def test_a_driver_that_does_not_call_itself_deterministic_is_always_asked(puppets: Puppets, serving: Daemon) -> None:
    for _ in range(3):
        serving.fetch("test/first.conf")

    assert puppets.runs("first") == 3


def test_what_a_driver_mixed_from_two_transactions_is_not_taken_for_one_moment(
    puppets: Puppets, serving: Daemon, items: Items, background: ThreadPoolExecutor
) -> None:
    puppets.tell("other_rows", "ask_and_commit", statement=ITEMS)
    mixing = ask_in_background(background, serving, "test/other_rows.conf")
    puppets.wait_until_held("other_rows")
    items.run("UPDATE item SET value = 'new'")
    puppets.release("other_rows")

    assert mixing.result(10).text == "1 one\n2 two\n1 new\n2 new\n"
    assert serving.fetch("test/other_rows.conf").text == "1 new\n2 new\n" * 2


def test_a_file_that_reads_a_sequence_is_never_reused(puppets: Puppets, serving: Daemon, items: Items) -> None:
    items.run("CREATE SEQUENCE number; SELECT nextval('number')")
    puppets.tell("other_rows", "ask", statement="SELECT last_value FROM number")
    assert serving.fetch("test/other_rows.conf").text == "1\n"
    before = items.value("SELECT pg_current_snapshot()::text")

    items.run("SELECT nextval('number')")

    assert items.value("SELECT pg_current_snapshot()::text") == before
    assert serving.fetch("test/other_rows.conf").text == "2\n"


def test_a_file_that_touched_a_foreign_table_is_never_reused(puppets: Puppets, serving: Daemon, items: Items) -> None:
    """PREPARE opens the table as every statement does, and stops before it would need a program for the rows."""
    items.run("CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far")
    items.run("CREATE FOREIGN TABLE elsewhere (id int) SERVER away")
    puppets.tell("other_rows", "prepare", statement="SELECT id FROM elsewhere")

    for _ in range(3):
        serving.fetch("test/other_rows.conf")

    assert puppets.runs("other_rows") == 3


def test_a_foreign_table_in_a_rolled_back_savepoint_counts(puppets: Puppets, serving: Daemon, items: Items) -> None:
    items.run("CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far")
    items.run("CREATE FOREIGN TABLE elsewhere (id int) SERVER away")
    puppets.tell("other_rows", "prepare", statement="SELECT id FROM elsewhere", savepoint=True)

    for _ in range(3):
        serving.fetch("test/other_rows.conf")

    assert puppets.runs("other_rows") == 3


def test_a_deterministic_driver_that_asks_no_database_needs_none(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon(db_uri="postgresql://nobody@127.0.0.1:1/nothing")

    assert {daemon.fetch("test/rows.conf").state for _ in range(3)} == {"fresh"}
    assert puppets.runs("rows") == 1


def test_a_driver_that_closes_its_session_is_asked_after_a_change(
    puppets: Puppets, serving: Daemon, items: Items
) -> None:
    puppets.tell("other_rows", "remove_session", statement=ITEMS)
    assert serving.fetch("test/other_rows.conf").text == "1 one\n2 two\n"
    items.run("UPDATE item SET value = 'changed'")

    assert serving.fetch("test/other_rows.conf").text == "1 changed\n2 changed\n"


def test_a_stored_file_that_was_edited_by_hand_is_generated_anew(puppets: Puppets, serving: Daemon) -> None:
    stored = serving.cache / "test/rows.conf"
    stored.write_text("edited\n")
    assert serving.fetch("test/rows.conf", "cached").text == "edited\n"

    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"


def test_a_stored_file_that_was_removed_by_hand_is_generated_anew(serving: Daemon) -> None:
    (serving.cache / "test/rows.conf").unlink()

    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"


def test_an_invalidated_file_is_generated_anew(puppets: Puppets, serving: Daemon) -> None:
    serving.ask(b"test/rows.conf invalidate\n")
    assert not (serving.cache / "test/rows.conf").exists()

    assert serving.fetch("test/rows.conf").text == "1 one\n2 two\n"
    assert puppets.runs("rows") == 2


def test_a_configuration_reload_generates_anew(puppets: Puppets, serving: Daemon) -> None:
    serving.reload()
    serving.fetch("test/rows.conf")

    assert puppets.runs("rows") == 2


class TestTemplates:
    """Files that a driver names as what it depends on."""

    @pytest.fixture
    def templated(self, puppets: Puppets, puppet_daemon: StartDaemon) -> Daemon:
        puppets.tell("templated", "say", content="")
        (puppets.orders / "a.template").write_text("a\n")
        os.utime(puppets.orders / "a.template", (1, 1))
        daemon = puppet_daemon()
        assert daemon.fetch("test/templated.conf").text == "a\nno b.template\n"
        return daemon

    def test_that_did_not_change_spare_the_generation(self, puppets: Puppets, templated: Daemon) -> None:
        templated.fetch("test/templated.conf")

        assert puppets.runs("templated") == 1

    def test_that_changed_are_read_again(self, puppets: Puppets, templated: Daemon) -> None:
        (puppets.orders / "a.template").write_text("A\n")

        assert templated.fetch("test/templated.conf").text == "A\nno b.template\n"

    def test_that_appeared_are_read(self, puppets: Puppets, templated: Daemon) -> None:
        (puppets.orders / "b.template").write_text("b\n")

        assert templated.fetch("test/templated.conf").text == "a\nb\n"

    def test_that_were_replaced_by_older_ones_are_read_again(self, puppets: Puppets, templated: Daemon) -> None:
        other = puppets.orders / "other"
        other.write_text("o\n")
        os.utime(other, (1, 1))
        other.replace(puppets.orders / "a.template")

        assert templated.fetch("test/templated.conf").text == "o\nno b.template\n"

    def test_that_change_all_the_time_are_never_missed(self, puppets: Puppets, templated: Daemon) -> None:
        """Faster than the clock of the file system ticks, and always of the same size."""
        template = puppets.orders / "a.template"
        for number in range(100, 200):
            with template.open("r+") as file:
                file.write(f"{number}\n")

            assert templated.fetch("test/templated.conf").text == f"{number}\nno b.template\n"

    def test_that_settled_spare_the_generation_again(self, puppets: Puppets, templated: Daemon) -> None:
        (puppets.orders / "a.template").write_text("A\n")
        templated.fetch("test/templated.conf")
        time.sleep(0.1)
        templated.fetch("test/templated.conf")
        generated = puppets.runs("templated")

        templated.fetch("test/templated.conf")

        assert puppets.runs("templated") == generated
