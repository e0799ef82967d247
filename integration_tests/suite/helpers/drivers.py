"""Every driver of every distribution in this repository, and databases for each to run on."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions, entry_points
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from sqlalchemy import MetaData, event

from integration_tests.suite.helpers.base import ASSETS, create_schema, fill_database
from xivo_confgend.database.postgresql.session import bind, session_scope
from xivo_confgend.testing.postgresql import PostgreSQL

NAMESPACE = "confgend."
DISTRIBUTIONS = "xivo-confgend-"
SAMPLE = Path(__file__).parents[3] / "drivers" / "sample" / "src" / "driver.py"
STATEMENT_TIMEOUT = 60


@dataclass(frozen=True)
class Candidate:
    """One driver as its entry point declares it. `package`: its distribution's package, None without a database."""

    file: str
    name: str
    load: Callable[[], Any]
    package: str | None

    @property
    def path(self) -> str:
        """`resource/filename`."""
        return self.file.replace(".", "/", 1)

    @property
    def metadata(self) -> MetaData:
        """The tables of its schema."""
        if self.package is None:
            return MetaData()
        metadata: MetaData = importlib.import_module(f"{self.package}.meta").METADATA
        return metadata

    def golden(self) -> Iterator[tuple[str, Path]]:
        """The golden cases of its schema, with the file that the reference made."""
        if self.package is None:
            return
        for expected in sorted(ASSETS.glob(f"*/expected/{self.path}")):
            yield expected.parents[2].name, expected

    def fill(self, uri: str, users: int) -> None:
        """Put its demonstration company into the empty database at `uri`."""
        if self.package is not None:
            (demonstration,) = entry_points(group="xivo_confgend.demonstration", name=self.name)
            demonstration.load()(uri, users)


def installed() -> list[Candidate]:
    """The drivers of our installed distributions, and the sample, which is not installed here."""
    entries = {
        (entry.group, entry.name): entry
        for distribution in distributions()
        if distribution.name.startswith(DISTRIBUTIONS)
        for entry in distribution.entry_points
        if entry.group.startswith(NAMESPACE)
    }
    candidates = [
        Candidate(group.removeprefix(NAMESPACE), name, entry.load, entry.module.partition(".")[0])
        for (group, name), entry in entries.items()
    ]
    candidates.append(Candidate("asterisk.sip.conf", "my_driver", _load_sample, None))
    return sorted(candidates, key=lambda candidate: (candidate.file, candidate.name))


def _load_sample() -> Any:
    specification = importlib.util.spec_from_file_location("sample_driver", SAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.MyDriver


@contextmanager
def watched_session(uri: str) -> Iterator[list[str]]:
    """A session on the database at `uri` as a worker opens it, and the text of what is asked in it."""
    engine = bind(uri, STATEMENT_TIMEOUT)
    statements: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def watch(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        if not connection.info.get("opening"):
            statements.append(statement)

    try:
        with session_scope():
            yield statements
    finally:
        engine.dispose()


class Databases:
    """Databases by what is in them, each made once. They are only read."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._made: dict[str, str] = {}

    def company(self, candidate: Candidate, users: int) -> str:
        """The demonstration company of the candidate's schema."""
        return self._once(f"company_{candidate.package}_{users}", lambda name: self._company(name, candidate, users))

    def shuffled_company(self, candidate: Candidate, users: int) -> str:
        """The same company, its rows inserted in another order."""
        original = self.company(candidate, users)
        return self._once(
            f"shuffled_{candidate.package}_{users}", lambda name: self._shuffled(name, candidate.metadata, original)
        )

    def empty(self, candidate: Candidate) -> str:
        """The tables of the candidate's schema without a row."""
        return self._once(
            f"empty_{candidate.package}", lambda name: fill_database(self._server, name, candidate.metadata)
        )

    def _once(self, name: str, make: Callable[[str], str]) -> str:
        if name not in self._made:
            self._made[name] = make(name)
        return self._made[name]

    def _company(self, name: str, candidate: Candidate, users: int) -> str:
        uri = self._server.create_database(name)
        candidate.fill(uri, users)
        return uri

    def _shuffled(self, name: str, metadata: MetaData, original: str) -> str:
        uri = self._server.create_database(name)
        create_schema(uri, metadata)
        source, target = psycopg2.connect(original), psycopg2.connect(uri)
        try:
            with target, source.cursor() as reading, target.cursor() as writing:
                for table in metadata.tables:
                    rows, identifier = io.BytesIO(), sql.Identifier(table)
                    shuffled = sql.SQL("COPY (SELECT * FROM {0} ORDER BY md5({0}::text)) TO STDOUT")
                    reading.copy_expert(shuffled.format(identifier), rows)
                    rows.seek(0)
                    writing.copy_expert(sql.SQL("COPY {} FROM STDIN").format(identifier), rows)
            target.autocommit = True
            with target.cursor() as cursor:
                cursor.execute("ANALYZE")
        finally:
            source.close()
            target.close()
        return uri
