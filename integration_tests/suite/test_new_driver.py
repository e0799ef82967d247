"""What `new-driver` writes works as it is: built as a wheel, installed beside the core, tested by its own tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from integration_tests.suite.helpers.environments import Builder, Environment
from xivo_confgend.database import psycopg2_url
from xivo_confgend.testing.postgresql import PostgreSQL

CASES = {"acme": "asterisk/acme.conf", "with_words-of-all-kinds": "9web/2nd-file.yml"}
TABLE = "CREATE TABLE userfeatures (id serial PRIMARY KEY, firstname text NOT NULL, lastname text)"
ROWS = "INSERT INTO userfeatures (firstname, lastname) VALUES ('Ada', 'Lovelace'), ('Eve; \n[x]', NULL)"


@pytest.fixture(scope="module")
def core(builder: Builder) -> Environment:
    """An environment with nothing but the core."""
    return builder.environment()


@pytest.fixture(scope="module", params=CASES)
def written(request: pytest.FixtureRequest, core: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a new distribution, written by the installed core."""
    directory = tmp_path_factory.mktemp("author")
    core.run("xivo-confgend", "new-driver", request.param, CASES[request.param], cwd=directory)
    (made,) = directory.iterdir()
    return made


@pytest.fixture(scope="module")
def environment(builder: Builder, written: Path) -> Environment:
    """An environment with the core and the new distribution."""
    return builder.environment(written)


def test_its_tests_pass_untouched(environment: Environment, written: Path):
    # -P: what is tested is the installed package, not the one in the current directory
    output = environment.run("python", "-P", "-m", "pytest", "tests", cwd=written)

    assert " passed" in output


def test_check_driver_finds_nothing(environment: Environment, written: Path, postgresql: PostgreSQL):
    uri = postgresql.create_database("new_driver")
    engine = create_engine(psycopg2_url(uri), future=True)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
        connection.execute(text(ROWS))
    engine.dispose()

    report = json.loads(environment.run("xivo-confgend", "check-driver", "--json", "--db-uri", uri, written))

    assert [f for f in report["findings"] if "the driver warns: control characters" not in f["text"]] == []
    (generation,) = report["generations"]
    assert generation["statements"] == 1
    assert generation["tables"] == ["userfeatures"]


def test_the_daemon_lists_it_by_its_name(environment: Environment, written: Path, tmp_path: Path):
    (tmp_path / "config.yml").write_text("{}", "utf-8")

    listed = environment.run("xivo-confgend", "-c", tmp_path / "config.yml", "--list-drivers").splitlines()

    assert listed[1].split()[2:3] == ["yes"]
    assert len(listed) == 2, "a problem would be a line of its own"
