"""Takes the pictures of docs/screenshots: `make screenshots`. To be looked at before they are committed.

A module for pytest, because the fixtures of the console's tests start what is to be seen; no test of `make test`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from integration_tests.suite.helpers.console import Company, Pages, browser, company
from integration_tests.suite.test_console_accessibility import VIEWS, eventful

__all__ = ["browser", "company", "eventful"]

DIRECTORY = Path(__file__).parents[1] / "docs/screenshots"
SHOWN = (
    "files",
    "content",
    "masked content",
    "differences",
    "pinned",
    "activity",
    "drivers",
    "configuration",
    "status",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHOWN)
def test_take(browser: Browser, eventful: Company, name: str, scheme: str) -> None:
    view = VIEWS[name]
    pages = Pages(browser, eventful.daemon.api)
    page = pages.open(view.address, view.token)
    page.emulate_media(color_scheme=scheme)
    page.locator("main :is(h2, .notice)").first.wait_for()
    view.do(page)
    page.locator(view.shown).first.wait_for(state="visible")
    page.evaluate("scrollTo(0, 0)")
    DIRECTORY.mkdir(exist_ok=True)
    page.screenshot(path=DIRECTORY / f"{name.replace(' ', '-')}-{scheme}.png")
    pages.close()
