"""The sub-command `xivo-confgend new-driver`: its options, and what to do next on standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DESCRIPTION = (
    "Write a complete driver distribution: setup.py, a package with a working driver that reads one table and one "
    "value of the configuration, a snippet for conf.d, tests that start the daemon, README, noxfile and CI."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the sub-command."""
    parser.add_argument("name", metavar="NAME", help="name of the driver, for example acme")
    parser.add_argument("file", metavar="RESOURCE/FILENAME", help="the file it makes, for example asterisk/acme.conf")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="where to make the distribution's directory (default: here)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the distribution; returns the exit status."""
    from xivo_confgend.exceptions import ConfgendError
    from xivo_confgend.new_driver.names import Names
    from xivo_confgend.new_driver.writing import write

    try:
        names = Names.parse(options.name, options.file)
        written = write(names, options.directory)
    except ConfgendError as error:
        print(f"xivo-confgend: {error}", file=sys.stderr)
        return 2
    directory = options.directory / names.distribution
    for path in written:
        print(path)
    print(f"\nNow: cd {directory}; pip install -e . ; pytest tests ; xivo-confgend check-driver .")
    return 0
