"""What an operator is told when the database is not the one that a driver reads, or does not let the daemon in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg2
import pytest

from integration_tests.suite.helpers.base import fill_database
from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql
from xivo_confgend_wazo.meta import METADATA

OTHER_VERSION = "it is older or newer than this driver supports"
FRAGMENTS = re.compile(r"LINE 1|\^|SELECT|sqlalche\.me|psycopg2")
PJSIP, QUEUES = "asterisk/pjsip.conf", "asterisk/queues.conf"


def execute(uri: str, *statements: str) -> None:
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


class TestSchema:
    @pytest.fixture
    def uri(self, postgresql: PostgreSQL) -> str:
        """A database of the Wazo schema without rows that the test may change."""
        return fill_database(postgresql, "schema_problems", METADATA, "fresh")

    @pytest.fixture
    def serving(self, uri: str, puppet_daemon: Callable[..., Daemon]) -> Daemon:
        return puppet_daemon(db_uri=uri)

    @pytest.mark.parametrize(
        ("change", "file", "lacks"),
        [
            ("ALTER TABLE endpoint_sip RENAME COLUMN name TO title", PJSIP, "endpoint_sip.name"),
            ("ALTER TABLE queue RENAME TO waiting_line", QUEUES, "the table queue"),
            ("DROP TABLE queue CASCADE", QUEUES, "the table queue"),
            (
                "ALTER TABLE queue DROP COLUMN musicclass CASCADE, DROP COLUMN timeout CASCADE;"
                " ALTER TABLE endpoint_sip DROP COLUMN name CASCADE",
                QUEUES,
                "queue.musicclass and queue.timeout",
            ),
        ],
        ids=["column", "renamed table", "dropped table", "columns of another file too"],
    )
    def test_what_is_missing_is_named(self, uri: str, serving: Daemon, change: str, file: str, lacks: str) -> None:
        execute(uri, change)
        answer = serving.fetch(file)
        reason = f"the database lacks {lacks}, which driver wazo 1.0.0 reads: {OTHER_VERSION}"
        assert (answer.code, answer.error) == (503, f"{file}: {reason}")
        assert f"{file}: generation failed: {reason}; there is no last good content to serve" in serving.log

    def test_a_missing_table_leaves_the_last_good_content(self, uri: str, serving: Daemon) -> None:
        before = serving.fetch(QUEUES).text
        execute(uri, "ALTER TABLE queue RENAME TO waiting_line")
        answer = serving.fetch(QUEUES)
        assert (answer.state, answer.text) == ("stale", before)
        assert f"which driver wazo 1.0.0 reads: {OTHER_VERSION}; the last good content is served" in serving.log
        execute(uri, "ALTER TABLE waiting_line RENAME TO queue")
        assert serving.fetch(QUEUES).state == "fresh"

    def test_a_table_in_another_schema_is_missing(self, uri: str, serving: Daemon) -> None:
        execute(uri, "CREATE SCHEMA elsewhere", "ALTER TABLE queue SET SCHEMA elsewhere")
        assert "lacks the table queue, which" in serving.fetch(QUEUES).error

    def test_a_driver_without_metadata_is_told_what_the_server_says(self, serving: Daemon, puppets: Puppets) -> None:
        puppets.tell("rows", "ask", statement="SELECT hat FROM wardrobe")
        answer = serving.fetch("test/rows.conf")
        assert answer.error.replace("\\", "") == (
            f"test/rows.conf: the database lacks a table or column that driver ill 1.0 reads: {OTHER_VERSION}"
            ' (UndefinedTable: relation "wardrobe" does not exist)'
        )

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("SELECT 1/0", "DivisionByZero: division by zero"),
            ("SELECT nothing(", "SyntaxError: syntax error at end of input"),
            ("SELECT nothing()", "UndefinedFunction: function nothing() does not exist"),
        ],
    )
    def test_no_reason_holds_a_piece_of_the_statement_or_a_link(
        self, serving: Daemon, puppets: Puppets, statement: str, said: str
    ) -> None:
        puppets.tell("rows", "ask", statement=statement)
        assert serving.fetch("test/rows.conf").error == f"test/rows.conf: {said}"
        assert not FRAGMENTS.search("".join(line for line in serving.log.splitlines() if "(ERROR)" in line))

    def test_what_the_account_may_not_read_is_named(
        self, uri: str, postgresql: PostgreSQL, puppet_daemon: Callable[..., Daemon]
    ) -> None:
        execute(
            uri,
            "DROP ROLE IF EXISTS half_blind",
            "CREATE ROLE half_blind LOGIN",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO half_blind",
            "REVOKE SELECT ON queue FROM half_blind",
        )
        daemon = puppet_daemon(db_uri=uri.replace("postgres@", "half_blind@"))
        try:
            assert daemon.fetch(QUEUES).error == (
                f"{QUEUES}: the account of db_uri may not read the table queue, which driver wazo 1.0.0 reads:"
                " GRANT SELECT ON queue TO it"
            )
        finally:
            daemon.stop()
            execute(uri, "DROP OWNED BY half_blind", "DROP ROLE half_blind")


@pytest.fixture(scope="module")
def guarded_server() -> Iterator[PostgreSQL]:
    """A server that wants passwords of some accounts, and keeps one out."""
    with running_postgresql({"max_connections": "8", "superuser_reserved_connections": "3"}) as server:
        rules = Path(server.directory) / "data" / "pg_hba.conf"
        trusting = rules.read_text()
        lines = ("host all locked 127.0.0.1/32 scram-sha-256", "host all unwanted 127.0.0.1/32 reject")
        rules.write_text("\n".join(lines) + "\n" + trusting)
        execute(
            server.uri(),
            "SELECT pg_reload_conf()",
            "CREATE ROLE locked LOGIN PASSWORD 'right'",
            "CREATE ROLE unwanted LOGIN",
            "CREATE ROLE visitor LOGIN",
            "CREATE DATABASE closed",
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
        )
        yield server


GENERAL = "check the user, the password and the name of the database in db_uri (or XIVO_CONFGEND_DB_URI)"
LOGINS = {
    "wrong password": ("locked:wrong@", "postgres", GENERAL),
    "no password": ("locked@", "postgres", GENERAL),
    "missing database behind a password": ("locked:right@", "nowhere", GENERAL),
    "missing database": ("visitor@", "nowhere", "create the database, or name another one in db_uri"),
    "missing role": ("nobody:x@", "postgres", "create the account, or allow it in pg_hba.conf, or name another one"),
    "no right to connect": ("visitor@", "closed", "grant the account CONNECT on the database, or name another one"),
    "rejected by pg_hba.conf": ("unwanted@", "postgres", "create the account, or allow it in pg_hba.conf"),
}


class TestLogin:
    @pytest.fixture
    def start(self, guarded_server: PostgreSQL, puppets: Puppets, puppet_daemon: Callable[..., Daemon]):
        def start(account: str, database: str) -> Daemon:
            puppets.tell("rows", "ask", statement=ITEMS)
            uri = guarded_server.uri(database).replace("postgres@", account)
            return puppet_daemon(db_uri=uri, rest_api={})

        return start

    @pytest.mark.parametrize("login", LOGINS)
    def test_a_refused_login_is_no_outage(self, start: Callable[..., Daemon], login: str) -> None:
        account, database, advice = LOGINS[login]
        daemon = start(account, database)
        error = daemon.fetch("test/rows.conf").error
        assert error.startswith("test/rows.conf: the database refuses the connection: ")
        assert advice in error
        assert "right" not in error.replace("right to", "") and "wrong" not in error
        assert "is away" not in daemon.log
        assert "test/rows.conf: generation failed: the database refuses the connection: " in daemon.log
        assert "there is no last good content to serve" in daemon.log

    def test_it_is_said_once_for_all_and_for_each_without_content(
        self, start: Callable[..., Daemon], puppets: Puppets
    ) -> None:
        puppets.tell("other_rows", "ask", statement=ITEMS)
        daemon = start("locked:wrong@", "postgres")
        for _ in range(3):
            daemon.fetch("test/rows.conf")
            daemon.fetch("test/other_rows.conf")
        errors = [line for line in daemon.log.splitlines() if "(ERROR)" in line]
        assert len(errors) == 3, errors
        assert errors[0].endswith("; files are served from the last good ones, where there are any")

    def test_the_status_says_what_to_do(self, start: Callable[..., Daemon]) -> None:
        told = httpx.get(f"{start('locked:wrong@', 'postgres').api}/1.0/status", timeout=60).json()
        (detail,) = [check["detail"] for check in told["checks"] if check["name"] == "database"]
        assert detail.startswith("the database refuses the connection: ") and GENERAL in detail

    def test_a_right_password_works(self, start: Callable[..., Daemon], guarded_server: PostgreSQL) -> None:
        Items(guarded_server.uri()).make("one")
        execute(guarded_server.uri(), "GRANT SELECT ON item TO locked")
        assert start("locked:right@", "postgres").fetch("test/rows.conf").text == "1 one\n"

    def test_a_server_that_is_full_is_away(self, start: Callable[..., Daemon], guarded_server: PostgreSQL) -> None:
        others = []
        try:
            with pytest.raises(psycopg2.OperationalError):
                for _ in range(9):
                    others.append(psycopg2.connect(guarded_server.uri().replace("postgres@", "visitor@")))
            daemon = start("visitor@", "postgres")
            error = daemon.fetch("test/rows.conf").error
        finally:
            for one in others:
                one.close()
        assert "refuses the connection" not in error
        assert "the database is away: " in daemon.log

    def test_a_port_where_nothing_listens_is_away(self, puppets: Puppets, puppet_daemon: Callable[..., Daemon]) -> None:
        puppets.tell("rows", "ask", statement=ITEMS)
        daemon = puppet_daemon(db_uri="postgresql://x@127.0.0.1:1/x")
        assert "Connection refused" in daemon.fetch("test/rows.conf").error
        assert "the database is away: " in daemon.log
        assert "there is no last good content to serve" in daemon.log
