"""asterisk/extensions.conf: the dialplan (docs/spec/20-extensions.conf.md, hints: 21-hints.md).

What its contexts look like is for the administrators to say (`dialplan.contexts_file`); here the pieces come together.
Order: contexts, and the extensions in each, as the database sorts their names; the includes of a context by priority,
then name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.sql.expression import Select

from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend.plugin_helpers.templates import TemplateHelper
from xivo_confgend_wazo.impl.dialplan.contexts_file import (
    FEATURES_SECTION,
    Section,
    contexts_paths,
    read_contexts_file,
)
from xivo_confgend_wazo.impl.dialplan.features import Features, all_features
from xivo_confgend_wazo.impl.dialplan.hints import Hints
from xivo_confgend_wazo.impl.dialplan.ivrs import TEMPLATE, ivr_texts
from xivo_confgend_wazo.impl.dialplan.objects import ObjectTemplate
from xivo_confgend_wazo.impl.queries.hints import all_hints
from xivo_confgend_wazo.impl.queries.large_results import Reader, Source, without
from xivo_confgend_wazo.impl.templates import TEMPLATES
from xivo_confgend_wazo.meta import context, contextinclude, extensions, line_extension, linefeatures

logger = logging.getLogger(__name__)

OBJECTS_AT_A_TIME = 500
"""About 128 KiB of text."""

RESERVED = ("general", "globals", "usersharedlines")
"""Sections that are no contexts of the database."""

SUBROUTINES = {"incall": "did"}
"""Types of extensions whose subroutine has another name."""


class ExtensionsConf:
    """The driver of asterisk/extensions.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._templates = TemplateHelper(config, TEMPLATES)

    def dependencies(self) -> list[Path]:
        """The contexts file and the templates of voice menus."""
        return [*contexts_paths(self._config), *self._templates.dependencies(TEMPLATE)]

    def check(self) -> Iterable[str]:
        """Nothing. Raises TemplateError if a file of the administrators cannot be used."""
        read_contexts_file(self._config)
        self._templates.get_template(TEMPLATE)
        return ()

    def generate(self) -> Iterator[str]:
        """The content of the file. Raises TemplateError if a file of the administrators cannot be used."""
        safe = SafeText(logger)
        return safe.written(self._pieces(safe))

    def _pieces(self, safe: SafeText) -> Iterator[str]:
        """Top of the file first."""
        contexts_file = read_contexts_file(self._config)
        # small results first, while nothing else is to be made that a thread would have to wait for
        with Reader(safe, all_features(), _all_includes(), _all_contexts(), *all_hints(), _all_objects()) as reader:
            features = Features(reader)
            hints = Hints(features.prefixes(), reader)
            includes = _includes(reader)
            objects = _objects(reader)
            contexts = reader.rows(_all_contexts())
        sections = {row[0]: contexts_file.choose(row[1], row[2]) for row in contexts}
        written = [(row_id, name) for row_id, name, *_ in contexts if sections[row_id] is not None]
        names = safe.section_names(written, "context", "name", RESERVED)
        yield "[usersharedlines]\n"
        yield hints.of_users
        separator = "\n"
        for row_id, name, _, tenant_uuid in contexts:
            section = sections[row_id]
            if section is None or row_id not in names:
                continue
            written_name = names[row_id]
            yield f"{separator}[{written_name}]\n{_options(section, written_name)}{includes.get(name, '')}\n"
            written_tenant = safe.value(tenant_uuid, "context", row_id, "tenant_uuid")
            template = ObjectTemplate(section.objects, written_name, written_tenant)
            yield from _object_lines(template, objects.get(name, []))
            yield hints.of_context(name)
            separator = "\n\n"
        yield separator[1:]
        yield from _features(contexts_file.features, features)
        yield from ivr_texts(self._templates, safe)


@cache
def _all_contexts() -> Select[Any]:
    c = context.c
    return select(c.id, c.name, c.contexttype, c.tenant_uuid).where(c.commented == 0).order_by(c.name)


def _options(section: Section, name: str, after: str = "") -> str:
    """The printed options of a section, each with `after` after it."""
    return "".join(option(key, value.replace("%%CONTEXT%%", name)) + after for key, value in section.options)


def _includes(reader: Reader) -> dict[str, str]:
    """The include lines of each context."""
    lines: dict[str, str] = {}
    rows = reader.read(_all_includes(), {1: Source("contextinclude", 0, "include")})
    for name, include in without(",", 1, rows, Source("contextinclude", 0, "include"), reader.safe):
        lines[name] = lines.get(name, "") + option("include", include)
    return lines


@cache
def _all_includes() -> Select[Any]:
    c = contextinclude.c
    return select(c.context, c.include).order_by(c.priority, c.include)


def _objects(reader: Reader) -> dict[str, list[Any]]:
    """(context, id, exten, type, typeval) of what can be dialled in each context."""
    objects: dict[str, list[Any]] = {}
    exten = Source("extensions", 1, "exten")
    rows = reader.read(_all_objects(), {2: exten, 4: Source("extensions", 1, "typeval")})
    for row in without(",", 2, rows, exten, reader.safe):
        objects.setdefault(row[0], []).append(row)
    return objects


@cache
def _all_objects() -> Select[Any]:
    """What has lines needs an enabled one.

    That is asked for all at once, because a sub-query that the database hashes is slow as soon as the hash does not
    fit into its `work_mem`.
    """
    c, le = extensions.c, line_extension.c
    lines = (
        select(le.extension_id, func.bool_or(func.coalesce(linefeatures.c.commented, 1) == 0).label("enabled"))
        .select_from(line_extension.outerjoin(linefeatures, linefeatures.c.id == le.line_id))
        .group_by(le.extension_id)
        .subquery()
    )
    return (
        select(c.context, c.id, c.exten, cast(c.type, Text), c.typeval)
        .select_from(extensions.outerjoin(lines, lines.c.extension_id == c.id))
        .where(c.commented == 0, c.typeval != "0", c.type != "parking", lines.c.enabled.is_not(False))
        .order_by(c.exten)
    )


def _object_lines(template: ObjectTemplate, rows: Sequence[Any]) -> Iterator[str]:
    for start in range(0, len(rows), OBJECTS_AT_A_TIME):
        some = rows[start : start + OBJECTS_AT_A_TIME]
        yield template.write([row[2] for row in some], _actions(some))


def _actions(rows: Sequence[Any]) -> list[str]:
    """Where a call to each extension goes (section 5)."""
    return [
        f"GoSub(user,s,1({typeval},,{row_id}))"
        if kind == "user"
        else f"GoSub({SUBROUTINES.get(kind, kind)},s,1({typeval},))"
        for _, row_id, _, kind, typeval in rows
    ]


def _features(section: Section, features: Features) -> Iterator[str]:
    """The section of the feature extensions, and the forwards."""
    yield f"[{FEATURES_SECTION}]\n"
    yield _options(section, FEATURES_SECTION, after="\n")
    yield ObjectTemplate(section.objects, FEATURES_SECTION, "").write(*features.dialled())
    yield from features.forwards()
