"""The fixtures for authors of drivers, used by small test files in a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from integration_tests.suite.helpers.environments import Builder, Environment
from integration_tests.suite.test_sample_driver import SAMPLE
from xivo_confgend.testing import assert_asterisk_conf
from xivo_confgend.testing.postgresql import PostgreSQL

DATABASES = """
import psycopg2

def make_table(uri):
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id int)")
    connection.close()

def test_first(confgend_database):
    make_table(confgend_database)

def test_second(confgend_database):
    make_table(confgend_database)

def test_by_name(confgend_postgresql):
    make_table(confgend_postgresql.create_database("mine"))
    print("URI", confgend_postgresql.uri("postgres"))
"""
FETCHING = """
import pytest

PLUGINS = {"asterisk.sip.conf": "my_driver"}

def test_fetch_asks_the_daemon_that_was_started_last(confgend_daemon, fetch, tmp_path):
    snippet = tmp_path / "50-mine.yml"
    snippet.write_text("my_driver: {useragent: from conf.d}")
    confgend_daemon(plugins=PLUGINS, my_driver={"useragent": "first"})
    confgend_daemon(plugins=PLUGINS, conf_d=[snippet])
    assert fetch("asterisk/sip.conf") == "[general]\\nuseragent = from conf.d\\n"

def test_fetch_starts_a_daemon_if_there_is_none(fetch):
    assert fetch("asterisk/sip.conf") == "[general]\\nuseragent = xivo-confgend\\n"

def test_fetch_shows_reason_and_log(confgend_daemon, fetch):
    confgend_daemon(plugins={"asterisk.sip.conf": None})
    with pytest.raises(pytest.fail.Exception, match="switched off(.|\\n)*Log of the daemon:(.|\\n)*listening"):
        fetch("asterisk/sip.conf")

def test_daemons_end_with_their_test(confgend_daemon):
    global process
    process = confgend_daemon().process

def test_is_after_the_one_above():
    assert process.poll() is not None
"""


def run_pytest(python: Path | str, directory: Path, source: str, **environment: str) -> str:
    """Output of a pytest run of `source`, all of whose tests have to pass."""
    (directory / "test_it.py").write_text(source, "utf-8")
    done = subprocess.run(
        [str(python), "-m", "pytest", "-s", "-p", "no:cacheprovider", str(directory)],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(builder: Builder) -> Environment:
    """An environment with the core and the sample."""
    return builder.environment(SAMPLE)


def test_each_test_has_a_database_of_its_own_in_an_embedded_postgresql(tmp_path: Path):
    assert "3 passed" in run_pytest(sys.executable, tmp_path, DATABASES, XIVO_CONFGEND_TEST_DB_URI="")


def test_a_given_postgresql_is_used_and_left_as_it_was(tmp_path: Path, postgresql: PostgreSQL):
    before = databases(postgresql)

    output = run_pytest(sys.executable, tmp_path, DATABASES, XIVO_CONFGEND_TEST_DB_URI=postgresql.uri())

    assert "3 passed" in output
    assert f"URI {postgresql.uri('postgres')}" in output
    assert databases(postgresql) == before


def databases(server: PostgreSQL) -> set[str]:
    """The databases of `server`."""
    connection = psycopg2.connect(server.uri())
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            return {name for (name,) in cursor.fetchall()}
    finally:
        connection.close()


def test_daemons_are_started_asked_and_stopped(environment: Environment, tmp_path: Path):
    assert "5 passed" in run_pytest(environment.python, tmp_path, FETCHING)


def test_the_plugin_imports_nothing_of_the_core_until_it_is_used():
    code = (
        "import pytest, sys; before = set(sys.modules); import xivo_confgend.testing.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )

    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    modules = ["xivo_confgend", "xivo_confgend.testing", "xivo_confgend.testing.content"]
    assert eval(imported) == [*modules, "xivo_confgend.testing.pytest_plugin"]


def test_a_good_text_is_returned_as_asterisk_reads_it():
    assert assert_asterisk_conf("[a]\nb = 1\n").named("a")[0].pairs() == [("b", "1")]


def test_a_bad_text_fails_with_every_finding():
    with pytest.raises(AssertionError, match=r"outside of a section(.|\n)*unknown escape") as raised:
        assert_asterisk_conf("a = 1\n[b]\nc = \\q\n")

    assert "write a [section] above it" in str(raised.value)


def test_what_is_only_doubtful_may_pass():
    assert_asterisk_conf("[b]\nc = \\q\n[b]\n", warnings=False)
