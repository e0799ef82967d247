"""What the Makefile does before a target: makes an environment, once, in its place, or says what is missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

PREPARE = Path(__file__).parents[1] / "tools" / "prepare.sh"
PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version}; exit {status} ;;
    *ensurepip*) exit {ensurepip} ;;
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo made >> log ;;
    "-m pip "*) echo "$*" >> log; {pip} ;;
esac
"""
"""A Python that does nothing but write what it was asked to the file `log`."""
MADE = ["made", "-m pip --quiet --disable-pip-version-check install --upgrade pip"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The directory that the commands run in."""
    directory = tmp_path / "a clone"
    directory.mkdir()
    return directory


def python(directory: Path, version: str = "3.12", status: int = 0, ensurepip: int = 0, pip: str = "true") -> Path:
    """A Python of this version; `status`: what it exits with when asked whether it is new enough."""
    path = directory.parent / "bin" / "python3"
    path.parent.mkdir(exist_ok=True)
    path.write_text(PYTHON.format(version=version, status=status, ensurepip=ensurepip, pip=pip))
    path.chmod(0o755)
    return path


def prepare(directory: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the script says, in a session of its own."""
    command = ["sh", str(PREPARE), *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False, start_new_session=True
    )


def environment(directory: Path, wanted: Path | str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Have the environment `venv` made with the Python `wanted`, else the first of PATH."""
    path = f"{directory.parent / 'bin'}:{os.environ['PATH']}"
    return prepare(directory, "environment", "venv", wanted, "pip", **{"PATH": path, **variables})


def log(directory: Path) -> list[str]:
    """What was done since the last call."""
    path = directory / "log"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_an_environment_is_made_once(clone: Path) -> None:
    python(clone)

    assert environment(clone).returncode == 0
    assert log(clone) == MADE
    before = (clone / "venv/.made").stat().st_mtime_ns
    assert environment(clone).returncode == 0
    assert log(clone) == []
    assert (clone / "venv/.made").stat().st_mtime_ns == before


def test_the_environment_of_a_moved_clone_is_made_anew(clone: Path) -> None:
    python(clone)
    environment(clone)
    moved = clone.rename(clone.with_name("moved"))
    log(moved)

    environment(moved)

    assert log(moved) == MADE


def test_an_environment_of_another_python_is_made_anew(clone: Path) -> None:
    environment(clone, python(clone))
    log(clone)
    newer = python(clone, "3.13")

    assert (environment(clone).returncode, log(clone)) == (0, [])
    assert (environment(clone, newer).returncode, log(clone)) == (0, MADE)
    assert (clone / "venv/.made").read_text() == f"3.13 {clone}\n"


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path) -> None:
    environment(clone, python(clone))
    log(clone)
    (clone / "venv/bin/python").unlink()

    environment(clone)

    assert log(clone) == MADE


def test_an_interrupted_installation_is_begun_anew(clone: Path) -> None:
    environment(clone, python(clone))
    python(clone, pip="kill -INT 0; sleep 60").replace(clone / "venv/bin/python")

    interrupted = prepare(clone, "install", "venv", "venv/.installed", "something")

    assert interrupted.returncode in {-signal.SIGINT, 130}
    assert not (clone / "venv/.installed").exists()
    log(clone)
    python(clone)
    environment(clone)
    assert log(clone) == MADE


def test_an_interrupted_environment_is_begun_anew(clone: Path) -> None:
    assert environment(clone, python(clone, pip="kill -INT 0; sleep 60")).returncode
    log(clone)

    environment(clone, python(clone))

    assert log(clone) == MADE


def test_an_installation_that_fails_leaves_what_was_there(clone: Path) -> None:
    environment(clone, python(clone))
    python(clone, pip="exit 1").replace(clone / "venv/bin/python")
    log(clone)

    failed = prepare(clone, "install", "venv", "venv/.installed", "something")

    assert failed.returncode == 1
    assert failed.stderr.endswith("run make again when it reaches its package index\n")
    assert not (clone / "venv/.installed").exists()
    log(clone)
    assert (environment(clone).returncode, log(clone)) == (0, [])


def test_what_was_installed_gets_its_stamp(clone: Path) -> None:
    environment(clone, python(clone))
    log(clone)

    assert prepare(clone, "install", "venv", "venv/.installed", "-e", "some thing").returncode == 0
    assert log(clone) == ["-m pip --quiet --disable-pip-version-check install -e some thing"]
    assert (clone / "venv/.installed").exists()
    assert (clone / "venv/.made").exists()


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"version": "3.9", "status": 1}, "Python 3.11 or newer is needed, and {} is 3.9: name one with make PYTHON="),
        ({"ensurepip": 1}, "{} has no ensurepip: install it (Debian: apt-get install python3-venv)"),
        ({"pip": "exit 1"}, "pip does not get what it needs, see above: run make again when it reaches its package"),
    ],
)
def test_a_python_that_does_not_do_is_told_in_one_line(clone: Path, facts: dict[str, str], line: str) -> None:
    bad = python(clone, **facts)

    said = environment(clone, bad)

    assert said.returncode == 1
    assert said.stderr.startswith(line.format(bad))
    assert said.stderr.count("\n") == 1


def test_a_python_that_is_missing_is_told_in_one_line(clone: Path) -> None:
    said = environment(clone, "python2.0")

    assert (
        said.stderr
        == "Python 3.11 or newer is needed, and python2.0 is missing: name one with make PYTHON=/path/to/it\n"
    )


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory for PATH in which nothing is but a shell."""
    directory = tmp_path / "programs"
    directory.mkdir()
    (directory / "sh").symlink_to(shutil.which("sh") or "")
    return directory


def program(directory: Path, name: str, body: str = "exit 0") -> Path:
    """Write a program."""
    (directory / name).write_text(f"#!/bin/sh\n{body}\n")
    (directory / name).chmod(0o755)
    return directory / name


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_that_is_installed_is_enough(clone: Path, programs: Path, name: str) -> None:
    program(programs, name)

    assert prepare(clone, "browser", PATH=str(programs), CHROMIUM="").returncode == 0


def test_a_chosen_browser_is_enough(clone: Path, programs: Path, tmp_path: Path) -> None:
    chosen = program(tmp_path, "my browser")

    assert prepare(clone, "browser", PATH=str(programs), CHROMIUM=str(chosen)).returncode == 0


def test_a_chosen_browser_that_is_missing_is_told_in_one_line(clone: Path, programs: Path) -> None:
    program(programs, "chromium")

    said = prepare(clone, "browser", PATH=str(programs), CHROMIUM="/no/browser")

    assert said.returncode == 1
    assert said.stderr == "CHROMIUM is /no/browser, which cannot be run: set it to the path of a Chromium\n"


@pytest.mark.parametrize("account", ["0", "1000"])
def test_without_root_or_packages_chromium_is_asked_for(clone: Path, programs: Path, account: str) -> None:
    program(programs, "id", f"echo {account}")
    if account != "0":
        program(programs, "apt-get", "echo is not to be run; exit 1")

    said = prepare(clone, "browser", PATH=str(programs), CHROMIUM="")

    assert said.returncode == 1
    assert said.stdout == ""
    assert said.stderr.startswith("The tests of the console need Chromium: have it installed, or make test CHROMIUM=")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(("works", "status"), [("exit 0", 0), ('[ "$1" = update ] || exit 100', 1)])
def test_root_has_chromium_installed(clone: Path, programs: Path, works: str, status: int) -> None:
    program(programs, "id", "echo 0")
    program(programs, "apt-get", f'echo "$*" >> {clone.parent}/installed; {works}')

    said = prepare(clone, "browser", PATH=str(programs), CHROMIUM="")

    assert said.returncode == status
    assert (clone.parent / "installed").read_text() == ("update -qq\ninstall -y -qq --no-install-recommends chromium\n")
    assert said.stderr.startswith("Chromium was not installed, see above:") == bool(status)
