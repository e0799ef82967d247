"""asterisk/voicemail.conf: voicemail settings and boxes (docs/spec/23-voicemail.conf.md).

Order: settings by id; boxes by context (compared by code point), then id, so that each context is one section.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import func, literal_column, select

from xivo_confgend.database import plain_rows
from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.impl.queries.option_pairs import OptionPairs
from xivo_confgend_wazo.impl.queries.static_options import option_line, option_lines, static_options
from xivo_confgend_wazo.meta import staticvoicemail, voicemail

logger = logging.getLogger(__name__)

FIELDS = ("mailbox", "password", "fullname", "email", "pager")
COLUMNS = ("context", "uniqueid", *FIELDS, "language", "tz", "attach", "deletevoicemail", "maxmsg")
ESCAPE = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", "|": ""})
"""How the values of a mailbox's options are written (section 3)."""

SUSPICIOUS = frozenset("[# ")
"""How the line of a mailbox begins that may not be one for Asterisk."""


class VoicemailConf:
    """The driver of asterisk/voicemail.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> str:
        """The content of the file."""
        safe = SafeText(logger)
        settings = static_options(staticvoicemail, ("general", "zonemessages"))
        parts = ["[general]\n", *_general_lines(settings, safe), "\n\n[zonemessages]\n"]
        parts += option_lines(staticvoicemail, settings, "zonemessages", safe)
        parts += ["\n", *_contexts(safe), "\n"]
        safe.warn()
        return "".join(parts)


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
    contexts: dict[str, tuple[int, list[str]]] = {}
    for row in plain_rows(_mailboxes()):
        context, uniqueid, mailbox, password, fullname, email, pager, language, tz, attach, delete, maxmsg, array = row
        options = _fixed_options(language, tz, attach, delete, maxmsg)
        for key, value in option_pairs.read(array, uniqueid) if array else ():
            options += f"|{key}={(value or '').translate(ESCAPE)}"
        line = f"{mailbox} => {password or ''},{fullname or ''},{email or ''},{pager or ''},{options}"
        if not line.isprintable() or line[0] in SUSPICIOUS:
            line = _cleaned(row, options, safe)
        contexts.setdefault(context, (uniqueid, []))[1].append(line)
    for context, (uniqueid, lines) in sorted(contexts.items()):
        if safe.section_name(context, "voicemail", uniqueid, "context") is not None:
            yield f"[{context}]\n" + "\n".join(lines) + "\n\n"
    option_pairs.warn()


@cache
def _mailboxes() -> Any:
    """An empty array is asked as NULL, which is read faster."""
    options = func.nullif(voicemail.c.options, literal_column("'{}'"))
    return (
        select(*(voicemail.c[name] for name in COLUMNS), options)
        .where(voicemail.c.commented == 0)
        .order_by(voicemail.c.uniqueid)
    )


@lru_cache(maxsize=1024)
def _fixed_options(language: str | None, tz: str | None, attach: int | None, delete: int, maxmsg: int | None) -> str:
    """The options that have a column each; few combinations are in use."""
    options = []
    if language is not None:
        options.append(f"language={language.translate(ESCAPE)}")
    if tz is not None:
        options.append(f"tz={tz.translate(ESCAPE)}")
    if attach is not None:
        options.append("attach=yes" if attach else "attach=no")
    options.append("deletevoicemail=yes" if delete else "deletevoicemail=no")
    if maxmsg is not None:
        options.append(f"maxmsg={maxmsg}")
    return "|".join(options)


def _cleaned(row: Sequence[Any], options: str, safe: SafeText) -> str:
    """The line of a box with characters to look at one by one."""
    values = dict(zip(COLUMNS, row, strict=False))
    uniqueid = values["uniqueid"]
    fields = [safe.value(values[name] or "", "voicemail", uniqueid, name) for name in FIELDS]
    fields.append(safe.value(options, "voicemail", uniqueid, "language, tz or options"))
    return safe.named_line(f"{fields[0]} => {','.join(fields[1:])}", "voicemail", uniqueid, "mailbox")
