"""What authors of drivers test with: real PostgreSQL, a real daemon. The daemon itself never imports it.

`pytest_plugin` brings the fixtures; they are there as soon as the core and pytest are installed.
"""

from xivo_confgend.testing.content import assert_asterisk_conf

__all__ = ["assert_asterisk_conf"]
