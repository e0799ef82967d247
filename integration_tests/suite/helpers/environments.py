"""Fresh virtual environments with wheels built here: shows that a distribution works as it is shipped.

Third-party libraries come from the environment that runs the tests, through links, so nothing is
downloaded. Of this project, a fresh environment has only what was installed into it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
OURS = ("xivo_confgend", "__editable__", "driversample", "pip", "__pycache__")
"""Beginnings of the names in site-packages that a fresh environment must not see."""
NOT_SOURCE = shutil.ignore_patterns(".*", "*.egg-info", "build", "integration_tests", "docs", "benchmarks", "drivers")
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
"""What `pip wheel --no-build-isolation` does, without the processes that pip starts around it."""
OFFLINE = ("--no-index", "--no-deps")
TIMEOUT = 300


def run(*command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Standard output and error of `command`. Raises AssertionError that shows them if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command} exits {done.returncode}: {done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    directory: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def install(self, *wheels: Path) -> None:
        """Install wheels, without what they depend on."""
        run(sys.executable, *PIP, "--python", self.python, "install", *OFFLINE, *wheels)

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Output of one of its programs. Raises AssertionError if that fails."""
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        return run(self.directory / "bin" / program, *arguments, cwd=cwd, environment={"PATH": path})


class Builder:
    """Builds wheels and makes environments under `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._wheels: dict[Path, Path] = {}
        self.libraries = directory / "libraries"
        self.libraries.mkdir()
        installed = Path(next(path for path in sys.path if path.endswith("site-packages")))
        for entry in installed.iterdir():
            if not entry.name.startswith(OURS):
                (self.libraries / entry.name).symlink_to(entry)

    def wheel(self, source: Path) -> Path:
        """The wheel of the distribution at `source`, built from a copy, once."""
        if source not in self._wheels:
            work = Path(tempfile.mkdtemp(dir=self._directory))
            shutil.copytree(source, work / "source", ignore=NOT_SOURCE if source == PROJECT else None)
            run(sys.executable, "-c", BUILD, work / "wheel", cwd=work / "source")
            (self._wheels[source],) = (work / "wheel").glob("*.whl")
        return self._wheels[source]

    def environment(self, *sources: Path) -> Environment:
        """A new environment with the core and the distributions at `sources`."""
        made = Environment(Path(tempfile.mkdtemp(prefix="venv-", dir=self._directory)))
        run(sys.executable, "-m", "venv", "--without-pip", made.directory)
        (packages,) = made.directory.glob("lib/python*/site-packages")
        (packages / "libraries.pth").write_text(f"{self.libraries}\n", "utf-8")
        made.install(*(self.wheel(source) for source in (PROJECT, *sources)))
        return made


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """A builder in a temporary directory that every account can read, as PostgreSQL's needs it."""
    with tempfile.TemporaryDirectory(prefix="confgend-environments-") as directory:
        Path(directory).chmod(0o755)
        yield Builder(Path(directory))
