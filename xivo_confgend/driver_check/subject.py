"""What is examined: a source tree, a wheel or an installed package, made importable without installing anything.

A source tree is built into a wheel first, from a copy, because that is what will be shipped: a module or
template that is missing from the wheel is missing at the user's.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xivo_confgend.children import run_limited
from xivo_confgend.drivers import NAMESPACES
from xivo_confgend.names import NAME, FileName

BUILD_TIMEOUT = 300
BUILD = (
    "import importlib, sys;"
    "backend = importlib.import_module(sys.argv[1]);"
    "[backend := getattr(backend, part) for part in sys.argv[2].split('.') if part];"
    "backend.build_wheel(sys.argv[3])"
)
"""The build backend's own hook: quick, offline, and needs no pip."""
DEFAULT_BACKEND = "setuptools.build_meta:__legacy__"
NOT_SOURCE = (".venv", "venv", ".tox", ".nox", "build", "dist", "__pycache__")


class NoSubject(Exception):
    """There is nothing to examine; `remedy` says what to give instead."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


@dataclass(frozen=True)
class Entry:
    """One entry point as it is declared."""

    group: str
    name: str
    value: str

    @property
    def file(self) -> FileName | None:
        """The file of its group, None if that is no driver's."""
        namespace, _, rest = self.group.partition(".")
        resource, _, filename = rest.partition(".")
        if namespace in NAMESPACES and NAME.fullmatch(resource) and NAME.fullmatch(filename):
            return FileName(resource, filename)
        return None

    @property
    def package(self) -> str:
        """The top package of its object."""
        return self.value.partition(":")[0].partition(".")[0].strip()


@dataclass(frozen=True)
class Subject:
    """A distribution that can be imported with `paths` at the front of `sys.path`."""

    distribution: str
    version: str
    paths: tuple[Path, ...]
    entries: tuple[Entry, ...]
    requires: tuple[str, ...]

    @property
    def drivers(self) -> list[Entry]:
        """The entry points that the daemon would read, sorted."""
        return sorted((e for e in self.entries if e.file), key=lambda e: (str(e.file), e.group, e.name))

    @property
    def packages(self) -> list[str]:
        """The top packages of its drivers, sorted."""
        return sorted({entry.package for entry in self.drivers})


@contextlib.contextmanager
def find(target: str) -> Iterator[Subject]:
    """The distribution at the path `target`, or the installed one of that name or with a package of that name.

    What had to be built is gone at the end. Raises NoSubject.
    """
    path = Path(target)
    if path.is_dir() and any((path / name).exists() for name in ("setup.py", "pyproject.toml")):
        with tempfile.TemporaryDirectory(prefix="check-driver-") as work:
            yield _unpacked(_build(path, Path(work)), Path(work) / "unpacked")
    elif path.suffix == ".whl" and path.is_file():
        with tempfile.TemporaryDirectory(prefix="check-driver-") as work:
            yield _unpacked(path, Path(work) / "unpacked")
    elif path.exists() and not _installed(target):
        raise NoSubject("is no distribution", "give the directory of a setup.py or pyproject.toml, or a wheel")
    else:
        distribution = _installed(target)
        if distribution is None:
            raise NoSubject("is neither a path nor an installed package", "give a path, or install it first")
        yield _subject(distribution, ())


@contextlib.contextmanager
def importable(subject: Subject) -> Iterator[None]:
    """Import and find modules in `subject` before any other place, in this process."""
    saved = list(sys.path)
    sys.path[:0] = [str(path) for path in subject.paths]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = saved
        importlib.invalidate_caches()


def _installed(name: str) -> importlib.metadata.Distribution | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        return importlib.metadata.distribution(name)
    for candidate in importlib.metadata.packages_distributions().get(name, ()):
        return importlib.metadata.distribution(candidate)
    for distribution in importlib.metadata.distributions():
        if any(name == Entry(e.group, e.name, e.value).package for e in distribution.entry_points):
            return distribution
    return None


def _subject(distribution: importlib.metadata.Distribution, paths: tuple[Path, ...]) -> Subject:
    entries = tuple(Entry(entry.group, entry.name, entry.value) for entry in distribution.entry_points)
    return Subject(
        distribution.metadata["Name"], distribution.version, paths, entries, tuple(distribution.requires or ())
    )


def _unpacked(wheel: Path, directory: Path) -> Subject:
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(directory)
        (metadata,) = directory.glob("*.dist-info")
    except (zipfile.BadZipFile, ValueError) as error:
        raise NoSubject("is not a wheel", "build it with `pip wheel --no-deps .`") from error
    libraries = [path for kind in ("purelib", "platlib") for path in directory.glob(f"*.data/{kind}")]
    return _subject(importlib.metadata.Distribution.at(metadata), (directory, *libraries))


def _build(source: Path, work: Path) -> Path:
    copy, wheels = work / "source", work / "wheel"
    shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_SOURCE, "*.egg-info"))
    wheels.mkdir()
    module, _, attribute = _backend(copy).partition(":")
    if importlib.util.find_spec(module.partition(".")[0]):
        command = [sys.executable, "-c", BUILD, module, attribute, str(wheels)]
    else:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(wheels), "."]
    try:
        done = run_limited(command, BUILD_TIMEOUT, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired as error:
        raise NoSubject(f"its wheel is not built within {BUILD_TIMEOUT} s", "see what setup.py does") from error
    built = list(wheels.glob("*.whl"))
    if done.returncode or not built:
        said = done.stderr.strip() or done.stdout.strip() or b"no reason given"
        last = said.decode("utf-8", "replace").splitlines()[-1]
        raise NoSubject(f"its wheel cannot be built: {last}", "make `pip wheel --no-deps .` work")
    return built[0]


def _backend(source: Path) -> str:
    try:
        project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    except FileNotFoundError:
        return DEFAULT_BACKEND
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NoSubject(f"pyproject.toml cannot be read: {error}", "make it valid TOML") from error
    return str(project.get("build-system", {}).get("build-backend", DEFAULT_BACKEND))
