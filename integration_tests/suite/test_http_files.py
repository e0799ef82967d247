"""Contents, versions, diffs and pins of files, asked over HTTP from a real daemon."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from integration_tests.suite.helpers.api import FILE, client, guarded, problem, until, versions
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

TEXT = "".join(f"[section{n}]\nsecret = s{n:05d}x\nvalue = {n}\n\n" for n in range(7000))
MASKED = re.sub(r"secret = s\d+x", "secret = ********", TEXT)
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
            next(answer.iter_raw(1024))
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


class TestVersions:
    @pytest.fixture
    def daemon(self, api_daemon):
        return api_daemon(**guarded())

    @pytest.fixture
    def http(self, daemon):
        with client(daemon, "owner") as http:
            yield http

    def write(self, http, puppets, *contents: str) -> list[dict]:
        """Generate each of `contents`; the versions, the latest first."""
        for number, content in enumerate(contents, 1):
            puppets.tell("first", "say", content=content)
            http.post(FILE).raise_for_status()
            found = versions(http, len(set(contents[:number])))
        return found

    def test_each_distinct_content_is_kept_once(self, http, puppets):
        found = self.write(http, puppets, "a\n", "b\n", "a\n")
        until(lambda: http.get(f"{FILE}/versions").json()["items"][0]["size"] == 2)
        items = http.get(f"{FILE}/versions").json()["items"]
        assert len(found) == len(items) == 2
        assert [http.get(f"{FILE}/versions/{item['digest']}").text for item in items] == ["a\n", "b\n"]
        assert [item["current"] for item in items] == [True, False]
        assert items[0]["first_generated_at"] < items[0]["generated_at"]

    def test_only_the_last_versions_are_kept(self, puppets, api_daemon):
        with client(api_daemon(**guarded(max_versions=2)), "owner") as http:
            for text in ("a\n", "b\n", "c\n"):
                puppets.tell("first", "say", content=text)
                http.post(FILE)
                until(lambda t=text: http.get(f"{FILE}/versions").json()["items"][0]["digest"] == sha(t))
            assert [item["digest"] for item in versions(http, 2)] == [sha("c\n"), sha("b\n")]
            assert problem(http.get(f"{FILE}/versions/{sha(chr(97) + chr(10))}")) == (404, "no-such-version")

    def test_versions_are_bounded_in_bytes(self, puppets, api_daemon):
        noise = [hashlib.shake_256(bytes([n])).hexdigest(20_000) for n in range(4)]
        with client(api_daemon(**guarded(max_file_history_bytes=50_000)), "owner") as http:
            for text in noise:
                puppets.tell("first", "say", content=text)
                http.post(FILE)
                until(lambda t=text: http.get(f"{FILE}/versions").json()["items"][0]["digest"] == sha(t))
            assert [item["digest"] for item in versions(http, 2)] == [sha(noise[3]), sha(noise[2])]

    def test_a_version_is_sent_as_a_content_is(self, http, puppets, daemon):
        self.write(http, puppets, TEXT)
        path = f"{FILE}/versions/{sha(TEXT)}"
        assert http.get(path).text == TEXT
        assert gzip.decompress(raw(http, path, "gzip")).decode() == TEXT
        assert http.get(path, headers={"Range": "bytes=10-19"}).text == TEXT[10:20]
        etag = http.head(path).headers["etag"]
        assert http.get(path, headers={"If-None-Match": etag}).status_code == 304
        assert http.head(path).headers["confgend-state"] == "version"

    def test_who_may_not_read_secrets_gets_other_digests_and_masked_versions(self, http, puppets, daemon):
        self.write(http, puppets, TEXT, TEXT + "x = y\n")
        with client(daemon, "reader") as reader:
            items = versions(reader, 2)
            shown = [item["digest"] for item in items]
            assert not set(shown) & {sha(TEXT), sha(TEXT + "x = y\n")}
            assert reader.get(f"{FILE}/versions/{shown[1]}").text == MASKED
            assert problem(reader.get(f"{FILE}/versions/{sha(TEXT)}")) == (404, "no-such-version")
            assert reader.get(f"{FILE}/info").json()["digest"] == shown[0]
            assert reader.head(FILE).headers["confgend-digest"] == shown[0]

    def test_the_diff_of_two_versions_applies(self, http, puppets, tmp_path):
        old, new = "a\nb\nc\nd\ne\nf\ng\nh", "a\nB\nc\nd\ne\nf\ng\nh\ni\n"
        self.write(http, puppets, old, new)
        answer = http.get(f"{FILE}/diff", params={"from": sha(old), "to": sha(new), "context": "1"})
        assert answer.headers["content-type"] == "text/x-diff; charset=utf-8"
        assert answer.text.startswith("--- test/first.conf\t")
        (tmp_path / "file").write_text(old)
        subprocess.run(["patch", "--quiet", str(tmp_path / "file")], input=answer.content, check=True)
        assert (tmp_path / "file").read_text() == new

    def test_by_default_the_latest_is_compared_with_the_one_before(self, http, puppets):
        self.write(http, puppets, "a\n", "b\n", "c\n")
        lines = http.get(f"{FILE}/diff").text.splitlines()
        assert lines[2:] == ["@@ -1 +1 @@", "-b", "+c"]
        assert http.get(f"{FILE}/diff", params={"to": sha("b\n")}).text.splitlines()[3:] == ["-a", "+b"]

    def test_the_diff_of_a_version_with_itself_is_empty(self, http, puppets):
        self.write(http, puppets, "a\n")
        answer = http.get(f"{FILE}/diff")
        assert (answer.status_code, answer.text) == (200, "")

    def test_a_diff_with_what_is_not_kept_is_an_error(self, http, puppets):
        assert problem(http.get(f"{FILE}/diff")) == (404, "no-such-version")
        self.write(http, puppets, "a\n")
        assert problem(http.get(f"{FILE}/diff", params={"from": "0" * 64})) == (404, "no-such-version")

    def test_a_changed_secret_is_a_changed_line_without_the_secret(self, http, puppets, daemon):
        self.write(http, puppets, "[a]\nsecret = old8\nx = 1\n", "[a]\nsecret = new8\nx = 1\n")
        with client(daemon, "reader") as reader:
            lines = reader.get(f"{FILE}/diff").text.splitlines()
        assert lines[2:] == ["@@ -1,3 +1,3 @@", " [a]", "-secret = ********", "+secret = ********", " x = 1"]

    def test_losing_the_history_loses_no_file(self, http, puppets, daemon):
        self.write(http, puppets, "a\n", "b\n")
        for path in (daemon.cache / ".history").glob("history.sqlite*"):
            path.unlink()
        assert http.get(FILE).text == "b\n"
        assert [item["digest"] for item in versions(http, 1)] == [sha("b\n")]
        assert daemon.log.count("the history was lost: it begins anew") == 1

    @pytest.mark.parametrize("while_running", [True, False])
    def test_a_damaged_history_begins_anew(self, http, puppets, daemon, while_running):
        self.write(http, puppets, "a\n", "b\n")
        if not while_running:
            daemon.stop()
        for path in (daemon.cache / ".history").glob("history.sqlite*"):
            path.write_bytes(b"\xff" * 8192)
        if not while_running:
            daemon.start()
        assert http.get(FILE).text == "b\n"
        assert [item["digest"] for item in versions(http, 1)] == [sha("b\n")]
        assert daemon.log.count("it begins anew") == 1
        assert "Traceback" not in daemon.log

    def test_versions_survive_a_restart(self, http, puppets, daemon):
        self.write(http, puppets, "a\n", "b\n")
        daemon.stop()
        daemon.start()
        assert [item["digest"] for item in versions(http, 2)] == [sha("b\n"), sha("a\n")]

    def test_what_the_store_held_before_is_a_version(self, api_daemon, puppets, daemon):
        daemon.fetch("test/first.conf")
        daemon.stop()
        for path in (daemon.cache / ".history").glob("history.sqlite*"):
            path.unlink()
        daemon.start()
        with client(daemon, "auditor") as http:
            assert versions(http, 1)[0]["digest"] == sha("first\n")

    def test_the_history_is_not_for_other_accounts(self, http, puppets, daemon):
        self.write(http, puppets, "a\n")
        http.put(f"{FILE}/pin", json={"digest": sha("a\n")})
        for path in (daemon.cache / ".history").rglob("*"):
            assert path.stat().st_mode & 0o007 == 0, path


class TestPins:
    @pytest.fixture
    def daemon(self, api_daemon):
        return api_daemon(**guarded())

    @pytest.fixture
    def http(self, daemon, puppets):
        """Version `old` is pinned, `new` is the latest."""
        with client(daemon, "owner") as http:
            for content in ("old\n", "new\n"):
                puppets.tell("first", "say", content=content)
                http.post(FILE)
                until(lambda c=content: http.get(f"{FILE}/versions").json()["items"][:1] and
                      http.get(f"{FILE}/versions").json()["items"][0]["digest"] == sha(c))  # fmt: skip
            answer = http.put(f"{FILE}/pin", json={"digest": sha("old\n"), "reason": "emergency"})
            assert answer.status_code == 200
            yield http

    def test_the_pinned_version_is_served_by_both_protocols(self, http, daemon):
        fetched = daemon.fetch("test/first.conf")
        assert (fetched.text, fetched.state) == ("old\n", "stale")
        assert daemon.fetch("test/first.conf", "cached").text == "old\n"
        answer = http.get(FILE)
        assert (answer.text, answer.headers["confgend-state"]) == ("old\n", "pinned")

    def test_the_pin_says_who_and_why(self, http):
        pin = http.get(f"{FILE}/pin").json()
        assert (pin["digest"], pin["pinned_by"], pin["reason"], pin["size"]) == (sha("old\n"), "owner", "emergency", 4)
        assert http.get(f"{FILE}/info").json()["pin"] == pin
        assert [item["pinned"] for item in versions(http, 2)] == [False, True]

    def test_unpinning_serves_what_is_generated(self, http, daemon):
        assert http.delete(f"{FILE}/pin").status_code == 204
        assert daemon.fetch("test/first.conf").text == "new\n"
        assert http.delete(f"{FILE}/pin").status_code == 204
        assert list((daemon.cache / ".history/pinned").rglob("*.json")) == []

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
    def test_a_pin_survives_the_end_of_the_daemon(self, http, daemon, how):
        daemon.stop(how)
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"

    def test_a_pin_survives_the_loss_of_the_history(self, http, daemon):
        daemon.stop()
        for path in (daemon.cache / ".history").glob("history.sqlite*"):
            path.unlink()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"
        assert http.get(f"{FILE}/pin").json()["reason"] == "emergency"
        daemon.stop()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"

    def test_a_pin_holds_without_the_api(self, http, daemon):
        daemon.config["rest_api"]["enabled"] = False
        daemon.stop()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"

    def test_a_pin_survives_a_reload_and_the_outage_of_a_driver(self, http, daemon, puppets):
        puppets.tell("first", "exit", status=1)
        daemon.reload()
        assert daemon.fetch("test/first.conf").text == "old\n"

    def test_another_pin_takes_the_place_of_the_first(self, http, daemon):
        http.put(f"{FILE}/pin", json={"digest": sha("new\n")})
        assert daemon.fetch("test/first.conf").text == "new\n"
        assert len([p for p in (daemon.cache / ".history/pinned").rglob("*") if p.is_file()]) == 2

    def test_a_pinned_version_is_not_forgotten_with_the_old_ones(self, http, daemon, puppets):
        daemon.config["rest_api"]["max_versions"] = 1
        daemon.reload()
        puppets.tell("first", "say", content="newest\n")
        http.post(FILE)
        until(lambda: http.get(f"{FILE}/versions").json()["items"][0]["digest"] == sha("newest\n"))
        assert [item["digest"] for item in versions(http, 2)] == [sha("newest\n"), sha("old\n")]

    def test_a_pinned_content_that_was_lost_is_generated_and_said(self, http, daemon):
        (daemon.cache / ".history/pinned/test/first.conf" / sha("old\n")).unlink()
        assert daemon.fetch("test/first.conf").text == "new\n"
        assert "the pinned version cannot be read" in daemon.log
        daemon.stop()
        daemon.start()
        assert daemon.fetch("test/first.conf").text == "old\n"

    def test_who_may_not_read_secrets_pins_by_the_digest_he_was_told(self, http, daemon):
        with client(daemon, "operator") as operator:
            shown = versions(operator, 2)[0]["digest"]
            assert operator.put(f"{FILE}/pin", json={"digest": shown}).json()["digest"] == shown
        assert http.get(f"{FILE}/pin").json()["digest"] == sha("new\n")

    def test_a_regeneration_goes_past_the_pin(self, http, daemon, puppets):
        puppets.tell("first", "say", content="newest\n")
        assert http.post(FILE).json()["size"] == 7
        assert daemon.fetch("test/first.conf").text == "old\n"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def raw(http: httpx.Client, path: str, encoding: str) -> bytes:
    with http.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        return b"".join(answer.iter_raw())


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


def memory(daemon: Daemon) -> int:
    """Resident bytes of the daemon's own process."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10
