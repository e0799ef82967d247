"""What a newcomer is told of the company and of the files that came out of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import create_engine, func, select
from sqlalchemy.pool import NullPool

from xivo_confgend.database import psycopg2_url
from xivo_confgend_wazo.meta import linefeatures, meeting, trunkfeatures, user_line, userfeatures

STATEMENTS = {
    "users": select(func.count()).select_from(userfeatures),
    "users with a SIP line": select(func.count(func.distinct(user_line.c.user_id)))
    .select_from(user_line.join(linefeatures, linefeatures.c.id == user_line.c.line_id))
    .where(linefeatures.c.endpoint_sip_uuid.is_not(None)),
    "SIP trunks": select(func.count()).select_from(trunkfeatures).where(trunkfeatures.c.endpoint_sip_uuid.is_not(None)),
    "meetings": select(func.count()).select_from(meeting),
}


def describe(uri: str, content: Callable[[str], str]) -> list[str]:
    """Lines about the database at `uri` and its `asterisk/pjsip.conf`, which `content` gives by its name."""
    engine = create_engine(psycopg2_url(uri), poolclass=NullPool, future=True)
    with engine.connect() as connection:
        counts = {what: connection.execute(statement).scalar_one() for what, statement in STATEMENTS.items()}
    pjsip = content("asterisk/pjsip.conf")
    phones = pjsip.count("\nset_var = WAZO_LINE_ID=")
    others = pjsip.count("\ntype = endpoint\n") - phones
    return [
        "The database holds " + ", ".join(f"{count:,} {what}" for what, count in counts.items()) + ".",
        f"asterisk/pjsip.conf holds {phones:,} endpoints of users and {others:,} of trunks and meetings.",
    ]
