class Guests:
    """Imports the library inside `generate()` only, and asks through a query of a mapped class."""

    def __init__(self, config):
        pass

    def generate(self):
        from xivo_dao.helpers.db_utils import session_scope

        from dao_package.guest import Guest

        with session_scope() as session:
            names = [guest.name for guest in session.query(Guest).order_by(Guest.id)]
        return "[guests]\n" + "".join(f"guest = {name}\n" for name in names)
