"""People walk through the console: they read, search, compare, pin, and see what happens as it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from integration_tests.suite.helpers.console import (
    PJSIP,
    Company,
    OpenPage,
    browser,
    company,
    lines_in_sight,
    open_page,
    row,
    start_daemon,
)

__all__ = ["browser", "company", "open_page"]

LONG_ENOUGH = 500
"""Milliseconds in which an event would have been shown."""


def test_the_table_shows_every_file_with_what_is_known_of_it(company: Company, open_page: OpenPage):
    files = {one["name"]: one for one in company.operate("GET", "/files").json()["items"]}

    page = open_page()

    expect(page.locator("#files tbody tr")).to_have_count(len(files))
    expect(row(page, PJSIP)).to_contain_text(f"{files[PJSIP]['lines']:,}")


def test_files_are_found_by_a_part_of_their_name(open_page: OpenPage):
    page = open_page()

    page.get_by_label("Find a file").fill("voice")

    expect(page.locator("#files tbody tr")).to_have_count(1)


def test_files_in_one_state_are_shown_alone(company: Company, open_page: OpenPage):
    company.puppets.tell("third", "fail", message="no such luck")
    company.daemon.fetch("test/third.conf")
    page = open_page()

    page.get_by_role("group", name="Show only files in a state").get_by_role("button", name="failed").click()

    expect(page.locator("#files tbody tr")).not_to_have_count(0)
    assert set(page.locator("#files tbody tr").evaluate_all("rows => rows.map(row => row.dataset.state)")) == {"failed"}


def test_who_comes_back_from_a_file_finds_the_table_as_he_left_it(open_page: OpenPage):
    page = open_page()
    page.get_by_label("Find a file").fill("p.conf")
    row(page, "asterisk/rtp.conf").get_by_role("link").click()
    page.get_by_role("region", name="Content of asterisk/rtp.conf").wait_for()

    page.go_back()

    expect(page.get_by_label("Find a file")).to_have_value("p.conf")
    expect(row(page, "asterisk/rtp.conf").get_by_role("link")).to_be_focused()


def test_that_no_file_matches_is_said(open_page: OpenPage):
    page = open_page()

    page.get_by_label("Find a file").fill("nothing is called so")

    expect(page.get_by_text("No file matches")).to_be_visible()


def test_a_file_that_is_generated_turns_fresh_before_ones_eyes(company: Company, open_page: OpenPage):
    page = open_page()
    expect(row(page, "test/rows.conf")).to_contain_text("none")

    company.puppets.tell("rows", "say", content="one\ntwo\n")
    company.daemon.fetch("test/rows.conf")

    expect(row(page, "test/rows.conf").locator(".badge")).to_have_text("fresh")


def test_a_file_that_is_being_generated_shows_it(company: Company, open_page: OpenPage):
    page = open_page("#/files", token="operator")
    company.puppets.tell("other_rows", "sleep", seconds=2, content="slept\n")
    expect(row(page, "test/other_rows.conf")).to_be_visible()

    page.evaluate("void fetch('/1.0/files/test/other_rows.conf', {headers: {'X-Auth-Token': 'operator'}})")

    expect(row(page, "test/other_rows.conf").locator(".badge")).to_have_text("generating")
    expect(row(page, "test/other_rows.conf").locator(".badge")).to_have_text("fresh")


def hide(page: Page, hidden: bool) -> None:
    """Make the page believe that its tab goes to the background, or comes back."""
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{configurable: true, value: {str(hidden).lower()}}})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_tab_in_the_background_does_not_listen_and_catches_up_when_it_comes_back(
    company: Company, open_page: OpenPage
):
    page = open_page()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    generated = row(page, "asterisk/sccp.conf").locator("time")
    before = generated.get_attribute("datetime")

    hide(page, True)
    company.operate("POST", "/files/asterisk/sccp.conf")
    page.wait_for_timeout(LONG_ENOUGH)
    assert generated.get_attribute("datetime") == before
    hide(page, False)

    expect(generated).not_to_have_attribute("datetime", before)


def test_a_file_whose_driver_fails_goes_stale_says_why_and_moves_to_the_top(company: Company, open_page: OpenPage):
    company.puppets.tell("first", "say", content="good\n")
    company.daemon.fetch("test/first.conf")
    page = open_page(still=False)
    page.get_by_role("button", name="State", exact=True).click()
    expect(row(page, "test/first.conf").locator(".badge")).to_have_text("fresh")
    before = row(page, "test/first.conf").evaluate("row => row.rowIndex")

    company.puppets.tell("first", "fail", message="no such luck")
    company.daemon.fetch("test/first.conf")

    expect(row(page, "test/first.conf").locator(".badge")).to_have_text("stale")
    expect(row(page, "test/first.conf")).to_contain_text("no such luck")
    assert row(page, "test/first.conf").evaluate("row => row.rowIndex") < before


def test_files_go_stale_when_postgresql_stops_and_the_status_names_it(company: Company, open_page: OpenPage):
    files, status = open_page(), open_page("#/status")
    expect(row(files, "asterisk/hep.conf").locator(".badge")).to_have_text("fresh")
    verdict = status.locator(".verdict")
    expect(verdict).to_be_visible()
    expect(verdict).not_to_contain_text("database")

    company.server.stop()
    try:
        company.daemon.fetch("asterisk/hep.conf")

        expect(row(files, "asterisk/hep.conf").locator(".badge")).to_have_text("stale")
        expect(verdict).to_contain_text("Requests are answered, but something is wrong: files, database")
    finally:
        company.server.start()
    company.daemon.fetch("asterisk/hep.conf")
    expect(row(files, "asterisk/hep.conf").locator(".badge")).to_have_text("fresh")


def test_failing_files_come_first_with_since_when_and_why(company: Company, open_page: OpenPage):
    company.puppets.tell("third", "fail", message="no such luck")
    company.daemon.fetch("test/third.conf")
    failing = [one["name"] for one in company.operate("GET", "/files").json()["items"] if one["last_error"]]
    page = open_page()
    row(page, "test/third.conf").wait_for()

    for column in ("", "Size", "File", "File"):
        if column:
            page.get_by_role("button", name=column, exact=True).click()
        rows = page.locator("#files tbody tr").evaluate_all("rows => rows.map(row => row.dataset.file)")
        assert set(rows[: len(failing)]) == set(failing)
    expect(row(page, "test/third.conf").locator(".reason")).to_have_text(
        re.compile(r"since .*: ValueError: no such luck")
    )
    page.goto("/#/files/test/third.conf")
    expect(page.get_by_role("alert").first).to_have_text(re.compile(r"since .*: ValueError: no such luck"))


def test_the_status_lists_the_files_that_need_a_look(company: Company, open_page: OpenPage):
    company.puppets.tell("third", "fail", message="no such luck")
    company.daemon.fetch("test/third.conf")
    company.puppets.tell("fourth", "warn", lines=["queue row 7 is left out"])
    company.daemon.fetch("test/fourth.conf")

    page = open_page("#/status")

    expect(page.locator(".verdict")).to_contain_text("Requests are answered, but something is wrong: files")
    third, fourth = (page.locator(f'#remarkable [data-file="test/{name}.conf"]') for name in ("third", "fourth"))
    expect(third).to_have_text(re.compile(r"failedsince .*: ValueError: no such luck"))
    expect(fourth).to_contain_text("1 warning")
    expect(fourth.locator("li")).to_have_text(["queue row 7 is left out"])


def test_a_file_that_shrinks_is_told_with_the_numbers(company: Company, open_page: OpenPage):
    company.puppets.tell("fourth", "say", content="0123456\n" * 2000)
    company.daemon.fetch("test/fourth.conf")
    files, file, status = open_page(), open_page("#/files/test/fourth.conf"), open_page("#/status")
    expect(row(files, "test/fourth.conf")).to_contain_text("fresh")
    expect(file.locator(".text")).to_be_visible()

    company.puppets.tell("fourth", "say", content="0123456\n" * 20)
    company.daemon.fetch("test/fourth.conf")

    numbers = "from 2,000 to 20 lines (16.0 kB to 160 B)"
    expect(row(files, "test/fourth.conf")).to_contain_text(f"shrank {numbers}")
    expect(file.locator(".notice.warn").first).to_contain_text(f"The last change shrank the file {numbers}")
    expect(status.locator("#remarkable")).to_contain_text(f"shrank {numbers}")


def test_warnings_of_a_file_are_shown_as_they_come(company: Company, open_page: OpenPage):
    files, file = open_page(), open_page("#/files/test/fourth.conf")
    expect(file.locator(".facts")).to_be_visible()
    company.puppets.tell("fourth", "warn", lines=["queue row 7 is left out", "row 8: secret = hunter2"])
    company.daemon.fetch("test/fourth.conf")

    expect(row(files, "test/fourth.conf")).to_contain_text("2 warnings")
    expect(file.locator("#warnings li")).to_have_text(["queue row 7 is left out", "row 8: secret = ********"])
    company.puppets.tell("fourth", "say", content="good\n")
    company.daemon.fetch("test/fourth.conf")
    expect(file.locator("#warnings")).to_have_count(0)


def test_a_content_is_shown_line_by_line(company: Company, open_page: OpenPage):
    content = company.daemon.fetch("asterisk/rtp.conf").text

    page = open_page("#/files/asterisk/rtp.conf", token="auditor")

    expect(page.locator(".text .row").first).to_contain_text("[general]")
    assert lines_in_sight(page) == content.removesuffix("\n").split("\n")


def test_a_search_marks_what_it_finds_and_goes_on_to_the_next(company: Company, open_page: OpenPage):
    content = company.daemon.fetch(PJSIP).text
    lines = [number for number, line in enumerate(content.split("\n"), 1) if "TRANSPORT" in line.upper()]
    page = open_page(f"#/files/{PJSIP}", token="auditor")

    page.get_by_label("Search").fill("Transport")
    expect(page.get_by_role("search").get_by_role("status")).to_have_text(f"1 of {len(lines)} lines")
    page.get_by_role("button", name="Next").click()

    expect(page.get_by_role("search").get_by_role("status")).to_have_text(f"2 of {len(lines)} lines")
    expect(page.locator(".text .row.here")).to_contain_text(str(lines[1]))
    expect(page.locator(".text .row.here mark")).to_have_text(re.compile("transport", re.IGNORECASE))


def test_what_is_not_there_is_not_found(open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}")

    page.get_by_label("Search").fill("nobody would write this")

    expect(page.get_by_role("search").get_by_role("status")).to_have_text("not found")


def test_the_section_index_jumps(open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}")

    page.get_by_label("Find a section").fill("transport-udp")
    page.get_by_role("option", name="transport-udp").click()

    expect(page.locator(".text .row.here")).to_contain_text("[transport-udp]")
    expect(page.locator(".where")).to_contain_text("[transport-udp]")


def test_an_address_leads_to_a_line(open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}?line=150")

    expect(page.locator(".text .row.here i")).to_have_text("150")


def test_an_empty_file_says_so(company: Company, open_page: OpenPage):
    company.puppets.tell("second", "say", content="")
    company.daemon.fetch("test/second.conf")

    page = open_page("#/files/test/second.conf")

    expect(page.get_by_text("The file is empty")).to_be_visible()


def test_a_file_that_nobody_serves_is_told_with_a_way_back(open_page: OpenPage):
    page = open_page("#/files/asterisk/nobody.conf")

    expect(page.get_by_role("alert")).to_contain_text("There is no such file")
    page.get_by_role("link", name="To the files").click()
    expect(page.locator("#files")).to_be_visible()


def test_a_change_in_the_database_arrives_as_a_new_version(company: Company, open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}/versions")
    versions = page.locator("#versions tbody tr")
    expect(versions.first).to_contain_text("current")
    before = versions.count()

    company.rename_somebody("Ada Arrived")

    expect(versions).to_have_count(before + 1)
    expect(versions.first).to_contain_text("current")


def test_somebody_who_reads_is_told_of_a_newer_content(company: Company, open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}")
    expect(page.locator(".text .row").first).to_be_visible()

    company.rename_somebody("Bela Noticed")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("button", name="Show it")).to_have_count(0)
    page.get_by_label("Search").fill("Bela Noticed")

    expect(page.locator(".text .row.here")).to_contain_text("Bela Noticed")


def test_two_versions_are_compared_side_by_side(company: Company, open_page: OpenPage):
    company.rename_somebody("Carla Before")
    company.rename_somebody("Carla Afterwards")

    page = open_page(f"#/files/{PJSIP}/versions")
    page.get_by_role("link", name="What changed").first.click()

    change = page.locator("#diff tr", has=page.locator(".went"))
    expect(change.locator("td.went").last).to_contain_text('"Carla Before"')
    expect(change.locator("td.came").last).to_contain_text('"Carla Afterwards"')
    expect(change.locator("mark").last).to_have_text("Afterwards")


def test_who_may_not_operate_finds_the_buttons_switched_off(open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}", token="auditor")

    for name in ("Regenerate", "Pin", "Invalidate"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()


def test_an_operator_pins_a_version_and_unpins_it(company: Company, open_page: OpenPage):
    before = company.rename_somebody("Dora Pinned")
    page = open_page(f"#/files/{PJSIP}", token="operator")

    page.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_label("Reason").fill("phones do not register")
    page.get_by_role("dialog").get_by_role("button", name="Pin").click()
    expect(page.get_by_text("phones do not register")).to_be_visible()
    assert company.rename_somebody("Dora Changed") == before

    page.get_by_role("button", name="Unpin").click()
    expect(page.get_by_role("button", name="Pin", exact=True)).to_be_visible()
    assert "Dora Changed" in company.daemon.fetch(PJSIP).text


def test_an_operator_generates_anew(company: Company, open_page: OpenPage):
    page = open_page("#/files/asterisk/features.conf", token="operator")
    generated = page.locator(".facts time")
    before = generated.get_attribute("datetime")

    page.get_by_role("button", name="Regenerate").click()

    expect(page.get_by_text("asterisk/features.conf was generated")).to_be_visible()
    expect(generated).not_to_have_attribute("datetime", str(before))


def test_an_operation_that_fails_says_why(company: Company, open_page: OpenPage):
    company.puppets.tell("second", "say", content="good\n")
    company.daemon.fetch("test/second.conf")
    page = open_page("#/files/test/second.conf", token="operator")
    expect(page.locator(".text")).to_be_visible()

    company.puppets.tell("second", "fail", message="out of ideas")
    page.get_by_role("button", name="Regenerate").click()

    expect(page.get_by_role("alert").first).to_contain_text("out of ideas")


def test_an_operator_forgets_a_content_after_a_question(company: Company, open_page: OpenPage):
    page = open_page("#/files/asterisk/modules.conf", token="operator")

    page.get_by_role("button", name="Invalidate").click()
    page.get_by_role("dialog").get_by_role("button", name="Invalidate").click()

    expect(page.locator(".headline .badge")).to_have_text("none")


@pytest.fixture
def lonely(company: Company, tmp_path: Path) -> Iterator[Company]:
    """The company with a daemon of the test's own, without tokens, that it may stop."""
    daemon = start_daemon(company.puppets, tmp_path, company.uri, tokens=False)
    yield Company(company.server, company.uri, company.puppets, daemon)
    daemon.stop()


