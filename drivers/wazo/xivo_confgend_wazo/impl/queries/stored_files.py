"""Files that are stored in the database section by section (docs/spec/00-output-format.md section 5).

`rtp.conf` and `hep.conf` are nothing else; `pjsip.conf` and `confbridge.conf` begin with one. Not for
`features`, `staticiax` and the like: see `static_options`.

Order: sections by priority, then id; variables by priority, then id; no priority comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.expression import Select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.meta import asterisk_file, asterisk_file_section, asterisk_file_variable


def stored_file(name: str, safe: SafeText, required: Sequence[str] = ()) -> str:
    """The stored file `name` with every blank line of section 5.4; `required` sections are added where missing.

    One statement.
    """
    rows = Session.execute(_variables(name)).all()
    sections: dict[str, str] = {}
    for (section_id, section), variables in groupby(rows, key=itemgetter(0, 1)):
        if section_id is None:
            continue
        name = safe.section_name(section, "asterisk_file_section", section_id, "name")
        if name is not None:
            sections[section] = f"[{name}]\n" + "".join(_line(*variable, safe) for _, _, *variable in variables)
    for section in required:
        sections.setdefault(section, f"[{section}]\n\n")
    end = "\n" if rows and sections else ""
    return "\n".join(sections.values()) + end


def _line(row_id: int | None, key: str, value: str | None, safe: SafeText) -> str:
    """The line of one variable; `row_id` is None where a section has none."""
    if row_id is None:
        return ""
    return safe.option(key, value or "", "asterisk_file_variable", row_id)


@cache
def _variables(name: str) -> Select[Any]:
    """Section and variable, row after row; nothing if there is no such file, one empty row if it has no section."""
    file, section, variable = asterisk_file.c, asterisk_file_section.c, asterisk_file_variable.c
    return (
        select(section.id, section.name, variable.id, variable.key, variable.value)
        .select_from(
            asterisk_file.outerjoin(asterisk_file_section, section.asterisk_file_id == file.id).outerjoin(
                asterisk_file_variable, variable.asterisk_file_section_id == section.id
            )
        )
        .where(file.name == name)
        .order_by(section.priority.nulls_last(), section.id, variable.priority.nulls_last(), variable.id)
    )
