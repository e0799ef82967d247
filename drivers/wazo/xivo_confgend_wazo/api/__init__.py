"""What other packages may use freely: the entry points' name of these drivers.

A package that needs more than this depends on the database (`meta`) or the installation (`impl`).
"""

from xivo_confgend_wazo import NAME

DRIVER = NAME
"""The value to write in the `plugins` map of the configuration to choose these drivers."""