def test_without_tokens_this_machine_reads_at_once(lonely: Company, open_page: OpenPage):
    page = open_page(f"#/files/{PJSIP}", token="", api=lonely.daemon.api)

    expect(page.locator(".text")).to_contain_text("[global]")
    expect(page.get_by_role("button", name="Sign in")).to_be_hidden()


def test_a_daemon_that_goes_away_is_told_and_one_that_comes_back_is_live(lonely: Company, open_page: OpenPage):
    page = open_page(token="", api=lonely.daemon.api)
    expect(row(page, "asterisk/rtp.conf").locator(".badge")).to_have_text("none")

    lonely.daemon.stop()
    expect(page.get_by_role("alert")).to_contain_text("Not connected to the daemon")
    lonely.daemon.start()
    expect(page.get_by_role("alert")).to_be_hidden()
    lonely.daemon.fetch("asterisk/rtp.conf")

    expect(row(page, "asterisk/rtp.conf").locator(".badge")).to_have_text("fresh")


def sign_in(page: Page, token: str) -> None:
    """Give a token."""
    page.get_by_role("banner").get_by_role("button", name="Sign in").click()
    page.get_by_role("dialog").get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def test_a_stranger_is_asked_for_a_token(open_page: OpenPage):
    page = open_page(token="")

    expect(page.get_by_text("This daemon answers to those who have a token.")).to_be_visible()
    expect(page.locator("#files")).to_have_count(0)


