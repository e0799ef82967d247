"""Programs for another account: used where they lie if it can read them there, else from a copy that is safe to run."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from xivo_confgend.testing import places

PARTS = ("wheel/bin/server", "wheel/share", "wheel.libs")
FILES = {
    "wheel/bin/server": "#!/bin/sh\n",
    "wheel/share/zones/Paris": "CET",
    "wheel.libs/libpq.so": "library",
    "wheel/bin/other": "is not needed",
    "password": "hidden",
}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only place there is: an empty directory that every account may enter."""
    directory = places.open_directory(f"xivo-confgend-tests-{uuid.uuid4().hex}")
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    monkeypatch.setattr(places, "PLACES", ())
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def closed(place: Path) -> Path:
    """An installation made under umask 077 in a directory of mode 0700."""
    return install(place / "closed", 0o700, 0o600)


def install(root: Path, directory_mode: int, file_mode: int) -> Path:
    """Write FILES below `root`; the server is a program."""
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
        (root / name).chmod(file_mode)
    (root / "wheel/bin/server").chmod(directory_mode)
    for directory in (root, *(path for path in root.rglob("*") if path.is_dir())):
        directory.chmod(directory_mode)
    return root


def contents(root: Path) -> dict[str, str]:
    """Path and text of each file below `root`."""
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def ask(root: Path) -> Path:
    """The programs of the installation `root`."""
    return places.open_programs(root, PARTS, "programs")


def test_programs_that_all_accounts_can_use_are_not_copied(place: Path) -> None:
    root = install(place / "open", 0o755, 0o644)

    assert ask(root) == root
    assert list(place.iterdir()) == [root]


@pytest.mark.parametrize(
    "name", ["", "wheel", "wheel/bin", "wheel/bin/server", "wheel/share/zones", "wheel.libs/libpq.so"]
)
def test_one_closed_file_or_directory_is_enough_for_a_copy(place: Path, name: str) -> None:
    root = install(place / "open", 0o755, 0o644)
    (root / name).chmod(0o700)

    assert ask(root) != root


def test_a_copy_has_the_named_parts_and_nothing_else(closed: Path) -> None:
    copied = contents(ask(closed))

    assert copied == {
        name: FILES[name] for name in ("wheel.libs/libpq.so", "wheel/bin/server", "wheel/share/zones/Paris")
    }


def test_every_account_can_read_and_run_a_copy_made_under_umask_077(closed: Path) -> None:
    before = os.umask(0o077)
    try:
        copy = ask(closed)
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (copy, *copy.rglob("*"))}
    assert modes.pop(copy.name) == 0o755
    assert modes == {
        **dict.fromkeys(("wheel", "bin", "server", "share", "zones", "wheel.libs"), 0o755),
        **dict.fromkeys(("Paris", "libpq.so"), 0o644),
    }


def test_a_second_call_finds_the_copy_of_the_first(closed: Path, place: Path) -> None:
    copy = ask(closed)
    number = copy.stat().st_ino

    assert ask(closed) == copy
    assert copy.stat().st_ino == number
    assert sorted(place.iterdir()) == sorted([closed, copy])


def test_another_version_has_another_copy(closed: Path) -> None:
    first = ask(closed)
    (closed / "wheel/share/zones/Paris").write_text("another")

    assert ask(closed) != first


def test_a_copy_that_lost_a_file_is_left_for_a_whole_one(closed: Path) -> None:
    damaged = ask(closed)
    (damaged / "wheel/share/zones/Paris").unlink()

    copy = ask(closed)

    assert copy != damaged
    assert (copy / "wheel/share/zones/Paris").read_text() == "CET"
    assert ask(closed) == copy


def test_processes_that_ask_at_once_get_one_whole_copy(closed: Path, place: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        answers = set(processes.map(ask, [closed] * 24))

    (copy,) = answers
    assert (copy / "wheel.libs/libpq.so").exists()
    assert sorted(place.iterdir()) == sorted([closed, copy])


@pytest.mark.parametrize("how", ["writable", "link"])
def test_a_directory_that_others_could_have_made_is_not_used(closed: Path, place: Path, how: str) -> None:
    copy = ask(closed)
    if how == "link":
        copy.rename(place / "elsewhere")
        copy.symlink_to(place / "elsewhere")
    else:
        copy.chmod(0o777)

    assert ask(closed).name == f"{copy.name}-1"


def test_a_directory_of_ones_own_is_open_and_kept(place: Path) -> None:
    before = os.umask(0o077)
    try:
        directory = places.open_directory("data")
    finally:
        os.umask(before)

    assert directory == place / "data"
    assert places.is_open(directory)
    assert places.open_directory("data") == directory


def test_a_place_that_does_not_serve_is_passed_over(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "closed").mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(place / "closed"))
    monkeypatch.setattr(places, "PLACES", (str(place / "missing"), str(place)))

    assert places.open_directory("data") == place / "data"


def test_without_a_place_each_is_told_with_its_reason(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "closed").mkdir(mode=0o700)
    (place / "free").mkdir()
    (place / "free").chmod(0o777)
    (place / "taken").mkdir()
    (place / "taken").chmod(0o755)
    (place / "taken" / "data").symlink_to(place)
    monkeypatch.setattr(tempfile, "tempdir", str(place / "closed"))
    monkeypatch.setattr(places, "PLACES", tuple(str(place / name) for name in ("missing", "free", "taken")))

    with pytest.raises(places.PlaceError) as raised:
        places.open_directory("data")

    assert str(raised.value) == (
        f"{place}/closed: closed to other accounts; {place}/missing: no directory; "
        f"{place}/free: open to everyone without the sticky bit; {place}/taken: data in it belongs to another account. "
        "Set TMPDIR to a directory that every account may enter and whose programs may run"
    )


def test_programs_behind_a_link_to_a_closed_place_are_copied(place: Path) -> None:
    hidden = place / "hidden"
    installed = install(hidden / "open", 0o755, 0o644)
    hidden.chmod(0o700)
    linked = place / "linked"
    linked.mkdir()
    linked.chmod(0o755)
    for name in ("wheel", "wheel.libs"):
        (linked / name).symlink_to(installed / name)

    copy = places.open_programs(linked, PARTS, "copy")

    assert copy != linked
    assert places.is_open(copy / "wheel" / "bin")
