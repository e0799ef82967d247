"""The `confgen` command: asks the daemon for one file and passes it on whole, or not at all.

Asterisk runs it many times in one reload, so its start-up is what it costs: it imports nothing of
the project and as little as it can of the standard library; what few calls need is in modules that
only those calls load. Options: docs/spec/30-daemon.md section 3, and `--socket`, `--wait`,
`--output` and `--fallback-dir`.

Exit status: 0 the content was written, 1 an error, 2 wrong usage, 3 the file of `--output` was
identical already. An error is one line on standard error, and nothing on standard output.
"""

import os
import sys
import time

from xivo_confgend.client.wire import Answer, ConfgenError, Server, Unanswered, fetch, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

DEFAULT_CONFIG_FILE = "/etc/xivo-confgend-client/config.conf"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8669
DEFAULT_TIMEOUT = 5
DEFAULT_WAIT = 120
LARGEST_PORT = 65535
LONGEST_WAIT = 1_000_000

DONE, FAILED, WRONG_USAGE, IDENTICAL, INTERRUPTED = 0, 1, 2, 3, 130
STDOUT, STDERR = 1, 2
NO_MEMORY = b"confgen: there is not enough memory\n"
EXEC_DIRECTORY = "/var/tmp"  # noqa: S108 - where Asterisk makes its files, whatever TMPDIR is
FILE_KIND, REGULAR = 0o170000, 0o100000

NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


class UsageError(ConfgenError):
    """The command line does not say what to do."""


class Options:
    """A command line. None, 0 and an empty text mean that an option was not given."""

    name: str = ""
    config_file: str = DEFAULT_CONFIG_FILE
    host: str | None = None
    port: int | None = None
    socket: str | None = None
    timeout: int | None = None
    wait: float | None = None
    cached: bool = False
    invalidate: bool = False
    output: str | None = None
    fallback_dir: str | None = None
    no_fallback: bool = False


VALUES = {
    "-c": "config_file",
    "--config-file": "config_file",
    "-p": "port",
    "--port": "port",
    "--host": "host",
    "--socket": "socket",
    "-t": "timeout",
    "--timeout": "timeout",
    "--wait": "wait",
    "--output": "output",
    "--fallback-dir": "fallback_dir",
}
FLAGS = {"--cached": "cached", "--invalidate": "invalidate", "--no-fallback": "no_fallback"}
NUMBERS = ("port", "timeout", "wait")
API_COMMANDS = ("list", "show", "diff", "status", "pin", "unpin")
"""First words that ask the HTTP API; a file always has a slash in its name."""


def parse_simple(arguments: list[str]) -> Options | None:
    """Read a command line without surprises; None if there is anything that argparse should see."""
    options = Options()
    names = []
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            names.append(argument)
        elif argument in FLAGS:
            setattr(options, FLAGS[argument], True)
        elif option in VALUES and (option.startswith("--") or not equals):
            field = VALUES[option]
            value = value if equals else next(rest, "-")
            if value.startswith("-") or (field in NUMBERS and not _is_simple_number(value)):
                return None
            setattr(options, field, int(value) if field in NUMBERS else value)
        else:
            return None
    if len(names) != 1:
        return None
    options.name = names[0]
    return options


def _is_simple_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10


class Request:
    """What the options ask for. Raises UsageError if they make no sense."""

    def __init__(self, options: Options) -> None:
        if not options.name.isprintable():
            raise UsageError("the name of the file holds control characters")
        self.name, *words = options.name.split() or [""]
        resource, slash, filename = self.name.partition("/")
        if not (resource and slash and filename) or "/" in filename:
            from xivo_confgend.client.arguments import explain_word

            raise UsageError(explain_word(options.name))
        self.text = " ".join([self.name, *words]) + " invalidate" * options.invalidate + " cached" * options.cached
        self.invalidates = options.invalidate or "invalidate" in words
        self.output = "" if options.output == "-" else options.output or ""
        if self.invalidates and self.output:
            raise UsageError("--invalidate gives --output nothing to write")
        if not 0 <= (options.port or 0) <= LARGEST_PORT:
            raise UsageError(f"{options.port} is not a port")
        for seconds in (options.timeout or 0, options.wait or 0):
            if not 0 <= seconds <= LONGEST_WAIT:
                raise UsageError(f"{seconds} is not a number of seconds to wait")
        self.is_plain = _is_plain(resource) and _is_plain(filename)
        self.copy = ""
        if options.fallback_dir and not self.invalidates:
            if options.no_fallback:
                raise UsageError("--fallback-dir and --no-fallback exclude each other")
            if not self.is_plain:
                raise UsageError(f"no copy of {self.name} can be kept: it may not be the name of a file")
            self.copy = f"{options.fallback_dir}/{self.name}"


def _is_plain(name: str) -> bool:
    return NAME_CHARACTERS.issuperset(name) and not name.startswith(".")


def find_server(options: Options, configured: "dict[str, Any]", timeout: float = DEFAULT_TIMEOUT) -> Server:
    """Where to ask: command line before configuration file, `configured`, before defaults.

    A host `unix:PATH` is a UNIX socket.
    """
    host = options.host or configured.get("server") or DEFAULT_HOST
    path = options.socket or (not options.host and configured.get("socket")) or ""
    if not path and host.startswith("unix:"):
        path = host.removeprefix("unix:")
    port = options.port or configured.get("port") or DEFAULT_PORT
    return Server(path, host, port, options.timeout or configured.get("timeout") or timeout)


