"""Drivers that do to the daemon what strangers' drivers may do: hang, crash, lie, shout.

Not imported by the tests: `puppets.py` installs this module as a distribution that the daemon finds.
A `Puppet` does what its order file says at the moment it is asked; the other classes are broken for good.
"""

import ctypes
import json
import locale
import logging
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psycopg2
from sqlalchemy import text

from xivo_confgend.database import Session, copy_rows

NAME = "ill_behaved"
GROUP = "confgend"
VERSION = "1.0"
DESCRIPTION = "Drivers that misbehave when they are told to"


class Puppet:
    """Reads `DIRECTORY/<name>.json` (`{"do": …, argument: …}`) at each call; writes a line to `<name>.runs` before."""

    name = ""

    def __init__(self, config):
        self._directory = Path(config["puppets"])

    def generate(self):
        with (self._directory / f"{self.name}.runs").open("a") as runs:
            runs.write(f"{time.time()} {os.getpid()}\n")
        order = json.loads((self._directory / f"{self.name}.json").read_text("utf-8"))
        return getattr(self, f"do_{order.pop('do')}")(**order)

    def hold(self):
        """Wait until the test lets it go on (`Puppets.release`)."""
        (self._directory / f"{self.name}.held").touch()
        while not (self._directory / f"{self.name}.released").exists():
            time.sleep(0.01)
        return ""

    def do_say(self, content):
        return content

    def do_hold(self, content):
        return self.hold() + content

    def do_say_bytes(self, content):
        return bytes.fromhex(content)

    def do_sleep(self, seconds, content=""):
        time.sleep(seconds)
        return content

    def do_burn(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass
        return "burnt\n"

    def do_burn_without_gil_switch(self):
        """A C function that never gives the interpreter back."""
        ctypes.PyDLL(None).pause()

    def do_exit(self, status):
        os._exit(status)

    def do_leave(self):
        sys.exit("leaving")

    def do_interrupt(self):
        raise KeyboardInterrupt

    def do_crash(self):
        ctypes.string_at(0)

    def do_fail(self, message):
        raise ValueError(message)

    def do_fail_unspeakably(self):
        class Unspeakable(Exception):
            def __str__(self):
                raise RuntimeError("cannot be said")

        raise Unspeakable

    def do_start_process(self, then, **arguments):
        """Starts a process that outlives it and writes its id to `<name>.started`, then does `then`."""
        started = subprocess.Popen(["sleep", "600"])
        with (self._directory / f"{self.name}.started").open("a") as file:
            file.write(f"{started.pid}\n")
        return getattr(self, f"do_{then}")(**arguments)

    def do_start_orphan(self, content):
        """Starts a process whose parent ends before it, and that ends soon."""
        subprocess.run(["sh", "-c", "sleep 0.2 & echo $!"], stdout=subprocess.DEVNULL, check=True)
        return content

    def do_recurse(self):
        return self.do_recurse()

    def do_return(self, value):
        return value

    def do_yield(self, pieces, then="", seconds=0):
        """Yield `pieces`, each grown over the size that is written at once, then `raise`, `exit` or `sleep`."""
        for piece in pieces:
            yield piece * 100_000 if isinstance(piece, str) else piece
        if then == "raise":
            raise ValueError("half-way")
        if then == "exit":
            os._exit(3)
        if then == "sleep":
            time.sleep(seconds)

    def do_grow(self, megabytes, letter="x"):
        for _ in range(megabytes):
            yield (letter * 127 + "\n") * 8192

    def do_warn(self, lines, content="warned\n"):
        for line in lines:
            logging.getLogger("ill_behaved").warning("%s", line)
        return content

    def do_chatter(self, content="chattered\n"):
        """Everything that goes to the wrong place."""
        print("printed by a driver")
        print("printed by a driver", file=sys.stderr)
        warnings.warn("warned by a driver", stacklevel=1)
        return content

    def do_change_the_process(self):
        """What a careless driver leaves behind in its process."""
        os.chdir("/")
        os.umask(0)
        os.environ["LEFT_BEHIND"] = "yes"
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        del os.environ["PATH"]
        locale.setlocale(locale.LC_ALL, "C")
        sys.stdout = None
        os.close(1)
        logging.disable(logging.CRITICAL)
        return "changed\n"

    def do_tell_the_process(self):
        """What the process is like."""
        umask = os.umask(0)
        os.umask(umask)
        return repr(
            [str(Path.cwd()), umask, locale.setlocale(locale.LC_ALL), sorted(os.environ.items()), time.localtime(0)]
        )

    def do_print(self, lines, how="stdout"):
        """Prints to standard output, to standard error, from a process of its own, or before it crashes."""
        for line in lines:
            if how == "process":
                subprocess.run(["echo", line], check=True)
            else:
                print(line, file=sys.stderr if how == "stderr" else sys.stdout)
        if how == "crash":
            ctypes.string_at(0)
        return "printed\n"

    def do_flood(self, megabytes):
        for _ in range(megabytes * 16):
            os.write(1, b"x" * 65536)
        print("the last line")
        return "flooded\n"

    def do_take_memory(self, megabytes):
        self.taken = bytearray(megabytes << 20)
        return "taken\n"

    def do_fork_and_return(self, content="", then="return"):
        """Both processes come back."""
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        elif then == "raise":
            raise ValueError("in the child")
        elif then == "leave":
            sys.exit(0)
        return f"{content} of the {'parent' if child else 'child'}\n"

    def do_fork_and_yield(self, content="x"):
        """Both processes go on with the content."""
        yield content * 100_000
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        yield content * 100_000

    def do_ask(self, statement, seconds=0, content="", hold=False):
        """The values of one statement, a line each."""
        rows = Session.execute(text(statement)).all()
        time.sleep(seconds)
        if hold:
            self.hold()
        return content + "".join(" ".join(map(str, row)) + "\n" for row in rows)

    def do_ask_twice(self, first, second, hold=False):
        return self.do_ask(first) + (self.hold() if hold else "") + self.do_ask(second)

    def do_copy(self, statement):
        """The rows of one statement, by COPY."""
        lines = []
        copy_rows(text(statement), lines.append)
        return "".join(lines)

    def do_begin_another_transaction(self, statements):
        """Goes behind the session's back, and tells what PostgreSQL said."""
        cursor = Session.connection().connection.cursor()
        try:
            cursor.execute(statements)
        except psycopg2.Error as error:
            return f"{error.pgcode}\n"
        return "done\n"

    def do_ask_and_commit(self, statement):
        """Ends the transaction half-way, which no driver should do; is held there."""
        first = self.do_ask(statement)
        Session.commit()
        return first + self.hold() + self.do_ask(statement)

    def do_swallow(self, statement, content):
        """Hides an error of the database."""
        try:
            self.do_ask(statement)
        except Exception:
            return content
        return "no error\n"

    def do_prepare(self, statement, savepoint=False):
        """Opens what the statement names, and reads nothing."""
        if savepoint:
            Session.execute(text("SAVEPOINT opened"))
        Session.execute(text(f"PREPARE one AS {statement}"))
        if savepoint:
            Session.execute(text("ROLLBACK TO SAVEPOINT opened"))
        return "prepared\n"

    def do_remove_session(self, statement):
        content = self.do_ask(statement)
        Session.remove()
        return content


class First(Puppet):
    name = "first"


class Second(Puppet):
    name = "second"


class Third(Puppet):
    name = "third"


class Fourth(Puppet):
    name = "fourth"


class Deterministic(Puppet):
    """Says that it depends on nothing but database and configuration; its order file counts as configuration."""

    deterministic = True


class Rows(Deterministic):
    name = "rows"


class OtherRows(Deterministic):
    name = "other_rows"


class Templated(Deterministic):
    """Copies the files it is told; names them as what it depends on."""

    name = "templated"

    def dependencies(self):
        return [self._directory / "a.template", self._directory / "b.template"]

    def generate(self):
        super().generate()
        for path in self.dependencies():
            yield path.read_text() if path.exists() else f"no {path.name}\n"


class ConstructorRaises:
    def __init__(self, config):
        raise KeyError("missing_key")

    def generate(self):
        return ""


class ConstructorLeaves:
    def __init__(self, config):
        sys.exit(7)

    def generate(self):
        return ""


class ConstructorHangs:
    def __init__(self, config):
        time.sleep(3600)

    def generate(self):
        return ""


class WithoutGenerate:
    def __init__(self, config):
        pass


class Older:
    """A driver of the namespaces of before, which take one mapping with `config` and `tpl_helper`."""

    def __init__(self, dependencies):
        self._config = dependencies["config"]
        self._helper = dependencies["tpl_helper"]

    def generate(self):
        return f"{sorted(self._config['plugins'])} {callable(self._helper.get_template)}\n"
