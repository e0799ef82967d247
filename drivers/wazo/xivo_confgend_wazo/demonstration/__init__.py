"""A demonstration company: a database full of invented people, as large as you like.

`xivo_confgend.demonstration:wazo` is this `fill`. It is what `make run` shows, what the tests walk through
and what the benchmarks measure. Not a test of odd data: every row here is one that the product could write.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from xivo_confgend.database import psycopg2_url
from xivo_confgend_wazo.demonstration import (
    dialplan,
    endpoints,
    installation,
    keys,
    people,
    queues,
    rooms,
    sip,
    trunks,
)
from xivo_confgend_wazo.demonstration.company import Company, found
from xivo_confgend_wazo.demonstration.description import describe
from xivo_confgend_wazo.demonstration.writer import Rows, reset_sequences, write
from xivo_confgend_wazo.meta import METADATA

__all__ = ["describe", "fill"]

PARTS = (installation, people, sip, endpoints, trunks, queues, rooms, dialplan, keys)


def content(company: Company) -> Iterator[Rows]:
    """All rows of `company`, table by table."""
    for part in PARTS:
        yield from part.content(company)


def fill(uri: str, users: int = 200) -> None:
    """Make the tables in the empty database at `uri` and fill them with a company of `users` users.

    The same number gives the same rows on every machine. Raises ValueError if `users` is less than one and
    `sqlalchemy.exc.SQLAlchemyError` or `psycopg2.Error` if the database is away or not empty.
    """
    company = found(users)
    engine = create_engine(psycopg2_url(uri), poolclass=NullPool, future=True)
    METADATA.create_all(engine)
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        for rows in content(company):
            write(cursor, rows)
        reset_sequences(cursor, METADATA)
        cursor.execute("ANALYZE")
        connection.commit()
    finally:
        connection.close()
