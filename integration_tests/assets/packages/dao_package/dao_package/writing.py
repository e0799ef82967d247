from xivo_dao.helpers.db_utils import session_scope

from dao_package.guest import Guest


class Writing:
    """Tries to write, which `generate()` must not."""

    def __init__(self, config):
        pass

    def generate(self):
        with session_scope() as session:
            session.add(Guest(name="uninvited"))
        return "[writing]\n"
