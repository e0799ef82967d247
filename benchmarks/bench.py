"""What all parts share: the PostgreSQL with its companies, the configuration, how often, how large."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

import xivo_confgend_wazo.demonstration
import xivo_confgend_xivo.demonstration
from xivo_confgend import config
from xivo_confgend.drivers import Catalogue, Driver
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "etc/xivo-confgend/templates"
DRIVERS = "wazo"
FILL = {"wazo": xivo_confgend_wazo.demonstration.fill, "xivo": xivo_confgend_xivo.demonstration.fill}
"""What fills a company's database, by the name of the drivers that read it."""


@dataclass
class Bench:
    """One round of measurements under `directory`, on the companies of `sizes` users.

    `runs`: how often each thing is done; `quick`: only to see that everything works;
    `files`: only these in the part of the single files, all if empty.
    """

    directory: Path
    postgresql: PostgreSQL
    sizes: tuple[int, ...]
    runs: int
    quick: bool = False
    files: tuple[str, ...] = ()
    _daemons: int = 0
    _companies: set[str] = field(default_factory=set)

    @property
    def main_size(self) -> int:
        """The company that the targets speak of, or the largest smaller one."""
        return max((size for size in self.sizes if size <= 10_000), default=min(self.sizes))

    @property
    def largest(self) -> int:
        """The largest company."""
        return max(self.sizes)

    def company(self, users: int, schema: str = DRIVERS) -> str:
        """The URL of a database of `schema` with a company of `users` users, made at the first call."""
        name = f"{schema}_{users}"
        if name not in self._companies:
            uri = self.postgresql.create_database(name)
            FILL[schema](uri, users)
            _settle(uri)
            self._companies.add(name)
        return self.postgresql.uri(name)

    def drivers(self, *schemas: str) -> list[Driver]:
        """The drivers of `schemas`, one for each file."""
        installed = Catalogue({}).installed()
        return [one for one in installed if one.name in schemas and one.namespace == "confgend"]

    def chosen(self) -> list[Driver]:
        """The drivers of both schemas that `files` asks for."""
        return [one for one in self.drivers(*FILL) if not self.files or str(one.file) in self.files]

    def config(self) -> dict[str, Any]:
        """The shipped configuration, with the templates of this checkout."""
        templates = {
            "contextsconf": str(TEMPLATES / "contexts.conf"),
            "modulesconf": str(TEMPLATES / "modules.conf.jinja2"),
        }
        overrides = {
            "templates": templates,
            "plugins": {driver.file.key: DRIVERS for driver in self.drivers(DRIVERS)},
            "log_filename": None,
        }
        mapping = config.load(ROOT / "etc/xivo-confgend/config.yml", overrides, environment={}).mapping
        return {key: value for key, value in mapping.items() if key not in {"listen_port", "cache"}}

    @contextmanager
    def daemon(self, users: int, **settings: object) -> Iterator[Daemon]:
        """A daemon of the company with `users` users, with an empty store; stopped at the end."""
        self._daemons += 1
        directory = self.directory / f"daemon{self._daemons}"
        made = Daemon(directory, {**self.config(), "db_uri": self.company(users), **settings})
        try:
            with made:
                yield made
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def facts(self) -> Mapping[str, str]:
        """PostgreSQL's version and settings, as the server tells them."""
        connection = psycopg2.connect(self.postgresql.uri())
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers')")
                version, buffers = cursor.fetchone() or ("", "")
        finally:
            connection.close()
        return {"PostgreSQL": f"{version}, shared_buffers {buffers}"}


def _settle(uri: str) -> None:
    """Do at once what PostgreSQL does in the minutes after so many rows are new, or it would while we measure."""
    connection = psycopg2.connect(uri)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
    finally:
        connection.close()
    os.sync()
