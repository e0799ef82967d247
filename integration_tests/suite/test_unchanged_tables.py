"""A stored file is reused beside writers to other tables, and never after anything that a driver has read has changed.

Each attack comes with the rule of docs/spec/44-exact-freshness.md that survives it, and is tried without that rule as
well: there the file is reused although it is wrong, or the attack would show nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.reuse import File, Read, change, in_savepoint, reading, rows_of
from xivo_confgend.database.postgresql import check, digests, notes, session, versions
from xivo_confgend.database.postgresql.file_state import Mode
from xivo_confgend.worker import Generated, Unchanged

Ablation = Callable[[pytest.MonkeyPatch], None]
MakeFile = Callable[..., File]


@pytest.fixture(autouse=True)
def _at_any_cost(at_any_cost: None) -> None:
    """These files are small."""


@pytest.fixture
def file(items: Items, tmp_path: Path) -> Iterator[MakeFile]:
    """Makes files of the database of `items`."""
    with reading(items.uri):
        yield lambda read, **more: File(read, tmp_path / "content", **more)


def without_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """R2, of which only the locks are left."""
    monkeypatch.setattr(versions, "COUNTED", "false")
    monkeypatch.setattr(session, "_note_locks", lambda *_: None)


def without_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    """R3."""
    monkeypatch.setattr(check, "differing", lambda *_: [])


def without_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """R4."""
    monkeypatch.setattr(versions.Versions, "differences", lambda *_: [])
    monkeypatch.setattr(digests, "MOVED", "SELECT 0, NULL WHERE %(oids)s::oid[] IS NULL OR %(names)s::text[] IS NULL")


def without_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """R3 and R4, which both notice much."""
    without_catalogues(monkeypatch)
    without_versions(monkeypatch)


def without_row_security(monkeypatch: pytest.MonkeyPatch) -> None:
    """R5."""
    for module in (check, notes):
        monkeypatch.setattr(module, "UNFILTERED", "SELECT 1")


@dataclass(frozen=True)
class Attack:
    """`before`: what is there; `read`: what the driver does; `after`: what another session commits then."""

    name: str
    read: Read
    before: tuple[str, ...]
    after: tuple[str, ...]
    without: Ablation


CATCHING = """
CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text := '';
BEGIN
    SELECT string_agg(value, ',' ORDER BY id) INTO found FROM item;
    RAISE EXCEPTION USING MESSAGE = concat('told ', found);
