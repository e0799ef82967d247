"""`confgen list` and its like, where what answers is no HTTP API, is away, or refuses; no secret is ever told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.fake_daemon import FakeDaemon, fake_daemon, saying
from xivo_confgend.client import run

SECRET = "hunter2"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    """Something at the address of the API; a test says what it answers."""
    with fake_daemon() as one:
        monkeypatch.setenv("XIVO_CONFGEND_API", f"http://127.0.0.1:{one.port}")
        monkeypatch.delenv("XIVO_CONFGEND_TOKEN", raising=False)
        yield one


def http(status: str, body: bytes, kind: str = "application/json", length: int | None = None) -> bytes:
    """An HTTP answer."""
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode() + body


def problem(status: str, detail: str) -> bytes:
    """An answer with a problem document."""
    return http(status, json.dumps({"title": "No", "detail": detail}).encode(), "application/problem+json")


STRANGE_ANSWERS = {
    "a file, as the other port sends it": b"[general]\nlanguage = fr_FR\n",
    "nothing": b"",
    "a page of a proxy": http("502 Bad Gateway", b"<html>no</html>", "text/html"),
    "a page instead of data": http("200 OK", b"<html>hello</html>", "text/html"),
    "data of another API": http("200 OK", b'{"hello": "world"}'),
    "a list of another API": http("200 OK", b"[1, 2]"),
    "less than it says": http("200 OK", b'{"items": [', length=1000),
    "bytes that are no text": http("200 OK", b"\xff\xfe"),
}


@pytest.mark.parametrize(
    "command", [["list"], ["show", "a/b"], ["diff", "a/b"], ["status"], ["pin", "a/b"]], ids=" ".join
)
@pytest.mark.parametrize("answer", STRANGE_ANSWERS.values(), ids=STRANGE_ANSWERS)
def test_what_is_no_api_of_ours_is_one_line(
    server: FakeDaemon, capfd: pytest.CaptureFixture[str], answer: bytes, command: list[str]
) -> None:
    server.conversation = saying(answer)
    if command == ["diff", "a/b"] and answer.startswith(b"HTTP/1.1 200"):
        command = [*command, "0", "1"]

    assert run(command) == 1

    written = capfd.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    assert written.err.startswith("confgen: ")


def test_an_api_that_is_not_there_says_what_to_try(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

    assert run(["list", "--api", address]) == 1

    told = capfd.readouterr().err
    assert told.startswith(f"confgen: {address} cannot be asked: Connection refused; is xivo-confgend running ")
    assert "XIVO_CONFGEND_API" in told


def test_the_port_of_the_files_is_told_from_the_api(server: FakeDaemon, capfd: pytest.CaptureFixture[str]) -> None:
    server.conversation = saying(b'; confgend/1 400 error="no"\n')

    run(["list"])

    assert "is it the HTTP API (port 8670 unless rest_api.port says otherwise)" in capfd.readouterr().err


def test_a_missing_token_names_variable_and_page(server: FakeDaemon, capfd: pytest.CaptureFixture[str]) -> None:
    server.conversation = saying(problem("401 Unauthorized", "neither token nor client certificate"))

    assert run(["list"]) == 1
    assert capfd.readouterr().err == (
        "confgen: neither token nor client certificate; set XIVO_CONFGEND_TOKEN to a token"
        ' ("Who may" in docs/http-api.md explains tokens and permissions)\n'
    )


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_token_that_is_refused_is_named_but_not_shown(
    server: FakeDaemon, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setenv("XIVO_CONFGEND_TOKEN", SECRET)
    server.conversation = saying(problem(status, "no"))

    assert run(["list"]) == 1

    told = capfd.readouterr().err
    assert told.startswith("confgen: no; check the token in XIVO_CONFGEND_TOKEN (")
    assert SECRET not in told


@pytest.mark.parametrize("token", [f"{SECRET}\nx", f"{SECRET}\x00", f"{SECRET}ł"])
def test_a_token_that_cannot_be_sent_is_not_shown(
    server: FakeDaemon, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr("os.environ", {"XIVO_CONFGEND_TOKEN": token})

    assert run(["list"]) == 1

    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "XIVO_CONFGEND_TOKEN" in told and SECRET not in told


@pytest.mark.parametrize("address", [f"http://maria:{SECRET}@127.0.0.1:1", f"ftp://maria:{SECRET}@127.0.0.1"])
def test_an_address_with_a_password_is_not_shown(capfd: pytest.CaptureFixture[str], address: str) -> None:
    assert run(["list", "--api", address]) == 1

    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert SECRET not in told


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:many", "http://127.0.0.1:1/a b", "127.0.0.1"])
def test_an_address_that_makes_no_sense_is_one_line(capfd: pytest.CaptureFixture[str], address: str) -> None:
    assert run(["list", "--api", address]) == 1

    assert capfd.readouterr().err.count("\n") == 1


def test_control_characters_do_not_reach_the_terminal(server: FakeDaemon, capfd: pytest.CaptureFixture[str]) -> None:
    check = {"name": "\x1b[2J", "ok": True, "detail": "x\ny"}
    file = {
        "name": "\x1b[3J",
        "state": "stale",
        "since": None,
        "reason": "\x1b[4J",
        "pinned": False,
        "warnings": {"count": 1, "lines": ["\x1b[5J"]},
        "shrunk": None,
    }
    status = {"health": "ok", "checks": [check], "files": [file]}
    server.conversation = saying(http("200 OK", json.dumps(status).encode()))

    assert run(["status"]) == 0

    assert "\x1b" not in capfd.readouterr().out
