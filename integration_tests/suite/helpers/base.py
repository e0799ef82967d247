"""Starts and stops the real parts of an integration test, and knows where the assets lie."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData, create_engine

from integration_tests.suite.helpers import compare
from xivo_confgend.database import psycopg2_url
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend.testing.rows import load_rows

ASSETS = Path(__file__).parents[2] / "assets"


def asset(name: str) -> Path:
    """The directory of the asset `name`."""
    return ASSETS / name


def create_schema(uri: str, metadata: MetaData) -> None:
    """Make the tables of a driver's `meta` in the database at `uri`."""
    engine = create_engine(psycopg2_url(uri), future=True)
    metadata.create_all(engine)
    engine.dispose()


def fill_database(server: PostgreSQL, database: str, metadata: MetaData, case: str | None = None) -> str:
    """A database made anew with the schema `metadata` and the rows of the asset `case`; returns its URL."""
    uri = server.create_database(database)
    create_schema(uri, metadata)
    if case is not None:
        load_rows(uri, asset(case) / "rows.sql.gz")
    return uri


def differences(expected: Path, actual: str) -> list[str]:
    """Where `actual` differs in meaning from the golden file `expected`; empty if alike."""
    return list(compare.compare_texts(expected.name, expected.read_text("utf-8"), actual, exact=False))
