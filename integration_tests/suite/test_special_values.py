"""One row with a value that Asterisk's grammar treats specially: it is read as it is stored, and no object is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
import pytest
import yaml
from psycopg2 import sql

from integration_tests.suite.helpers.base import ASSETS
from integration_tests.suite.helpers.drivers import Candidate, installed
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend.testing.generation import generate
from xivo_confgend.testing.postgresql import PostgreSQL

SHIPPED = yaml.safe_load((ASSETS.parents[1] / "etc" / "xivo-confgend" / "config.yml").read_text("utf-8"))
USERS = 40
DRIVERS = {(one.name, one.path): one for one in installed()}
OPTION = (
    "uuid = (SELECT o.uuid FROM endpoint_sip_section_option o"
    " JOIN endpoint_sip_section s ON s.uuid = o.endpoint_sip_section_uuid"
    " JOIN endpoint_sip e ON e.uuid = s.endpoint_sip_uuid"
    " JOIN linefeatures l ON l.endpoint_sip_uuid = e.uuid WHERE l.id = 1 AND o.key = {!r} AND s.type = {!r})"
)

Objects = list[tuple[str, list[tuple[str, str]]]]


class Change(NamedTuple):
    """A column of one row and its new value, and the option that shows it: section (None: any), key, value.

    `field`: which part of a value that is cut at commas, where it is one.
    """

    schema: str
    path: str
    table: str
    column: str
    where: str
    value: str
    shown: tuple[str | None, str, str]
    field: int | None = None


CHANGES = [
    Change(
        "wazo", "asterisk/pjsip.conf", "endpoint_sip_section_option", "value", OPTION.format("callerid", "endpoint"),
        '"Bob ;-- x" <10014>', (None, "callerid", '"Bob ;-- x" <10014>'),
    ),
    Change(
        "wazo", "asterisk/pjsip.conf", "endpoint_sip", "name",
        "uuid = (SELECT min(endpoint_sip_uuid::text)::uuid FROM linefeatures)",
        "a;b", ("a;b", "aors", "a;b"),
    ),
    Change(
        "wazo", "asterisk/pjsip.conf", "endpoint_sip_section_option", "key", OPTION.format("callerid", "endpoint"),
        "\\", (None, "\\", '"Maël Jolivent" <10000>'),
    ),
    Change(
        "wazo", "asterisk/pjsip.conf", "endpoint_sip_section_option", "value", OPTION.format("password", "auth"),
        "abc;def", (None, "password", "abc;def"),
    ),
    Change(
        "wazo", "asterisk/voicemail.conf", "voicemail", "fullname", "uniqueid = 1",
        "Ann ;-- x", ("default", "10000", "Ann ;-- x"), 1,
    ),
    Change(
        "wazo", "asterisk/voicemail.conf", "voicemail", "context", "uniqueid = 1",
        "a;b", ("a;b", "10000", "Maël Jolivent"), 1,
    ),
    Change(
        "wazo", "asterisk/queues.conf", "queue", "musicclass", "name = (SELECT min(name) FROM queue)",
        "x;--", (None, "musicclass", "x;--"),
    ),
    Change(
        "wazo", "asterisk/extensions.conf", "contextinclude", "include",
        "(context, include) = (SELECT context, include FROM contextinclude ORDER BY 1, 2 LIMIT 1)",
        "x ;-- y", (None, "include", "x ;-- y"),
    ),
    Change(
        "wazo", "asterisk/musiconhold.conf", "moh", "name", "name = (SELECT min(name) FROM moh)",
        "a;b", ("a;b", "mode", "files"),
    ),
    Change(
        "xivo", "asterisk/sip.conf", "usersip", "callerid", "id = 1",
        '"Bob ;-- x" <10014>', (None, "callerid", '"Bob ;-- x" <10014>'),
    ),
    Change("xivo", "asterisk/sip.conf", "usersip", "name", "id = 1", "a;b", ("a;b", "type", "friend")),
    Change("xivo", "asterisk/sip.conf", "usersip", "secret", "id = 1", "abc;def", (None, "secret", "abc;def")),
    Change("xivo", "asterisk/sip.conf", "staticsip", "var_name", "id = 1", "\\", ("general", "\\", "5060")),
]  # fmt: skip


@pytest.fixture(scope="module")
def companies(postgresql: PostgreSQL) -> dict[str, str]:
    """The URL of a company of each schema; a test leaves its rows as they were."""
    made = {}
    for schema in ("wazo", "xivo"):
        made[schema] = postgresql.create_database(f"special_{schema}")
        next(one for (name, _), one in DRIVERS.items() if name == schema).fill(made[schema], USERS)
    return made


@contextmanager
def changed(uri: str, change: Change) -> Iterator[None]:
    """The row with its new value."""
    names = {"table": sql.Identifier(change.table), "column": sql.Identifier(change.column)}
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT ctid::text, {column} FROM {table} WHERE " + change.where).format(**names))
            ((ctid, before),) = cursor.fetchall()
            update = sql.SQL("UPDATE {table} SET {column} = %s WHERE ctid = %s RETURNING ctid::text").format(**names)
            cursor.execute(update, (change.value, ctid))
            ((ctid,),) = cursor.fetchall()
            try:
                yield
            finally:
                cursor.execute(update, (before, ctid))
    finally:
        connection.close()


def objects(driver: Candidate, uri: str) -> Objects:
    """What Asterisk holds of the file now."""
    config = {"enabled_asterisk_modules": SHIPPED["enabled_asterisk_modules"]}
    file = read(generate(driver.load(), uri, config).content)
    assert (file.refused, file.problems) == (None, [])
    return file.resolved()


@pytest.mark.parametrize("change", CHANGES, ids=[f"{one.table}.{one.column} {one.value}" for one in CHANGES])
def test_a_special_value_is_read_and_nothing_is_lost(companies: dict[str, str], change: Change):
    driver, uri = DRIVERS[change.schema, change.path], companies[change.schema]
    before = objects(driver, uri)

    with changed(uri, change):
        after = objects(driver, uri)

    section, key, value = change.shown
    read_values = [v for name, pairs in after if section in {None, name} for k, v in pairs if k == key]
    assert value in [v if change.field is None else v.split(",")[change.field] for v in read_values]
    assert sum(len(pairs) for _, pairs in after) == sum(len(pairs) for _, pairs in before)
    assert len({name for name, _ in before} - {name for name, _ in after}) <= 1
    assert objects(driver, uri) == before


def test_a_context_with_a_semicolon_keeps_its_extensions(companies: dict[str, str]):
    driver, uri = DRIVERS["wazo", "asterisk/extensions.conf"], companies["wazo"]
    before = dict(objects(driver, uri))
    name = next(name for name in before if "internal" in name)

    with (
        changed(uri, Change("", "", "context", "name", f"name = '{name}'", "a;b", (None, "", ""))),
        psycopg2.connect(uri) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE extensions SET context = 'a;b' WHERE context = %s", (name,))
        connection.commit()
        try:
            after = dict(objects(driver, uri))
        finally:
            cursor.execute("UPDATE extensions SET context = %s WHERE context = 'a;b'", (name,))
    connection.close()

    assert [value for key, value in after["a;b"] if key == "exten" and ",1," in value] == [
        value for key, value in before[name] if key == "exten" and ",1," in value
    ]
    assert after["a;b"]
    assert after.keys() - {"a;b"} == before.keys() - {name}
