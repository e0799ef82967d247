"""Files that the client writes and reads: whole, at once, and only if that changes them.

Loaded only where a file is written instead of, or beside, standard output.
"""

import errno
import os

from xivo_confgend.client import FILE_KIND, REGULAR, say, write_all
from xivo_confgend.client.wire import HEXADECIMAL

NEW_FILE_MODE = 0o640
NEW_DIRECTORY_MODE = 0o750
"""They hold passwords."""
PRIVATE_FILE_MODE = 0o600
PRIVATE_DIRECTORY_MODE = 0o700
PIECE = 1 << 20
"""Bytes that are compared at once."""
STAGED_LETTERS = 12
STAGING_ATTEMPTS = 10
MOUNTS = "/proc/self/mountinfo"


def replace_file(path: str, content: bytes | memoryview, mode: int | None = None) -> bool:
    """Let the file at `path` have `content`; False if it had it already and was not touched.

    Another reader sees the old or the new content, never a part. An existing file keeps its mode unless `mode` is
    given, and its owner if this account may give files away. Follows links. What cannot be replaced because it is
    mounted by itself, as containers do, is written in place, with a warning. Raises OSError.
    """
    path = os.path.realpath(path)
    old = os.stat(path) if os.path.lexists(path) else None
    if old is not None and not is_regular(old):
        raise OSError("it is not a regular file")
    directory, name = os.path.split(path)
    _remove_left_behind(directory, name)
    if old is not None and old.st_size == len(content) and _holds(path, content):
        return False
    try:
        _rename_over(path, content, old, mode)
    except OSError as error:
        if old is None or not (error.errno == errno.EBUSY or _is_mounted(path)):
            raise
        say(f"warning: {path} is mounted by itself: written in place, a reader may meet a part of it", comment=True)
        _write_in_place(path, content)
    return True


def is_regular(status: os.stat_result) -> bool:
    """Whether it is a file in the narrow sense."""
    return status.st_mode & FILE_KIND == REGULAR


def _holds(path: str, content: bytes | memoryview) -> bool:
    view = memoryview(content)
    with open(path, "rb") as file:
        same = all(file.read(PIECE) == view[at : at + PIECE].tobytes() for at in range(0, len(view), PIECE))
        return same and not file.read(1)


def _rename_over(path: str, content: bytes | memoryview, old: os.stat_result | None, mode: int | None) -> None:
    directory, name = os.path.split(path)
    descriptor, staged = _stage(directory, name)
    try:
        write_all(descriptor, content)
        _take_after(old, descriptor, mode)
        os.fsync(descriptor)
        os.rename(staged, path)
    except BaseException:
        os.unlink(staged)
        raise
    finally:
        os.close(descriptor)
    _sync_directory(directory)


def _stage(directory: str, name: str) -> tuple[int, str]:
    """A new file beside the one to replace, locked while this process lives, and its path. Raises OSError."""
    for _ in range(STAGING_ATTEMPTS):
        staged = os.path.join(directory, f".{name}.{os.urandom(STAGED_LETTERS // 2).hex()}")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if _lock(descriptor) is not False and os.path.exists(staged):
            return descriptor, staged
        # it was taken for one that was left behind, in the moment before it was locked
        os.close(descriptor)
    raise OSError("other processes remove what is written")


def _lock(descriptor: int) -> bool | None:
    """True if the lock was taken, False if another process has it, None where files cannot be locked."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_left_behind(directory: str, name: str) -> None:
    """Remove what processes that were killed had staged for this file: it has passwords, and takes room."""
    start = f".{name}."
    try:
        beside = os.listdir(directory)
    except OSError:
        return
    for one in beside:
        letters = one.removeprefix(start)
        if one.startswith(start) and len(letters) == STAGED_LETTERS and HEXADECIMAL.issuperset(letters):
            _remove_unlocked(os.path.join(directory, one))


def _remove_unlocked(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # another process was quicker, or it is not ours
        return
    try:
        if is_regular(os.fstat(descriptor)) and _lock(descriptor):
            os.unlink(path)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _take_after(old: os.stat_result | None, descriptor: int, mode: int | None) -> None:
    made = os.fstat(descriptor)
    if old is not None and (old.st_uid, old.st_gid) != (made.st_uid, made.st_gid):
        _give_away(descriptor, old)
    kept = NEW_FILE_MODE if old is None else old.st_mode & 0o7777
    os.fchmod(descriptor, kept if mode is None else mode)


def _give_away(descriptor: int, old: os.stat_result) -> None:
    # a file that root made is no reason never to write it again: owner and group are kept as far as that is permitted
    for owner in (old.st_uid, -1):
        try:
            os.fchown(descriptor, owner, old.st_gid)
            return
        except PermissionError:
            continue


def _sync_directory(path: str) -> None:
    # so that the new name survives a loss of power; not every file system can
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _is_mounted(path: str) -> bool:
    """Whether something is mounted at `path` itself."""
    escaped = path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            return any(line.split(" ", 5)[4] == escaped for line in mounts)
    except (OSError, IndexError):
        return False


def _write_in_place(path: str, content: bytes | memoryview) -> None:
    """Overwrite; where there is no room for a longer content, the old one stays. Raises OSError."""
    view = memoryview(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        try:
            # what needs room comes first
            os.lseek(descriptor, size, os.SEEK_SET)
            write_all(descriptor, view[size:])
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        os.lseek(descriptor, 0, os.SEEK_SET)
        write_all(descriptor, view[:size])
        os.ftruncate(descriptor, len(view))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_copy(path: str, content: bytes | memoryview, private: bool) -> None:
    """Like `replace_file`, in directories that are made if there are none; `private`: for the owner only.

    Raises OSError.
    """
    previous = os.umask(0o777 & ~(PRIVATE_DIRECTORY_MODE if private else NEW_DIRECTORY_MODE))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    finally:
        os.umask(previous)
    replace_file(path, content, PRIVATE_FILE_MODE if private else None)


def read_file(path: str) -> bytes:
    """The whole content. Raises OSError, also for what is no regular file and might never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not is_regular(os.fstat(file.fileno())):
            raise OSError("it is not a regular file")
        return file.read()
