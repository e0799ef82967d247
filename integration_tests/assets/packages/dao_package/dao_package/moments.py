from sqlalchemy import text
from xivo_dao.helpers.db_manager import Session as TheirSession
from xivo_dao.helpers.db_utils import session_scope

from xivo_confgend.database import Session

MOMENT = text("SELECT concat_ws(' ', pg_backend_pid(), now(), pg_current_snapshot())")


class Moments:
    """Which connection, transaction and snapshot each session sees, one nested in the other and after it."""

    def __init__(self, config):
        pass

    def generate(self):
        moments = [Session.execute(MOMENT).scalar()]
        with session_scope() as session:
            moments.append(session.execute(MOMENT).scalar())
        moments.append(TheirSession.execute(MOMENT).scalar())
        TheirSession.remove()
        moments.append(Session.execute(MOMENT).scalar())
        return "[moments]\n" + "".join(f"moment = {moment}\n" for moment in moments)
