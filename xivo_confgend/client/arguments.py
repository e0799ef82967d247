"""Command lines that need more than a glance: those of the other commands, and a fetch that is written unusually.

Loaded only when there is one. `argparse` is what a user expects here (abbreviations, help, messages),
and takes longer to import than a fetch takes.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from xivo_confgend.client import (
    API_COMMANDS,
    DEFAULT_CONFIG_FILE,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TIMEOUT,
    DEFAULT_WAIT,
    FLAGS,
    VALUES,
    Options,
    UsageError,
)
from xivo_confgend.client.wording import near

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

DEFAULT_API = "http://127.0.0.1:8670"
DISTRIBUTION = "xivo-confgend"
NAME = "RESOURCE/FILENAME"
DESCRIPTION = "Print a configuration file that xivo-confgend generates, whole or not at all."
EXIT_STATUS = "Exit status: 0 written, 1 error, 2 wrong usage, 3 the file of --output was identical already."
TOKEN = "A token is taken from the environment variable XIVO_CONFGEND_TOKEN."  # noqa: S105 - its name only
MEANINGS = {
    "list": "show every file with its state, size and age",
    "show": "show the facts and versions of a file, or its content",
    "diff": "show what changed between two versions of a file, or between the last two",
    "status": "show the health of the daemon; exit status 0 ok, 3 degraded, 1 if it cannot answer",
    "pin": "serve one version of a file until it is unpinned",
    "unpin": "serve what the database says again",
}
"""The commands of the HTTP API, `API_COMMANDS`, with their help."""
COMMAND_OPTIONS = ("--api", "--content", "--help", "--json", "--reason")


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Wrong usage, in one line."""
        raise UsageError(f"{message} ({self.prog} -h tells more)")

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Unlike argparse's, raises OSError if it cannot be printed."""
        print(self.format_help(), end="", file=file)


def _refuse_unknown(parser: Parser, unknown: Sequence[str], options: Iterable[str]) -> None:
    if unknown:
        word = unknown[0].partition("=")[0]
        meant = near(word, options) if word.startswith("-") else ""
        parser.error(f"unrecognized argument {word!r}{meant and f'; did you mean {meant}?'}")


class ShowEverything(argparse.Action):
    """`-h` before a command: the options of a fetch and every command on one page."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print and leave."""
        full = command_parser()
        _add_fetch_options(full)
        full.print_help()
        parser.exit()


class ShowVersion(argparse.Action):
    """`--version`: that of the installed distribution."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print and leave."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            installed = version(DISTRIBUTION)
        except PackageNotFoundError:
            installed = "of unknown version: it was not installed by pip"
        print(f"confgen {installed}")
        parser.exit()


def parse_any(arguments: Sequence[str]) -> Options:
    """Read the command line of a fetch. Raises UsageError, or SystemExit after `-h` and `--version`."""
    parser = Parser(prog="confgen", add_help=False)
    _add_fetch_options(parser)
    parser.add_argument("name", metavar=NAME, nargs="?")
    options, unknown = parser.parse_known_args(arguments, namespace=Options())
    if unknown and options.name and "/" not in options.name:
        raise UsageError(explain_word(options.name))
    _refuse_unknown(parser, unknown, (*VALUES, *FLAGS))
    if options.name is None:
        parser.error(f"the name of a file is missing: {NAME}")
    return options


def explain_word(word: str) -> str:
    """What to say of a `word` that is neither the name of a file nor a command."""
    meant = near(word, API_COMMANDS)
    advice = (
        f"did you mean {meant}?" if meant else f"files are named {NAME}, the commands are {', '.join(API_COMMANDS)}"
    )
    return f"{word!r} is neither a file nor a command; {advice} (confgen -h tells more)"


def parse_command(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line that begins with one of `API_COMMANDS`. Raises UsageError, or SystemExit after `-h`."""
    parser = command_parser()
    options, unknown = parser.parse_known_args(arguments)
    _refuse_unknown(parser, unknown, COMMAND_OPTIONS)
    return options


def _add_fetch_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("options of a fetch").add_argument
    add("-h", "--help", action=ShowEverything, nargs=0, help="print this, or after a command its own help")
    add("--version", action=ShowVersion, nargs=0, help="print the version")
    add("-c", "--config-file", default=DEFAULT_CONFIG_FILE, help="configuration of this command (%(default)s)")
    add("-p", "--port", type=int, help=f"port of the daemon ({DEFAULT_PORT})")
    add("--host", help=f"address or name of the daemon, or unix:PATH ({DEFAULT_HOST})")
    add("--socket", metavar="PATH", help="UNIX socket of the daemon, instead of host and port")
    add("-t", "--timeout", type=int, metavar="SECONDS", help=f"wait so long for the connection ({DEFAULT_TIMEOUT})")
    add("--wait", type=float, metavar="SECONDS", help=f"wait so long for the whole answer ({DEFAULT_WAIT})")
    add("--cached", action="store_true", help="take what was generated last, if anything was")
    add("--invalidate", action="store_true", help="drop what was generated last; prints nothing")
    add("--output", metavar="FILE", help="write to FILE instead, at once, and only if that changes it; -: print")
    add("--fallback-dir", metavar="DIR", help="keep a copy of each file there, and take it when the daemon fails")
    add(
        "--no-fallback", action="store_true", help="keep no copy where Asterisk runs this by #exec and reads the output"
    )


def command_parser() -> Parser:
    """Every command of the HTTP API and its options."""
    made = Parser(
        prog="confgen",
        usage=f"confgen [OPTION]... {NAME}\n       confgen COMMAND [OPTION]...",
        description=DESCRIPTION,
        epilog=f"{EXIT_STATUS} {TOKEN}",
        add_help=False,
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND", prog="confgen", title="commands")
    parsers = {name: _add_command(commands, name) for name in API_COMMANDS}
    for name in ("show", "diff", "pin", "unpin"):
        parsers[name].add_argument("file", metavar=NAME, help="for example asterisk/pjsip.conf")
    add = parsers["show"].add_argument
    add("--content", action="store_true", help="print the stored content instead")
    add = parsers["diff"].add_argument
    add("older", metavar="A", nargs="?", help="beginning of the older version's digest")
    add("newer", metavar="B", nargs="?", help="beginning of the newer version's digest")
    add = parsers["pin"].add_argument
    add("version", metavar="VERSION", nargs="?", help="beginning of a version's digest; otherwise the current one")
    add("--reason", default="", help="for your colleagues")
    return made


def _add_command(commands: "argparse._SubParsersAction[Parser]", name: str) -> Parser:
    meaning = MEANINGS[name]
    made = commands.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.", epilog=TOKEN)
    made.add_argument("--json", action="store_true", help="print data instead of text")
    address = os.environ.get("XIVO_CONFGEND_API", DEFAULT_API)
    made.add_argument("--api", default=address, help="address of the HTTP API, also XIVO_CONFGEND_API (%(default)s)")
    return made
