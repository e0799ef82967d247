"""Rows of the tables that hold one option of one file each: `staticqueue`, `staticvoicemail`, `staticiax`, `features`.

They share their columns and one rule: what is commented is not written. Which category goes where is each file's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import Table, select
from sqlalchemy.sql.expression import Select

from xivo_confgend.database import plain_rows
from xivo_confgend.plugin_helpers.asterisk import SafeText, option


class StaticOption(NamedTuple):
    """A row of one of those tables."""

    id: int
    category: str
    var_name: str
    var_val: str | None


def static_options(table: Table, categories: tuple[str, ...] | None = None) -> list[StaticOption]:
    """The enabled rows of `table` by id; of all categories if `categories` is None."""
    return as_options(plain_rows(select_options(table, categories)))


def as_options(rows: Iterable[Sequence[Any]]) -> list[StaticOption]:
    """The rows of `select_options`."""
    return list(starmap(StaticOption, rows))


@cache
def select_options(table: Table, categories: tuple[str, ...] | None) -> Select[Any]:
    """The statement of `static_options`, for a driver that reads ahead."""
    statement = select(table.c.id, table.c.category, table.c.var_name, table.c.var_val).where(table.c.commented == 0)
    if categories is not None:
        statement = statement.where(table.c.category.in_(categories))
    return statement.order_by(table.c.id)


def safe_value(table: Table, row: StaticOption, safe: SafeText) -> str:
    """The value of one of those rows as it is written: NULL as `None`."""
    return "None" if row.var_val is None else safe.value(row.var_val, table.name, row.id, "var_val")


def option_line(table: Table, row: StaticOption, safe: SafeText) -> str:
    """The option line of one of those rows; empty if its name cannot be written."""
    name = safe.key(row.var_name, table.name, row.id, "var_name")
    return "" if name is None else option(name, safe_value(table, row, safe))


def option_lines(table: Table, rows: Iterable[StaticOption], category: str, safe: SafeText) -> Iterator[str]:
    """The option lines of the rows of one category."""
    for row in rows:
        if row.category == category:
            yield option_line(table, row, safe)
