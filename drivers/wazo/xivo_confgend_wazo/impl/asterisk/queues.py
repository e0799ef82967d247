"""asterisk/queues.conf: queues and groups with their members (docs/spec/22-queues.conf.md section 1).

Order: sections by name, members by position, then interface; names compare by code point.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Text, case, cast, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from xivo_confgend.database import ReadAhead
from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend_wazo.impl.queries.static_options import option_lines, static_options
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

    def generate(self) -> str:
        """The content of the file."""
        safe = SafeText(logger)
        rows = static_options(staticqueue, ("general",))
        general = "".join(option_lines(staticqueue, rows, "general", safe))
        content = "\n".join([f"[general]\n{general}", *_sections(safe)])
        safe.warn()
        return content


def _sections(safe: SafeText) -> Iterator[str]:
    with ReadAhead(_all_members(), _queues()) as ahead:
        members = _members(ahead.rows(_all_members()))
        queues = ahead.rows(_queues())
    for label, name, *values in queues:
        lines = _lines(label, name, values, members[name])
        if "]" in name or not "".join(lines).isprintable():
            if safe.section_name(name, "queue", ascii(name), "name") is None:
                continue
            lines = _lines(*_cleaned(label, name, values, members[name], safe))
        yield "\n".join([*lines, ""])


def _lines(label: str, name: str, values: Sequence[Any], members: Sequence[Any]) -> list[str]:
    """The section of a queue from its label to its last member."""
    lines = [f"; {label}", f"[{name}]"] if label else [f"[{name}]"]
    # NULL and the empty text are left out, the number 0 is not.
    lines += [
        f"{option} = {value}".rstrip() for option, value in zip(OPTIONS, values, strict=True) if value or value == 0
    ]
    for penalty, interface, uuid in members:
        if uuid is None:
            lines.append(f"member = {interface},{penalty},,")
        else:
            lines.append(f"member = Local/{uuid}@usersharedlines,{penalty},,hint:{uuid}@usersharedlines")
    return lines


def _cleaned(
    label: str, name: str, values: Sequence[Any], members: Sequence[Any], safe: SafeText
) -> tuple[str, str, Sequence[Any], Sequence[Any]]:
    """The same row and members, safe to write."""
    label = safe.value(label, "groupfeatures or queuefeatures", name, "label or displayname")
    values = [
        safe.value(value, "queue", name, option) if isinstance(value, str) else value
        for option, value in zip(OPTIONS, values, strict=True)
    ]
    cleaned_members = []
    for penalty, interface, uuid in members:
        user = uuid and safe.value(uuid, "userfeatures, member of queue", name, "uuid")
        cleaned_members.append((penalty, safe.value(interface, "queuemember", name, "interface"), user))
    return label, name, values, cleaned_members


@cache
def _queues() -> Any:
    """Label, name and options of each enabled queue or group.

    The enumeration is read as text: a value that this code does not know is no error.
    """
    columns: list[ColumnElement[Any]] = [
        cast(queue.c[name], Text) if name == "monitor-type" else queue.c[name] for name in OPTIONS
    ]
    groups, queues = _names(groupfeatures.c.label), _names(queuefeatures.c.displayname)
    label = case((queue.c.category == "group", groups.c.label), else_=queues.c.label)
    return (
        select(func.coalesce(label, "unknown"), queue.c.name, *columns)
        .select_from(
            queue.outerjoin(groups, groups.c.name == queue.c.name).outerjoin(queues, queues.c.name == queue.c.name)
        )
        .where(queue.c.commented == 0)
        .order_by(queue.c.name.collate("C"))
    )


def _names(label: Column[Any]) -> Subquery:
    """What a person calls each group or queue; `groupfeatures.name` is not unique, so the lowest id counts."""
    c = label.table.c
    lowest = select(func.min(c.id)).group_by(c.name)
    return select(c.name, label.label("label")).where(c.id.in_(lowest)).subquery()


def _members(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Penalty, interface and user's UUID, by name of the queue."""
    members = defaultdict(list)
    for name, _, interface, penalty, uuid in sorted(rows, key=itemgetter(1, 2)):
        members[name].append((penalty, interface, uuid))
    return members


@cache
def _all_members() -> Any:
    """Queue name, position, interface, penalty and user's UUID of each member that is no agent, in no order.

    They are sorted in Python, which waits for the queues meanwhile.
    """
    c = queuemember.c
    return (
        select(c.queue_name, c.position, c.interface, c.penalty, userfeatures.c.uuid)
        .select_from(queuemember.outerjoin(userfeatures, userfeatures.c.id == c.userid))
        .where(c.commented == 0, c.usertype == "user")
    )
