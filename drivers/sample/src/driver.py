"""The smallest useful driver: it writes a value of the configuration and asks no database."""


class MyDriver:
    """`asterisk/sip.conf` with the user agent that `my_driver: {useragent: …}` names."""

    deterministic = True

    def __init__(self, config):
        self._useragent = config.get("my_driver", {}).get("useragent", "xivo-confgend")

    def generate(self):
        """The content of the file."""
        return f"[general]\nuseragent = {self._useragent}\n"
