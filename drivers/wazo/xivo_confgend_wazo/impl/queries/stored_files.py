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
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.sql.expression import Select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import BLANKS, Claim, SafeText, key_as_read, option
from xivo_confgend_wazo.meta import asterisk_file, asterisk_file_section, asterisk_file_variable


class StoredSection(NamedTuple):
    """A row of `asterisk_file_section`.

    `name`: as it is written. `lines`: of its variables. `type`: what Asterisk reads as the type of the object, that is
    the value of the first variable `type`; empty if there is none.
    """

    row: int
    name: str
    lines: str
    type: str

    @property
    def claim(self) -> Claim:
        """The name for the question which names are the same to Asterisk."""
        return Claim(self.name, self.row, "asterisk_file_section", "name")


def stored_file(name: str, safe: SafeText, required: Sequence[str] = ()) -> str:
    """The stored file `name` with every blank line of section 5.4; `required` sections are added where missing.

    One statement.
    """
    return file_text(stored_sections(name, safe), required)


def stored_sections(name: str, safe: SafeText) -> Sequence[StoredSection] | None:
    """The sections of the stored file `name`, without those whose name cannot be one; None if there is no such file.

    One statement.
    """
    rows = Session.execute(_variables(name)).all()
    if not rows:
        return None
    sections = []
    for (row, stored_name), variables in groupby(rows, key=itemgetter(0, 1)):
        section = None if row is None else safe.section_name(stored_name, "asterisk_file_section", row, "name")
        if section is not None:
            sections.append(_section(row, section, [variable[2:] for variable in variables], safe))
    return sections


def file_text(sections: Sequence[StoredSection] | None, required: Sequence[str] = ()) -> str:
    """What `stored_file` gives, for a file that was read by `stored_sections`."""
    texts = [f"[{section.name}]\n{section.lines}" for section in sections or ()]
    present = {section.name for section in sections or ()}
    texts += [f"[{name}]\n\n" for name in required if name not in present]
    end = "\n" if sections is not None and texts else ""
    return "\n".join(texts) + end


def _section(row: int, name: str, variables: Sequence[Sequence[Any]], safe: SafeText) -> StoredSection:
    """`variables`: id, key and value of each; the id is None where a section has none."""
    table = "asterisk_file_variable"
    lines = ""
    kind = None
    for variable, stored_key, stored_value in variables:
        key = None if variable is None else safe.key(stored_key, table, variable, "key")
        if key is None:
            continue
        value = safe.value(stored_value or "", table, variable, "value")
        lines += option(key, value)
        if kind is None and key_as_read(key) == "type":
            kind = value.rstrip().strip(BLANKS)
    return StoredSection(row, name, lines, kind or "")


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
