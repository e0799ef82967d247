"""The command `xivo-confgend`: reads the configuration and runs the controller, or says what it would do."""

from __future__ import annotations

import argparse
import importlib
import logging
import logging.handlers
import sys
from collections.abc import Sequence
from typing import Any

from xivo_confgend import config
from xivo_confgend.exceptions import ConfigurationError

LOG_FORMAT = "%(asctime)s [%(process)d] (%(levelname)s) (%(name)s): %(message)s"
EXIT_CONFIGURATION = 2
COMMANDS = (
    ("check-driver", "xivo_confgend.driver_check.command", "examine a driver package before it is shipped"),
    ("new-driver", "xivo_confgend.new_driver.command", "write a complete driver distribution to begin with"),
)
"""Sub-commands; their modules import what they need only when they run, and worker processes import none of them."""


def parser() -> argparse.ArgumentParser:
    """The options of the command line."""
    made = argparse.ArgumentParser(prog="xivo-confgend", description="Configuration generation daemon.")
    made.add_argument("-c", "--config-file", default=config.DEFAULT_CONFIG_FILE, help="main file (default %(default)s)")
    made.add_argument("--debug", action="store_true", help="log at level debug")
    made.add_argument("--listen", action="append", metavar="ENDPOINT", help="Twisted endpoint string; may be repeated")
    made.add_argument("--db-uri", help="URL of the database; prefer the environment variable XIVO_CONFGEND_DB_URI")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="check the configuration and exit")
    what.add_argument("--print-config", action="store_true", help="print the merged configuration with origins")
    what.add_argument("--list-drivers", action="store_true", help="print the installed drivers and exit")
    commands = made.add_subparsers(title="commands for authors of drivers", metavar="COMMAND")
    for name, module, meaning in COMMANDS:
        command: Any = importlib.import_module(module)
        one = commands.add_parser(name, help=meaning, description=command.DESCRIPTION)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 if the daemon could not serve, 2 for a bad configuration."""
    options = parser().parse_args(arguments)
    if hasattr(options, "run"):
        status: int = options.run(options)
        return status

    def load() -> config.Configuration:
        return config.load(options.config_file, _overrides(options))

    try:
        configuration = load()
    except ConfigurationError as error:
        print(f"xivo-confgend: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    if options.check:
        return _check(configuration)
    if options.print_config:
        print("\n".join(configuration.lines()))
        return 0
    if options.list_drivers:
        return _list_drivers(configuration)
    return _serve(configuration, load)


def _check(configuration: config.Configuration) -> int:
    from xivo_confgend.controller import check_certificate

    for line in configuration.warnings:
        print(f"xivo-confgend: {line}", file=sys.stderr)
    try:
        check_certificate(configuration)
    except ConfigurationError as error:
        print(f"xivo-confgend: {error}", file=sys.stderr)
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


def _list_drivers(configuration: config.Configuration) -> int:
    from xivo_confgend.driver_list import table

    print(table(configuration.settings.plugins or {}))
    return 0


def _serve(configuration: config.Configuration, load: Any) -> int:
    # Worker processes import this module again, so what only the daemon needs is imported here.
    from twisted.internet import reactor
    from twisted.python.log import PythonLoggingObserver

    from xivo_confgend.controller import Controller

    try:
        set_up_logging(configuration.settings)
    except OSError as error:
        print(f"xivo-confgend: log file {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_CONFIGURATION
    PythonLoggingObserver().start()
    return Controller(reactor, configuration, load).run()


def set_up_logging(settings: config.Settings) -> None:
    """Log to `log_filename`, which may be rotated under us, or to standard error. Raises OSError."""
    handler: logging.Handler = logging.StreamHandler()
    if settings.log_filename:
        handler = logging.handlers.WatchedFileHandler(settings.log_filename, encoding="utf-8")
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.basicConfig(level=settings.logging_level, handlers=[handler], force=True)
    for name in ("twisted", "stevedore"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
