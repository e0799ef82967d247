"""The installed drivers as JSON, found in a process of its own: `python -m` this module.

Reads the keys `plugins` and `cache` of the configuration as JSON from standard input. What drivers print while they
are imported goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from xivo_confgend.driver_list import ListedDriver, listed
from xivo_confgend.drivers import Catalogue
from xivo_confgend.store import Store


def described(one: ListedDriver) -> dict[str, Any]:
    """As the schema `Driver` of the API says."""
    driver = one.driver
    return {
        "file": str(driver.file),
        "name": driver.name,
        "namespace": driver.namespace,
        "chosen": one.chosen,
        "class": driver.target,
        "distribution": driver.distribution,
        "version": driver.version,
        "package": {key.lower(): one.facts.get(key) for key in ("NAME", "GROUP", "VERSION", "DESCRIPTION")},
        "problem": one.problem or None,
    }


def main() -> None:
    """Write the list."""
    given = json.load(sys.stdin)
    catalogue = Catalogue(given["plugins"], Store(given["cache"]))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        json.dump([described(one) for one in listed(catalogue)], output)


if __name__ == "__main__":
    main()
