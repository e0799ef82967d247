"""The console in a real Chromium against the real daemon: what its tests need.

The browser is an installed one; nothing is downloaded. Every page is watched: what it logs as an error, what its
content security policy forbids and what it asks anybody but the daemon for fails the test at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from integration_tests.suite.helpers.preconditions import end_run, require_browser
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.demonstration import choose_drivers
from xivo_confgend.testing.postgresql import PostgreSQL, running_postgresql
from xivo_confgend_wazo.demonstration import fill

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PJSIP = "asterisk/pjsip.conf"
SOMEBODY = "SELECT uuid, value FROM endpoint_sip_section_option WHERE key = 'callerid' ORDER BY uuid LIMIT 1"
RENAME = "UPDATE endpoint_sip_section_option SET value = '{}' WHERE uuid = '{}'"
USERS = 40
PATIENCE = 20_000
"""Milliseconds that a test waits for what it expects to see: the machine may be busy."""
PERMISSIONS = {
    "reader": ("read",),
    "auditor": ("read", "read:secrets"),
    "operator": ("read", "read:secrets", "operate"),
}
"""Tokens of the daemon: the name of each is also the token itself."""
SWITCHED_OFF = dict.fromkeys(
    (f"broken.{name}.conf" for name in ("hanging", "leaving", "constructor", "attribute")), None
)
TOKEN_KEY = "xivo-confgend-token"
HARMLESS = "Failed to load resource"
"""What Chromium logs for every answer of 400 and above, whatever the page makes of it."""


@dataclass
class Company:
    """The demonstration company with its own PostgreSQL, its daemon, and drivers that do as they are told."""

    server: PostgreSQL
    uri: str
    puppets: Puppets
    daemon: Daemon

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run `statement` and commit; its rows, if it has any."""
        connection = psycopg2.connect(self.uri)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def rename_somebody(self, name: str) -> str:
        """Give somebody, always the same, another name; returns pjsip.conf, fetched anew."""
        ((uuid, value),) = self.execute(SOMEBODY)
        self.execute(RENAME.format(f'"{name}" <{value.partition("<")[2]}', uuid))
        return self.daemon.fetch(PJSIP).text

    def operate(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Ask the API as operator."""
        headers = {"X-Auth-Token": "operator"}
        response = httpx.request(method, f"{self.daemon.api}/1.0{path}", headers=headers, **arguments)
        response.raise_for_status()
        return response


@dataclass
class Watched:
    """What a page did that it should not do."""

    api: str
    wrong: list[str] = field(default_factory=list)

    def logged(self, message: ConsoleMessage) -> None:
        """The page wrote to the browser's console."""
        if message.type in ("error", "warning") and HARMLESS not in message.text:
            self.wrong.append(message.text)

    def asked(self, request: Request) -> None:
        """The page asked for something."""
        if not request.url.startswith((self.api, "data:", "blob:")):
            self.wrong.append(f"asked for {request.url}")


def start_daemon(puppets: Puppets, directory: Path, uri: str, tokens: bool = True) -> Daemon:
    """A started daemon that serves the company at `uri` and the puppets."""
    config: dict[str, Any] = {"db_uri": uri, "plugins": choose_drivers("wazo") | SWITCHED_OFF}
    if tokens:
        config["rest_api"] = {"tokens": [_token(name, allowed) for name, allowed in PERMISSIONS.items()]}
    daemon = puppets.daemon(directory, **config)
    daemon.start()
    return daemon


def _token(name: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "sha256": sha256(name.encode()).hexdigest(), "permissions": list(allowed)}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Chromium. Ended with the module, because other tests want the event loop that Playwright occupies."""
    path = require_browser(request.session)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            attempt = f"{path} --headless --no-sandbox --dump-dom about:blank"
            end_run(request.session, f"{error.message.splitlines()[0]}: `{attempt}` shows why")
        yield started
        started.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company, every file of it generated once."""
    directory = tmp_path_factory.mktemp("console")
    with running_postgresql() as server:
        uri = server.create_database("company")
        fill(uri, USERS)
        puppets = Puppets(directory / "puppets")
        daemon = start_daemon(puppets, directory / "daemon", uri)
        try:
            for name, driver in choose_drivers("wazo").items():
                if driver == "wazo":
                    daemon.fetch(name.replace(".", "/", 1))
            yield Company(server, uri, puppets, daemon)
        finally:
            daemon.stop()


class Pages:
    """Pages of the console at `api` in `browser`, and what they did that they should not do."""

    def __init__(self, browser: Browser, api: str) -> None:
        self._browser = browser
        self._api = api
        self._contexts: list[BrowserContext] = []
        self._watched: list[Watched] = []

    def open(
        self, address: str = "#/files", token: str = "reader", width: int = 1280, api: str = "", still: bool = True
    ) -> Page:
        """The page at `address` (`#/files`), seen by who holds `token`; without moving pictures if `still`."""
        base = api or self._api
        context = self._browser.new_context(
            base_url=base,
            reduced_motion="reduce" if still else "no-preference",
            viewport={"width": width, "height": 900},
            locale="en-US",
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if token:
            context.add_init_script(
                f"sessionStorage.getItem('{TOKEN_KEY}') ?? sessionStorage.setItem('{TOKEN_KEY}', '{token}')"
            )
        page = context.new_page()
        watch = Watched(base)
        self._watched.append(watch)
        page.on("console", watch.logged)
        page.on("pageerror", lambda error: watch.wrong.append(str(error)))
        page.on("request", watch.asked)
        page.goto(f"/{address}")
        return page

    def close(self) -> None:
        """Close all pages. Raises AssertionError if one did something wrong."""
        for context in self._contexts:
            context.close()
        assert [wrong for watch in self._watched for wrong in watch.wrong] == []


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, company: Company) -> Iterator[OpenPage]:
    """Opens pages: `open_page("#/files", token="operator")`."""
    pages = Pages(browser, company.daemon.api)
    yield pages.open
    pages.close()


def row(page: Page, name: str) -> Locator:
    """The row of the file `name` in the table of files."""
    return page.locator(f'#files tr[data-file="{name}"]')


def lines_in_sight(page: Page) -> list[str]:
    """The lines of the reader that are in the page, without their numbers."""
    numbers_and_lines = page.locator(".text .row").evaluate_all(
        "rows => rows.map((row) => [row.firstChild.textContent, row.textContent])"
    )
    return [text.removeprefix(number) for number, text in numbers_and_lines]


def tab_to(page: Page, target: Locator, key: str = "Tab", most: int = 80) -> None:
    """Press `key` until `target` has the focus. Raises AssertionError if it never gets it."""
    target.wait_for()
    for _ in range(most):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached with {most} times {key}")
