"""What the console shows of large, strange and secret contents, and of the daemon itself."""

from __future__ import annotations

import re
from itertools import count, islice

import pytest
from playwright.sync_api import Page, Route, expect

from integration_tests.suite.helpers.console import (
    Company,
    OpenPage,
    browser,
    company,
    lines_in_sight,
    open_page,
    row,
)

__all__ = ["browser", "company", "open_page"]

LINES = 545_000
SIZE = 15_000_000
MOST_NODES = 600
SECTION = """[user-{0:06}]
type = endpoint
callerid = "Somebody {0:06}" <{0:06}>
context = ctx-of-somebody-internal
allow = !all,opus,alaw,ulaw

"""
SECRETS = """
SELECT value FROM endpoint_sip_section_option WHERE key = 'password'
UNION SELECT password FROM voicemail UNION SELECT secret FROM useriax UNION SELECT passwd FROM agentfeatures
"""
SHORTEST = 6
"""A shorter secret, a PIN, would be found in any page."""


@pytest.fixture(scope="module")
def huge(company: Company) -> Company:
    """The company with a file of 15 MB, test/second.conf."""
    lines = (line for number in count() for line in SECTION.format(number).splitlines(keepends=True))
    content = "".join(islice(lines, LINES))
    padding = "; " + "x" * (SIZE - len(content) - 3) + "\n" if len(content) < SIZE else ""
    company.puppets.tell("second", "say", content=content + padding)
    fetched = company.daemon.fetch("test/second.conf")
    assert (fetched.state, len(fetched.content) >= SIZE) == ("fresh", True)
    return company


@pytest.mark.usefixtures("huge")
def test_15_megabytes_open_at_once(open_page: OpenPage):
    page = open_page("#/status")
    page.locator("#status").wait_for()

    page.evaluate("location.hash = '#/files/test/second.conf'")
    expect(page.locator(".text .row").first).to_contain_text("[user-000000]")


@pytest.mark.usefixtures("huge")
def test_of_15_megabytes_only_the_lines_in_sight_are_in_the_page(open_page: OpenPage):
    page = open_page("#/files/test/second.conf")
    page.locator(".text .row").first.wait_for()

    page.locator(".text").evaluate("text => { text.scrollTop = text.scrollHeight / 2; }")
    expect(page.locator(".text .row").first).not_to_contain_text("[user-000000]")

    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES


@pytest.mark.usefixtures("huge")
def test_the_last_of_545_000_lines_is_reached(open_page: OpenPage):
    page = open_page("#/files/test/second.conf")
    page.locator(".text .row").first.wait_for()

    page.get_by_label("Go to line").fill(str(LINES))
    page.keyboard.press("Enter")

    expect(page.locator(".text .row.here i")).to_have_text(str(LINES))
    expect(page.locator(".text .row.here")).to_be_in_viewport()


@pytest.mark.usefixtures("huge")
def test_a_search_reaches_the_end_of_15_megabytes(open_page: OpenPage):
    page = open_page("#/files/test/second.conf")
    page.locator(".text .row").first.wait_for()

    page.get_by_label("Search").fill("somebody 090000")

    expect(page.locator(".text .row.here mark")).to_have_text("Somebody 090000")


@pytest.mark.usefixtures("huge")
def test_a_section_is_found_among_90_000(open_page: OpenPage):
    page = open_page("#/files/test/second.conf")

    page.get_by_label("Find a section").fill("user-0900")
    page.get_by_role("option", name="user-090001").click()

    expect(page.locator(".text .row.here")).to_contain_text("[user-090001]")


def test_more_lines_than_a_browser_has_pixels_for_are_scrolled_to_the_end(company: Company, open_page: OpenPage):
    lines = 1_000_000
    company.puppets.tell("third", "say", content="".join(f"{number}\n" for number in range(lines)))
    company.daemon.fetch("test/third.conf")
    page = open_page("#/files/test/third.conf")
    page.locator(".text .row").first.wait_for()

    page.locator(".text").evaluate("text => { text.scrollTop = text.scrollHeight; }")
    page.get_by_text(f"{lines:,} of {lines:,} lines").wait_for()

    assert lines_in_sight(page)[-1] == str(lines - 1)


def test_a_line_of_a_megabyte_is_shown_in_part_and_says_so(company: Company, open_page: OpenPage):
    company.puppets.tell("rows", "say", content="[a]\n" + "x" * 1_000_000 + "\n")
    company.daemon.fetch("test/rows.conf")

    page = open_page("#/files/test/rows.conf", token="auditor")

    expect(page.get_by_text("and 995,000 more characters")).to_be_attached()


def test_markup_in_a_content_is_text(company: Company, open_page: OpenPage):
    hostile = '[<img src=x onerror="document.title=1">]\n<script>document.title = 1</script> = ${<b>}\n'
    company.puppets.tell("first", "say", content=hostile)
    company.daemon.fetch("test/first.conf")

    page = open_page("#/files/test/first.conf")
    expect(page.locator(".text .row").first).to_be_visible()

    assert lines_in_sight(page) == hostile.splitlines()


