"""`make run`: a demonstration company in an embedded PostgreSQL, served by the real daemon.

Any distribution that registers an entry point in `xivo_confgend.demonstration` (a function taking the URL of
an empty database and a number of users) can be shown; its name is also that of its drivers. A function
`describe(uri, content)` beside it, which gives lines to print, is welcome.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from xivo_confgend.drivers import Catalogue
from xivo_confgend.exceptions import NoSuchFile
from xivo_confgend.names import FileName
from xivo_confgend.rest_api import PERMISSIONS
from xivo_confgend.testing.daemon import Daemon, DaemonError, read_framed
from xivo_confgend.testing.postgresql import PostgreSQL, PostgreSQLError

GROUP = "xivo_confgend.demonstration"
PORT = 8669
CONSOLE_PORT = 8670
SHOWN = ("asterisk/pjsip.conf", "asterisk/sip.conf")
"""The files whose beginning is printed, the first that is there."""
LONGEST_SECTION = 30
INTERRUPTED = 130


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    lines: int
    size: int
    milliseconds: float
    state: str


def demonstrations() -> dict[str, importlib.metadata.EntryPoint]:
    """The installed demonstration companies by name."""
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}


def say(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


def fill_database(server: PostgreSQL, entry: importlib.metadata.EntryPoint, users: int) -> str:
    """The URL of a filled database: made once per seeding code and number of users, then kept."""
    name = f"{entry.name}_{users}_{_fingerprint(entry.module)}"
    if not server.has_database(name):
        say(f"  filling the database with {users} users …")
        fill: Callable[[str, int], None] = entry.load()
        fill(server.create_database(f"{name}_new"), users)
        connection = psycopg2.connect(server.uri())
        connection.autocommit = True
        with connection.cursor() as cursor:
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            cursor.execute(rename.format(sql.Identifier(f"{name}_new"), sql.Identifier(name)))
        connection.close()
    return server.uri(name)


def _fingerprint(module: str) -> str:
    """Changes with the code that fills the database and the tables it fills."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    directory = Path(str(spec.origin)).parent if spec else Path()
    digest = hashlib.sha256()
    for path in sorted(
        [*directory.glob("demonstration*/**/*.py"), *directory.glob("demonstration*.py"), *directory.glob("meta/*.py")]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def choose_drivers(schema: str) -> dict[str, str | None]:
    """The `plugins` map that offers what the database of `schema` can give, and nothing for another one's."""
    others = demonstrations().keys() - {schema}
    plugins: dict[str, str | None] = {}
    for driver in sorted(Catalogue({}).installed(), key=lambda one: one.name == schema):
        if driver.name not in others:
            plugins[driver.file.key] = driver.name
        else:
            plugins.setdefault(driver.file.key, None)
    return plugins


def choose_port(port: int, other: int, subject: str) -> int:
    """`port`, or `other` if something listens on `port`, which is said then: `subject` is what has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            say(f"{port} is in use, so {subject} has port {other}.")
            return other
    return port


def fetch_all(daemon: Daemon, names: Sequence[FileName]) -> list[Row]:
    """Fetch each file with the client command. Raises DaemonError when one does not come."""
    rows = []
    for name in names:
        began = time.perf_counter()
        done = daemon.confgen(str(name))
        milliseconds = (time.perf_counter() - began) * 1000
        if done.returncode:
            raise DaemonError(f"{name}: {done.stderr.decode().strip()}")
        state = read_framed(daemon.ask(f"{name} framed\n".encode())).state
        rows.append(Row(str(name), done.stdout.count(b"\n"), len(done.stdout), milliseconds, state))
    return rows


def print_table(rows: Sequence[Row]) -> None:
    """The table of files."""
    width = max(len(row.name) for row in rows)
    say(f"\n{'file':{width}}  {'lines':>9}  {'bytes':>11}  {'ms':>8}  state")
    for row in rows:
        say(f"{row.name:{width}}  {row.lines:>9,}  {row.size:>11,}  {row.milliseconds:>8.1f}  {row.state}")


def print_beginning(daemon: Daemon, names: Sequence[FileName]) -> None:
    """The first section of the file that says most."""
    name = next((shown for shown in SHOWN if any(str(one) == shown for one in names)), None)
    if name is None:
        return
    text = daemon.fetch(name).text
    first = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0].splitlines()
    say(f"\nThe first section of {name}:\n")
    say("\n".join("  " + line for line in first[:LONGEST_SECTION]))


def print_description(daemon: Daemon, entry: importlib.metadata.EntryPoint) -> None:
    """What the demonstration says of itself, if it has a function `describe` beside the one that fills."""
    describe = getattr(importlib.import_module(entry.module), "describe", None)
    if describe is not None:
        say("\n" + "\n".join(describe(daemon.config["db_uri"], lambda name: daemon.fetch(name).text)))


def recommended_lines(name: FileName, options: str = "") -> str:
    """The two lines by which Asterisk loads `name` (docs/spec/43-asterisk-fetching.md), for its file of that name.

    `options`: further ones of `confgen`, each with a space before it.
    """
    kept = f"/var/lib/confgen/{name.filename}"
    return f'#exec "confgen --timeout 10 --wait 10{options} --output {kept} {name}"\n#include "{kept}"'


def print_lines_for_asterisk(names: Sequence[FileName], port: int) -> None:
    """What to copy into the files of an Asterisk on this machine."""
    options = "" if port == PORT else f" --port {port}"
    say("\nTo let Asterisk load these files (execincludes = yes in asterisk.conf), copy into each of its files:")
    for name in names:
        if name.resource == "asterisk":
            say(f"\n; {name.filename}\n{recommended_lines(name, options)}")


def own_token(directory: Path) -> str:
    """The token of the demonstration, which may do everything: made once, kept in `directory` for its account only."""
    path = directory / "token"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text("ascii")


def print_next_steps(daemon: Daemon, name: str, token: str) -> None:
    """Where the console is, and what to try: fetch, pin, add a driver, use one's own database."""
    binaries = Path(sys.executable).parent
    here = Path.cwd()
    command = binaries.relative_to(here) if binaries.is_relative_to(here) else binaries
    api = "" if daemon.api.endswith(f":{CONSOLE_PORT}") else f" --api {daemon.api}"
    say(f"\nLook at all of it:     {daemon.api}/#token={token}")
    say(f"Fetch a file:          {command}/confgen --port {daemon.port} {name}")
    say(f"Pin or regenerate:     export XIVO_CONFGEND_TOKEN={token}")
    say(f"                       {command}/confgen pin{api} {name}  (then unpin; in the console it is a button)")
    say(f"Add a driver:          {command}/xivo-confgend new-driver hello asterisk/hello.conf  (then read docs/)")
    own = f"{command}/xivo-confgend -c etc/xivo-confgend/config.yml"
    say(f"Use your own database: XIVO_CONFGEND_DB_URI=postgresql://… {own}")


def run(schema: str, users: int, directory: Path, once: bool) -> int:
    """Set up, show and serve; returns the exit status."""
    entry = demonstrations().get(schema)
    if entry is None:
        say(f"no demonstration is called {schema}; there are: {', '.join(sorted(demonstrations()))}")
        return 2
    say("Starting PostgreSQL …")
    server = PostgreSQL(directory / "postgresql")
    server.start()
    try:
        uri = fill_database(server, entry, users)
        say("Starting xivo-confgend …")
        daemon = Daemon(directory / f"daemon-{schema}", {"db_uri": uri, "plugins": choose_drivers(schema)})
        daemon.port = daemon.config["listen_port"] = choose_port(PORT, daemon.port, "the daemon")
        console = daemon.config["rest_api"]
        token = own_token(daemon.directory)
        console["tokens"] = [{
            "name": "newcomer", "sha256": hashlib.sha256(token.encode()).hexdigest(), "permissions": list(PERMISSIONS),
        }]  # fmt: skip
        console["port"] = choose_port(CONSOLE_PORT, console["port"], "the console")
        try:
            daemon.start()
            return show_and_serve(daemon, entry, once, token)
        finally:
            daemon.stop()
    finally:
        server.stop()


def show_and_serve(daemon: Daemon, entry: importlib.metadata.EntryPoint, once: bool, token: str) -> int:
    """Print what the daemon gives, and its `token`.

    Unless `once`, serve until KeyboardInterrupt, or return 1 if the daemon ends.
    """
    names = Catalogue(daemon.config["plugins"]).files()
    print_table(fetch_all(daemon, names))
    print_beginning(daemon, names)
    print_description(daemon, entry)
    print_lines_for_asterisk(names, daemon.port)
    print_next_steps(daemon, next((shown for shown in SHOWN if FileName.parse(shown) in names), str(names[0])), token)
    if once:
        return 0
    say(f"\nServing on 127.0.0.1:{daemon.port}. Ctrl-C ends it. Log: {daemon.directory / 'log'}")
    if daemon.process is not None:
        daemon.process.wait()
    say(f"The daemon ended by itself: see {daemon.directory / 'log'}")
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", default="wazo", help="which demonstration company (default %(default)s)")
    parser.add_argument("--users", type=int, default=200, help="how many users (default %(default)s)")
    parser.add_argument("--directory", type=Path, default=Path(".run"), help="where databases and contents are kept")
    parser.add_argument("--once", action="store_true", help="exit after the table")
    options = parser.parse_args(arguments)
    for how in (signal.SIGTERM, signal.SIGHUP):
        # nohup ignores one of them.
        if signal.getsignal(how) != signal.SIG_IGN:
            signal.signal(how, signal.default_int_handler)
    try:
        return run(options.schema, options.users, options.directory, options.once)
    except KeyboardInterrupt:
        say("\nStopped.")
        return INTERRUPTED if options.once else 0
    except BrokenPipeError:
        # Nothing reads the output any more: Python, too, is to leave it alone at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except PermissionError as error:
        say(f"The demonstration does not run: {error}: remove it with the account that owns it, or clone anew")
        return 1
    except (DaemonError, PostgreSQLError, NoSuchFile, psycopg2.Error, OSError, subprocess.SubprocessError) as error:
        say(f"The demonstration does not run: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
