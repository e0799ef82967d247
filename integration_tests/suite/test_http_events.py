"""Server-sent events, metrics, drivers and configuration, asked from a real daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import pytest

from integration_tests.suite.helpers.api import FILE, TOKENS, client, events, guarded, until
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

EVENTS = "/1.0/events"


@pytest.fixture(scope="module")
def one_puppets(tmp_path_factory) -> Puppets:
    return Puppets(tmp_path_factory.mktemp("events") / "puppets")


@pytest.fixture(scope="module")
def one_daemon(one_puppets, tmp_path_factory, postgresql) -> Iterator[Daemon]:
    """One daemon for the tests that only look at it; its database is there."""
    secret = {"db_uri": postgresql.create_database("http_events").replace("postgres@", "postgres:hidden-7@"),
              "hat": {"password": "hidden-8", "size": 7}}  # fmt: skip
    with one_puppets.daemon(tmp_path_factory.mktemp("one"), rest_api=guarded(), **secret) as daemon:
        yield daemon


@pytest.fixture
def http(one_daemon):
    with client(one_daemon, "owner") as http:
        yield http


class TestEvents:
    @pytest.fixture
    def daemon(self, api_daemon):
        return api_daemon(**guarded())

    @pytest.fixture
    def listening(self, daemon):
        """The events of an owner's stream."""
        with client(daemon, "owner") as http, http.stream("GET", EVENTS) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = events(answer)
            assert next(stream).event == "hello"
            yield stream

    def test_a_generation_is_told_from_begin_to_end(self, daemon, listening):
        daemon.fetch("test/first.conf")
        begin, end, version = (next(listening) for _ in range(3))
        assert [begin.event, end.event, version.event] == ["started", "generated", "version"]
        assert (begin.data["file"]["name"], begin.data["file"]["generating"]) == ("test/first.conf", True)
        assert (end.data["changed"], end.data["file"]["state"], end.data["file"]["size"]) == (True, "fresh", 6)
        assert not end.data["file"]["generating"]

    def test_a_content_that_stays_the_same_is_told_as_unchanged(self, daemon, listening):
        daemon.fetch("test/first.conf")
        daemon.fetch("test/first.conf")
        told = [event for event in islice(listening, 5) if event.event == "generated"]
        assert [event.data["changed"] for event in told] == [True, False]

    def test_failures_are_told_apart_by_whether_there_is_a_last_good_content(self, daemon, listening, puppets):
        puppets.tell("first", "fail", message="no hat")
        daemon.fetch("test/first.conf")
        puppets.tell("first", "say", content="hat\n")
        daemon.fetch("test/first.conf")
        puppets.tell("first", "fail", message="lost again")
        daemon.fetch("test/first.conf")
        told = [event for event in islice(listening, 7) if event.event not in ("started", "version")]
        assert [event.event for event in told] == ["failed", "generated", "stale"]
        assert "lost again" in told[2].data["reason"]
        assert told[2].data["file"]["state"] == "stale"

    def test_what_operators_do_is_told(self, daemon, listening):
        with client(daemon, "owner") as http:
            http.post(FILE)
            digest = until(lambda: http.get(f"{FILE}/versions").json()["items"])[0]["digest"]
            http.put(f"{FILE}/pin", json={"digest": digest})
            http.delete(f"{FILE}/pin")
            http.delete(f"{FILE}/pin")
            http.delete(FILE)
        kinds = [event.event for event in islice(listening, 6)]
        assert kinds == ["started", "generated", "version", "pinned", "unpinned", "invalidated"]

    def test_an_invalidation_by_the_old_protocol_is_told(self, daemon, listening):
        daemon.ask(b"test/first.conf invalidate\n")
        assert next(listening).event == "invalidated"

    def test_who_may_not_read_secrets_is_told_other_digests(self, daemon, listening):
        with client(daemon, "reader") as http, http.stream("GET", EVENTS) as answer:
            stream = events(answer)
            next(stream)
            daemon.fetch("test/first.conf")
            masked = [next(stream) for _ in range(2)][1].data["file"]["digest"]
            assert masked == client(daemon, "reader").get(f"{FILE}/info").json()["digest"]
        assert masked != [next(listening) for _ in range(2)][1].data["file"]["digest"]

    def test_a_listener_who_comes_back_gets_what_he_missed(self, daemon, listening):
        daemon.fetch("test/first.conf")
        first = next(listening)
        rest = [next(listening).id for _ in range(2)]
        with (
            client(daemon, "owner") as http,
            http.stream("GET", EVENTS, headers={"Last-Event-ID": first.id}) as answer,
        ):
            again = list(islice(events(answer), 3))
        assert [again[0].event, *(event.id for event in again[1:])] == ["hello", *rest]

    @pytest.mark.parametrize("last", ["00000000-1", "nonsense", "ffffffff-999999999999"])
    def test_a_listener_who_missed_too_much_is_told_to_begin_anew(self, one_daemon, last):
        with (
            client(one_daemon, "owner") as http,
            http.stream("GET", EVENTS, headers={"Last-Event-ID": last}) as answer,
        ):
            assert next(events(answer)).event == "reset"

    def test_a_reload_ends_the_streams_so_that_rights_are_asked_for_again(self, daemon, listening):
        daemon.reload()
        assert [event.event for event in listening] == ["reloaded"]

    def test_too_many_listeners_are_refused(self, daemon):
        with client(daemon, "owner", limits=httpx.Limits(max_connections=None)) as http:
            streams = [http.stream("GET", EVENTS) for _ in range(101)]
            answers = [stream.__enter__() for stream in streams]
            assert [answer.status_code for answer in answers] == [200] * 100 + [503]
            for stream in streams:
                stream.__exit__(None, None, None)
            until(lambda: http.get("/1.0/status") and http.stream("GET", EVENTS).__enter__().status_code == 200)

    def test_head_does_not_listen(self, http):
        assert http.head(EVENTS).status_code == 200


