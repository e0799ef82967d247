"""The named groups of endpoints, made from call pickups (docs/spec/10-pjsip.conf.md section 7).

For `pjsip.conf` and `sccp.conf`, which write the same numbers under different names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, literal_column, select, union_all
from sqlalchemy.sql.elements import ColumnElement, Label
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
    reached = _reached(_lines(endpoint))
    picked = (
        select(reached.c.endpoint, pickupmember.c.category, pickup.c.id)
        .where(
            pickupmember.c.membertype == reached.c.kind,
            pickupmember.c.memberid == reached.c.id,
            pickup.c.id == pickupmember.c.pickupid,
            pickup.c.commented == 0,
        )
        .distinct()
        .order_by(reached.c.endpoint, pickupmember.c.category, pickup.c.id)
        .subquery()
    )
    ids = func.string_agg(cast(picked.c.id, Text), literal_column("','"))
    return select(cast(picked.c.endpoint, Text), cast(picked.c.category, Text), ids).group_by(
        picked.c.endpoint, picked.c.category
    )


def _lines(endpoint: ColumnElement[Any]) -> CTE:
    """The lines with an endpoint and whose they are. Found once: PostgreSQL keeps what is named and used repeatedly."""
    main = (user_line.c.main_user & user_line.c.main_line).label("main")
    return (
        select(endpoint.label("endpoint"), user_line.c.user_id, main)
        .where(user_line.c.line_id == linefeatures.c.id, endpoint.is_not(None))
        .cte("lines")
    )


def _reached(lines: CTE) -> CTE:
    """Endpoint, kind and id of each member of a pickup that leads to it.

    Users lead to all of their lines; groups and queues to the main ones of their members, of whom
    `queuemember.category` is not looked at.
    """
    owners = union_all(
        select(groupfeatures.c.name, _kind("group"), groupfeatures.c.id),
        select(queuefeatures.c.name, _kind("queue"), queuefeatures.c.id),
    ).subquery()
    return union_all(
        select(lines.c.endpoint, _kind("user"), lines.c.user_id.label("id")),
        select(lines.c.endpoint, owners.c.kind, owners.c.id).where(
            lines.c.main,
            queuemember.c.usertype == "user",
            queuemember.c.userid == lines.c.user_id,
            queuemember.c.queue_name == owners.c.name,
        ),
    ).cte("reached")


def _kind(name: str) -> Label[Any]:
    return cast(literal_column(f"'{name}'"), pickupmember.c.membertype.type).label("kind")
