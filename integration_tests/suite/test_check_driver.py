"""What `check-driver --db-uri` sees of drivers that read a real database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from integration_tests.suite.helpers.environments import PROJECT
from tests.driver_wheels import driver, wheel
from xivo_confgend.driver_check.examination import check
from xivo_confgend.driver_check.findings import Level, Report
from xivo_confgend.testing.postgresql import PostgreSQL

ASK = """
from sqlalchemy import text
from xivo_confgend.database import Session
ask = lambda statement: Session.execute(text(statement))
"""

READ = {"wazo": {"endpoint_sip", "voicemail", "queue"}, "xivo": {"staticsip", "usersip"}}
OURS = [("wazo", "tricky"), ("xivo", "xivo-tricky")]
"""The databases with the nastiest rows; what is generated from the other ones is examined in `test_conformance.py`."""


@pytest.fixture(scope="module")
def rows(postgresql: PostgreSQL) -> str:
    """URL of a database with a table `a` of 60 rows and a table `b` that nobody reads."""
    uri = postgresql.create_database("check_driver")
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE a AS SELECT generate_series(1, 60) AS id; CREATE TABLE b (id int)")
    connection.close()
    return uri


def examine(directory: Path, body: str, uri: str) -> Report:
    """The report on a driver whose `generate` does `body` with that database."""
    return check(str(wheel(directory, driver(ASK + body))), uri, time_limit=2)


def texts(report: Report, level: Level) -> list[str]:
    """What its findings of that level say."""
    return [finding.text for finding in report.findings if finding.level == level]


def test_size_time_statements_and_tables_are_those_of_the_generation(tmp_path: Path, rows: str):
    report = examine(tmp_path, "return f\"[a]\\nb = {ask('SELECT max(id) FROM a').scalar()}\\n\"", rows)

    assert report.findings == []
    (generation,) = report.generations
    assert (generation.size, generation.lines) == (len("[a]\nb = 60\n"), 2)
    assert (generation.statements, generation.tables) == (1, ("a",))
    assert 0 < generation.milliseconds < 2000


def test_a_statement_for_each_row_is_a_warning(tmp_path: Path, rows: str):
    body = "for row in ask('SELECT id FROM a').all(): ask('SELECT 1')\nreturn ''"

    assert texts(examine(tmp_path, body, rows), Level.WARNING) == ["61 statements for one file"]


def test_a_driver_that_writes_is_refused_by_the_database(tmp_path: Path, rows: str):
    report = examine(tmp_path, "ask('INSERT INTO b VALUES (1)')\nreturn ''", rows)

    (text,) = texts(report, Level.ERROR)
    assert "read-only transaction" in text


def test_a_statement_that_takes_too_long_is_an_error(tmp_path: Path, rows: str):
    (text,) = texts(examine(tmp_path, "ask('SELECT pg_sleep(60)')\nreturn ''", rows), Level.ERROR)

    assert "statement timeout" in text


def test_a_database_that_cannot_be_reached_is_an_error(tmp_path: Path):
    (text,) = texts(examine(tmp_path, "ask('SELECT 1')\nreturn ''", "postgresql://127.0.0.1:1/x"), Level.ERROR)

    assert "Connection refused" in text


@pytest.mark.parametrize(("package", "case"), OURS)
def test_our_own_package_is_without_errors(golden_uri: Callable[[str], str], package: str, case: str):
    command = [sys.executable, "-m", "xivo_confgend.main", "check-driver", "--json", "--db-uri", golden_uri(case)]

    done = subprocess.run([*command, str(PROJECT / "drivers" / package)], capture_output=True, text=True, check=False)

    report = json.loads(done.stdout)
    assert [finding for finding in report["findings"] if finding["level"] == "error"] == []
    assert READ[package] <= {table for generation in report["generations"] for table in generation["tables"]}
