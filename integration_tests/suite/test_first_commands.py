"""`make run` and `make test` where a newcomer clones: they work, or end with one line that says what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
import pytest

from integration_tests.suite.helpers.environments import PROJECT, Builder
from integration_tests.suite.helpers.puppets import wait_until
from xivo_confgend.testing import postgresql as testing
from xivo_confgend.testing.demonstration import CONSOLE_PORT, PORT
from xivo_confgend.testing.places import open_directory
from xivo_confgend.testing.postgresql import WHEEL, PostgreSQL, PostgreSQLError, running_postgresql

NOT_CLONED = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "_build")
NOT_NEEDED = shutil.ignore_patterns("pginstall18", "include", "*.a")
START = "import sys; from xivo_confgend.testing.postgresql import PostgreSQL; PostgreSQL(sys.argv[1]).start(); input()"
TIMEOUT = 240


def close_to_others(directory: Path) -> None:
    """Give everything in `directory` the modes that it has under umask 077."""
    subprocess.run(["chmod", "-R", "go=", str(directory)], check=True)


@contextmanager
def taken(*ports: int) -> Iterator[None]:
    """Nobody else can listen on these ports."""
    with ExitStack() as stack:
        for port in ports:
            listening = stack.enter_context(socket.socket())
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
                listening.listen()
            except OSError:
                # Somebody else listens there already, which serves as well.
                pass
        yield


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the tree in a directory of mode 0700, made under umask 077."""
    directory = tmp_path / "clone"
    shutil.copytree(PROJECT, directory, ignore=NOT_CLONED)
    close_to_others(tmp_path)
    return directory


@pytest.fixture
def newcomer(builder: Builder, tmp_path: Path) -> dict[str, str]:
    """The environment of an account whose pip has everything already, so that nothing is downloaded.

    Its PostgreSQL and its temporary directory are closed to others.
    """
    others, closed, temporary = (tmp_path / name for name in ("others", "closed", "temporary"))
    for directory in (others, closed, temporary):
        directory.mkdir()
    for package in builder.libraries.iterdir():
        if not package.name.startswith(WHEEL):
            (others / package.name).symlink_to(package.resolve())
        elif package.is_dir():
            shutil.copytree(package, closed / package.name, ignore=NOT_NEEDED)
    close_to_others(closed)
    return {
        **os.environ,
        "PYTHONPATH": f"{closed}:{others}",
        "PIP_NO_INDEX": "1",
        "PIP_USE_PEP517": "1",
        "TMPDIR": str(temporary),
        "PYTHON": sys.executable,
    }


