"""asterisk/voicemail.conf: voicemail settings and boxes (docs/spec/23-voicemail.conf.md).

Order: settings by id; boxes by context (compared by code point), then id, so that each context is one section.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, any_, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from xivo_confgend.database import copied_values, copy_rows, plain_rows
from xivo_confgend.plugin_helpers.asterisk import SafeText, are_plain, is_plain, option
from xivo_confgend_wazo.impl.queries.option_pairs import OptionPairs
from xivo_confgend_wazo.impl.queries.static_options import option_line, option_lines, static_options
from xivo_confgend_wazo.meta import staticvoicemail, voicemail

logger = logging.getLogger(__name__)

FIELDS = ("password", "fullname", "email", "pager")
OPTION_COLUMNS = ("language", "tz", "attach", "deletevoicemail", "maxmsg")
RESERVED = ("general", "zonemessages")
"""Sections that are no contexts."""
ROWS_AT_A_TIME = 200
"""Boxes that are looked at together."""
ESCAPE = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", "|": ""})
"""How the values of a mailbox's options are written (section 3)."""


class ToClean(NamedTuple):
    """A box whose line at the place `at` of `lines` is not written as it was copied."""

    uniqueid: int
    lines: list[str]
    at: int
    options: str


class VoicemailConf:
    """The driver of asterisk/voicemail.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file, in pieces."""
        safe = SafeText(logger)
        return safe.written(_content(safe))


def _content(safe: SafeText) -> Iterator[str]:
    settings = static_options(staticvoicemail, ("general", "zonemessages"))
    yield "[general]\n"
    yield from _general_lines(settings, safe)
    yield "\n\n[zonemessages]\n"
    yield from option_lines(staticvoicemail, settings, "zonemessages", safe)
    yield "\n"
    yield from _contexts(safe)
    yield "\n"


def _general_lines(settings: Sequence[Any], safe: SafeText) -> Iterator[str]:
    for row in settings:
        if row.category != "general":
            continue
        if row.var_name == "emailbody":
            yield option("emailbody", _email_body(row, safe))
        else:
            yield option_line(staticvoicemail, row, safe)


def _email_body(row: Any, safe: SafeText) -> str:
    """Line breaks are written as backslash and n, carriage returns stay, NULL is empty (spec 23 section 2 and Q4)."""
    lines = (row.var_val or "").replace("\n", "\\n").split("\r")
    return "\r".join(safe.value(line, "staticvoicemail", row.id, "var_val") for line in lines)


def _contexts(safe: SafeText) -> Iterator[str]:
    """Every context with its boxes. Contexts are sorted here: the database would carry whole rows through its sort."""
    option_pairs = OptionPairs(logger, "voicemail")
    boxes: dict[str, list[str]] = {}
    first_rows: dict[str, int] = {}
    # Few combinations are in use, and a dictionary of its own is faster than the cache of a function.
    known_options: dict[str, str] = {}
    to_clean: list[ToClean] = []

    def add(rows: Sequence[str]) -> None:
        copied = [row.split("\t", 3) for row in rows]
        all_plain = _are_plain([line for _, _, line, _ in copied])
        for context, uniqueid, line, values in copied:
            lines = boxes.get(context)
            if lines is None:
                lines = boxes[context] = []
                first_rows[context] = int(uniqueid)
            options = known_options.get(values) or known_options.setdefault(values, _plain_options(values))
            if options and "0" <= line < ":" and (all_plain or _are_plain([line])):
                lines.append(line + options)
                continue
            options = options or _options(values, uniqueid, option_pairs, safe)
            to_clean.append(ToClean(int(uniqueid), lines, len(lines), options))
            lines.append("")

    waiting: list[str] = []

    def receive(row: str) -> None:
        waiting.append(row)
        if len(waiting) == ROWS_AT_A_TIME:
            add(waiting)
            waiting.clear()

    copy_rows(_mailboxes(), receive)
    add(waiting)
    _clean(to_clean, safe)
    stored = sorted((copied_values(context)[0], context) for context in boxes)
    rows = [(first_rows[copied], name) for name, copied in stored]
    names = safe.section_names(rows, "voicemail", "context", RESERVED)
    for _, copied in stored:
        if first_rows[copied] in names:
            lines = filter(None, boxes[copied])
            yield f"[{names[first_rows[copied]]}]\n" + "\n".join(lines) + "\n\n"
    option_pairs.warn()


