"""The demonstration company: the same everywhere, as large as asked, and with something of every kind in it."""

from __future__ import annotations

import hashlib

import psycopg2
import pytest

from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.demonstration import fill
from xivo_confgend_wazo.demonstration.company import found
from xivo_confgend_wazo.meta import METADATA

SMALL = 300
LARGE = 3000
DIGEST = "85cdc42827c1e4349b48eac9ac26de96"
"""Of all rows of the small company. Whoever changes the company changes this."""


@pytest.fixture(scope="module")
def small(postgresql: PostgreSQL) -> str:
    """A small company."""
    uri = postgresql.create_database("demonstration_small")
    fill(uri, SMALL)
    return uri


@pytest.fixture(scope="module")
def large(postgresql: PostgreSQL) -> str:
    """A company ten times as large."""
    uri = postgresql.create_database("demonstration_large")
    fill(uri, LARGE)
    return uri


def ask(uri: str, statement: str) -> list[tuple]:
    """The rows that `statement` gives."""
    connection = psycopg2.connect(uri)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def fingerprints(uri: str) -> dict[str, str]:
    """A digest of all rows of each table."""
    statement = """SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C"), '')) FROM "{}" t"""
    return {table: ask(uri, statement.format(table))[0][0] for table in METADATA.tables}


def counts(uri: str) -> dict[str, int]:
    """The number of rows of each table."""
    return {table: ask(uri, f'SELECT count(*) FROM "{table}"')[0][0] for table in METADATA.tables}


def test_two_fillings_are_equal_row_by_row(postgresql: PostgreSQL, small: str):
    again = postgresql.create_database("demonstration_again")

    fill(again, SMALL)

    assert fingerprints(again) == fingerprints(small)


def test_the_rows_are_those_of_every_other_machine(small: str):
    together = "".join(digest for _, digest in sorted(fingerprints(small).items()))

    assert hashlib.md5(together.encode()).hexdigest() == DIGEST


def test_no_table_is_empty(small: str):
    assert [table for table, count in counts(small).items() if not count] == []


@pytest.mark.parametrize(
    "table", ["userfeatures", "linefeatures", "endpoint_sip_section_option", "extensions", "queuemember", "voicemail"]
)
def test_rows_grow_with_the_number_of_users(small: str, large: str, table: str):
    ratio = counts(large)[table] / counts(small)[table]

    assert 0.7 * LARGE / SMALL < ratio < 1.2 * LARGE / SMALL


def test_every_user_has_a_line(large: str):
    without = ask(large, "SELECT id FROM userfeatures WHERE id NOT IN (SELECT user_id FROM user_line WHERE main_line)")

    assert without == []


def test_new_rows_find_free_numbers(small: str):
    ((last, next_one),) = ask(
        small, "SELECT max(id), nextval(pg_get_serial_sequence('extensions', 'id')) FROM extensions"
    )

    assert next_one == last + 1


def test_names_and_secrets_are_never_the_same_twice():
    names = [line.name for line in found(50_000).lines]

    assert len(set(names)) == len(names)


def test_a_company_without_users_is_refused():
    with pytest.raises(ValueError, match="at least one user"):
        found(0)
