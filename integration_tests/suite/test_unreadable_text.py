"""A database with the encoding SQL_ASCII: what is not UTF-8 is replaced and told, and costs no file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL

StartDaemon = Callable[..., Daemon]
PLACE = "table item, row id = 3: column value is not UTF-8: what cannot be read of it is replaced by U+FFFD"


@pytest.fixture
def rows(postgresql: PostgreSQL) -> Items:
    """`1 Éva` as UTF-8, `2 two`, and `3 André` as Latin-1."""
    server = Items(postgresql.uri("postgres"))
    server.run("DROP DATABASE IF EXISTS old_times WITH (FORCE)")
    server.run("CREATE DATABASE old_times ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    made = Items(postgresql.uri("old_times"))
    made.run("CREATE TABLE item (id int PRIMARY KEY, number int DEFAULT 7, value text, \"100%\" text DEFAULT 'x')")
    made.run(r"INSERT INTO item (id, value) VALUES (1, E'\xc3\x89va'), (2, 'two'), (3, E'Andr\xe9')")
    return made


@pytest.fixture
def daemon(puppet_daemon: StartDaemon, rows: Items) -> Daemon:
    return puppet_daemon(db_uri=rows.uri)


def warnings(daemon: Daemon) -> list[str]:
    lines = [line for line in daemon.log.splitlines() if "WARNING" in line]
    return [line.partition("test/first.conf: ")[2] for line in lines]


@pytest.mark.parametrize(
    ("do", "statement", "content"),
    [
        ("ask", ITEMS, "1 Éva\n2 two\n3 Andr\ufffd\n"),
        ("ask", "SELECT '\"' || value || '\" <' || id || '>' FROM item WHERE id > 1 ORDER BY id", None),
        ("copy", "SELECT id, value FROM item ORDER BY id", "1\tÉva\n2\ttwo\n3\tAndr\ufffd\n"),
    ],
    ids=["values", "made of values", "copied"],
)
def test_is_replaced_and_told_with_its_place(
    daemon: Daemon, puppets: Puppets, do: str, statement: str, content: str | None
) -> None:
    puppets.tell("first", do, statement=statement)

    fetched = daemon.fetch("test/first.conf")

    assert (fetched.state, fetched.text) == ("fresh", content or '"two" <2>\n"Andr\ufffd" <3>\n')
    assert warnings(daemon) == [PLACE]


def test_is_told_once_for_many_values(daemon: Daemon, rows: Items, puppets: Puppets) -> None:
    rows.run(r"INSERT INTO item (id, value) SELECT n, E'\xff\xfe' || n FROM generate_series(10, 99) n")
    rows.run(r"CREATE TABLE second AS SELECT 1 AS a, E'\xfc'::varchar AS b")
    puppets.tell("first", "ask", statement="SELECT id, value, b FROM item, second ORDER BY id")

    assert daemon.fetch("test/first.conf").text.count("\ufffd") == 93 + 1 + 2 * 90

    (line,) = warnings(daemon)
    assert line.endswith("is replaced by U+FFFD; so are 183 other value(s)")


def test_names_a_row_without_a_key_by_its_place(daemon: Daemon, rows: Items, puppets: Puppets) -> None:
    rows.run(r"CREATE TABLE \"Odd %s name\" AS SELECT 1 AS a, E'\xfc'::varchar AS \"the b\"".replace('\\"', '"'))
    puppets.tell("first", "ask", statement='SELECT * FROM "Odd %s name"')

    assert daemon.fetch("test/first.conf").text == "1 \ufffd\n"
    assert warnings(daemon) == [
        'table "Odd %s name", row ctid = (0,1): column "the b" is not UTF-8: '
        "what cannot be read of it is replaced by U+FFFD"
    ]


def test_that_is_in_no_table_is_told_all_the_same(daemon: Daemon, puppets: Puppets) -> None:
    puppets.tell("first", "ask", statement=r"SELECT E'\xe9'")

    assert daemon.fetch("test/first.conf").text == "\ufffd\n"
    assert warnings(daemon) == ["a value that was read is not UTF-8: what cannot be read of it is replaced by U+FFFD"]


def test_in_a_client_encoding_of_the_operator_is_replaced(
    rows: Items, puppets: Puppets, puppet_daemon: StartDaemon
) -> None:
    daemon = puppet_daemon(db_uri=f"{rows.uri}?client_encoding=utf8")
    puppets.tell("first", "ask", statement=ITEMS)

    assert daemon.fetch("test/first.conf").text == "1 Éva\n2 two\n3 Andr\ufffd\n"


def test_of_a_database_that_checks_it_is_left_alone(items: Items, puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    items.run("INSERT INTO item VALUES (3, 'André')")
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("first", "ask", statement=ITEMS)

    assert daemon.fetch("test/first.conf").text == "1 one\n2 two\n3 André\n"
    assert warnings(daemon) == []
