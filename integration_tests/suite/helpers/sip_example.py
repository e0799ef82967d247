"""The database that docs/spec/19-sip.conf-xivo.md section 9.1 describes, to be changed by tests of sip.conf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table, create_engine, insert, update

from integration_tests.suite.helpers.base import ASSETS, fill_database
from xivo_confgend.database import psycopg2_url
from xivo_confgend.testing.generation import Generated, generate
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_xivo import meta
from xivo_confgend_xivo.impl.sip import SIPConf

SPECIFICATION = (ASSETS.parents[1] / "docs" / "spec" / "19-sip.conf-xivo.md").read_text("utf-8")

USER = "aaaaaaaa-0000-4000-8000-000000000007"
EXAMPLE: dict[Table, list[dict[str, Any]]] = {
    meta.staticsip: [
        {"filename": "sip.conf", "category": category, "var_name": name, "var_val": value, "commented": commented}
        for name, value, category, commented in (
            ("bindport", "5060", "general", 0),
            ("realm", "demo", "general", 0),
            ("domain", None, "general", 0),
            ("useragent", "hidden", "general", 1),
            ("register", "u:p@gw.example/100", "general", 0),
            ("mwi", "1234:pw@gw.example/9", "general", 0),
            ("prematuremedia", "no", "general", 0),
            ("disallow", "all", "general", 0),
            ("allow", "alaw,ulaw", "general", 0),
            ("empty", "", "general", 0),
            ("pedantic", "yes", "other", 0),
            ("prematuremedia", "yes", "general", 0),
        )
    ],
    meta.sipauthentication: [
        {"user": "bob", "secretmode": "md5", "secret": "s1", "realm": "r.example", "usersip_id": None},
        {"user": "al", "secretmode": "clear", "secret": "s2", "realm": "r2.example", "usersip_id": 5},
    ],
    meta.usersip: [
        {
            "id": 1, "name": "u-one", "type": "friend", "category": "user", "secret": "pw", "context": "ctx-a",
            "callerid": '"Ann" <100>', "allow": "alaw,g722", "qualify": "yes", "username": "", "disallow": "g729",
            "options": [["foo", "bar"], ["allow", "extra"], ["disallow", "x"]],
        },
        {
            "id": 2, "name": "u-two", "type": "friend", "category": "user", "secret": "pw2", "context": "ctx-a",
            "subscribemwi": 1,
        },
        {
            "id": 3, "name": "t-one", "type": "peer", "category": "trunk", "host": "gw.example", "allow": "g729",
            "encryption": 1, "call-limit": 0, "session-timers": "accept", "username": "bob", "regseconds": 5,
            "lastms": "12",
        },
        {"id": 4, "name": "t-two", "type": "peer", "category": "trunk", "host": "gw2.example"},
        {"id": 5, "name": "t-three", "type": "peer", "category": "trunk", "commented": 1},
    ],
    meta.linefeatures: [
        {"id": 21, "protocol": "sip", "protocolid": 1, "context": "ctx-l", "provisioningid": 0},
        {"id": 22, "protocol": "sip", "protocolid": 2, "context": "ctx-l", "provisioningid": 0},
    ],
    meta.user_line: [
        {"id": 1, "user_id": 7, "line_id": 21, "extension_id": 31, "main_user": True, "main_line": True}
    ],
    meta.userfeatures: [
        {
            "id": 7, "uuid": USER, "musiconhold": "calm", "voicemailid": 41, "func_key_private_template_id": 1,
            "description": "",
        }
    ],
    meta.voicemail: [{"uniqueid": 41, "mailbox": "100", "context": "ctx-vm"}],
    meta.extensions: [
        {"id": 31, "exten": "100", "context": "ctx-x", "type": "user", "typeval": "7"},
        {"id": 32, "exten": "*1", "context": "xivo-features", "type": "extenfeatures", "typeval": "cctoggle"},
    ],
    meta.pickup: [{"id": 3, "name": "three"}, {"id": 4, "name": "four"}],
    meta.pickupmember: [
        {"pickupid": 3, "category": "member", "membertype": "user", "memberid": 7},
        {"pickupid": 4, "category": "member", "membertype": "user", "memberid": 7},
        {"pickupid": 4, "category": "pickup", "membertype": "user", "memberid": 7},
    ],
}  # fmt: skip
"""The database of section 9.1."""


class Database:
    """A database of one test, with rows put in and sip.conf taken out."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._engine = create_engine(psycopg2_url(uri), future=True)

    def insert(self, rows: Mapping[Table, list[dict[str, Any]]]) -> None:
        with self._engine.begin() as connection:
            for table, values in rows.items():
                for one in values:
                    connection.execute(insert(table).values({table.c[name]: value for name, value in one.items()}))

    def update(self, table: Table, row: int, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(table).where(next(iter(table.primary_key)) == row).values(values))

    def execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def generate(self, config: Mapping[str, Any] | None = None) -> Generated:
        return generate(SIPConf, self.uri, config)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def empty_database(postgresql: PostgreSQL) -> Iterator[Database]:
    """The schema without a row."""
    if not postgresql.has_database("sip_schema"):
        fill_database(postgresql, "sip_schema", meta.METADATA)
    database = Database(postgresql.create_database("sip_test", template="sip_schema"))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def example_database(postgresql: PostgreSQL) -> Iterator[Database]:
    """The rows of section 9.1."""
    with empty_database(postgresql) as database:
        database.insert(EXAMPLE)
        yield database


def worked_example(number: str) -> str:
    """The file that section `number` of the specification shows, `$` being the end of a line."""
    shown = re.search(rf"### {re.escape(number)} .*?\n```\n(.*?)```", SPECIFICATION, re.S)[1]
    return re.sub(r"\$$", "", shown, flags=re.M)


def section(content: str, name: str) -> list[str]:
    """The lines of the one section `name`."""
    _before, after = content.split(f"\n[{name}]\n")
    return after.split("\n\n")[0].split("\n")


def sections(content: str) -> list[str]:
    return re.findall(r"^\[.*", content, re.M)
