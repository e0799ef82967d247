from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from xivo_dao.helpers.db_utils import session_scope

from xivo_confgend.database import Session


class Recovery:
    """Goes on after a statement of the library failed."""

    def __init__(self, config):
        pass

    def generate(self):
        before = Session.execute(text("SELECT now()")).scalar()
        try:
            with session_scope() as session:
                session.execute(text("SELECT * FROM no_such_table"))
        except ProgrammingError:
            pass
        return f"[recovery]\nsame = {Session.execute(text('SELECT now()')).scalar() == before}\n"
