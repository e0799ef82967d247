"""A real Asterisk in a temporary directory, which says what it reads in a file and what it has loaded.

Only for tests marked `asterisk`: they need an `asterisk` on the PATH. It listens on the loopback interface for
its manager, and wherever the files that it loads say.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

START_TIMEOUT = 60
ANSWER_TIMEOUT = 30
STOP_TIMEOUT = 20
DIRECTORIES = {
    "astetcdir": "etc",
    "astvarlibdir": "lib",
    "astdbdir": "db",
    "astkeydir": "lib",
    "astagidir": "lib",
    "astspooldir": "spool",
    "astrundir": "run",
    "astlogdir": "log",
}
"""What is kept in the temporary directory; modules and documentation stay where they are installed."""
EMPTY = "acl ccss cdr cel cli cli_aliases codecs dnsmgr enum extconfig features http indications pjproject sorcery"
CATEGORY = re.compile(r"Category-\d+: (.*)", re.DOTALL)
LINE = re.compile(r"Line-(\d+)-\d+: (.*)", re.DOTALL)

Lines = list[tuple[str, list[str]]]
"""Sections with `key=value` for each option: a key may hold an equal sign, so they are not cut."""


def installed() -> bool:
    """Whether there is an Asterisk to start."""
    return shutil.which("asterisk") is not None


class Asterisk:
    """A context manager: a running Asterisk with `files` (name to content) and `modules` (names without `.so`).

    `modules` are loaded in this order, `None` loads all that there are. Raises AssertionError if it does not
    come up; what it logged is in the message.
    """

    def __init__(self, files: Mapping[str, str | bytes] | None = None, modules: tuple[str, ...] | None = ()) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="confgend-asterisk-"))
        self.etc = self._directory / "etc"
        self._port = _free_port()
        self._logged = 0
        for name in set(DIRECTORIES.values()):
            (self._directory / name).mkdir()
        for name, content in {**self._settings(modules), **(files or {})}.items():
            self.write(name, content)

    def __enter__(self) -> Self:
        binary = Path(str(shutil.which("asterisk")))
        libraries = [str(binary.resolve().parents[1] / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        self._process = subprocess.Popen(
            [binary, "-C", self.etc / "asterisk.conf", "-f", "-q"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)},
        )
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into its configuration directory."""
        path = self.etc / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))

    def log(self) -> str:
        """The warnings and errors so far. A thread writes them, in their order: waits for one that is made here."""
        self._logged += 1
        marker = f"marker{self._logged}.conf"
        self.write(marker, "[")
        self._ask("GetConfig", Filename=marker)
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while marker not in self._written():
            assert time.monotonic() < deadline, "Asterisk does not log"
            time.sleep(0.01)
        return "".join(line for line in self._written().splitlines(keepends=True) if "/marker" not in line)

    def _written(self) -> str:
        path = self._directory / "log" / "full"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def reads(self, content: str | bytes) -> Lines | None:
        """What it reads in a file with that content; None if it refuses the file."""
        self.write("probe.conf", content)
        answer = self._ask("GetConfig", Filename="probe.conf")
        if not answer[0].endswith("Success"):
            return None
        sections: Lines = []
        for line in answer:
            if match := CATEGORY.fullmatch(line):
                sections.append((match[1], []))
            elif match := LINE.fullmatch(line):
                sections[int(match[1])][1].append(match[2])
        return sections

    def command(self, command: str) -> str:
        """What its console answers."""
        answer = self._ask("Command", Command=command)
        return "\n".join(line.removeprefix("Output: ") for line in answer if line.startswith("Output: "))

    def loads(self, module: str) -> bool:
        """Whether it can load a module."""
        return self._ask("ModuleLoad", Module=f"{module}.so", LoadType="load")[0].endswith("Success")

    def unload(self, module: str) -> None:
        """Unload a module that is loaded."""
        answer = self._ask("ModuleLoad", Module=f"{module}.so", LoadType="unload")
        assert answer[0].endswith("Success"), answer

    def _settings(self, modules: tuple[str, ...] | None) -> dict[str, str]:
        directories = "".join(f"{key} => {self._directory / name}\n" for key, name in DIRECTORIES.items())
        loads = "".join(f"load = {module}.so\n" for module in modules or ())
        return {
            **{f"{name}.conf": "" for name in EMPTY.split()},
            "asterisk.conf": f"[directories]\n{directories}[options]\nexecincludes = no\nnocolor = yes\n",
            "logger.conf": "[general]\n[logfiles]\nfull => notice,warning,error\n",
            "manager.conf": f"[general]\nenabled = yes\nport = {self._port}\nbindaddr = 127.0.0.1\n"
            "[tests]\nsecret = tests\nread = all\nwrite = all\n",
            "modules.conf": f"[modules]\nautoload = {'yes' if modules is None else 'no'}\n{loads}",
        }

    def _connect(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert self._process.poll() is None, f"Asterisk exits {self._process.returncode}: {self._written()}"
            try:
                self._socket = socket.create_connection(("127.0.0.1", self._port), ANSWER_TIMEOUT)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, f"Asterisk does not listen: {self._written()}"
                time.sleep(0.05)
        self._answers = self._socket.makefile("rb")
        self._answers.readline()
        assert self._ask("Login", Username="tests", Secret="tests", Events="off")[0].endswith("Success")
        while "Fully Booted" not in self.command("core waitfullybooted").title():
            assert time.monotonic() < deadline, f"Asterisk does not boot: {self._written()}"

    def _ask(self, action: str, **headers: str) -> list[str]:
        """The answer to an action of the manager's protocol, without the events before it."""
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        while True:
            answer = []
            while (line := self._answers.readline()) not in {b"\r\n", b"\n"}:
                assert line, f"Asterisk closed the connection: {self._written()}"
                answer.append(line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape"))
            if answer and answer[0].startswith("Response:"):
                return answer


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
