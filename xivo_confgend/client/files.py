"""Files that the client writes, for --output and --fallback-dir: whole, at once, and only if that changes them.

Loaded only when one of the two is asked for.
"""

# ruff: noqa: PTH103, PTH104, PTH108, PTH113, PTH116, PTH118, PTH120, PTH123
# pathlib takes longer to import than all of this takes to run

import os

from xivo_confgend.client import write_all

NEW_FILE_MODE = 0o640
NEW_DIRECTORY_MODE = 0o750
"""They hold passwords."""
PIECE = 1 << 20
"""Bytes that are compared at once."""


def replace_file(path: str, content: bytes | memoryview) -> bool:
    """Let the file at `path` have `content`; False if it had it already and was not touched.

    Another reader sees the old or the new content, never a part. An existing file keeps its mode
    and owner. Follows links. Raises OSError.
    """
    path = os.path.realpath(path)
    old = os.stat(path) if os.path.lexists(path) else None
    if old is not None and not os.path.isfile(path):
        raise OSError("it is not a regular file")
    if old is not None and old.st_size == len(content) and _holds(path, content):
        return False
    directory, name = os.path.split(path)
    staged = os.path.join(directory, f".{name}.{os.urandom(6).hex()}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        _take_after(old, descriptor)
        os.fsync(descriptor)
        os.rename(staged, path)
    except BaseException:
        os.unlink(staged)
        raise
    finally:
        os.close(descriptor)
    _sync_directory(directory)
    return True


def _holds(path: str, content: bytes | memoryview) -> bool:
    view = memoryview(content)
    with open(path, "rb") as file:
        same = all(file.read(PIECE) == view[at : at + PIECE].tobytes() for at in range(0, len(view), PIECE))
        return same and not file.read(1)


def _take_after(old: os.stat_result | None, descriptor: int) -> None:
    made = os.fstat(descriptor)
    if old is not None and (old.st_uid, old.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, NEW_FILE_MODE if old is None else old.st_mode & 0o7777)


def _sync_directory(path: str) -> None:
    # so that the new name survives a loss of power; not every file system can
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def keep_copy(path: str, content: bytes | memoryview) -> None:
    """Like `replace_file`, in directories that are made if there are none. Raises OSError."""
    os.makedirs(os.path.dirname(path), NEW_DIRECTORY_MODE, exist_ok=True)
    replace_file(path, content)


def read_file(path: str) -> bytes:
    """The whole content. Raises OSError."""
    with open(path, "rb") as file:
        return file.read()
