"""The real daemon as a process of its own, and clients that speak its protocol over real sockets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xivo_confgend.testing.postgresql import free_port

START_TIMEOUT = 30
STOP_TIMEOUT = 60
HEADER = re.compile(
    rb"; confgend/1 200 length=(?P<length>\d+) sha256=(?P<sha256>[0-9a-f]{64})"
    rb" state=(?P<state>fresh|stale) generated=(?P<generated>\S+)\n"
)
ERROR = re.compile(rb'; confgend/1 (?P<code>[45]\d\d) error="(?P<error>.*)"\n')


class DaemonError(Exception):
    """The daemon does not start, or answers with what the protocol does not allow."""


@dataclass(frozen=True)
class Fetched:
    """A framed answer, verified. `code`: 200, or 4xx/5xx with `error`; `state`: `fresh` or `stale`."""

    content: bytes
    state: str = ""
    code: int = 200
    error: str = ""
    generated: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8")


def read_framed(answer: bytes) -> Fetched:
    """Take a framed answer apart. Raises DaemonError if it is cut off, altered or no framed answer at all."""
    if error := ERROR.fullmatch(answer):
        return Fetched(b"", code=int(error["code"]), error=error["error"].decode())
    match = HEADER.match(answer)
    if not match:
        raise DaemonError(f"no framed answer: {answer[:80]!r}")
    content = answer[match.end() :]
    if len(content) != int(match["length"]) or hashlib.sha256(content).hexdigest() != match["sha256"].decode():
        raise DaemonError(f"the answer is not what its first line says: {len(content)} bytes, {match[0]!r}")
    return Fetched(content, match["state"].decode(), generated=match["generated"].decode())


class Daemon:
    """A daemon with its own configuration, store and log under `directory`, on a free port of 127.0.0.1.

    `config`: keys of the main configuration file, added to `listen_port`, `cache` and `check_at_start: false`;
    `environment`: added to ours;
    `python`: the interpreter of another virtual environment to run it in.
    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        directory: Path | str,
        config: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        python: Path | str = sys.executable,
    ) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.config: dict[str, Any] = {
            "listen_port": self.port,
            "cache": str(self.directory / "cache"),
            "check_at_start": False,
            **(config or {}),
        }
        if self.config.get("rest_api", {}) is not None:
            self.config["rest_api"] = {"port": free_port(), **self.config.get("rest_api", {})}
        (self.directory / "conf.d").mkdir(exist_ok=True)
        self.environment = {**os.environ, **(environment or {})}
        self._python = str(python)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def config_file(self) -> Path:
        """The main configuration file."""
        return self.directory / "config.yml"

    @property
    def api(self) -> str:
        """The address of the HTTP API and the console."""
        rest_api = self.config["rest_api"]
        return f"{'https' if rest_api.get('certificate') else 'http'}://127.0.0.1:{rest_api['port']}"

    @property
    def cache(self) -> Path:
        """The directory of the store."""
        return Path(self.config["cache"])

    @property
    def log(self) -> str:
        """What the daemon has written to its log so far."""
        path = self.directory / "log"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """The daemon's process id. Raises DaemonError when it does not run."""
        if self.process is None:
            raise DaemonError("the daemon is not running")
        return self.process.pid

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_config(self) -> None:
        """Write `config` to the main configuration file, at once: the daemon may be reading it."""
        staged = self.config_file.with_suffix(".new")
        staged.write_text(yaml.safe_dump(self.config), "utf-8")
        staged.replace(self.config_file)

    def start(self, wait: bool = True) -> None:
        """Start the process; with `wait` return when it accepts connections. Raises DaemonError if it ends before."""
        self.write_config()
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._python, "-m", "xivo_confgend.main", "-c", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        if wait:
            self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send `how`, wait for the end and return the exit status (negative: the signal that killed it)."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        try:
            status = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def reload(self) -> None:
        """Write the configuration file and send SIGHUP; returns when the log says what came of it."""
        seen = len(self.log)
        self.write_config()
        os.kill(self.pid, signal.SIGHUP)
        deadline = time.monotonic() + START_TIMEOUT
        while not re.search("configuration (was not )?reloaded", self.log[seen:]):
            if time.monotonic() > deadline:
                raise DaemonError(f"no reload: {self.log[seen:]}")
            time.sleep(0.02)

    def connect(self) -> socket.socket:
        """A connection to the daemon."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=START_TIMEOUT * 4)

    def ask(self, request: bytes | Iterable[bytes], half_close: bool = False) -> bytes:
        """Send a request as it is, or in pieces, and return everything until the daemon closes."""
        pieces = [request] if isinstance(request, bytes) else request
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 20), b""))

    def fetch(self, name: str, *arguments: str) -> Fetched:
        """Ask for the file `name` (`asterisk/pjsip.conf`) framed, and verify the answer."""
        return read_framed(self.ask(" ".join([name, *arguments, "framed"]).encode() + b"\n"))

    def confgen(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Run the client command against this daemon."""
        return subprocess.run(
            [self._python, "-m", "xivo_confgend.client", "--port", str(self.port), *arguments],
            capture_output=True,
            timeout=timeout,
            check=False,
            env=self.environment,
        )

    def workers(self) -> list[int]:
        """The process ids of all processes that the daemon started, directly or not."""
        found, queue = [], [self.pid]
        while queue:
            pid = queue.pop()
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    children = [int(child) for child in task.read_text().split()]
                    found += children
                    queue += children
        return found

    def _wait_until_ready(self) -> None:
        rest_api = self.config["rest_api"] or {"enabled": False}
        for port in [self.port, *([rest_api["port"]] if rest_api.get("enabled", True) else [])]:
            self._wait_for_port(port)

    def _wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(0.02)
        self.stop(signal.SIGKILL)
        raise DaemonError(f"the daemon does not start: {self.log[-2000:]}")
