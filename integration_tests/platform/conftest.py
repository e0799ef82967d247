"""Tests against programs that are no part of this project, from Debian's packages: `make test-platform` installs them.

The fixtures are those of the suite.
"""

from integration_tests.suite.helpers.fixtures import postgresql
from integration_tests.suite.helpers.items import items

__all__ = ["items", "postgresql"]
