from contextlib import contextmanager

from xivo_dao.helpers.db_manager import Session


@contextmanager
def session_scope():
    session = Session()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        Session.remove()
