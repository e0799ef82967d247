"""What of an installation cannot work, found in a process of its own: `python -m` this module.

It imports and makes every driver that is chosen, asks those that have a method `check()`, and compares the tables
of their `meta` with the database. The order comes as a pickle on standard input, from `configuration_check`. Each line
of standard output is JSON: `{"begin": …}` says what is looked at next, `{"problem": …}` what is wrong. What drivers
print goes to standard error.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

from sqlalchemy import MetaData

from xivo_confgend.database.postgresql import schema
from xivo_confgend.database.postgresql.connection import make_engine
from xivo_confgend.drivers import Catalogue, Driver, make, metadata_of
from xivo_confgend.exceptions import ConfgendError, one_line, reason_of
from xivo_confgend.failure_reasons import explain_away, forbidden, lacking
from xivo_confgend.store import Store

NICENESS = 10
DRIVER_LIMIT = 10
"""Seconds for one driver, and for the database."""
LIMIT = 120
"""Seconds for all, after which this process is killed."""


@dataclass(frozen=True)
class Order:
    """`config`: the merged configuration, of which `plugins` and `cache` decide which drivers are chosen.

    `db_uri`: empty if the database is not to be looked at. `always`: look at it although no driver says which tables
    it reads.
    """

    config: Mapping[str, Any]
    plugins: Mapping[str, str | None]
    cache: str
    db_uri: str
    always: bool


class _TooLong(BaseException):
    """The time limit of one step is over. No driver is to take it for a mistake of its own."""


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def problems_of(driver: Driver, config: Mapping[str, Any]) -> Iterator[str]:
    """What keeps `driver` from generating with `config`, each in one line: it does not load, or says so itself."""
    check = getattr(make(driver, config), "check", None)
    if callable(check):
        found: Iterable[object] = check() or ()
        yield from (one_line(str(line)) for line in found)


def problems_of_database(uri: str, drivers: Iterable[Driver]) -> Iterator[str]:
    """What the database at `uri` lacks of the tables that `drivers` read, or why it cannot be asked."""
    engine = make_engine(uri)
    compared: set[int] = set()
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET statement_timeout = '{DRIVER_LIMIT}s'")
            for driver in drivers:
                metadata = metadata_of(driver)
                if isinstance(metadata, MetaData) and id(metadata) not in compared:
                    compared.add(id(metadata))
                    differences = schema.compare(connection, metadata)
                    yield from [lacking(driver, list(differences.missing))] if differences.missing else []
                    yield from [forbidden(driver, list(differences.forbidden))] if differences.forbidden else []
    except Exception as error:
        yield explain_away(error, uri).text
    finally:
        engine.dispose()


def _reads_tables(driver: Driver) -> bool:
    """Whether `driver` says which tables it reads, as far as it can be imported."""
    try:
        return metadata_of(driver) is not None
    except BaseException:
        # That it cannot has been said when it was made.
        return False


def _look(what: str, problems: Callable[[], Iterator[str]], output: TextIO) -> None:
    """Write what `problems` finds; whatever it raises is a problem too."""

    def write(kind: str, text: str) -> None:
        output.write(json.dumps({kind: text}) + "\n")
        output.flush()

    write("begin", what)
    try:
        with _time_limit(DRIVER_LIMIT):
            for problem in problems():
                write("problem", f"{what}: {problem}")
    except _TooLong:
        write("problem", f"{what}: took longer than {DRIVER_LIMIT} s to check")
    except ConfgendError as error:
        write("problem", f"{what}: {one_line(str(error))}")
    except BaseException as error:
        write("problem", f"{what}: {reason_of(error)}")


def main() -> None:
    """Do what the order says."""
    os.nice(NICENESS)
    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        catalogue = Catalogue(order.plugins, Store(order.cache))
        chosen = [catalogue.choose(file) for file in catalogue.files()]
        for driver in chosen:
            _look(str(driver.file), partial(problems_of, driver, order.config), output)
        if order.db_uri and (order.always or any(_reads_tables(driver) for driver in chosen)):
            _look("db_uri", partial(problems_of_database, order.db_uri, chosen), output)


if __name__ == "__main__":
    main()
