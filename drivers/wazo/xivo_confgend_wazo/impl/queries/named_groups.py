"""The named groups of endpoints, made from call pickups (docs/spec/10-pjsip.conf.md section 7).

For `pjsip.conf` and `sccp.conf`, which write the same numbers under different names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Table, Text, cast, func, literal_column, select, union
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import CTE, Select

from xivo_confgend_wazo.meta import (
    groupfeatures,
    linefeatures,
    pickup,
    pickupmember,
    queuefeatures,
    queuemember,
    user_line,
)


class NamedGroups(NamedTuple):
    """Numbers by endpoint, both as text: `3,4`.

    `pickup` are those it may pick up, `call` those it can be picked up from.
    """

    pickup: dict[str, str]
    call: dict[str, str]


def named_groups(rows: Iterable[tuple[str, str, str]]) -> NamedGroups:
    """The groups of each endpoint that is in one, from the rows of `select_named_groups`."""
    groups = NamedGroups({}, {})
    for key, category, ids in rows:
        numbers = groups.pickup if category == "member" else groups.call
        numbers[key] = ids
    return groups


@lru_cache(maxsize=8)
def select_named_groups(endpoint: ColumnElement[Any]) -> Select[Any]:
    """Endpoint, category and ids, ascending and with commas between, all as text.

    `endpoint` is a column of `linefeatures`: `endpoint_sip_uuid` or `endpoint_sccp_id`.
    """
    lines = _lines(endpoint)
    members = _queue_members(lines)
    picked = (
        union(
            _pickups(lines, "user").where(lines.c.user_id == pickupmember.c.memberid),
            _of_queues(members, "group", groupfeatures),
            _of_queues(members, "queue", queuefeatures),
        )
        .order_by("endpoint", "category", "pickup")
        .subquery()
    )
    endpoint, category = picked.c.endpoint, picked.c.category
    ids = func.string_agg(cast(picked.c.pickup, Text), literal_column("','"))
    return select(cast(endpoint, Text), cast(category, Text), ids).group_by(endpoint, category)


def _lines(endpoint: ColumnElement[Any]) -> CTE:
    """The lines with an endpoint and whose they are. Found once: PostgreSQL keeps what is named and used repeatedly."""
    main = (user_line.c.main_user & user_line.c.main_line).label("main")
    return (
        select(endpoint.label("endpoint"), user_line.c.user_id, main)
        .where(user_line.c.line_id == linefeatures.c.id, endpoint.is_not(None))
        .cte("lines")
    )


def _queue_members(lines: CTE) -> CTE:
    """Endpoint and queue or group of each member, by its main line; `queuemember.category` is not looked at."""
    return (
        select(lines.c.endpoint, queuemember.c.queue_name)
        .where(lines.c.main, queuemember.c.usertype == "user", lines.c.user_id == queuemember.c.userid)
        .cte("members")
    )


def _pickups(source: CTE, kind: str) -> Select[Any]:
    """Endpoint, category and pickup for each member of one kind; how it leads to `source` is added by the caller."""
    return select(source.c.endpoint, pickupmember.c.category.label("category"), pickup.c.id.label("pickup")).where(
        pickup.c.commented == 0,
        pickupmember.c.pickupid == pickup.c.id,
        pickupmember.c.membertype == kind,
    )


def _of_queues(members: CTE, kind: str, owner: Table) -> Select[Any]:
    return _pickups(members, kind).where(owner.c.id == pickupmember.c.memberid, owner.c.name == members.c.queue_name)
