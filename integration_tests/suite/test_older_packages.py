"""Packages that were written for the older daemons run as they are, beside the core in an environment of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from integration_tests.suite.helpers.base import asset
from integration_tests.suite.helpers.environments import Builder
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL

PACKAGES = asset("packages")
TEMPLATE = "[default]\nmode = files\ndirectory = {{ directory }}\n"


@pytest.fixture(scope="module")
def guests(postgresql: PostgreSQL) -> str:
    """URL of a database with two guests."""
    uri = postgresql.create_database("older_packages")
    execute(uri, "CREATE TABLE guest (id serial PRIMARY KEY, name text)")
    execute(uri, "INSERT INTO guest (name) VALUES ('Ada'), ('Grace')")
    return uri


@pytest.fixture(scope="module")
def serving(builder: Builder, guests: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the older packages and the library that one of them uses."""
    directory = tmp_path_factory.mktemp("older")
    templates = directory / "templates" / "asterisk"
    templates.mkdir(parents=True)
    (templates / "older_musiconhold.jinja").write_text(TEMPLATE, "utf-8")
    config = {
        "db_uri": guests,
        "templates": {"directory": str(directory / "templates")},
        "older_package": {"directory": "/var/lib/moh"},
    }
    names = ("older_package", "dao_package", "xivo_dao")
    environment = builder.environment(*(PACKAGES / name for name in names))
    with Daemon(directory, config, python=environment.python) as daemon:
        yield daemon


def execute(uri: str, statement: str) -> list[tuple]:
    """Run `statement` and commit; its rows, if it has any."""
    connection = psycopg2.connect(uri)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_a_package_of_the_older_namespace_gets_configuration_and_template_helper(serving: Daemon):
    assert serving.fetch("asterisk/musiconhold.conf").text == "[default]\nmode = files\ndirectory = /var/lib/moh"


def test_a_driver_reads_through_xivo_dao_without_setting_it_up(serving: Daemon):
    assert serving.fetch("asterisk/guests.conf").text == "[guests]\nguest = Ada\nguest = Grace\n"


def test_a_driver_that_uses_xivo_dao_sees_what_was_committed_before_the_request(serving: Daemon, guests: str):
    serving.fetch("asterisk/guests.conf")
    execute(guests, "INSERT INTO guest (name) VALUES ('Hedy')")

    text = serving.fetch("asterisk/guests.conf").text

    execute(guests, "DELETE FROM guest WHERE name = 'Hedy'")
    assert text.endswith("guest = Hedy\n")


def test_both_sessions_see_one_transaction_that_the_end_of_theirs_does_not_end(serving: Daemon):
    moments = serving.fetch("asterisk/moments.conf").text.splitlines()[1:]

    assert len(moments) == 4
    assert len(set(moments)) == 1


def test_a_failure_inside_xivo_dao_does_not_end_the_transaction(serving: Daemon):
    assert serving.fetch("asterisk/recovery.conf").text == "[recovery]\nsame = True\n"


def test_xivo_dao_cannot_write(serving: Daemon, guests: str):
    fetched = serving.fetch("asterisk/writing.conf")

    assert "read-only" in fetched.error
    assert execute(guests, "SELECT count(*) FROM guest WHERE name = 'uninvited'") == [(0,)]


def test_no_transaction_is_left_open(serving: Daemon, guests: str):
    serving.fetch("asterisk/guests.conf")

    states = execute(guests, "SELECT state FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")

    assert states == []


def test_savepoints_are_not_counted_as_statements_of_the_driver(serving: Daemon):
    serving.fetch("asterisk/guests.conf")

    facts = (serving.cache / ".facts" / "asterisk" / "guests.conf.json").read_text("utf-8")

    assert '"statements": 1' in facts


def test_a_library_that_cannot_be_imported_costs_other_drivers_nothing(builder: Builder, guests: str, tmp_path: Path):
    environment = builder.environment(PACKAGES / "older_package", PACKAGES / "dao_package", PACKAGES / "xivo_dao")
    (module,) = environment.directory.glob("lib/python*/site-packages/xivo_dao/helpers/db_manager.py")
    module.write_text("raise ImportError('made for another SQLAlchemy')\n", "utf-8")
    (tmp_path / "templates" / "asterisk").mkdir(parents=True)
    (tmp_path / "templates" / "asterisk" / "older_musiconhold.jinja").write_text(TEMPLATE, "utf-8")
    config = {"templates": {"directory": str(tmp_path / "templates")}, "older_package": {"directory": "/moh"}}

    with Daemon(tmp_path, config, python=environment.python) as daemon:
        text = daemon.fetch("asterisk/musiconhold.conf").text
        log = daemon.log

    assert text.endswith("directory = /moh")
    assert "xivo_dao is installed but cannot be used: ImportError: made for another SQLAlchemy" in log
