"""Directories that every account may enter, and copies of programs in them that every account may run.

PostgreSQL refuses to run as root, so root's servers run as another account. That account can enter neither root's home
nor directories made under umask 077.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PLACES = ("/var/tmp", "/tmp", "/var/cache")  # noqa: S108 - what lies there is used only if it is this account's
"""Tried after the directory that TMPDIR names."""
COPIES = 5
"""How many copies of the same programs there may be."""


class PlaceError(Exception):
    """There is no directory as it is needed; the text says what is wrong with each that was tried."""


def is_open(directory: Path) -> bool:
    """Whether every account may enter `directory`."""
    directory = directory.resolve()
    return all(one.stat().st_mode & stat.S_IXOTH for one in [directory, *directory.parents])


def runs_programs(directory: Path) -> bool:
    """Whether programs in `directory` can be started: its file system is not mounted noexec."""
    return not os.statvfs(directory).f_flag & os.ST_NOEXEC


def open_directory(name: str) -> Path:
    """The directory `name` of this account, made if need be, where every account may enter. Raises PlaceError."""
    refused: dict[str, str] = {}
    for place in _places(refused):
        directory = place / name
        try:
            directory.mkdir(exist_ok=True)
            if _is_ours(directory):
                directory.chmod(0o755)
                return directory
            refused[str(place)] = f"{name} in it belongs to another account"
        except OSError as error:
            refused[str(place)] = str(error)
    raise PlaceError(_none_of(refused))


def open_programs(root: Path, parts: Sequence[str], name: str) -> Path:
    """A directory with the files of `parts` (files or directories below `root`), which every account may read and run.

    `root` itself if it is like that. Otherwise a copy, called like `name` and a digest of the files' paths and sizes,
    that is made once and checked each time; only the named parts are copied. Any number of processes may ask at once.
    Raises PlaceError.
    """
    wanted = _listing(root, parts)
    # a part may be a symbolic link to a place that is closed
    where = [root, *((root / part).resolve().parent for part in parts)]
    if all(map(is_open, where)) and all(_is_for_everyone(mode) for mode, _ in wanted.values()):
        return root
    name = f"{name}-{_digest(wanted)}"
    refused: dict[str, str] = {}
    for place in _places(refused):
        if not runs_programs(place):
            refused[str(place)] = "mounted noexec"
            continue
        try:
            if copy := _whole_copy(root, parts, place / name, wanted):
                return copy
            refused[str(place)] = f"{name} in it is damaged or belongs to another account"
        except OSError as error:
            refused[str(place)] = str(error)
    raise PlaceError(_none_of(refused))


def _places(refused: dict[str, str]) -> Iterator[Path]:
    """The directories that may be used; says of the others in `refused` why not."""
    for name in dict.fromkeys((tempfile.gettempdir(), *PLACES)):
        place = Path(name)
        if not place.is_dir():
            refused[name] = "no directory"
        elif not is_open(place):
            refused[name] = "closed to other accounts"
        elif place.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            refused[name] = "open to everyone without the sticky bit"
        else:
            yield place


def _none_of(refused: Mapping[str, str]) -> str:
    reasons = "; ".join(f"{place}: {reason}" for place, reason in refused.items())
    return f"{reasons}. Set TMPDIR to a directory that every account may enter and whose programs may run"


def _is_ours(directory: Path) -> bool:
    """Whether nobody but this account can have put anything into `directory`."""
    status = directory.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _listing(root: Path, parts: Sequence[str]) -> dict[Path, tuple[int, int]]:
    """Mode and size of all in `parts` and on the way there, by its path below `root`; a directory has size 0."""
    listing = {}
    for part in map(Path, parts):
        for path in (*part.parents, part, *(found.relative_to(root) for found in (root / part).rglob("*"))):
            status = (root / path).stat()
            listing[path] = (status.st_mode, 0 if stat.S_ISDIR(status.st_mode) else status.st_size)
    return listing


def _is_for_everyone(mode: int) -> bool:
    """Whether every account may read what has `mode`, and run or enter it if its owner may."""
    needed = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
    return mode & needed == needed


def _digest(listing: Mapping[Path, tuple[int, int]]) -> str:
    text = "\n".join(f"{path} {size}" for path, (_, size) in sorted(listing.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _whole_copy(root: Path, parts: Sequence[str], copy: Path, wanted: Mapping[Path, tuple[int, int]]) -> Path | None:
    """A whole copy of ours called like `copy`, made if there is none; None if such names belong to other accounts.

    A copy is never repaired in its place, where another process may be using it: a damaged one stays, and the next
    one gets a number.
    """
    for number in range(COPIES):
        candidate = copy.with_name(f"{copy.name}-{number}") if number else copy
        if not os.path.lexists(candidate):
            _make_copy(root, parts, candidate)
        if _is_ours(candidate) and _is_whole(candidate, parts, wanted):
            return candidate
    return None


def _is_whole(copy: Path, parts: Sequence[str], wanted: Mapping[Path, tuple[int, int]]) -> bool:
    """Whether `copy` has every file: cleaners of temporary directories remove old files one by one."""
    try:
        found = _listing(copy, parts)
    except FileNotFoundError:
        return False
    return {path: size for path, (_, size) in found.items()} == {path: size for path, (_, size) in wanted.items()}


def _make_copy(root: Path, parts: Sequence[str], copy: Path) -> None:
    """Copy to a directory beside `copy`, then rename: another process sees a whole copy or none."""
    work = Path(tempfile.mkdtemp(prefix=f".{copy.name}-", dir=copy.parent))
    try:
        for part in parts:
            (work / part).parent.mkdir(parents=True, exist_ok=True)
            if (root / part).is_dir():
                shutil.copytree(root / part, work / part)
            else:
                shutil.copy(root / part, work / part)
        for path in (work, *work.rglob("*")):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        work.rename(copy)
    except OSError:
        if not os.path.lexists(copy):
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
