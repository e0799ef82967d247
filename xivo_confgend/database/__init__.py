"""The only room that opens connections to PostgreSQL.

Drivers import `Session` from here and use it inside `generate()`, or `ReadAhead` for several large results;
nothing else is theirs.
"""

from xivo_confgend.database.read_ahead import ReadAhead
from xivo_confgend.database.session import Session, psycopg2_url, session_scope

__all__ = ["ReadAhead", "Session", "psycopg2_url", "session_scope"]