class TestMetrics:
    def test_requests_and_generations_are_counted(self, http, one_daemon, one_puppets):
        one_puppets.tell("second", "say", content="x\n")
        one_daemon.fetch("test/second.conf")
        one_daemon.fetch("test/second.conf", "cached")
        one_puppets.tell("second", "fail", message="x")
        one_daemon.fetch("test/second.conf")
        text = http.get("/1.0/metrics").text
        for result in ("fresh", "cached", "stale"):
            assert f'confgend_requests_total{{file="test/second.conf",result="{result}"}} 1.0' in text
        assert 'confgend_generations_total{file="test/second.conf",result="changed"} 1.0' in text
        assert 'confgend_generations_total{file="test/second.conf",result="failed"} 1.0' in text
        assert 'confgend_stale_answers_total{file="test/second.conf"} 1.0' in text
        assert 'confgend_generation_seconds_count{file="test/second.conf"} 1.0' in text
        assert 'confgend_group_size_sum{file="test/second.conf"} 2.0' in text
        assert 'confgend_file_bytes{file="test/second.conf"} 2.0' in text
        for name in ("worker_restarts_total", "store_bytes", "connections", "workers_busy", "statements_total"):
            assert re.search(rf"^confgend_{name}", text, re.MULTILINE), name
        assert "process_resident_memory_bytes" in text

    def test_names_that_clients_invent_are_not_labels(self, http, one_daemon):
        for number in range(20):
            one_daemon.fetch(f"test/invented{number}.conf")
        assert "invented" not in http.get("/1.0/metrics").text
        assert 'confgend_requests_total{file="other",result="error"}' in http.get("/1.0/metrics").text

    def test_the_format_is_negotiated(self, http):
        assert http.get("/1.0/metrics").headers["content-type"].startswith("text/plain")
        answer = http.get("/1.0/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.text.endswith("# EOF\n")

    def test_the_last_hour_is_there_for_charts(self, http, one_daemon):
        one_daemon.fetch("test/third.conf")
        recent = http.get("/1.0/metrics/recent").json()
        assert recent["interval"] == 60
        requests = sum(sum(point["requests"].values()) for point in recent["points"])
        generations = [g for point in recent["points"] for g in point["generations"] if g["file"] == "test/third.conf"]
        assert requests >= 1
        assert generations[0]["succeeded"] == 1 and generations[0]["seconds"]["mean"] > 0


class TestDriversAndConfiguration:
    def test_drivers_are_listed_with_what_is_wrong_with_them(self, http):
        items = {item["file"]: item for item in http.get("/1.0/drivers").json()["items"]}
        first, broken = items["test/first.conf"], items["broken/import.conf"]
        assert (first["chosen"], first["problem"], first["package"]["name"]) == (True, None, "ill_behaved")
        assert "a_module_that_nobody_has" in broken["problem"]

    def test_drivers_are_not_imported_by_the_daemon_itself(self, http, one_daemon, one_puppets):
        http.get("/1.0/drivers")
        assert str(one_puppets.path / "ill_behaved.py") not in Path(f"/proc/{one_daemon.pid}/maps").read_text()

    @pytest.mark.parametrize("account", [a for a, permissions in TOKENS.items() if "read" in permissions])
    def test_the_configuration_has_origins_and_no_secrets(self, one_daemon, account):
        answer = client(one_daemon, account).get("/1.0/config")
        items = {tuple(item["path"]): item for item in answer.json()["items"]}
        assert items[("hat", "size")] == {"path": ["hat", "size"], "value": 7, "origin": str(one_daemon.config_file)}
        assert items[("workers",)]["origin"] == "default"
        assert items[("hat", "password")]["value"] == "********"
        assert "hidden-" not in answer.text
        assert one_daemon.config["rest_api"]["tokens"][0]["sha256"] not in answer.text