def make(clone: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """What `make` prints under umask 077; it has to succeed."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=clone,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o077,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_make_run_works_in_a_closed_directory_under_umask_077(clone: Path, newcomer: dict[str, str]):
    with taken(PORT, CONSOLE_PORT):
        printed = make(clone, newcomer, "run", "ONCE=1", "USERS=5")

    assert "The database holds 5 users" in printed
    assert f"{PORT} is in use, so the daemon has port " in printed
    assert f"{CONSOLE_PORT} is in use, so the console has port " in printed
    assert "Warning" not in printed + (clone / ".run/daemon-wazo/log").read_text("utf-8")
    token = clone / ".run/daemon-wazo/token"
    assert f"export XIVO_CONFGEND_TOKEN={token.read_text('ascii')}\n" in printed
    assert token.stat().st_mode & 0o777 == 0o600
    elsewhere = clone / ".run/postgresql/elsewhere"
    moved = [elsewhere.readlink()] if elsewhere.is_symlink() else []
    assert bool(moved) == (os.geteuid() == 0)
    assert all(path.is_dir() for path in moved)
    make(clone, newcomer, "clean")
    assert [path for path in (*moved, clone / ".run", clone / ".venv") if path.exists()] == []


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty directory that every account may enter, for a server."""
    made = open_directory(f"xivo-confgend-tests-{uuid.uuid4().hex}")
    yield made
    shutil.rmtree(made)


@contextmanager
def owner_of_a_server(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that starts a server over `directory` and waits; killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", START, str(directory)], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin
        process.stdin.close()


def answers(server: PostgreSQL) -> bool:
    """Whether a statement is carried out."""
    psycopg2.connect(server.uri()).close()
    return True


def test_a_second_server_over_one_directory_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(testing, "LOCK_TIMEOUT", 0)
    first, second = PostgreSQL(directory), PostgreSQL(directory)
    first.start()
    try:
        with pytest.raises(PostgreSQLError, match=f"a server that was started before uses {directory}/data: end that"):
            second.start()
        assert answers(first)
    finally:
        first.stop()


def test_a_server_starts_again_after_its_owner_was_killed(directory: Path):
    with owner_of_a_server(directory):
        wait_until((directory / "data/postmaster.pid").exists, "the server")

    server = PostgreSQL(directory)
    server.start()
    try:
        assert answers(server)
    finally:
        server.stop()


def test_a_cluster_that_was_made_half_is_made_anew(directory: Path):
    with owner_of_a_server(directory):
        # initdb writes this file early, and the configuration late.
        wait_until((directory / "data.new/PG_VERSION").exists, "half a cluster")
        unfinished = [path for path in (directory / "data.new", directory / "data") if path.exists()]
    assert unfinished == [directory / "data.new"]

    server = PostgreSQL(directory)
    server.start()
    try:
        assert answers(server)
        assert not (directory / "data.new").exists()
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
class TestAsRoot:
    """The server of root runs as another account."""

    def test_an_account_that_does_not_exist_is_named(self, directory: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(testing, "SERVER_USER", "no-such-account")

        with pytest.raises(PostgreSQLError, match=r"no-such-account, .* does not exist: create it"):
            PostgreSQL(directory)

    def test_binaries_of_ones_own_are_not_copied(self, directory: Path):
        binaries = directory / "bin"
        binaries.mkdir(mode=0o700)

        with pytest.raises(PostgreSQLError, match=f"the account nobody, .*, may not enter {binaries}"):
            PostgreSQL(directory, binaries=binaries)

        binaries.chmod(0o755)
        assert PostgreSQL(directory, binaries=binaries).directory == directory

    def test_data_in_a_closed_directory_is_kept_in_another_place(self, tmp_path: Path):
        server = PostgreSQL(tmp_path)
        try:
            assert (tmp_path / "elsewhere").readlink() == server.directory
            assert PostgreSQL(tmp_path).directory == server.directory
        finally:
            shutil.rmtree(server.directory)

    def test_the_servers_account_cannot_write_beside_its_data(self):
        with running_postgresql() as server:
            owners = {path.name: path.stat().st_uid for path in (server.directory, *server.directory.iterdir())}

        assert {name for name, owner in owners.items() if owner} == {"data"}


def pytest_run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of some of the tests of this suite."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


NO_SERVER = {"XIVO_CONFGEND_PG_BIN": "/no"}, "golden", "XIVO_CONFGEND_PG_BIN is /no, where there is no initdb"
NO_BROWSER = (
    {"CHROMIUM": "/no"},
    "console",
    "no /no: install Chromium (Debian: apt-get install chromium) or set",
)
BROKEN_BROWSER = {"CHROMIUM": "/bin/false"}, "console", "--headless --no-sandbox --dump-dom about:blank` shows why"


@pytest.mark.parametrize(
    ("broken", "processes"),
    [(NO_SERVER, 0), (NO_SERVER, 2), (NO_BROWSER, 2), (BROKEN_BROWSER, 0)],
    ids=["no server", "no server for two processes", "no browser for two processes", "broken browser"],
)
def test_a_broken_set_up_ends_the_run_with_one_line(broken: tuple[dict[str, str], str, str], processes: int):
    environment, file, line = broken

    done = pytest_run("-n", str(processes), f"integration_tests/suite/test_{file}.py", **environment)

    assert done.returncode != 0
    assert "no tests ran" in done.stdout
    assert len([printed for printed in done.stdout.splitlines() if line in printed]) == 1
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(("ending", "outcome"), [("", "1 passed"), ("; assert 0, '\\udcc3'", "1 failed")])
def test_text_that_is_not_unicode_does_not_end_the_run(tmp_path: Path, ending: str, outcome: str):
    (tmp_path / "test_it.py").write_text(f"import logging\ndef test_it(): logging.error('\\udcc3'){ending}\n")

    done = pytest_run("-p", "conftest", "-n", "1", str(tmp_path))

    assert outcome in done.stdout
