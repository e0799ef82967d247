"""The voice menus of the dialplan, one text from a template each (docs/spec/20-extensions.conf.md section 9).

Administrators may replace the template, for all menus or for one. Order: menus and their choices by id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, Text, cast, select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend.plugin_helpers.templates import TemplateHelper
from xivo_confgend_wazo.meta import dialaction, ivr, ivr_choice

logger = logging.getLogger(__name__)

TEMPLATE = "asterisk/extensions/ivr"
EVENTS = ("timeout", "invalid", "abort")


class Row:
    """A row as templates see it: columns are attributes, texts safe to write.

    A column is only looked at, and warned about, when a template asks for it. `others`: attributes beside the columns.
    """

    def __init__(self, table: Table, key: object, values: Mapping[Any, Any], safe: SafeText, **others: object) -> None:
        self._table = table
        self._key = key
        self._values = values
        self._safe = safe
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            raise AttributeError(name)
        value = self._values[name]
        if isinstance(value, str):
            value = self._safe.value(value, self._table.name, self._key, name)
        setattr(self, name, value)
        return value


class Destination(Row):
    """A row of `dialaction` as templates see it."""

    @property
    def type(self) -> str:
        """What comes before the colon of `action`."""
        return str(self.action).partition(":")[0]

    @property
    def subtype(self) -> str | None:
        """What comes after it, if there is one."""
        _, colon, subtype = str(self.action).partition(":")
        return subtype if colon else None

    @property
    def gosub_args(self) -> str:
        """The action and its two arguments with commas between."""
        arguments = f"{self.action},{self.actionarg1 or ''},{self.actionarg2 or ''}"
        return self._safe.value(arguments, self._table.name, self._key, "action")


def ivr_texts(templates: TemplateHelper, safe: SafeText) -> Iterator[str]:
    """The text of each menu. Three statements. Raises TemplateError if a template cannot be used."""
    destinations = _destinations(safe)
    choices: dict[int, list[Row]] = {}
    for row in _rows(ivr_choice):
        if safe.item(row["exten"], ",", "ivr_choice", row["id"], "exten") is None:
            continue
        destination = destinations.get(("ivr_choice", str(row["id"])))
        choices.setdefault(row["ivr_id"], []).append(Row(ivr_choice, row["id"], row, safe, destination=destination))
    for row in _rows(ivr):
        own = {f"{event}_destination": destinations.get((event, str(row["id"]))) for event in EVENTS}
        menu = Row(ivr, row["id"], row, safe, choices=choices.get(row["id"], []), **own)
        yield templates.get_customizable_template(TEMPLATE, row["id"]).dump({"ivr": menu}) + "\n"


def _rows(table: Table) -> Sequence[Mapping[Any, Any]]:
    return Session.execute(select(*table.c).order_by(table.c.id)).mappings().all()


def _destinations(safe: SafeText) -> dict[tuple[str, str], Destination]:
    """By (event of a menu, its id) and (`ivr_choice`, id of the choice).

    A choice takes any event, the one that is named like it first.
    """
    c = dialaction.c
    statement = (
        select(c.event, cast(c.category, Text), c.categoryval, cast(c.action, Text), c.actionarg1, c.actionarg2)
        .where((c.category == "ivr_choice") | ((c.category == "ivr") & c.event.in_(EVENTS)))
        .order_by(c.event != "ivr_choice", c.event.collate("C"))
    )
    found: dict[tuple[str, str], Destination] = {}
    for row in Session.execute(statement).mappings():
        event = "ivr_choice" if row["category"] == "ivr_choice" else row["event"]
        key = f"{row['event']} {row['category']} {row['categoryval']}"
        found.setdefault((event, row["categoryval"]), Destination(dialaction, key, row, safe))
    return found
