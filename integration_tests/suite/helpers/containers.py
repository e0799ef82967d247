"""Daemons that are process 1 of a PID namespace, as in a container."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration_tests.suite.helpers.puppets import Puppets, wait_until
from xivo_confgend.testing.daemon import Daemon

AS_ROOT = () if os.geteuid() == 0 else ("--map-root-user",)
UNSHARE = ("unshare", *AS_ROOT, "--pid", "--fork", "--mount-proc", "--kill-child")


def child(pid: int) -> int | None:
    """The first child process of `pid`; None if it has none."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


class Contained(Daemon):
    """A daemon that is process 1 of its own PID namespace; `pid` is its process id outside."""

    @property
    def pid(self) -> int:
        """Of process 1."""
        found: list[int] = []
        wait_until(lambda: found.extend(filter(None, [child(super(Contained, self).pid)])) or found, "process 1")
        return found[0]

    def signal(self, number: int) -> None:
        """Send a signal to process 1, as the container's runtime does."""
        os.kill(self.pid, number)

    def end(self, number: int) -> int:
        """Send a signal to process 1 and return the exit status of the container."""
        assert self.process is not None
        self.signal(number)
        status = self.process.wait(30)
        self.process = None
        return status

    def commands(self, name: str) -> list[psutil.Process]:
        """The processes in it that run the command `name`, or did and ended."""
        return [one for one in psutil.Process(self.pid).children(recursive=True) if one.name() == name]

    def zombies(self) -> list[psutil.Process]:
        """Processes in it that ended and that no process has waited for."""
        processes = psutil.Process(self.pid).children(recursive=True)
        return [one for one in processes if one.is_running() and one.status() == psutil.STATUS_ZOMBIE]


@pytest.fixture
def contained(puppets: Puppets, tmp_path: Path) -> Iterator[Callable[..., Contained]]:
    """Makes daemons, not started, that find the `puppets`; all are killed at the end of the test."""
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.join([*UNSHARE, sys.executable])} "$@"\n')
    python.chmod(0o755)
    made: list[Contained] = []

    def make(**config: Any) -> Contained:
        plain = puppets.daemon(tmp_path / "contained", rest_api={"enabled": False}, **config)
        one = Contained(plain.directory, plain.config, plain.environment, python)
        one.port = plain.port
        made.append(one)
        return one

    yield make
    for one in made:
        if one.process is not None:
            one.process.kill()
            one.process.wait()
