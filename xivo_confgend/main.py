"""The command `xivo-confgend`: reads the configuration and runs the controller, or says what it would do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from xivo_confgend import signals

if TYPE_CHECKING:
    import argparse

    from xivo_confgend.command_line import Parser
    from xivo_confgend.config import Configuration

# What takes time to import is imported by the functions: until `main` runs, SIGHUP ends the process, and as process 1
# it does not hear SIGTERM.
EXIT_CONFIGURATION = 2
EXIT_CLOSED = 1
COMMANDS = (
    ("check-driver", "xivo_confgend.driver_check.command", "examine a driver package before it is shipped"),
    ("new-driver", "xivo_confgend.new_driver.command", "write a complete driver distribution to begin with"),
)
"""Sub-commands; their modules import what they need only when they run, and worker processes import none of them."""


def parser() -> Parser:
    """The options of the command line."""
    import importlib

    from xivo_confgend import config
    from xivo_confgend.command_line import Parser, ShowVersion

    made = Parser(
        prog="xivo-confgend",
        description="Configuration generation daemon. Without a command and without an option that prints, it serves.",
        epilog="Exit status: 0 done, 1 the daemon could not serve, 2 the configuration or the command line is wrong.",
    )
    made.add_argument("--version", action=ShowVersion, nargs=0, help="print the version")
    made.add_argument("-c", "--config-file", default=config.DEFAULT_CONFIG_FILE, help="main file (default %(default)s)")
    made.add_argument("--debug", action="store_true", help="log at level debug")
    made.add_argument("--listen", action="append", metavar="ENDPOINT", help="Twisted endpoint string; may be repeated")
    made.add_argument("--db-uri", help="URL of the database; prefer the environment variable XIVO_CONFGEND_DB_URI")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what is configured and cannot work")
    made.add_argument("--database", action="store_true", help="with --check: also compare the database's tables")
    what.add_argument("--print-config", action="store_true", help="print the merged configuration with origins")
    what.add_argument("--list-drivers", action="store_true", help="print the drivers, those with a problem first")
    commands = made.add_subparsers(title="commands for authors of drivers", metavar="COMMAND")
    for name, module, meaning in COMMANDS:
        command: Any = importlib.import_module(module)
        one = commands.add_parser(name, help=meaning, description=command.DESCRIPTION)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 if the daemon could not serve, 2 for a bad configuration."""
    try:
        status = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough. Python would complain when it flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CLOSED
    return status


def _run(arguments: Sequence[str] | None) -> int:
    signals.hold()
    signals.leave_process_1()
    try:
        made = parser()
        options = made.read(arguments)
        if options.database and not options.check:
            made.error("--database goes with --check")
    except SystemExit:
        signals.release()
        raise
    if hasattr(options, "run"):
        signals.release()
        status: int = options.run(options)
        return status
    from xivo_confgend import config
    from xivo_confgend.exceptions import ConfigurationError

    def load() -> Configuration:
        return config.load(options.config_file, _overrides(options))

    try:
        configuration = load()
    except ConfigurationError as error:
        print(f"xivo-confgend: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    if options.check or options.print_config or options.list_drivers:
        signals.release()
    if options.check:
        return _check(configuration, options.database)
    if options.print_config:
        print("\n".join(configuration.lines()))
        return 0
    if options.list_drivers:
        return _list_drivers(configuration)
    return _serve(configuration, load)


def _check(configuration: Configuration, database: bool) -> int:
    """Tell everything that is wrong, on standard error; returns the exit status."""
    from xivo_confgend.children import Children
    from xivo_confgend.configuration_check import Database, Finding, choices, findings
    from xivo_confgend.controller import check_certificate
    from xivo_confgend.exceptions import ConfigurationError
    from xivo_confgend.listening import check

    found = [Finding(line, is_error=False) for line in configuration.warnings]
    found += map(Finding, configuration.errors)
    try:
        check_certificate(configuration)
        check(configuration.settings.endpoints)
    except ConfigurationError as error:
        found.append(Finding(str(error)))
    found += choices(configuration)
    found += findings(configuration, Children(), Database.YES if database else Database.NO)
    for one in found:
        print(f"xivo-confgend: {'' if one.is_error else 'warning: '}{one.text}", file=sys.stderr)
    if any(one.is_error for one in found):
        return EXIT_CONFIGURATION
    print("configuration is valid")
    return 0


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if options.debug:
        given["debug"] = True
    if options.listen:
        given["listen"] = options.listen
    if options.db_uri:
        given["db_uri"] = options.db_uri
    return given


def _list_drivers(configuration: Configuration) -> int:
    import shutil

    from xivo_confgend.driver_list import table
    from xivo_confgend.drivers import Catalogue
    from xivo_confgend.store import Store

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    catalogue = Catalogue(configuration.settings.plugins or {}, Store(configuration.settings.cache))
    print(table(catalogue, width))
    for line in catalogue.warnings():
        print(f"xivo-confgend: warning: {line}", file=sys.stderr)
    return 0


def _serve(configuration: Configuration, load: Callable[[], Configuration]) -> int:
    import gc
    import time

    from twisted.internet import reactor
    from twisted.python.log import PythonLoggingObserver

    from xivo_confgend.controller import Controller
    from xivo_confgend.log import set_up_logging

    set_up_logging(configuration.settings)
    PythonLoggingObserver().start()
    # By itself Twisted measures times by the clock of the system, which may be set while the daemon runs.
    clock: Any = reactor
    clock.seconds = time.monotonic
    status = Controller(clock, configuration, load).run()
    # The process ends now: to look for garbage in all that was imported takes longer than everything else of its end.
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(main())
