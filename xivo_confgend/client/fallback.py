"""A fetch that leaves a file behind, and what it falls back on when the daemon cannot be asked.

That is every fetch with --output or --fallback-dir, and every one that Asterisk runs by `#exec`, which ignores the
exit status and loads whatever was printed (docs/spec/43-asterisk-fetching.md). Loaded only for those.
"""

import os
import time

from xivo_confgend.client import (
    DEFAULT_TIMEOUT,
    DEFAULT_WAIT,
    DONE,
    FAILED,
    IDENTICAL,
    STDOUT,
    Options,
    Request,
    find_server,
    get_answer,
    print_content,
    read_config,
    say,
    write_all,
)
from xivo_confgend.client.files import keep_copy, read_file, replace_file
from xivo_confgend.client.wire import (
    Answer,
    ConfgenError,
    Server,
    TimedOut,
    Unanswered,
    is_alive,
    printable,
    reason,
)

DEFAULT_DIRECTORY = "/var/cache/confgen"
LIMIT = 10
"""Seconds to connect, and to wait for the answer, where Asterisk waits and there is a file to fall back on."""
PAUSE = 60
"""Seconds after a time-out during which the daemon is not asked again for the same file. Asterisk runs its programs one
after the other, 31 at a boot, and each of them would wait as long."""
TRIAL = 1
"""Seconds to wait for any response of the daemon after a time-out of another file."""
MARKER = ".timed-out"
BOOT = "/proc/sys/kernel/random/boot_id"


class Fetch:
    """What is asked for and where it goes.

    `start`: bytes that Asterisk's `#exec` file held when this process began, None if standard output is none.
    `copy`: the path of the fall-back copy, empty if none is kept.
    """

    def __init__(self, request: Request, options: Options, start: int | None) -> None:
        self.request = request
        self.options = options
        self.start = start
        self.output = request.output
        self.copy = request.copy
        self.failure: ConfgenError | None = None
        self.config: dict[str, str | int] = {}
        try:
            self.config = read_config(options.config_file)
        except ConfgenError as error:
            self.failure = error
        if self.under_exec and not (self.output or self.copy or options.no_fallback) and request.is_plain:
            directory = str(self.config.get("fallback_dir") or DEFAULT_DIRECTORY)
            self.copy = os.path.join(directory, request.name)

    @property
    def under_exec(self) -> bool:
        """Whether Asterisk runs this process and reads its output."""
        return self.start is not None

    @property
    def kept(self) -> str:
        """The path of the file to fall back on, empty if there is to be none."""
        return self.copy or self.output

    @property
    def hurried(self) -> bool:
        """Whether Asterisk waits, and there is a file to fall back on."""
        return self.under_exec and not self.options.no_fallback and os.path.isfile(self.kept)

    @property
    def marker(self) -> str:
        """The path of the file that records a time-out: beside the file to fall back on."""
        directory, name = os.path.split(self.kept)
        return os.path.join(directory, f".{name}{MARKER}")


def run_with_fallback(fetch: Fetch) -> int:
    """Fetch, write and keep; returns the exit status. Raises ConfgenError and BrokenPipeError."""
    try:
        status = _fetch_or_fall_back(fetch)
    except ConfgenError as error:
        say(f"{error}{_what_stays(fetch)}", comment=fetch.under_exec and bool(fetch.output))
        status = FAILED
    if fetch.under_exec and fetch.output:
        _print_comment(fetch, status)
    return status


def _fetch_or_fall_back(fetch: Fetch) -> int:
    try:
        answer = _ask(fetch)
    except ConfgenError as error:
        return _write(fetch, _read_copy(fetch, error))
    if fetch.copy and answer.verified:
        _keep_copy(fetch, answer.content)
    return _write(fetch, answer.content)


def _ask(fetch: Fetch) -> Answer:
    if fetch.failure:
        raise fetch.failure
    hurried, options = fetch.hurried, fetch.options
    server = find_server(options, fetch.config, LIMIT if hurried else DEFAULT_TIMEOUT)
    if hurried:
        _refuse_to_wait_again(fetch, server)
    try:
        answer = get_answer(fetch.request, server, options.wait or (LIMIT if hurried else DEFAULT_WAIT))
    except TimedOut:
        if hurried:
            _note_time_out(fetch)
        raise
    except MemoryError as error:
        raise Unanswered("there is not enough memory") from error
    _forget_time_out(fetch)
    return answer


def _write(fetch: Fetch, content: bytes | memoryview) -> int:
    if fetch.output:
        try:
            changed = replace_file(fetch.output, content)
        except OSError as error:
            raise ConfgenError(f"cannot write {fetch.output}: {reason(error)}") from error
        # to Asterisk, every status but 0 is an error to log
        return DONE if changed or fetch.under_exec else IDENTICAL
    if fetch.start is None:
        return print_content(content)
    return _print_for_asterisk(fetch, content, fetch.start)


