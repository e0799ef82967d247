"""The tables that the drivers declare are those of a real database, whose catalogue is `schema.json`."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.schema import CreateIndex

from xivo_confgend_wazo.meta import METADATA, types

CATALOGUE = json.loads(Path(__file__).with_name("schema.json").read_text("utf-8"))
TABLES = sorted(METADATA.tables)
ENUMERATIONS = [value for value in vars(types).values() if isinstance(value, ENUM)]
DIALECT = postgresql.dialect()
SAME_TYPES = (
    (r"\bVARCHAR\b", "character varying"),
    (r"\bFLOAT\b", "double precision"),
    (r"(\[\])+", "[]"),
)
"""What the dialect writes → what the catalogue says; the number of dimensions is no part of a type."""


def declared_type(column):
    text = column.type.compile(dialect=DIALECT)
    if isinstance(column.type, ENUM):
        return text
    for pattern, replacement in SAME_TYPES:
        text = re.sub(pattern, replacement, text)
    return text.lower()


def declared_index(index):
    """As the catalogue writes it: `[UNIQUE ]table USING btree (columns)[ WHERE …]`."""
    text = " ".join(str(CreateIndex(index).compile(dialect=DIALECT)).split())
    columns = re.search(r" ON \S+ (\(.*)", text)[1]
    return f"{'UNIQUE ' if index.unique else ''}{index.table.name} USING btree {without_casts(columns)}"


def without_casts(text):
    return re.sub(r"::[a-z_ ]+", "", text.replace('"', "")).replace("((", "(").replace("))", ")")


@pytest.fixture(params=TABLES)
def table(request):
    return METADATA.tables[request.param]


def test_every_table_exists(table):
    assert table.name in CATALOGUE["tables"]


def test_every_column_exists_with_its_type(table):
    real = {name: column["type"] for name, column in CATALOGUE["tables"][table.name]["columns"].items()}

    assert {column.name: declared_type(column) for column in table.columns}.items() <= real.items()


def test_every_column_is_nullable_where_it_really_is(table):
    real = {name: column["nullable"] for name, column in CATALOGUE["tables"][table.name]["columns"].items()}

    assert {column.name: column.nullable for column in table.columns}.items() <= real.items()


def test_the_primary_key_is_the_real_one(table):
    declared = [column.name for column in table.primary_key]

    assert sorted(declared) == sorted(CATALOGUE["tables"][table.name]["primary_key"])


def test_unique_constraints_are_real_ones(table):
    real = [sorted(columns) for columns in CATALOGUE["tables"][table.name]["unique"]]
    declared = [sorted(c.name for c in key.columns) for key in table.constraints if isinstance(key, UniqueConstraint)]

    assert [columns for columns in declared if columns not in real] == []


def test_every_index_exists(table):
    real = {without_casts(index) for index in CATALOGUE["tables"][table.name]["indexes"]}

    assert {declared_index(index) for index in table.indexes} <= real


def test_nothing_but_keys_constrains_a_table(table):
    assert {type(constraint) for constraint in table.constraints} <= {PrimaryKeyConstraint, UniqueConstraint}


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda enumeration: enumeration.name)
def test_every_enumeration_has_its_values_in_their_order(enumeration):
    assert list(enumeration.enums) == CATALOGUE["enums"][enumeration.name]
