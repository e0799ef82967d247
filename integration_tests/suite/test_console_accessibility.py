"""Every view of the console is for everybody: axe-core finds nothing, a phone is wide enough, a keyboard is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from integration_tests.suite.helpers.console import (
    PJSIP,
    Company,
    OpenPage,
    Pages,
    browser,
    company,
    open_page,
    row,
    tab_to,
)

__all__ = ["browser", "company", "open_page"]

PHONE = 360


def nothing(_: Page) -> None:
    """The view is as it opens."""


def find_nothing(page: Page) -> None:
    page.get_by_label("Find a file").fill("nothing is called so")


def search(page: Page) -> None:
    page.get_by_label("Search").fill("context")
    expect(page.locator(".text mark").first).to_be_visible()


def ask_to_pin(page: Page) -> None:
    page.get_by_role("button", name="Pin", exact=True).click()


def sign_in_with_a_guess(page: Page) -> None:
    page.get_by_role("banner").get_by_role("button", name="Sign in").click()
    page.get_by_role("dialog").get_by_label("Token").fill("a guess")
    page.keyboard.press("Enter")


def open_details(page: Page) -> None:
    page.get_by_text("Minute by minute").click()


@dataclass(frozen=True)
class View:
    """A view at `address`, complete when `shown` is there, after `do` was done."""

    address: str
    shown: str
    do: Callable[[Page], None] = nothing
    token: str = "operator"


VIEWS = {
    "files": View("#/files", "#files tbody tr"),
    "no file": View("#/files", ".notice", find_nothing),
    "content": View("#/files/asterisk/extensions.conf?line=40", ".text .row.here", search),
    "masked content": View("#/files/asterisk/pjsip.conf", ".text .row", token="reader"),
    "yaml": View("#/files/wazo/uuid.yml", ".text .row"),
    "stale": View("#/files/test/first.conf", ".notice.bad"),
    "warned": View("#/files/test/second.conf", "#warnings"),
    "versions": View("#/files/asterisk/hep.conf/versions", "#versions"),
    "pinned": View("#/files/asterisk/hep.conf", ".notice.warn"),
    "differences": View("#/files/asterisk/hep.conf/diff", "#diff"),
    "dialog": View("#/files/asterisk/rtp.conf", "dialog[open]", ask_to_pin),
    "activity": View("#/activity", "#minutes", open_details),
    "drivers": View("#/drivers", "#drivers tbody tr"),
    "configuration": View("#/config", "#configuration tbody tr"),
    "status": View("#/status", "#status li"),
    "refused": View("#/files", "dialog [role=alert]", sign_in_with_a_guess, token=""),
    "stranger": View("#/files", ".welcome", token=""),
    "no such file": View("#/files/asterisk/nobody.conf", ".notice.bad"),
}


@pytest.fixture(scope="module")
def eventful(company: Company) -> Company:
    """The company with a file that is stale, one with warnings, and one with two versions, the older one pinned."""
    company.puppets.tell("second", "warn", lines=[f"queue row {number} is left out" for number in range(8)])
    company.daemon.fetch("test/second.conf")
    company.puppets.tell("first", "say", content="good\n")
    company.daemon.fetch("test/first.conf")
    company.puppets.tell("first", "fail", message="no such luck")
    company.daemon.fetch("test/first.conf")
    company.execute("UPDATE asterisk_file_variable SET value = value || '0' WHERE key LIKE 'capture%'")
    company.daemon.fetch("asterisk/hep.conf")
    versions = company.operate("GET", "/files/asterisk/hep.conf/versions").json()["items"]
    company.operate(
        "PUT", "/files/asterisk/hep.conf/pin", json={"digest": versions[-1]["digest"], "reason": "to look at"}
    )
    return company


@pytest.fixture(scope="module", params=VIEWS.values(), ids=VIEWS)
def opened(request: pytest.FixtureRequest, browser: Browser, eventful: Company) -> Iterator[Page]:
    """Each view, complete."""
    view: View = request.param
    pages = Pages(browser, eventful.daemon.api)
    page = pages.open(view.address, view.token)
    page.locator("main :is(h2, .notice)").first.wait_for()
    view.do(page)
    page.locator(view.shown).first.wait_for(state="visible")
    yield page
    pages.close()


def test_axe_finds_nothing_in_light_and_dark(opened: Page):
    found = {}
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        violations = Axe().run(opened).response["violations"]
        found[scheme] = [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in violations]

    assert found == {"light": [], "dark": []}


def test_a_phone_shows_it_without_scrolling_sideways(opened: Page):
    opened.set_viewport_size({"width": PHONE, "height": 740})

    assert opened.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_without_a_mouse_from_the_table_to_a_difference(company: Company, open_page: OpenPage):
    company.rename_somebody("Eva Typed")
    page = open_page()
    row(page, PJSIP).wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, row(page, PJSIP).get_by_role("link"))
    page.keyboard.press("Enter")

    tab_to(page, page.get_by_label("Search"))
    page.keyboard.type("eva typed")
    page.keyboard.press("Enter")
    expect(page.locator(".text .row.here mark")).to_have_text("Eva Typed")

    tab_to(page, page.get_by_label("Find a section"))
    page.keyboard.type("transport-tcp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name=f"Content of {PJSIP}")).to_be_focused()
    expect(page.locator(".text .row.here")).to_contain_text("[transport-tcp]")

    tab_to(page, page.get_by_role("link", name="Versions"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Versions")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="What changed").first)
    page.keyboard.press("Enter")
    expect(page.locator("#diff .came").first).to_be_visible()


def test_without_a_mouse_a_version_is_pinned_and_unpinned(company: Company, open_page: OpenPage):
    page = open_page("#/files/asterisk/queues.conf", token="operator")
    page.get_by_role("button", name="Pin", exact=True).wait_for()

    tab_to(page, page.get_by_role("button", name="Pin", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by hand")
    page.keyboard.press("Enter")
    expect(page.locator(".headline .badge")).to_have_text("pinned")

    tab_to(page, page.get_by_role("button", name="Unpin"))
    page.keyboard.press("Enter")
    expect(page.locator(".headline .badge")).to_have_text("fresh")


def test_the_section_index_is_walked_with_the_arrows(open_page: OpenPage):
    page = open_page("#/files/asterisk/rtp.conf")
    options = page.get_by_role("listbox", name="Sections")

    tab_to(page, options)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator(".text .row.here")).to_contain_text("[ice_host_candidates]")
