"""The queues of those who listen to events: bounded, in order, with a sign of life."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from xivo_confgend.http_problems import Problem
from xivo_confgend.names import FileName
from xivo_confgend.plugins.events import services
from xivo_confgend.plugins.events.services import KEEP_ALIVE, MOST_KEPT, MOST_WAITING, SIGN_OF_LIFE, EventStream

FILE = FileName("asterisk", "pjsip.conf")


class Facts:
    """Describes every file in one word."""

    def describe(self, name: FileName, secrets: bool) -> dict[str, Any]:
        return {"name": str(name), "digest": "open" if secrets else "keyed"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock: Clock) -> EventStream:
    return EventStream(clock, Facts())


def now(coroutine: Coroutine[Deferred[Any], Any, bytes]) -> bytes:
    """The result of a coroutine that does not wait."""
    results: list[bytes] = []
    ensureDeferred(coroutine).addCallback(results.append)
    return results[0]


def kinds(data: bytes) -> list[str]:
    return [line.removeprefix("event: ") for line in data.decode().splitlines() if line.startswith("event: ")]


def last_id(data: bytes) -> str:
    return [line.removeprefix("id: ") for line in data.decode().splitlines() if line.startswith("id: ")][-1]


def test_the_first_event_is_a_greeting(stream):
    assert kinds(now(stream.listen("", secrets=True).next())) == ["hello"]


def test_events_come_in_their_order(stream):
    listening = stream.listen("", secrets=True)
    stream.started(FILE)
    stream.invalidated(FILE)
    assert kinds(now(listening.next())) == ["hello", "started", "invalidated"]


def test_each_listener_sees_what_he_may(stream):
    for secrets, digest in ((True, "open"), (False, "keyed")):
        listening = stream.listen("", secrets)
        stream.started(FILE)
        data = now(listening.next()).decode().split("data: ")[-1]
        assert json.loads(data)["file"]["digest"] == digest


def test_who_waits_is_woken_by_an_event(stream):
    listening = stream.listen("", secrets=True)
    now(listening.next())
    waiting = ensureDeferred(listening.next())
    assert not waiting.called
    stream.started(FILE)
    assert kinds(waiting.result) == ["started"]


def test_where_nothing_happens_there_is_a_sign_of_life(stream, clock):
    listening = stream.listen("", secrets=True)
    now(listening.next())
    waiting = ensureDeferred(listening.next())
    clock.advance(KEEP_ALIVE)
    assert waiting.result == SIGN_OF_LIFE


def test_no_timer_is_left_behind(stream, clock):
    listening = stream.listen("", secrets=True)
    now(listening.next())
    ensureDeferred(listening.next())
    stream.started(FILE)
    assert clock.getDelayedCalls() == []


def test_who_does_not_read_is_told_to_begin_anew_and_keeps_no_more_than_the_bound(stream):
    listening = stream.listen("", secrets=True)
    for _ in range(3 * MOST_WAITING):
        stream.started(FILE)
    waiting = kinds(now(listening.next()))
    assert waiting[0] == "reset"
    assert len(waiting) <= MOST_WAITING


def test_who_comes_back_gets_what_he_missed(stream):
    listening = stream.listen("", secrets=True)
    stream.started(FILE)
    seen = last_id(now(listening.next()))
    stream.leave(listening)
    stream.invalidated(FILE)
    assert kinds(now(stream.listen(seen, secrets=True).next())) == ["hello", "invalidated"]


def test_who_missed_nothing_is_only_greeted(stream):
    stream.started(FILE)
    seen = last_id(now(stream.listen("", secrets=True).next()))
    assert kinds(now(stream.listen(seen, secrets=True).next())) == ["hello"]


def test_who_missed_more_than_is_kept_begins_anew(stream):
    seen = last_id(now(stream.listen("", secrets=True).next()))
    for _ in range(MOST_KEPT + 1):
        stream.started(FILE)
    assert kinds(now(stream.listen(seen, secrets=True).next())) == ["reset"]


def test_a_reload_ends_all_streams(stream):
    listening = stream.listen("", secrets=True)
    stream.reload()
    assert kinds(now(listening.next())) == ["hello", "reloaded"]
    assert now(listening.next()) == b""


def test_the_number_of_listeners_is_bounded(stream, monkeypatch):
    monkeypatch.setattr(services, "MOST_LISTENERS", 1)
    first = stream.listen("", secrets=True)
    with pytest.raises(Problem) as refused:
        stream.listen("", secrets=True)
    assert refused.value.kind == "too-many-listeners"
    stream.leave(first)
    stream.listen("", secrets=True)
