"""Daemons with an HTTP API, and clients of it with every kind of right."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

FILE = "/1.0/files/test/first.conf"
TOKENS = {
    "reader": ["read"],
    "auditor": ["read", "read:secrets"],
    "operator": ["read", "operate"],
    "owner": ["read", "read:secrets", "operate"],
    "button": ["operate"],
}
TIMEOUT = 60
TEXT = "".join(f"[section{n}]\nsecret = s{n:05d}x\nvalue = {n}\n\n" for n in range(7000))
MASKED = re.sub(r"secret = s\d+x", "secret = ********", TEXT)
"""A content of some size with a secret in every section, and how it is shown to who may not read secrets."""


def token(name: str) -> str:
    """The token of the account `name`."""
    return f"token-of-{name}-e28f60"


def guarded(**rest: Any) -> dict[str, Any]:
    """The keys of `rest_api` with an account for each of `TOKENS`."""
    tokens = [
        {"name": name, "sha256": hashlib.sha256(token(name).encode()).hexdigest(), "permissions": permissions}
        for name, permissions in TOKENS.items()
    ]
    return {"tokens": tokens, **rest}


def client(daemon: Daemon, account: str | None = None, **rest: Any) -> httpx.Client:
    """A client of `daemon` with the token of `account`, or with none."""
    headers = {"X-Auth-Token": token(account)} if account else {}
    return httpx.Client(
        base_url=daemon.api, timeout=TIMEOUT, headers={"Accept-Encoding": "identity", **headers}, **rest
    )


def sha(text: str) -> str:
    """The SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def raw(http: httpx.Client, path: str, encoding: str) -> bytes:
    """The body as it was sent."""
    with http.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        return b"".join(answer.iter_raw())


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a problem document, without what all types begin with."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    return answer.status_code, document["type"].removeprefix("urn:xivo-confgend:problem:")


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true result of `what`. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.02)
    return result


def versions(http: httpx.Client, count: int, file: str = FILE) -> list[dict[str, Any]]:
    """The versions of `file` once there are `count` of them."""
    return until(lambda: (items := http.get(f"{file}/versions").json()["items"]) and len(items) == count and items)


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: str
    event: str
    data: dict[str, Any]


def events(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream, as they come."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


@pytest.fixture
def api_daemon(puppets: Puppets, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons that find the `puppets`, with given keys of `rest_api`; all are stopped at the end of the test."""
    started: list[Daemon] = []

    def start(config: dict[str, Any] | None = None, **rest_api: Any) -> Daemon:
        one = puppets.daemon(tmp_path / f"api-daemon{len(started)}", rest_api=rest_api, **(config or {}))
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the server's, and one of a client called `alice`; the authority of both."""

    authority: Path
    server: Path
    server_key: Path
    alice: Path
    alice_key: Path
    stranger: Path
    stranger_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made for this run."""
    directory = tmp_path_factory.mktemp("certificates")
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(directory / "authority.pem")
    issued = {
        "server": authority.issue_cert("localhost", "127.0.0.1"),
        "alice": authority.issue_cert("alice.example", common_name="alice"),
        "stranger": other.issue_cert("alice.example", common_name="alice"),
    }
    for name, certificate in issued.items():
        certificate.private_key_pem.write_to_path(directory / f"{name}.key")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(directory / f"{name}.pem", append=True)
    paths = [directory / f"{name}{suffix}" for name in issued for suffix in (".pem", ".key")]
    return Certificates(directory / "authority.pem", *paths)
