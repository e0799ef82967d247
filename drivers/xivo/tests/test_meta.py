"""The tables that the driver declares are those of a real XiVO database, whose catalogue is `schema.json`."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ENUM

from xivo_confgend_xivo.meta import METADATA, types

CATALOGUE = json.loads(Path(__file__).with_name("schema.json").read_text("utf-8"))
ENUMERATIONS = [value for value in vars(types).values() if isinstance(value, ENUM)]
DIALECT = postgresql.dialect()
SAME_TYPES = {"varchar": "character varying", "float": "double precision", "[][]": "[]"}
"""What the dialect writes -> what the catalogue says; the number of dimensions is no part of a type."""


def _serial_column(table):
    """The column that SQLAlchemy makes a serial one; 1.4 keeps it under another name than 2.x."""
    return table._autoincrement_column if hasattr(table, "_autoincrement_column") else table.autoincrement_column


def declared_type(column):
    text = column.type.compile(dialect=DIALECT).lower()
    for written, real in SAME_TYPES.items():
        text = text.replace(written, real)
    return text


def declared_default(column):
    """As the catalogue writes it, without casts."""
    if column.server_default is not None:
        return str(column.server_default.arg)
    if column is _serial_column(column.table):
        return f"nextval('{column.table.name}_{column.name}_seq')"
    return None


def without_cast(default):
    return None if default is None else re.sub(r"::[a-z_ ]+(\[\])?", "", default)


@pytest.fixture(params=sorted(METADATA.tables))
def table(request):
    return METADATA.tables[request.param]


@pytest.fixture
def real(table):
    return CATALOGUE["tables"][table.name]


def test_every_column_exists_with_its_type(table, real):
    types_ = {name: column["type"] for name, column in real["columns"].items()}

    assert {column.name: declared_type(column) for column in table.columns}.items() <= types_.items()


def test_no_column_of_the_real_table_is_missing(table, real):
    assert {column.name for column in table.columns} == real["columns"].keys()


def test_every_column_is_nullable_where_it_really_is(table, real):
    nullable = {name: column["nullable"] for name, column in real["columns"].items()}

    assert {column.name: column.nullable for column in table.columns} == nullable


def test_every_column_has_its_real_default(table, real):
    defaults = {name: without_cast(column["default"]) for name, column in real["columns"].items()}

    assert {column.name: declared_default(column) for column in table.columns} == defaults


def test_the_primary_key_is_the_real_one(table, real):
    assert sorted(column.name for column in table.primary_key) == sorted(real["primary_key"])


def test_unique_constraints_are_real_ones(table, real):
    declared = [sorted(c.name for c in key.columns) for key in table.constraints if isinstance(key, UniqueConstraint)]

    assert sorted(declared) == sorted(sorted(columns) for columns in real["unique"])


def test_every_index_exists(table, real):
    declared = {f"{table.name} USING btree ({', '.join(c.name for c in index.columns)})" for index in table.indexes}

    assert declared <= set(real["indexes"])


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda enumeration: enumeration.name)
def test_every_enumeration_has_its_values_in_their_order(enumeration):
    assert list(enumeration.enums) == CATALOGUE["enums"][enumeration.name]
