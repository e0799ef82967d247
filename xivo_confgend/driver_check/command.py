"""The sub-command `xivo-confgend check-driver`: its options, and the report on standard output."""

from __future__ import annotations

import argparse
import json
import sys

DESCRIPTION = (
    "Examine a driver package before it is shipped: what it declares, imports and generates. One line for each "
    "finding, with the remedy. Exit status: 0 without findings or with notes only, 1 with warnings, 2 with errors."
)
TIME_LIMIT = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the sub-command."""
    parser.add_argument(
        "target",
        metavar="PATH_OR_PACKAGE",
        help="directory of a distribution, wheel, or name of an installed distribution or package",
    )
    parser.add_argument(
        "--db-uri", default=argparse.SUPPRESS, help="URL of a database to generate from, in a read-only transaction"
    )
    parser.add_argument(
        "--config-file",
        dest="drivers_config",
        metavar="FILE",
        help="configuration for the drivers (default: the built-in one)",
    )
    parser.add_argument(
        "--time-limit", type=float, default=TIME_LIMIT, metavar="SECONDS", help="for a generation (default %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(options: argparse.Namespace) -> int:
    """Examine and print; returns the exit status."""
    from xivo_confgend import config
    from xivo_confgend.driver_check.examination import check
    from xivo_confgend.exceptions import ConfigurationError

    try:
        mapping = config.load(options.drivers_config).mapping if options.drivers_config else None
    except ConfigurationError as problem:
        print(f"xivo-confgend: {problem}", file=sys.stderr)
        return 2
    report = check(options.target, options.db_uri or "", mapping, options.time_limit)
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print("\n".join(report.lines()))
    return report.status
