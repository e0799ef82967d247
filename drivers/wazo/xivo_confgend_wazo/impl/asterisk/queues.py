"""asterisk/queues.conf: queues and groups with their members (docs/spec/22-queues.conf.md section 1).

Order: sections by name, members by position, then interface; names compare by code point.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from xivo_confgend.database import ReadAhead
from xivo_confgend.plugin_helpers.asterisk import SafeText, are_plain
from xivo_confgend_wazo.impl.queries.static_options import as_options, option_lines, select_options
from xivo_confgend_wazo.meta import groupfeatures, queue, queuefeatures, queuemember, staticqueue, userfeatures

logger = logging.getLogger(__name__)

OPTIONS = (
    "musicclass",
    "announce",
    "context",
    "timeout",
    "monitor-type",
    "monitor-format",
    "queue-youarenext",
    "queue-thereare",
    "queue-callswaiting",
    "queue-holdtime",
    "queue-minutes",
    "queue-seconds",
    "queue-thankyou",
    "queue-reporthold",
    "periodic-announce",
    "announce-frequency",
    "periodic-announce-frequency",
    "announce-round-seconds",
    "announce-holdtime",
    "retry",
    "wrapuptime",
    "maxlen",
    "servicelevel",
    "strategy",
    "joinempty",
    "leavewhenempty",
    "ringinuse",
    "reportholdtime",
    "memberdelay",
    "weight",
    "timeoutrestart",
    "timeoutpriority",
    "autofill",
    "autopause",
    "setinterfacevar",
    "setqueueentryvar",
    "setqueuevar",
    "membermacro",
    "min-announce-frequency",
    "random-periodic-announce",
    "announce-position",
    "announce-position-limit",
    "defaultrule",
)
"""The columns that are options, in the order in which they are written."""


class QueuesConf:
    """The driver of asterisk/queues.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        safe = SafeText(logger)
        general = select_options(staticqueue, ("general",))
        with ReadAhead(_queues(), _all_members(), general) as ahead:
            # Written while PostgreSQL finds the members, and sections while it finds the options.
            rows = ahead.rows(_queues())
            # the name is the primary key; Asterisk compares it without case
            names = safe.section_names([(row[1], row[1]) for row in rows], "queue", "name", ("general",), True)
            queues = [(row[1], _settings(row, names[row[1]], safe)) for row in rows if row[1] in names]
            sections = list(_sections(queues, ahead.rows(_all_members()), safe))
            options = as_options(ahead.rows(general))
        lines = "".join(option_lines(staticqueue, options, "general", safe))
        return safe.written(["\n".join([f"[general]\n{lines}", *sections])])


def _sections(queues: Iterable[tuple[str, str]], members: Sequence[Any], safe: SafeText) -> Iterator[str]:
    plain, by_queue = _are_plain(members), _by_queue(members)
    for name, settings in queues:
        of_queue = by_queue[name]
        yield settings + _member_lines(of_queue if plain else _cleaned_members(of_queue, safe))


def _settings(row: Sequence[Any], name: str, safe: SafeText) -> str:
    """The section of a queue from its label to its last option; `name` is written."""
    texts = [text for text in (row[0], *row[2:]) if isinstance(text, str)]
    cleaned = row if are_plain(texts) else _cleaned(row, safe)
    return "\n".join([*_setting_lines(name, cleaned), ""])


def _setting_lines(name: str, row: Sequence[Any]) -> list[str]:
    label, _, *values = row
    lines = [f"; {label}", f"[{name}]"] if label else [f"[{name}]"]
    # NULL and the empty text are left out, the number 0 is not.
    lines += [
        f"{option} = {value}".rstrip()
        for option, value in zip(OPTIONS, values, strict=True)
        if value is not None and value != ""
    ]
    return lines


def _member_lines(members: Iterable[Any]) -> str:
    return "".join(
        [
            f"member = {interface},{penalty},,\n"
            if uuid is None
            else f"member = Local/{uuid}@usersharedlines,{penalty},,hint:{uuid}@usersharedlines\n"
            for _, _, interface, penalty, uuid in members
        ]
    )


def _cleaned(row: Sequence[Any], safe: SafeText) -> list[Any]:
    """A row of a queue that is safe to write."""
    label, name, *values = row
    label = safe.comment(label, "groupfeatures or queuefeatures", name, "label or displayname")
    options = zip(OPTIONS, values, strict=True)
    cleaned = [
        safe.value(value, "queue", name, option) if isinstance(value, str) else value for option, value in options
    ]
    return [label, name, *cleaned]


def _are_plain(members: Iterable[Any]) -> bool:
    """Whether `members` can be written as they are: all of them at once, which is the usual case."""
    texts = [interface if uuid is None else uuid for _, _, interface, _, uuid in members]
    return are_plain(texts) and "," not in "".join(texts)


def _cleaned_members(members: Iterable[Any], safe: SafeText) -> Iterator[Any]:
    """Members of a queue as they are written; Asterisk cuts the line at its commas."""
    for name, position, interface, penalty, uuid in members:
        if uuid is None:
            written = safe.item(interface, ",", "queuemember", name, "interface")
            if written is not None:
                yield name, position, written, penalty, None
        else:
            user = safe.item(uuid, ",", "userfeatures, member of queue", name, "uuid")
            if user is not None:
                yield name, position, interface, penalty, user


@cache
def _queues() -> Any:
    """Label, name and options of each enabled queue or group.

    The enumeration is read as text: a value that this code does not know is no error.
    """
    columns: list[ColumnElement[Any]] = [
        cast(queue.c[name], Text) if name == "monitor-type" else queue.c[name] for name in OPTIONS
    ]
    groups = _group_labels()
    label = case((queue.c.category == "group", groups.c.label), else_=queuefeatures.c.displayname)
    return (
        select(func.coalesce(label, "unknown"), queue.c.name, *columns)
        .select_from(
            queue.outerjoin(groups, groups.c.name == queue.c.name).outerjoin(
                queuefeatures, queuefeatures.c.name == queue.c.name
            )
        )
        .where(queue.c.commented == 0)
        .order_by(queue.c.name.collate("C"))
    )


def _group_labels() -> Subquery:
    """What a person calls each group; unlike those of queues, names of groups are not unique: the lowest id counts."""
    c = groupfeatures.c
    lowest = select(func.min(c.id)).group_by(c.name)
    return select(c.name, c.label).where(c.id.in_(lowest)).subquery()


def _by_queue(members: Iterable[Any]) -> dict[str, list[Any]]:
    """Rows of members by position, interface, penalty and user's UUID, by name of the queue."""
    by_queue = defaultdict(list)
    for member in members:
        by_queue[member[0]].append(member)
    for of_queue in by_queue.values():
        of_queue.sort()
    return by_queue


@cache
def _all_members() -> Any:
    """Queue name, position, interface, penalty and user's UUID of each member that is no agent, in no order.

    They are sorted in Python, a few at a time, which is faster than all of them in PostgreSQL.
    """
    c = queuemember.c
    return (
        select(c.queue_name, c.position, c.interface, c.penalty, userfeatures.c.uuid)
        .select_from(queuemember.outerjoin(userfeatures, userfeatures.c.id == c.userid))
        .where(c.commented == 0, c.usertype == "user")
    )
