"""What the suite cannot do without: where it is missing, the run ends with one line, not each test with its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import NoReturn

import pytest

CHROMIUM = "CHROMIUM"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def end_run(session: pytest.Session, line: str) -> NoReturn:
    """End the run, that of all of pytest-xdist's workers too, with `line` and an exit status that is not 0."""
    if hasattr(session.config, "workerinput"):
        # What a worker hands on to the process that reports.
        session.shouldstop = line
    pytest.exit(line, returncode=pytest.ExitCode.USAGE_ERROR)


def require_browser(session: pytest.Session) -> str:
    """The path of Chromium: what the environment variable CHROMIUM names, or one of the usual names; else the end."""
    names = [os.environ[CHROMIUM]] if os.environ.get(CHROMIUM) else BROWSERS
    for path in filter(None, map(shutil.which, names)):
        return path
    end_run(session, f"no {', '.join(names)}: install Chromium (Debian: apt-get install chromium) or set {CHROMIUM}")


def check_browser(session: pytest.Session, items: Iterable[pytest.Item]) -> None:
    """End the run before its first test if one of `items` needs a browser and there is none."""
    if any("browser" in getattr(item, "fixturenames", ()) for item in items):
        require_browser(session)
