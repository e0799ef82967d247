"""Contents of files and operations on them, asked over HTTP from a real daemon."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from integration_tests.suite.helpers.api import FILE, MASKED, TEXT, client, guarded, problem, until
from integration_tests.suite.helpers.puppets import Puppets, memory
from xivo_confgend.testing.daemon import Daemon

SECRETS = re.compile(r"s\d{5}x")


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Daemon]:
    """A daemon whose `test/first.conf` is `TEXT`, for tests that leave it as it is."""
    directory = tmp_path_factory.mktemp("contents")
    puppets = Puppets(directory / "puppets")
    puppets.tell("first", "say", content=TEXT)
    puppets.tell("second", "say", content="")
    puppets.tell("third", "fail", message="no such hat")
    with puppets.daemon(directory / "daemon", rest_api=guarded()) as daemon:
        yield daemon


@pytest.fixture(params=["reader", "auditor"])
def http(shared, request) -> Iterator[httpx.Client]:
    """One who may not read secrets and one who may."""
    with client(shared, request.param) as http:
        http.expected = MASKED if request.param == "reader" else TEXT
        yield http


class TestContent:
    def test_the_content_is_that_of_the_tcp_port(self, shared):
        with client(shared, "auditor") as http:
            assert http.get(FILE).text == shared.fetch("test/first.conf").text == TEXT

    def test_secrets_are_masked_for_who_may_not_read_them(self, http):
        answer = http.get(FILE)
        assert answer.text == http.expected
        assert answer.headers["confgend-masked"] == ("true" if http.expected == MASKED else "false")

    def test_the_facts_are_in_the_headers(self, shared):
        with client(shared, "auditor") as http:
            headers = http.get(FILE).headers
        assert headers["confgend-state"] == "fresh"
        assert headers["confgend-digest"] == hashlib.sha256(TEXT.encode()).hexdigest()
        assert headers["confgend-size"] == headers["content-length"] == str(len(TEXT))
        assert headers["confgend-lines"] == str(TEXT.count("\n"))
        assert headers["content-type"] == "text/plain; charset=utf-8"

    def test_a_content_with_secrets_is_not_kept_by_caches(self, http):
        expected = "private, no-cache" if http.expected == MASKED else "no-store"
        assert http.get(FILE).headers["cache-control"] == expected

    @pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
    def test_an_encoding_is_negotiated(self, http, encoding):
        with http.stream("GET", FILE, headers={"Accept-Encoding": encoding}) as answer:
            body = b"".join(answer.iter_raw())
            assert answer.headers.get("content-encoding", "identity") == encoding
        decode = {"identity": bytes, "gzip": gzip.decompress, "zstd": unzstd}[encoding]
        assert decode(body).decode() == http.expected

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("gzip, zstd", "zstd"),
            ("gzip;q=1, zstd;q=0.5", "gzip"),
            ("*", "zstd"),
            ("br", "identity"),
            ("", "identity"),
            ("gzip;q=0", "identity"),
            ("identity;q=0.5, gzip;q=0.1", "identity"),
            ("GZIP", "gzip"),
            ("*;q=0.5, gzip", "gzip"),
        ],
    )
    def test_the_best_encoding_is_chosen(self, http, header, expected):
        answer = http.head(FILE, headers={"Accept-Encoding": header})
        assert answer.headers.get("content-encoding", "identity") == expected
        assert "Accept-Encoding" in answer.headers["vary"]

    def test_no_acceptable_encoding_is_an_error(self, http):
        answer = http.get(FILE, headers={"Accept-Encoding": "identity;q=0, br"})
        assert problem(answer) == (406, "not-acceptable")

    @pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
    def test_an_unchanged_content_is_not_sent_again(self, http, encoding):
        accept = {"Accept-Encoding": encoding}
        etag = http.head(FILE, headers=accept).headers["etag"]
        answer = http.get(FILE, headers={**accept, "If-None-Match": f'"other", W/{etag}'})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert http.get(FILE, headers={**accept, "If-None-Match": '"other"'}).status_code == 200

    def test_every_representation_has_its_own_validator(self, shared):
        with client(shared, "reader") as reader, client(shared, "auditor") as auditor:
            etags = {
                http.head(FILE, headers={"Accept-Encoding": encoding}).headers["etag"]
                for http in (reader, auditor)
                for encoding in ("identity", "gzip", "zstd")
            }
        assert len(etags) == 6
        assert not any(etag.startswith("W/") for etag in etags)

    def test_head_is_get_without_the_content(self, http):
        get, head = http.get(FILE), http.head(FILE)
        assert head.content == b""
        for name in ("etag", "content-type", "confgend-digest", "confgend-state"):
            assert head.headers[name] == get.headers[name]

    @pytest.mark.parametrize(
        ("asked", "part"),
        [
            ("bytes=0-0", slice(0, 1)),
            ("bytes=10-99", slice(10, 100)),
            ("bytes=65530-65600", slice(65530, 65601)),
            ("bytes=100000-", slice(100000, None)),
            ("bytes=-7", slice(-7, None)),
            ("bytes=5-99999999", slice(5, None)),
            ("bytes=-99999999", slice(0, None)),
        ],
    )
    def test_a_range_of_the_identity_encoding(self, http, asked, part):
        answer = http.get(FILE, headers={"Range": asked, "Accept-Encoding": "gzip"})
        expected = http.expected[part]
        assert answer.status_code == 206
        assert answer.text == expected
        first, last, size = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers["content-range"]).groups()
        assert (int(last) - int(first) + 1, int(size)) == (len(expected), len(http.expected))

    @pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
    def test_a_range_outside_of_the_content_is_an_error(self, http, asked):
        answer = http.get(FILE, headers={"Range": asked})
        assert problem(answer) == (416, "range-not-satisfiable")
        assert answer.headers["content-range"] == f"bytes */{len(http.expected)}"

    @pytest.mark.parametrize(
        "asked", ["bytes=0-1,3-4", "bytes=x", "lines=1-2", "bytes=-", "bytes=5-1x", "bytes", "bytes=9-5"]
    )
    def test_a_range_that_is_not_understood_is_ignored(self, http, asked):
        answer = http.get(FILE, headers={"Range": asked})
        assert (answer.status_code, answer.text) in [(200, http.expected)]

    def test_a_range_of_another_content_is_ignored(self, http):
        etag = http.head(FILE).headers["etag"]
        assert http.get(FILE, headers={"Range": "bytes=0-4", "If-Range": etag}).status_code == 206
        assert http.get(FILE, headers={"Range": "bytes=0-4", "If-Range": '"other"'}).status_code == 200

    def test_an_empty_content_is_a_content(self, http):
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            answer = http.get("/1.0/files/test/second.conf", headers=headers)
            assert (answer.status_code, answer.text) == (200, "")

    def test_a_failed_generation_is_a_problem(self, http):
        answer = http.get("/1.0/files/test/third.conf")
        assert problem(answer) == (503, "generation-failed")
        assert "no such hat" in answer.json()["detail"]

    def test_a_file_that_the_reader_does_not_take_is_not_held_in_memory(self, shared, puppets, api_daemon):
        puppets.tell("first", "grow", megabytes=64)
        daemon = api_daemon(**guarded())
        daemon.fetch("test/first.conf")
        before = memory(daemon)
        with client(daemon, "auditor") as http:
            streams = [http.stream("GET", f"{FILE}?cached=true") for _ in range(5)]
            answers = [stream.__enter__() for stream in streams]
            pieces = [next(answer.iter_raw(1024)) for answer in answers]
            time.sleep(0.5)
            assert all(pieces)
            assert memory(daemon) - before < 20 << 20
            for stream in streams:
                stream.__exit__(None, None, None)

    def test_a_reader_who_goes_leaves_no_process_behind(self, puppets, api_daemon):
        puppets.tell("first", "grow", megabytes=64)
        daemon = api_daemon(**guarded())
        daemon.fetch("test/first.conf")

        def masking() -> list[int]:
            commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in daemon.workers()}
            return [pid for pid, path in commands.items() if path.exists() and b"masking" in path.read_bytes()]

        with client(daemon, "reader") as http, http.stream("GET", f"{FILE}?cached=true") as answer:
            # Kept: an iterator that nobody holds closes the connection.
            pieces = answer.iter_raw(1024)
            next(pieces)
            until(masking)
        until(lambda: not masking())
        assert "Traceback" not in daemon.log


class TestOperations:
    @pytest.fixture
    def daemon(self, api_daemon):
        return api_daemon(**guarded())

    @pytest.fixture
    def http(self, daemon):
        with client(daemon, "owner") as http:
            yield http

    def test_regenerating_generates_whatever_is_known(self, http, puppets):
        http.get(FILE)
        facts = http.post(FILE).json()
        assert puppets.runs("first") == 2
        assert (facts["state"], facts["size"], facts["last_error"]) == ("fresh", 6, None)

    def test_a_regeneration_that_fails_says_why_although_there_is_a_last_good_content(self, http, puppets):
        http.get(FILE)
        puppets.tell("first", "fail", message="hat lost")
        answer = http.post(FILE)
        assert problem(answer) == (503, "generation-failed")
        assert "hat lost" in answer.json()["detail"]
        assert http.get(FILE).headers["confgend-state"] == "stale"
        info = http.get(f"{FILE}/info").json()
        assert (info["state"], info["size"]) == ("stale", 6)
        assert "hat lost" in info["last_error"]

    def test_cached_is_answered_from_the_store(self, http, puppets):
        http.get(FILE)
        puppets.tell("first", "say", content="other\n")
        answer = http.get(FILE, params={"cached": "true"})
        assert (answer.text, answer.headers["confgend-state"]) == ("first\n", "cached")
        assert http.get(FILE, params={"cached": "false"}).text == "other\n"

    def test_cached_without_a_stored_content_generates(self, http):
        assert http.get(FILE, params={"cached": "true"}).headers["confgend-state"] == "fresh"

    def test_invalidating_forgets_the_stored_content(self, http, daemon):
        http.get(FILE)
        assert http.delete(FILE).status_code == 204
        assert http.get(f"{FILE}/info").json()["state"] == "none"
        assert not (daemon.cache / "test/first.conf").exists()
        assert http.delete(FILE).status_code == 204

    def test_the_list_can_be_narrowed(self, http):
        http.get(FILE)
        everything = http.get("/1.0/files").json()
        assert everything["total"] == len(everything["items"]) > 5
        names = [item["name"] for item in everything["items"]]
        assert names == sorted(names)
        fresh = http.get("/1.0/files", params={"resource": "test", "state": "fresh"}).json()
        assert [item["name"] for item in fresh["items"]] == ["test/first.conf"]

    def test_a_file_that_is_being_generated_says_so(self, http, puppets):
        puppets.tell("first", "sleep", seconds=1, content="slept\n")
        asking = threading.Thread(target=http.get, args=[FILE])
        asking.start()
        until(lambda: http.get(f"{FILE}/info").json()["generating"])
        asking.join()
        assert not http.get(f"{FILE}/info").json()["generating"]

    def test_every_operation_is_in_the_audit_log(self, http, daemon):
        http.post(FILE)
        http.delete(FILE)
        client(daemon, "reader").post(FILE)
        client(daemon).get(FILE)
        entries = until(lambda: (a := http.get("/1.0/audit").json())["total"] == 4 and a)["items"]
        assert [(e["who"], e["method"], e["operation"], e["path"], e["status"]) for e in entries] == [
            (None, "none", "GET", FILE, 401),
            ("reader", "token", "POST", FILE, 403),
            ("owner", "token", "DELETE", FILE, 204),
            ("owner", "token", "POST", FILE, 200),
        ]
        assert all(entry["origin"].startswith("127.0.0.1") for entry in entries)
        assert [e["who"] for e in http.get("/1.0/audit?limit=1&offset=2").json()["items"]] == ["owner"]

    def test_a_client_that_goes_while_it_waits_leaves_nothing_behind(self, http, puppets, daemon):
        puppets.tell("first", "sleep", seconds=0.5, content="slept\n")
        with pytest.raises(httpx.ReadTimeout):
            http.get(FILE, timeout=0.1)
        until(lambda: http.get(f"{FILE}/info").json()["state"] == "fresh")
        assert "Traceback" not in daemon.log


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