EXCEPTION WHEN raise_exception THEN RETURN sqlerrm;
END $$
"""
FAILING = "SELECT 1 / count(*) FILTER (WHERE value = 'none') FROM item"
ATTACKS = (
    Attack("a savepoint", in_savepoint(ITEMS), (), ("UPDATE item SET value = 'new'",), without_counters),
    Attack("an exception block", rows_of("SELECT caught()"), (CATCHING,), ("DELETE FROM item",), without_counters),
    Attack(
        "a materialized view in a savepoint",
        in_savepoint("SELECT * FROM seen"),
        ("CREATE MATERIALIZED VIEW seen AS SELECT value FROM item",),
        ("UPDATE item SET value = 'new'", "REFRESH MATERIALIZED VIEW seen"),
        without_counters,
    ),
    Attack(
        "a label of an enum",
        rows_of("SELECT * FROM mood"),
        ("CREATE TYPE moods AS ENUM ('good', 'bad')", "CREATE TABLE mood AS SELECT 'good'::moods"),
        ("ALTER TYPE moods RENAME VALUE 'good' TO 'fine'",),
        without_catalogues,
    ),
    Attack(
        "a view",
        rows_of("SELECT * FROM seen"),
        ("CREATE VIEW seen AS SELECT value FROM item",),
        ("CREATE OR REPLACE VIEW seen AS SELECT upper(value) AS value FROM item",),
        without_either,
    ),
    Attack(
        "a view in a savepoint",
        in_savepoint("SELECT * FROM seen"),
        ("CREATE VIEW seen AS SELECT value FROM item",),
        ("CREATE OR REPLACE VIEW seen AS SELECT upper(value) AS value FROM item",),
        without_either,
    ),
    Attack(
        "a function",
        rows_of("SELECT told() FROM item"),
        ("CREATE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 1'",),
        ("CREATE OR REPLACE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 2'",),
        without_catalogues,
    ),
    Attack(
        "a child of a table",
        in_savepoint(ITEMS),
        ("CREATE TABLE child (LIKE item)", "INSERT INTO child VALUES (3, 'three')"),
        ("ALTER TABLE child INHERIT item",),
        without_either,
    ),
    Attack(
        "a partition",
        in_savepoint("SELECT * FROM parted ORDER BY 1"),
        (
            "CREATE TABLE parted (id int, value text) PARTITION BY RANGE (id)",
            "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (9)",
            "CREATE TABLE high (id int, value text)",
            "INSERT INTO low VALUES (1, 'low')",
            "INSERT INTO high VALUES (10, 'high')",
        ),
        ("ALTER TABLE parted ATTACH PARTITION high FOR VALUES FROM (9) TO (99)",),
        without_either,
    ),
    Attack(
        "a granted role",
        rows_of("SELECT pg_has_role('reads', 'grants', 'MEMBER') FROM item"),
        ("DROP ROLE IF EXISTS reads, grants", "CREATE ROLE reads", "CREATE ROLE grants"),
        ("GRANT grants TO reads",),
        without_catalogues,
    ),
    Attack(
        "a name",
        rows_of("SELECT to_regclass('newcomer') FROM item"),
        (),
        ("CREATE TABLE newcomer (id int)",),
        without_catalogues,
    ),
    Attack(
        "a default of a column that is not stored",
        rows_of("SELECT * FROM item ORDER BY id"),
        (),
        ("ALTER TABLE item ADD COLUMN more text DEFAULT 'more'",),
        without_either,
    ),
    Attack(
        "another type for the same bits",
        rows_of("SELECT value FROM bits"),
        ("CREATE TABLE bits AS SELECT -1 AS value",),
        ("ALTER TABLE bits ALTER value TYPE oid",),
        without_versions,
    ),
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_changed_is_seen(items: Items, file: MakeFile, attack: Attack) -> None:
    change(items, *attack.before)
    made = file(attack.read)
    before = made.remember()
    assert made.mode is Mode.TABLES, made.state
    change(items, *attack.after)

    checked = made.check()

    assert isinstance(checked, Generated)
    assert checked.path.read_text("utf-8") == made.generate() != before


def test_a_table_that_comes_first_in_the_search_path_is_seen(items: Items, file: MakeFile) -> None:
    items.run("CREATE SCHEMA postgres")
    made = file(rows_of(ITEMS))
    made.remember()
    items.run("CREATE TABLE postgres.item AS SELECT * FROM public.item")
    items.run("UPDATE postgres.item SET value = 'first'")

    checked = made.check()

    assert isinstance(checked, Generated)
    assert checked.path.read_text("utf-8") == "1 first\n2 first\n"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_without_its_rule_it_would_not(
    items: Items, file: MakeFile, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack.without(monkeypatch)
    change(items, *attack.before)
    made = file(attack.read)
    before = made.remember()
    change(items, *attack.after)

    checked = made.check()

    assert isinstance(checked, Unchanged)
    assert made.generate() != before


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_did_not_change_spares_the_generation(items: Items, file: MakeFile, attack: Attack) -> None:
    change(items, *attack.before)
    made = file(attack.read)
    made.remember()

    for statement in UNRELATED:
        items.run(statement)
        assert isinstance(made.check(), Unchanged), statement


UNRELATED = (
    "CREATE TEMP TABLE passing AS SELECT 1 AS id; CREATE TEMP VIEW passing_view AS SELECT * FROM passing",
    "SELECT pg_current_xact_id()",
    "ANALYZE item",
    "VACUUM item",
    "DO $$ BEGIN DELETE FROM item; RAISE EXCEPTION 'no'; EXCEPTION WHEN others THEN END $$",
    "CHECKPOINT",
)


@dataclass(frozen=True)
class Moved:
    """What another session commits after the check took its snapshot, before it reads the rows."""

    name: str
    statement: str


IN_THE_CHECK = (
    Moved("truncate", "TRUNCATE item; UPDATE marker SET value = 'after'"),
    Moved(
        "swap",
        "ALTER TABLE item RENAME TO old; ALTER TABLE other RENAME TO item; UPDATE marker SET value = 'after'",
    ),
)


def checked_while(items: Items, made: File, moved: Moved, monkeypatch: pytest.MonkeyPatch) -> Unchanged | Generated:
    """A file made of an empty table; ten rows; and then the table is emptied again, during the check."""
    change(items, "TRUNCATE item", "CREATE TABLE marker AS SELECT 'before' AS value", "CREATE TABLE other (LIKE item)")
    made.remember()
    change(items, "INSERT INTO item SELECT n, 'ten' FROM generate_series(1, 10) n")
    read, committed = check.read_again, []

    def read_and_move(*arguments: Any) -> Any:
        found = read(*arguments)
        if not committed:
            committed.append(None)
            items.run(f"BEGIN; {moved.statement}; COMMIT")
        return found

    monkeypatch.setattr(check, "read_again", read_and_move)
    return made.check()


@pytest.mark.parametrize("moved", IN_THE_CHECK, ids=lambda moved: moved.name)
def test_what_changes_during_the_check_is_seen(
    items: Items, file: MakeFile, moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = file(rows_of("SELECT value FROM marker", ITEMS))

    checked = checked_while(items, made, moved, monkeypatch)

    assert isinstance(checked, Generated)
    assert checked.path.read_text("utf-8") == "after\n" == made.generate()


@pytest.mark.parametrize("moved", IN_THE_CHECK, ids=lambda moved: moved.name)
def test_without_a_look_at_the_files_it_would_not(
    items: Items, file: MakeFile, moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = file(rows_of("SELECT value FROM marker", ITEMS))
    without_versions(monkeypatch)

    assert isinstance(checked_while(items, made, moved, monkeypatch), Unchanged)


HIDDEN_ROWS = (
    "CREATE TABLE owned (owner text, value text)",
    "INSERT INTO owned VALUES ('reader', 'mine'), ('other', 'theirs')",
    "ALTER TABLE owned ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own ON owned USING (owner = current_user)",
    "CREATE FUNCTION of_all() RETURNS text LANGUAGE sql SECURITY DEFINER"
    " AS 'SELECT string_agg(value, '','' ORDER BY value) FROM owned'",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
)


class TestRoles:
    """Roles that may not read everything."""

    @pytest.fixture
    def reader(self, items: Items, tmp_path: Path) -> Iterator[MakeFile]:
        """Makes files that the role `reader` reads, which may do nothing at first."""
        change(items, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
        uri = make_url(items.uri).set(username="reader").render_as_string(hide_password=False)
        with reading(uri):
            yield lambda read: File(read, tmp_path / "content")
        change(items, "DROP OWNED BY reader", "DROP ROLE reader")

    def test_select_is_enough(self, items: Items, reader: MakeFile) -> None:
        change(items, "GRANT SELECT ON item TO reader")
        made = reader(rows_of(ITEMS))
        made.remember()
        items.run("CREATE TABLE unrelated (id int)")

        assert made.mode is Mode.TABLES
        made.remember()
        items.run("SELECT pg_current_xact_id()")
        assert isinstance(made.check(), Unchanged)
        items.run("UPDATE item SET value = 'new'")
        assert isinstance(made.check(), Generated)

    def test_grants_of_columns_are_not(self, items: Items, reader: MakeFile) -> None:
        change(items, "GRANT SELECT (id) ON item TO reader")
        made = reader(rows_of("SELECT id FROM item ORDER BY id"))
        made.remember()

        assert made.state
        assert (made.mode, made.state.reason) == (Mode.SNAPSHOT, "permission denied for table item")

    def test_a_table_behind_a_function_is_not(self, items: Items, reader: MakeFile) -> None:
        change(
            items,
            "CREATE FUNCTION behind() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM item'",
        )
        made = reader(rows_of("SELECT behind()"))
        made.remember()

        assert made.state
        assert (made.mode, made.state.reason) == (Mode.SNAPSHOT, "permission denied for table item")

    def test_a_policy_is_not(self, items: Items, reader: MakeFile) -> None:
        change(items, *HIDDEN_ROWS)
        made = reader(rows_of("SELECT of_all()"))
        made.remember()

        assert made.state and made.mode is Mode.SNAPSHOT
        assert "row-level security" in made.state.reason

    def test_without_that_rule_rows_behind_a_policy_would_be_missed(
        self, items: Items, reader: MakeFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without_row_security(monkeypatch)
        change(items, *HIDDEN_ROWS)
        made = reader(rows_of("SELECT of_all()"))
        made.remember()
        items.run("UPDATE owned SET value = 'changed' WHERE owner = 'other'")

        assert isinstance(made.check(), Unchanged)
        assert made.generate() == "changed,mine\n"

    def test_a_policy_that_comes_later_counts(self, items: Items, reader: MakeFile) -> None:
        change(items, "GRANT SELECT ON item TO reader")
        made = reader(rows_of(ITEMS))
        made.remember()
        change(items, "ALTER TABLE item ENABLE ROW LEVEL SECURITY")

        checked = made.check()

        assert isinstance(checked, Generated)
        assert checked.path.read_text("utf-8") == ""

    def test_a_catalogue_that_must_not_be_read_leaves_the_snapshot(self, items: Items, reader: MakeFile) -> None:
        change(items, "GRANT SELECT ON item TO reader", "REVOKE SELECT ON pg_proc FROM PUBLIC")
        made = reader(rows_of(ITEMS))
        made.remember()

        assert made.state
        assert (made.mode, made.state.reason) == (Mode.SNAPSHOT, "permission denied for table pg_proc")
        assert isinstance(made.check(), Unchanged)


def test_what_is_not_deterministic_is_never_reused(file: MakeFile) -> None:
    made = file(rows_of(ITEMS), deterministic=False)
    made.remember()

    assert made.mode is Mode.NEVER


def test_several_transactions_are_never_reused(file: MakeFile) -> None:
    def read() -> str:
        content = rows_of(ITEMS)()
        session.Session.commit()
        return content + rows_of(ITEMS)()

    made = file(read)
    made.remember()

    assert made.mode is Mode.NEVER


def test_a_sequence_is_never_reused(items: Items, file: MakeFile) -> None:
    items.run("CREATE SEQUENCE number")
    made = file(rows_of("SELECT last_value FROM number"))
    made.remember()

    assert made.state
    assert (made.mode, made.state.reason) == (Mode.NEVER, "reads sequence number")


def test_without_counting_only_the_snapshot_counts(items: Items, file: MakeFile) -> None:
    items.run("ALTER DATABASE items SET track_counts = off")
    made = file(rows_of(ITEMS))
    made.remember()

    assert made.state
    assert (made.mode, made.state.reason) == (Mode.SNAPSHOT, "track_counts is off")


def test_a_check_that_costs_too_much_is_not_made(items: Items, file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "SHARE", 0.0)
    made = file(rows_of(ITEMS))
    made.remember()

    assert made.state and made.mode is Mode.SNAPSHOT
    assert "a check takes about" in made.state.reason


def test_a_check_that_takes_too_long_counts_as_changed(
    items: Items, file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = file(rows_of(ITEMS))
    content = made.remember()
    items.run("SELECT pg_current_xact_id()")
    monkeypatch.setattr(digests, "MOVED", f"SELECT 0, nullif(pg_sleep(30)::text, '') UNION ALL {digests.MOVED}")
    monkeypatch.setattr(check, "LEAST_TIMEOUT", 0.01)
    monkeypatch.setattr(notes, "SHARE", 0.0)

    checked = made.check()

    assert isinstance(checked, Generated) and checked.checked
    assert "statement timeout" in checked.checked.changed[0]
    assert checked.path.read_text("utf-8") == content


def test_what_a_check_has_read_is_not_read_again(items: Items, file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one snapshot, whatever file asks."""
    one, other = file(rows_of(ITEMS)), file(rows_of("SELECT value FROM item ORDER BY id"))
    one.remember()
    other.remember()
    items.run("SELECT pg_current_xact_id()")
    read: list[str] = []
    original = check.read_digests
    monkeypatch.setattr(
        check,
        "read_digests",
        lambda cursor, relations, oldest: (read.extend(r.name for r in relations), original(cursor, relations, oldest))[
            1
        ],
    )

    one.check()
    other.check(one.known)

    assert read == ["item"]


def test_a_relation_of_the_generation_before_is_not_one_of_this(items: Items, file: MakeFile) -> None:
    """The server adds what it counted to its statistics when it finds the time, not at the end of a transaction."""
    items.run("CREATE TABLE second AS SELECT 2 AS id")
    one, other = file(rows_of(ITEMS)), file(rows_of("SELECT id FROM second"))
    one.remember()
    other.remember()

    assert other.state and other.state.names == ("second",)


def test_what_the_check_reads_is_nothing_that_the_driver_has_read(items: Items, file: MakeFile) -> None:
    choice = ["SELECT value FROM item ORDER BY id", "SELECT id FROM second"]
    items.run("CREATE TABLE second AS SELECT 2 AS id")

    def read() -> str:
        return rows_of(choice[0])()

    made = file(read)
    made.remember()
    items.run("UPDATE item SET value = 'new'")
    choice.pop(0)

    made.check()

    assert made.state and made.state.names == ("second",)
