"""Why a generation failed, as an operator is told it: one line that says what is wrong and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from xivo_confgend.database.postgresql import problems, refusal, schema
from xivo_confgend.database.postgresql.session import session_scope
from xivo_confgend.drivers import Driver, metadata_of
from xivo_confgend.exceptions import ConfgendError, one_line

OTHER_VERSION = "it is older or newer than this driver supports"
REFUSED = "the database refuses the connection"


@dataclass(frozen=True)
class Reason:
    """`text`: one line. `away`: the database could not be used; `refused`: because it refuses the connection."""

    text: str
    away: bool = False
    refused: bool = False


def explain(error: BaseException, driver: Driver, uri: str) -> Reason:
    """The reason of `error`, which `driver` raised while it read the database at `uri`. Asks that database. Blocks."""
    state = problems.sqlstate(error)
    if state in problems.UNDEFINED:
        return Reason(_explained_by_schema(error, driver, _lacking, "lacks a table or column"))
    if state in problems.FORBIDDEN:
        return Reason(
            _explained_by_schema(error, driver, _forbidden, "keeps the account of db_uri from a table or column")
        )
    if problems.is_away(error):
        return explain_away(error, uri)
    return Reason(one_line(str(error)) if isinstance(error, ConfgendError) else problems.reason(error))


def explain_away(error: BaseException, uri: str) -> Reason:
    """The reason of an `error` that says that the database at `uri` cannot be used: it is away, or refuses us."""
    text = problems.reason(error)
    if problems.could_not_connect(error):
        with contextlib.suppress(Exception):
            if advice := refusal.advice(uri):
                # libpq tries several addresses and ways to encrypt; the last one is what an operator expects.
                last = str(getattr(error, "orig", error)).strip().splitlines()[-1]
                return Reason(one_line(f"{REFUSED}: {last}; {advice}"), away=True, refused=True)
    return Reason(text, away=True)


def lacking(driver: Driver, places: list[schema.Place]) -> str:
    """What is said of a database that lacks `places`."""
    return f"the database lacks {schema.listed(places)}, which driver {label(driver)} reads: {OTHER_VERSION}"


def forbidden(driver: Driver, places: list[schema.Place]) -> str:
    """What is said of a database whose account may not read `places`."""
    table = places[0].table
    said = f"the account of db_uri may not read {schema.listed(places)}, which driver {label(driver)} reads"
    return f"{said}: GRANT SELECT ON {table} TO it"


def label(driver: Driver) -> str:
    """`wazo 1.0.0`."""
    return f"{driver.name} {driver.version}"


def _lacking(driver: Driver, differences: schema.Differences, statement: str) -> str:
    found = schema.named(differences.missing, statement)
    return lacking(driver, found) if found else ""


def _forbidden(driver: Driver, differences: schema.Differences, statement: str) -> str:
    found = schema.named(differences.forbidden, statement)
    return forbidden(driver, found) if found else ""


def _explained_by_schema(
    error: BaseException, driver: Driver, say: Callable[[Driver, schema.Differences, str], str], otherwise: str
) -> str:
    """What `say` makes of the differences to the driver's `meta`; what the server said if there are none."""
    with contextlib.suppress(Exception):
        metadata = metadata_of(driver)
        if isinstance(metadata, MetaData):
            with session_scope() as session:
                connection: Connection = session.connection()
                said = say(driver, schema.compare(connection, metadata), problems.statement(error))
            if said:
                return said
    return f"the database {otherwise} that driver {label(driver)} reads: {OTHER_VERSION} ({problems.reason(error)})"
