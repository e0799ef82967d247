"""Makes the fixtures of `helpers/` known to all tests of the suite."""

import os

import pytest

from integration_tests.suite.helpers.api import api_daemon, certificates
from integration_tests.suite.helpers.containers import contained
from integration_tests.suite.helpers.environments import builder
from integration_tests.suite.helpers.fixtures import daemon, golden_uri, postgresql
from integration_tests.suite.helpers.items import items
from integration_tests.suite.helpers.preconditions import check_browser
from integration_tests.suite.helpers.puppets import background, puppet_daemon, puppets, shared, shared_puppets
from integration_tests.suite.helpers.reuse import at_any_cost
from integration_tests.suite.helpers.scratch import database, scratch_database

__all__ = [
    "api_daemon",
    "at_any_cost",
    "background",
    "builder",
    "certificates",
    "contained",
    "daemon",
    "database",
    "golden_uri",
    "items",
    "postgresql",
    "puppet_daemon",
    "puppets",
    "scratch_database",
    "shared",
    "shared_puppets",
]

# Daemons are started some hundred times: they may keep their compiled modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Before the first test: a browser, if one is needed."""
    check_browser(session, items)
