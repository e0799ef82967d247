"""Columns that hold further options as a two-dimensional array of texts (`voicemail.options`, `useriax.options`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, type_coerce
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from xivo_confgend.plugin_helpers.wording import counted


def array_as_fetched(column: Column[Any]) -> ColumnElement[Any]:
    """`column` as the nested lists that psycopg2 makes of it: SQLAlchemy's own pass over each element is slow."""
    return type_coerce(column, NullType()).label(column.name)


class OptionPairs:
    """Reads such arrays, and says once per file that one had elements that are no pairs."""

    def __init__(self, logger: logging.Logger, table: str) -> None:
        self._logger = logger
        self._table = table
        self._broken: list[object] = []

    def read(self, array: Sequence[Any], row: object) -> list[tuple[str, str | None]]:
        """The pairs (name, value or None) in array order, without the elements that have no name."""
        pairs = [
            (element[0], element[1])
            for element in array
            if isinstance(element, list) and len(element) == 2 and element[0] is not None
        ]
        if len(pairs) != len(array):
            self._broken.append(row)
        return pairs

    def all_whole(self) -> bool:
        """Whether none had such elements."""
        return not self._broken

    def warn(self) -> None:
        """Log which rows had such elements, if any. Call at the end of the generation."""
        if self._broken:
            self._logger.warning(
                "column options of %s of %s has elements that are no pair of name and value, first in row %s",
                counted(len(self._broken), "row"),
                self._table,
                self._broken[0],
            )
