"""Command lines and configuration files that need more than a glance: loaded only when there are any.

`argparse` and `configparser` are what a user expects here (abbreviations, help, messages), and
together take longer to import than a fetch takes.
"""

import argparse
from typing import NoReturn

from xivo_confgend.client import (
    DEFAULT_CONFIG_FILE,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TIMEOUT,
    DEFAULT_WAIT,
    Options,
    UsageError,
)


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Wrong usage, in one line."""
        raise UsageError(f"{message} (confgen -h tells more)")


def parse_any(arguments: list[str]) -> Options:
    """Read any command line. Raises UsageError, or SystemExit after `-h`."""
    parser = Parser(
        prog="confgen",
        description="Print a configuration file that xivo-confgend generates, whole or not at all.",
        epilog="Exit status: 0 written, 1 error, 2 wrong usage, 3 the file of --output was identical already.",
    )
    add = parser.add_argument
    add("name", metavar="frontend/conffile", help="the file, for example asterisk/pjsip.conf")
    add("-c", "--config-file", default=DEFAULT_CONFIG_FILE, help="configuration of this command (%(default)s)")
    add("-p", "--port", type=int, help=f"port of the daemon ({DEFAULT_PORT})")
    add("--host", help=f"address or name of the daemon, or unix:PATH ({DEFAULT_HOST})")
    add("--socket", metavar="PATH", help="UNIX socket of the daemon, instead of host and port")
    add("-t", "--timeout", type=int, help=f"seconds to wait for the connection ({DEFAULT_TIMEOUT})")
    add("--wait", type=float, metavar="SECONDS", help=f"seconds to wait for the whole answer ({DEFAULT_WAIT})")
    add("--cached", action="store_true", help="take what was generated last, if anything was")
    add("--invalidate", action="store_true", help="drop what was generated last; prints nothing")
    add("--output", metavar="FILE", help="write to FILE instead, at once, and only if that changes it")
    add("--fallback-dir", metavar="DIR", help="keep a copy of each file there, and take it when the daemon fails")
    return parser.parse_args(arguments, namespace=Options())