def _print_for_asterisk(fetch: Fetch, content: bytes | memoryview, start: int) -> int:
    """Print the whole content or nothing: from half a file, Asterisk would load half of the phones.

    Raises ConfgenError.
    """
    try:
        # the content holds passwords, and Asterisk creates its file with the umask, usually for every account to read
        os.fchmod(STDOUT, os.fstat(STDOUT).st_mode & 0o7700)
    except OSError:
        pass
    try:
        write_all(STDOUT, content)
    except OSError as error:
        os.ftruncate(STDOUT, start)
        os.lseek(STDOUT, start, os.SEEK_SET)
        if start or not fetch.copy or not _put_link(fetch.copy):
            raise ConfgenError(f"cannot write: {reason(error)}") from error
        say(f"warning: cannot write: {reason(error)}; Asterisk reads the copy {_dated(fetch.copy)}", comment=True)
    return DONE


def _put_link(copy: str) -> bool:
    """Replace Asterisk's file by a link to `copy`; False if that fails. A link needs no block of a full disk."""
    try:
        read_file(copy)
        path = os.readlink(f"/proc/self/fd/{STDOUT}")
        os.symlink(os.path.abspath(copy), f"{path}.copy")
        os.rename(f"{path}.copy", path)
    except OSError:
        return False
    return True


def _print_comment(fetch: Fetch, status: int) -> None:
    """Print one line that Asterisk ignores: without any output, it logs a warning."""
    done = "is in" if status == DONE else "was not fetched, see the log; the last good content stays in"
    try:
        write_all(STDOUT, printable(f"; confgen: {fetch.request.name} {done} {fetch.output}").encode() + b"\n")
    except OSError:
        # no content is lost with it
        pass


def _read_copy(fetch: Fetch, error: ConfgenError) -> bytes:
    """The copy that was kept, with a warning; raises `error` if there is none.

    Outside of `#exec`, an error of the caller's, such as a wrong name, has no copy either.
    """
    if not fetch.copy or not (fetch.under_exec or isinstance(error, Unanswered)):
        raise error
    try:
        content = read_file(fetch.copy)
    except (FileNotFoundError, NotADirectoryError):
        raise error from None
    except OSError as unreadable:
        raise ConfgenError(f"{error}; the copy {fetch.copy} cannot be read: {reason(unreadable)}") from error
    say(f"warning: {error}; this is the copy {_dated(fetch.copy)}", comment=True)
    return content


def _keep_copy(fetch: Fetch, content: bytes | memoryview) -> None:
    """Keep `content` for the next failure; where that is not possible, print a warning only."""
    asked_for = bool(fetch.options.fallback_dir)
    try:
        keep_copy(fetch.copy, content, private=not asked_for)
    except OSError as error:
        directory = os.path.dirname(os.path.dirname(fetch.copy))
        advice = f"; install -d -o {os.geteuid()} -m 700 {directory} makes room, --no-fallback does without"
        say(f"warning: no copy kept at {fetch.copy}: {reason(error)}{'' if asked_for else advice}", comment=True)


def _what_stays(fetch: Fetch) -> str:
    if fetch.output and os.path.isfile(fetch.output):
        return f"; {fetch.output} stays as it is, {_changed(fetch.output)}"
    return ""


def _dated(path: str) -> str:
    return f"{path}, {_changed(path)}"


def _changed(path: str) -> str:
    try:
        from xivo_confgend.client.wording import age

        return f"last changed {age(time.time() - os.stat(path).st_mtime)}"
    except (OSError, MemoryError, ImportError):
        # the error that is being told matters more
        return "of unknown age"


def _boot_and_time() -> tuple[str, float]:
    """The identity of this boot, and seconds since it, which setting the clock does not change."""
    with open(BOOT, encoding="ascii") as file:
        return file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


def _refuse_to_wait_again(fetch: Fetch, server: Server) -> None:
    """Raises Unanswered if there was a time-out less than `PAUSE` seconds ago and no success since.

    A time-out of another file may be due to a slow driver: then the daemon is not asked only if it does not respond.
    """
    passed = _since_time_out(fetch.marker)
    if passed is not None:
        raise Unanswered(
            f"{server} did not answer in time {passed:.0f} s ago and is not asked again for {PAUSE - passed:.0f} s"
        )
    directory = os.path.dirname(fetch.marker)
    try:
        others = [one for one in os.listdir(directory) if one.startswith(".") and one.endswith(MARKER)]
    except OSError:
        return
    if any(_since_time_out(os.path.join(directory, one)) is not None for one in others) and not is_alive(server, TRIAL):
        _note_time_out(fetch)
        raise Unanswered(f"{server} does not respond now, and did not answer in time before")


def _since_time_out(marker: str) -> float | None:
    """Seconds since the time-out that `marker` records, None if there was none or it is too long ago."""
    try:
        boot, seconds = read_file(marker).decode("ascii").split()
        this_boot, now = _boot_and_time()
        passed = now - float(seconds)
    except (OSError, ValueError):
        return None
    return passed if boot == this_boot and 0 <= passed < PAUSE else None


def _note_time_out(fetch: Fetch) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        boot, seconds = _boot_and_time()
        descriptor = os.open(fetch.marker, flags, 0o600)
    except OSError:
        # then the next one waits as well
        return
    try:
        write_all(descriptor, f"{boot} {seconds:.3f}\n".encode())
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _forget_time_out(fetch: Fetch) -> None:
    if fetch.kept:
        try:
            os.unlink(fetch.marker)
        except OSError:
            pass
