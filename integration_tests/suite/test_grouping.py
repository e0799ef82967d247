"""Many who ask for one file at once cost two generations at most, and nobody gets what is older than his question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from integration_tests.suite.helpers.items import ITEMS, Items
from integration_tests.suite.helpers.puppets import Puppets, unread, wait_until
from xivo_confgend.testing.daemon import Daemon, Fetched, read_framed

StartDaemon = Callable[..., Daemon]
CLIENTS = 500


def fetch_at_once(daemon: Daemon, puppets: Puppets, name: str, count: int = CLIENTS) -> list[Fetched]:
    """`count` connections are made, all of them ask; when the daemon has read the last request, `name` is released."""

    async def fetch_all() -> list[Fetched]:
        connections = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(count)]
        for _, writer in connections:
            writer.write(f"test/{name}.conf framed\n".encode())
            await writer.drain()
        await asyncio.to_thread(wait_until, lambda: not unread(daemon), "the last request")
        puppets.release(name)
        answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
        for _, writer in connections:
            writer.close()
        return [read_framed(answer) for answer in answers]

    return asyncio.run(fetch_all())


def test_500_clients_at_once_cost_two_generations(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    puppets.tell("first", "hold", content="once\n")

    answers = fetch_at_once(daemon, puppets, "first")

    assert {(answer.state, answer.text) for answer in answers} == {("fresh", "once\n")}
    assert puppets.runs("first") <= 2


def test_500_clients_at_once_cost_two_generations_of_a_deterministic_driver(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS, hold=True)

    first = fetch_at_once(daemon, puppets, "rows")
    items.run("UPDATE item SET value = 'changed' WHERE id = 1")
    puppets.tell("rows", "ask", statement=ITEMS, hold=True)
    second = fetch_at_once(daemon, puppets, "rows")

    assert {answer.text for answer in first} == {"1 one\n2 two\n"}
    assert {answer.text for answer in second} == {"1 changed\n2 two\n"}
    assert puppets.runs("rows") <= 4


def test_500_clients_share_one_failure(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon(generation_timeout=1)
    puppets.tell("first", "sleep", seconds=30)

    answers = fetch_at_once(daemon, puppets, "first")

    assert {answer.code for answer in answers} == {503}
    assert puppets.runs("first") <= 2


@pytest.mark.parametrize("name", ["first", "rows"])
def test_a_request_that_arrives_during_a_run_gets_the_next_one(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items, name: str
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell(name, "ask", statement=ITEMS, hold=True)
    with daemon.connect() as early, daemon.connect() as late:
        early.sendall(f"test/{name}.conf\n".encode())
        puppets.wait_until_held(name)
        items.run("UPDATE item SET value = 'meanwhile' WHERE id = 1")
        late.sendall(f"test/{name}.conf\n".encode())
        wait_until(lambda: not unread(daemon), "the late request")
        puppets.release(name)

        answer = late.makefile("rb").read()

    assert answer == b"1 meanwhile\n2 two\n"
    assert puppets.runs(name) == 2


def test_a_request_that_arrives_during_a_run_on_an_unchanged_database_gets_that_one(
    puppets: Puppets, puppet_daemon: StartDaemon, items: Items
) -> None:
    daemon = puppet_daemon(db_uri=items.uri)
    puppets.tell("rows", "ask", statement=ITEMS)
    daemon.fetch("test/rows.conf")
    items.run("UPDATE item SET value = 'changed' WHERE id = 1")
    puppets.tell("rows", "ask", statement=ITEMS, hold=True)

    answers = fetch_at_once(daemon, puppets, "rows", 50)

    assert {answer.text for answer in answers} == {"1 changed\n2 two\n"}
    assert puppets.runs("rows") == 2


def test_cached_never_waits(puppets: Puppets, puppet_daemon: StartDaemon) -> None:
    daemon = puppet_daemon()
    daemon.fetch("test/first.conf")
    puppets.tell("first", "hold", content="")
    with daemon.connect() as waiting:
        waiting.sendall(b"test/first.conf\n")
        puppets.wait_until_held("first")

        assert daemon.fetch("test/first.conf", "cached").text == "first\n"
