"""The only room that opens connections to PostgreSQL.

Drivers import `Session` from here and use it inside `generate()`; nothing else is theirs.
"""

from xivo_confgend.database.session import Session, psycopg2_url, session_scope

__all__ = ["Session", "psycopg2_url", "session_scope"]