def _are_plain(lines: Sequence[str]) -> bool:
    """Whether `lines` are written as they were copied: with no `=` but the one of the arrow, and nothing to escape."""
    together = "".join(lines)
    return together.count("=") == len(lines) and "\\" not in together and is_plain(together)


def _text(name: str) -> ColumnElement[Any]:
    return func.coalesce(voicemail.c[name], literal_column("''"))


@cache
def _mailboxes() -> Any:
    """Context, id, the line up to its options, and what those are made of; an empty array as NULL."""
    c, comma = voicemail.c, literal_column("','")
    line = c.mailbox + literal_column("' => '")
    for name in FIELDS:
        # in one go for all: a comma in a name is common, and would cost another statement for each
        line = line + func.replace(_text(name), literal_column("','"), literal_column("' '")) + comma
    array = func.array_to_json(func.nullif(c.options, literal_column("'{}'")))
    return (
        select(c.context, c.uniqueid, line, *(c[name] for name in OPTION_COLUMNS), array)
        .where(c.commented == 0)
        .order_by(c.uniqueid)
    )


def _clean(boxes: Sequence[ToClean], safe: SafeText) -> None:
    """Write the lines of boxes that have characters to look at one by one, or whose options do."""
    if not boxes:
        return
    columns = voicemail.c
    statement = select(columns.uniqueid, columns.mailbox, *map(_text, FIELDS)).where(
        columns.uniqueid == any_(bindparam("ids", [box.uniqueid for box in boxes], ARRAY(Integer)))
    )
    texts = {uniqueid: values for uniqueid, *values in plain_rows(statement)}
    for uniqueid, lines, at, options in boxes:
        mailbox, *texts_of_box = texts[uniqueid]
        number = safe.key(mailbox, "voicemail", uniqueid, "mailbox")
        if number is not None:
            fields = zip(FIELDS, texts_of_box, strict=True)
            values = [safe.mailbox_field(value, "voicemail", uniqueid, name) for name, value in fields]
            values.append(safe.value(options, "voicemail", uniqueid, "language, tz or options"))
            lines[at] = f"{number} => {','.join(values)}"


@lru_cache(maxsize=4096)
def _plain_options(values: str) -> str:
    """The options of a box; empty if there is something about them to clean or to tell."""
    *fixed, array = copied_values(values)
    option_pairs = OptionPairs(logger, "voicemail")
    pairs = option_pairs.read([] if array is None else json.loads(array), None)
    text = _written_options(fixed, pairs)
    is_plain = are_plain([text]) and option_pairs.all_whole() and all(_is_key(key) for key, _ in pairs)
    return text if is_plain else ""


def _options(values: str, uniqueid: str, option_pairs: OptionPairs, safe: SafeText) -> str:
    """The options of a box from the values that they are made of; there is always one."""
    *fixed, array = copied_values(values)
    kept = []
    for key, value in option_pairs.read([] if array is None else json.loads(array), uniqueid):
        if _is_key(key):
            kept.append((key, value))
        else:
            reason = "has a name with = or |, at which Asterisk cuts"
            safe.left_out("voicemail", uniqueid, "options", reason, what="an option of ")
    return _written_options(fixed, kept)


def _is_key(key: str) -> bool:
    return "=" not in key and "|" not in key


def _written_options(fixed: Sequence[Any], pairs: Iterable[tuple[str, str | None]]) -> str:
    further = [f"|{key}={(value or '').translate(ESCAPE)}" for key, value in pairs]
    return "".join([_fixed_options(*fixed), *further])


def _fixed_options(language: str | None, tz: str | None, attach: str | None, delete: str, maxmsg: str | None) -> str:
    """The options that have a column each."""
    options = []
    if language is not None:
        options.append(f"language={language.translate(ESCAPE)}")
    if tz is not None:
        options.append(f"tz={tz.translate(ESCAPE)}")
    if attach is not None:
        options.append("attach=no" if attach == "0" else "attach=yes")
    options.append("deletevoicemail=no" if delete == "0" else "deletevoicemail=yes")
    if maxmsg is not None:
        options.append(f"maxmsg={maxmsg}")
    return "|".join(options)