def test_a_token_that_is_not_known_is_refused(open_page: OpenPage):
    page = open_page(token="")

    sign_in(page, "a guess")

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text("The daemon does not know this token.")
    expect(dialog.get_by_role("button")).to_have_text(["Cancel", "Sign in"])
    expect(page.locator("#account")).to_have_text("Sign in")
    assert page.evaluate("JSON.stringify(sessionStorage)") == "{}"
    dialog.get_by_label("Token").fill("operator")
    page.keyboard.press("Enter")
    expect(row(page, PJSIP)).to_be_visible()


def test_whoever_gives_up_after_a_wrong_token_may_sign_in_later(open_page: OpenPage):
    page = open_page(token="")

    sign_in(page, "a guess")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("dialog")).to_be_hidden()
    sign_in(page, "operator")
    expect(page.get_by_role("button", name="Sign out operator")).to_be_visible()


def test_a_link_with_a_token_signs_in_and_leaves_no_trace(open_page: OpenPage):
    page = open_page("#token=operator", token="")

    expect(row(page, PJSIP)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out operator")).to_be_visible()
    assert page.evaluate("location.hash") == "#/files"


def test_a_link_with_a_token_that_is_not_known_changes_nothing(open_page: OpenPage):
    signed_in, stranger = open_page("#token=a%20guess", token="operator"), open_page("#token=a%20guess", token="")

    expect(signed_in.get_by_role("button", name="Sign out operator")).to_be_visible()
    expect(stranger.get_by_text("This daemon answers to those who have a token.")).to_be_visible()
    assert stranger.evaluate("JSON.stringify(sessionStorage)") == "{}"


def test_who_signs_in_sees_the_files_and_who_signs_out_does_not(open_page: OpenPage):
    page = open_page(token="")

    sign_in(page, "operator")
    expect(row(page, PJSIP)).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()

    page.get_by_role("button", name="Sign out operator").click()
    expect(page.locator("#files")).to_have_count(0)
    assert page.evaluate("JSON.stringify(sessionStorage)") == "{}"