def read_config(path: str) -> "dict[str, Any]":
    """What the configuration file at `path` sets; nothing if there is none. Raises ConfgenError."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ConfgenError(f"{path}: {reason(error)}") from error
    if all(line.strip()[:1] in ("", "#", ";") for line in text.splitlines()):
        return {}
    from xivo_confgend.client.config_file import parse_config

    return parse_config(path, text)


def get_answer(request: Request, server: Server, wait: float) -> Answer:
    """What the daemon answers within `wait` seconds; says so if it is stale. Raises ConfgenError."""
    answer = fetch(server, request.text, wait)
    if not (answer.verified or answer.content or request.invalidates):
        raise Unanswered(f"the answer is empty: the daemon has no {request.name}, or could not generate it")
    if answer.state == "stale":
        say(f"warning: {request.name} could not be generated now, this one is of {answer.generated}", comment=True)
    return answer


def print_content(content: bytes | memoryview) -> int:
    """Write to standard output; returns the exit status. Raises ConfgenError and BrokenPipeError."""
    if sys.stdout is None:
        # descriptor 1 may be something else by now
        raise ConfgenError("standard output is closed")
    try:
        write_all(STDOUT, content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfgenError(f"cannot write: {reason(error)}") from error
    return DONE


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write without a buffer of our own. Raises OSError."""
    view = memoryview(content)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            time.sleep(0.01)


def say(text: str, comment: bool = False) -> None:
    """One line on standard error.

    Older Asterisks let both outputs of `#exec` go to one file and read that: there a line has to be a
    `comment`, or the content that is read with it would not be loaded. An error without content should
    be what it looks like.
    """
    line = f"{'; ' if comment and _is_one_output() else ''}confgen: {' '.join(text.split())}\n"
    if sys.stderr is not None:
        try:
            os.write(STDERR, line.encode("utf-8", "backslashreplace"))
        except OSError:
            pass


def _is_one_output() -> bool:
    try:
        return os.path.sameopenfile(STDOUT, STDERR) and not os.isatty(STDERR)
    except OSError:
        return False


def run(arguments: list[str]) -> int:
    """Do what the command line `arguments` (without the command) asks; returns the exit status."""
    try:
        return _run(arguments)
    except MemoryError:
        # so little of it that even making the error's line failed
        os.write(STDERR, NO_MEMORY)
        return FAILED


def _run(arguments: list[str]) -> int:
    try:
        status = run_command(arguments) if arguments and arguments[0] in API_COMMANDS else run_fetch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except UsageError as error:
        say(str(error))
        return WRONG_USAGE
    except (ConfgenError, MemoryError, ImportError) as error:
        # the last two are how little memory shows, the second where a module is loaded that few calls need
        say(str(error) or "there is not enough memory")
        return FAILED
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        say(f"cannot write: {reason(error)}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def run_command(arguments: list[str]) -> int:
    """One of `API_COMMANDS`; returns the exit status. Raises ConfgenError, and OSError if printing fails."""
    from xivo_confgend.client.api_commands import run as run_api_command

    return run_api_command(arguments)


def run_fetch(arguments: list[str]) -> int:
    """A fetch; returns the exit status. Raises ConfgenError and BrokenPipeError."""
    options = parse_simple(arguments)
    if options is None:
        from xivo_confgend.client.arguments import parse_any

        try:
            options = parse_any(arguments)
        except SystemExit:
            # help or the version was asked for, and printed
            return DONE
    request = Request(options)
    start = exec_start()
    if not request.invalidates and (start is not None or request.output or request.copy):
        from xivo_confgend.client.fallback import Fetch, run_with_fallback

        return run_with_fallback(Fetch(request, options, start))
    server = find_server(options, read_config(options.config_file))
    return print_content(get_answer(request, server, options.wait or DEFAULT_WAIT).content)


def exec_start() -> int | None:
    """How many bytes Asterisk's `#exec` file holds already, None if standard output is no such file."""
    try:
        path = os.readlink(f"/proc/self/fd/{STDOUT}")
        directory, _, name = path.rpartition("/")
        if not is_exec_name(name) or sys.stdout is None or not os.path.samefile(directory, EXEC_DIRECTORY):
            return None
        status = os.fstat(STDOUT)
    except OSError:
        return None
    return status.st_size if status.st_mode & FILE_KIND == REGULAR else None


def is_exec_name(name: str) -> bool:
    """Whether it is of the form `exec.<digits>.<digits>` (docs/spec/43-asterisk-fetching.md)."""
    first, *numbers = name.split(".")
    return first == "exec" and len(numbers) == 2 and all(one.isascii() and one.isdigit() for one in numbers)


def main() -> "NoReturn":
    """The console script: run, and leave with the exit status."""
    status = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # it was told, or the reader has gone away; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    if "threading" in sys.modules or sys.gettrace() or sys.getprofile():
        sys.exit(status)
    # everything is written, so there is nothing that taking the interpreter apart would add but time
    os._exit(status)
