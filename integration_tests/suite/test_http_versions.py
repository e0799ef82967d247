"""Versions, diffs and pins of files, asked over HTTP from a real daemon."""

from __future__ import annotations

import gzip
import hashlib
import signal
import subprocess

import pytest

from integration_tests.suite.helpers.api import FILE, MASKED, TEXT, client, guarded, problem, raw, sha, until, versions


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

    def test_a_pinned_content_that_was_removed_is_written_again(self, http, daemon):
        path = daemon.cache / ".history/pinned/test/first.conf" / sha("old\n")
        path.unlink()
        assert daemon.fetch("test/first.conf").text == "old\n"
        until(lambda: "the pinned content was removed from the disk, it was written again" in daemon.log)
        assert path.read_text() == "old\n"
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
