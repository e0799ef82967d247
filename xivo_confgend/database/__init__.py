"""The databases: PostgreSQL, which drivers read, and the daemon's own SQLite file with the history.

Drivers import `Session` from here and use it inside `generate()`, `plain_rows` or `copy_rows` for a large result or
`ReadAhead` for several; nothing else is public.
"""

from xivo_confgend.database.postgresql.copied import copied_values, copy_rows
from xivo_confgend.database.postgresql.read_ahead import ReadAhead, plain_rows
from xivo_confgend.database.postgresql.session import Session, psycopg2_url, session_scope

__all__ = ["ReadAhead", "Session", "copied_values", "copy_rows", "plain_rows", "psycopg2_url", "session_scope"]
