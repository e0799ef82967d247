"""Who may pick up for whom: the named groups of each account, as PostgreSQL joins them.

See docs/spec/19-sip.conf-xivo.md section 7. Memberships are few beside accounts, so all of them are read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, Table, cast, func, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Select, Subquery

from xivo_confgend_xivo.meta import (
    groupfeatures,
    linefeatures,
    pickup,
    pickupmember,
    queuefeatures,
    queuemember,
    user_line,
)


def named_groups() -> Subquery:
    """Columns `account` (usersip.id), `pickup` and `call`: ids with commas, ascending, NULL if there are none."""
    lines = union_all(
        _lines_of_users(), _lines_of_teams("group", groupfeatures), _lines_of_teams("queue", queuefeatures)
    )
    reached = lines.subquery()
    once = (
        select(linefeatures.c.protocolid.label("account"), reached.c.category, reached.c.pickupid)
        .join_from(reached, linefeatures, linefeatures.c.id == reached.c.line_id)
        .join(pickup, pickup.c.id == reached.c.pickupid)
        .where(linefeatures.c.protocol == "sip", pickup.c.commented == 0)
        .distinct()
        .subquery()
    )
    ids = func.string_agg(
        cast(once.c.pickupid, String), aggregate_order_by(literal_column("','"), once.c.pickupid.asc())
    )
    return (
        select(
            once.c.account,
            ids.filter(once.c.category == "member").label("pickup"),
            ids.filter(once.c.category == "pickup").label("call"),
        )
        .group_by(once.c.account)
        .subquery()
    )


def _lines_of_users() -> Select[Any]:
    return (
        select(pickupmember.c.pickupid, pickupmember.c.category, user_line.c.line_id)
        .join_from(pickupmember, user_line, user_line.c.user_id == pickupmember.c.memberid)
        .where(pickupmember.c.membertype == "user")
    )


def _lines_of_teams(membertype: str, team: Table) -> Select[Any]:
    return (
        select(pickupmember.c.pickupid, pickupmember.c.category, user_line.c.line_id)
        .join_from(pickupmember, team, team.c.id == pickupmember.c.memberid)
        .join(queuemember, _is_user_of(team))
        .join(user_line, user_line.c.user_id == queuemember.c.userid)
        .where(pickupmember.c.membertype == membertype, user_line.c.main_user, user_line.c.main_line)
    )


def _is_user_of(team: Table) -> ColumnElement[bool]:
    # by name alone: a member of a queue named like a group counts for the group
    return (queuemember.c.queue_name == team.c.name) & (queuemember.c.usertype == "user")
