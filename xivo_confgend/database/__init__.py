"""The only room that opens connections to PostgreSQL.

Drivers import `Session` from here and use it inside `generate()`, `plain_rows` or `copy_rows` for a large result or
`ReadAhead` for several; nothing else is theirs.
"""

from xivo_confgend.database.copied import copied_values, copy_rows
from xivo_confgend.database.read_ahead import ReadAhead, plain_rows
from xivo_confgend.database.session import Session, psycopg2_url, session_scope

__all__ = ["ReadAhead", "Session", "copied_values", "copy_rows", "plain_rows", "psycopg2_url", "session_scope"]
