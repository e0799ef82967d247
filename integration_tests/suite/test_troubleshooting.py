"""The page of troubleshooting: each beginning that goes wrong is brought about, and its command says that line."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from integration_tests.suite.helpers.base import fill_database
from integration_tests.suite.helpers.environments import PROJECT
from integration_tests.suite.helpers.puppets import install_distribution
from integration_tests.suite.helpers.tutorial import blocks
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql
from xivo_confgend_wazo.meta import METADATA

PAGE = PROJECT / "docs" / "troubleshooting.md"
COMMANDS = {
    "xivo-confgend": 'exec {python} -m xivo_confgend.main -c {directory}/config.yml "$@"\n',
    "confgen": (
        'case "$1" in list) ;; *) set -- -c {directory}/client.conf "$@" ;; esac\n'
        'exec {python} -m xivo_confgend.client "$@"\n'
    ),
}
"""The commands of the page, with the configuration of the test in the place of that under /etc."""


def entries() -> dict[str, tuple[str, str]]:
    """For each heading of the page its command and the line that it says."""
    found = {}
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        kinds = list(blocks(text))
        assert [block.kind for block in kinds[:2]] == ["commands", "output"], heading
        found[heading] = (kinds[0].text, kinds[1].text)
    return found


@dataclass(frozen=True)
class Installation:
    """A directory with configurations, and what has to be stopped at the end."""

    directory: Path
    server: PostgreSQL
    uri: str
    started: ExitStack

    def serve(self, **config: Any) -> None:
        """Start a daemon; the client is told where."""
        daemon = Daemon(self.directory / "daemon", {"db_uri": self.uri, **config})
        self.started.enter_context(daemon)
        (self.directory / "client.conf").write_text(f"[confgen]\nport = {daemon.port}\n", "utf-8")
        (self.directory / "api").write_text(daemon.api, "utf-8")

    def configure(self, **config: Any) -> None:
        """Write a configuration for `xivo-confgend`."""
        (self.directory / "conf.d").mkdir()
        keys = {"cache": str(self.directory / "cache"), **config}
        (self.directory / "config.yml").write_text(yaml.safe_dump(keys), "utf-8")

    def run(self, command: str, environment: Mapping[str, str]) -> str:
        """What a command of the page prints."""
        programs = self.directory / "bin"
        programs.mkdir()
        for name, text in COMMANDS.items():
            program = programs / name
            program.write_text("#!/bin/sh\n" + text.format(python=sys.executable, directory=self.directory), "utf-8")
            program.chmod(0o755)
        own = {"PATH": f"{programs}:{os.environ['PATH']}", "XIVO_CONFGEND_TOKEN": ""}
        if (self.directory / "api").exists():
            own["XIVO_CONFGEND_API"] = (self.directory / "api").read_text("utf-8")
        done = subprocess.run(
            ["sh", "-c", command],
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that wants the password of the account `confgend`."""
    with running_postgresql() as server:
        rules = Path(server.directory) / "data" / "pg_hba.conf"
        rules.write_text("host all confgend 127.0.0.1/32 scram-sha-256\n" + rules.read_text("utf-8"), "utf-8")
        execute(server.uri(), "SELECT pg_reload_conf()")
        execute(server.uri(), "CREATE ROLE confgend LOGIN PASSWORD 'right'")
        yield server


def execute(uri: str, statement: str) -> None:
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture
def installation(server: PostgreSQL, tmp_path: Path) -> Iterator[Installation]:
    uri = fill_database(server, "troubleshooting", METADATA, "fresh")
    with ExitStack() as started:
        yield Installation(tmp_path, server, uri, started)


def password(installation: Installation) -> None:
    installation.serve(db_uri=installation.uri.replace("postgres@", "confgend:wrong@"))


def port(installation: Installation) -> None:
    installation.serve()


def table(installation: Installation) -> None:
    execute(installation.uri, "ALTER TABLE queue RENAME TO waiting_line")
    installation.serve()


def template(installation: Installation) -> None:
    installation.configure(templates={"modulesconf": str(installation.directory / "modules.conf.jinja2")})


def second_driver(installation: Installation) -> dict[str, str]:
    packages = installation.directory / "packages"
    install_distribution(packages, "mydriver", {"confgend.asterisk.sip.conf": {"mine": "mine:Driver"}}, "1.0")
    (packages / "mine.py").write_text(
        "class Driver:\n    def __init__(self, config): pass\n    generate = str\n", "utf-8"
    )
    installation.configure()
    return {"PYTHONPATH": str(packages)}


def token(installation: Installation) -> None:
    sha256 = hashlib.sha256(b"a token").hexdigest()
    installation.serve(rest_api={"tokens": [{"name": "maria", "sha256": sha256, "permissions": ["read"]}]})


BEGINNINGS: dict[str, Callable[[Installation], Mapping[str, str] | None]] = {
    "The password of the database is wrong": password,
    "The port is wrong": port,
    "A table or column is missing": table,
    "A template is missing": template,
    "A second driver for a file is installed": second_driver,
    "A token is missing": token,
}


def test_every_entry_of_the_page_is_tested() -> None:
    assert entries().keys() == BEGINNINGS.keys()


@pytest.mark.parametrize("heading", BEGINNINGS)
def test_the_command_says_the_line_of_the_page(heading: str, installation: Installation) -> None:
    command, line = entries()[heading]
    environment = BEGINNINGS[heading](installation) or {}

    printed = installation.run(command, environment)

    expected = ".*".join(map(re.escape, line.strip().split("…")))
    assert any(re.fullmatch(expected, one) for one in printed.splitlines()), printed


def test_the_second_driver_is_no_trouble_once_one_is_named(installation: Installation) -> None:
    environment = second_driver(installation)
    remedy = re.search(r"A second driver.*?```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert remedy is not None
    (installation.directory / "conf.d" / "10.yml").write_text(remedy[1], "utf-8")

    assert installation.run("xivo-confgend --check", environment) == "configuration is valid\n"
