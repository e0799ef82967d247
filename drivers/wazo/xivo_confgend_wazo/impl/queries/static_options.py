"""Rows of the tables that hold one option of one file each: `staticqueue`, `staticvoicemail`, `staticiax`, `features`.

They share their columns and one rule: what is commented is not written. Which category goes where is each file's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.sql.expression import Select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, option


def static_options(table: Table, categories: tuple[str, ...] | None = None) -> Sequence[Any]:
    """The enabled rows of `table` by id: `id`, `category`, `var_name`, `var_val`; of all `categories` if None."""
    return Session.execute(_enabled(table, categories)).all()


@cache
def _enabled(table: Table, categories: tuple[str, ...] | None) -> Select[Any]:
    statement = select(table.c.id, table.c.category, table.c.var_name, table.c.var_val).where(table.c.commented == 0)
    if categories is not None:
        statement = statement.where(table.c.category.in_(categories))
    return statement.order_by(table.c.id)


def safe_pair(table: Table, row: Any, safe: SafeText) -> tuple[str, str | None]:
    """Name and value of one of those rows, safe to write; NULL stays None."""
    name = safe.value(row.var_name, table.name, row.id, "var_name")
    value = None if row.var_val is None else safe.value(row.var_val, table.name, row.id, "var_val")
    return name, value


def option_line(table: Table, row: Any, safe: SafeText) -> str:
    """The option line of one of those rows; a NULL value is written as `None`."""
    return safe.named_line(option(*safe_pair(table, row, safe)), table.name, row.id, "var_name")


def option_lines(table: Table, rows: Sequence[Any], category: str, safe: SafeText) -> Iterator[str]:
    """The option lines of the rows of one category."""
    for row in rows:
        if row.category == category:
            yield option_line(table, row, safe)