HIGHLIGHTED = [
    ("[general](!,template) ; why", [["[general]", "s"], ["(!,template)", "d"], [" ; why", "c"]]),
    ("; a comment = 1", [["; a comment = 1", "c"]]),
    ("#include extra.conf", [["#include extra.conf", "d"]]),
    ("bind = 0.0.0.0:5060 ; all", [["bind", "n"], [" = ", "o"], ["0.0.0.0:5060 ", ""], ["; all", "c"]]),
    ("password = ********", [["password", "n"], [" = ", "o"], ["********", "m"]]),
    ("name = a\\;b", [["name", "n"], [" = ", "o"], ["a\\;b", ""]]),
    (
        "exten => s,1,Goto(${EXTEN},1)",
        [
            ["exten", "n"],
            [" => ", "o"],
            ["s,", "v"],
            ["1,", ""],
            ["Goto", "k"],
            ["(", ""],
            ["${EXTEN}", "v"],
            [",1)", ""],
        ],
    ),
    ("same => n(here),Hangup()", [["same", "n"], [" => ", "o"], ["n(here),", ""], ["Hangup", "k"], ["()", ""]]),
    ("not an option", [["not an option", ""]]),
]


@pytest.fixture(scope="module")
def pieces(browser: object, company: Company) -> object:
    """The pieces of a line with their classes, as the page cuts them."""
    page = browser.new_page(base_url=company.daemon.api)
    page.goto("/")
    yield lambda line: page.evaluate(
        """async (line) => (await import("/static/highlight.js")).pieces(line, false).filter(([text]) => text)""", line
    )
    page.close()


@pytest.mark.parametrize(("line", "expected"), HIGHLIGHTED, ids=[line for line, _ in HIGHLIGHTED])
def test_asterisk_s_grammar_is_highlighted(line: str, expected: list[list[str]], pieces):
    assert pieces(line) == expected


def overheard(page: Page) -> list[str]:
    """Everything that the page is told from now on, but for the stream of events."""
    told: list[str] = []

    def pass_on(route: Route) -> None:
        answer = route.fetch()
        told.append(answer.text())
        route.fulfill(response=answer)

    page.route(re.compile("/1.0/(?!events)"), pass_on)
    return told


def read_all(page: Page) -> list[str]:
    """Walk through contents that hold secrets, and their versions; returns the page at each step."""
    shown = []
    for address in ("asterisk/pjsip.conf", "asterisk/voicemail.conf", "asterisk/iax.conf", "asterisk/sccp.conf"):
        page.evaluate(f"location.hash = '#/files/{address}'")
        page.get_by_role("region", name=f"Content of {address}").wait_for()
        shown.append(page.content())
        page.evaluate(f"location.hash = '#/files/{address}/versions'")
        page.locator("#versions").wait_for()
        shown.append(page.content())
    return shown


def secrets_in(text: str, company: Company) -> set[str]:
    """Which secrets of the company's database `text` holds."""
    known = {secret for (secret,) in company.execute(SECRETS) if secret and len(secret) >= SHORTEST}
    assert len(known) > 20
    return {secret for secret in known if secret in text}


@pytest.mark.parametrize(("token", "sees"), [("reader", False), ("auditor", True)])
def test_secrets_are_in_the_page_of_those_only_who_may_read_them(
    token: str, sees: bool, company: Company, open_page: OpenPage
):
    page = open_page("#/files", token=token)
    told = overheard(page)

    shown = read_all(page)

    assert bool(secrets_in("\n".join([*told, *shown]), company)) is sees


def test_who_reads_masked_contents_is_told(open_page: OpenPage):
    page = open_page("#/files/asterisk/pjsip.conf", token="reader")

    expect(page.get_by_text("Secrets are masked.")).to_be_visible()


def test_the_configuration_shows_where_values_come_from(company: Company, open_page: OpenPage):
    page = open_page("#/config")

    page.get_by_label("only what differs from the defaults").check()

    port = page.locator('#configuration tr[data-key="listen_port"]')
    expect(port).to_contain_text(str(company.daemon.port))
    expect(port).to_contain_text(str(company.daemon.config_file))
    expect(page.locator('#configuration tr[data-key="workers"]')).to_have_count(0)


def test_the_drivers_say_who_serves_and_who_does_not_load(open_page: OpenPage):
    page = open_page("#/drivers")

    expect(page.locator('[data-driver="asterisk/pjsip.conf wazo"]')).to_contain_text("serves")
    expect(page.locator('[data-driver="broken/import.conf ill"]')).to_contain_text("a_module_that_nobody_has")


def test_the_activity_counts_what_is_asked_for(company: Company, open_page: OpenPage):
    page = open_page("#/activity")
    requests = page.locator(".facts.big dd").first
    before = int(requests.inner_text())

    for _ in range(3):
        company.daemon.fetch("asterisk/pjsip.conf")
    company.operate("POST", "/files/asterisk/pjsip.conf")

    expect(requests).to_have_text(str(before + 4))
    expect(page.locator(".chart rect.part.fresh").first).to_be_attached()
    expect(page.locator(".chart circle.stem").first).to_be_attached()


def test_operators_see_who_did_what(company: Company, open_page: OpenPage):
    company.operate("POST", "/files/asterisk/features.conf")

    page = open_page("#/activity", token="operator")

    expect(page.locator("#audit tbody tr").first).to_contain_text("operator")
    expect(page.locator("#audit tbody tr").first).to_contain_text("POST /1.0/files/asterisk/features.conf")


def test_a_content_is_saved_as_it_is_shown(company: Company, open_page: OpenPage, tmp_path):
    page = open_page("#/files/asterisk/rtp.conf", token="auditor")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save").click()
    download.value.save_as(tmp_path / "saved")

    assert (tmp_path / "saved").read_bytes() == company.daemon.fetch("asterisk/rtp.conf").content
    assert download.value.suggested_filename == "rtp.conf"


def test_a_link_of_the_table_needs_no_exact_aim(open_page: OpenPage):
    page = open_page()

    row(page, "asterisk/rtp.conf").click(position={"x": 900, "y": 15})

    expect(page.get_by_role("region", name="Content of asterisk/rtp.conf")).to_be_visible()
