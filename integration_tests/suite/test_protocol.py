"""The wire protocol of docs/spec/30-daemon.md section 1, and what `framed` adds to it, over real sockets."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Iterable
from contextlib import suppress

import pytest

from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

SECOND = b"second\n"


def slowly(text: bytes, pause: float = 0.003) -> Iterable[bytes]:
    """`text` byte by byte."""
    for byte in text:
        yield bytes([byte])
        time.sleep(pause)


class TestARequest:
    """Ends with a newline, with the end of input or with a short silence."""

    def test_without_newline_is_answered_after_a_short_silence(self, shared: Daemon) -> None:
        assert shared.ask(b"test/second.conf") == SECOND

    def test_with_newline_is_answered(self, shared: Daemon) -> None:
        assert shared.ask(b"test/second.conf\n") == SECOND

    @pytest.mark.parametrize("end", [b"\n", b"", b" cached\n"], ids=["newline", "silence", "argument"])
    def test_may_come_byte_by_byte(self, shared: Daemon, end: bytes) -> None:
        assert shared.ask(slowly(b"test/second.conf" + end)) == SECOND

    def test_may_come_slower_than_the_silence_that_ends_one(self, shared: Daemon) -> None:
        assert shared.ask(slowly(b"test/second.conf\n", 0.05)) == SECOND

    @pytest.mark.parametrize("end", [b"\n", b""], ids=["newline", "end of input"])
    def test_may_be_the_last_that_a_client_sends(self, shared: Daemon, end: bytes) -> None:
        assert shared.ask(b"test/second.conf" + end, half_close=True) == SECOND

    def test_that_never_begins_before_the_end_of_input_is_not_answered(self, shared: Daemon) -> None:
        with shared.connect() as connection:
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""

    def test_is_the_first_line_and_nothing_after_it_counts(self, shared_puppets: Puppets, shared: Daemon) -> None:
        before = shared_puppets.runs("third")

        assert shared.ask(b"test/second.conf\ntest/third.conf\n" + b"x" * 100_000) == SECOND
        assert shared_puppets.runs("third") == before


@pytest.mark.parametrize(
    ("request_text", "answered"),
    [
        (b"test/second.conf\n", True),
        (b"test/second.conf  cached \n", True),
        (b"test/second.conf bogus\n", True),
        (b"test/second.conf bogus cached more\n", True),
        (b"test/second.conf\ncached\n", True),
        (b"test/second.conf\r\n", True),
        (b" test/second.conf\n", True),
        (b"test/second.conf\tcached\n", False),
        (b"TEST/second.conf\n", False),
        (b"test/Second.conf\n", False),
        (b"test\n", False),
        (b"test/a/b\n", False),
        (b"test/second.conf/\n", False),
        (b"\n", False),
        (b"   \n", False),
        (b"/\n", False),
        (b"test/\n", False),
        (b"/second.conf\n", False),
        (b"\xff\xfe/second.conf\n", False),
        ("test/sécond.conf\n".encode(), False),
        ("test\u2044second.conf\n".encode(), False),
        (b"test/second.conf\x00\n", False),
    ],
)
def test_requests_of_the_old_protocol_are_answered_with_the_bare_content_or_nothing(
    shared: Daemon, request_text: bytes, answered: bool
) -> None:
    assert shared.ask(request_text) == (SECOND if answered else b"")


class TestAFramedAnswer:
    """Begins with one line that says what follows, and nothing follows an error."""

    def test_tells_length_digest_state_and_time(self, shared: Daemon) -> None:
        answer = shared.ask(b"test/second.conf framed\n")

        line, content = answer.split(b"\n", 1)
        digest = hashlib.sha256(SECOND).hexdigest()
        expected = rf"; confgend/1 200 length=7 sha256={digest} state=fresh generated=\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        assert re.fullmatch(expected, line.decode())
        assert content == SECOND

    def test_of_an_empty_file_has_length_0(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("fourth", "say", content="")

        answer = shared.ask(b"test/fourth.conf framed\n")

        assert answer.startswith(b"; confgend/1 200 length=0 sha256=e3b0c442")
        assert answer.count(b"\n") == 1

    @pytest.mark.parametrize("words", ["framed cached", "cached framed", "framed bogus", "bogus  framed"])
    def test_is_asked_for_in_any_order(self, shared: Daemon, words: str) -> None:
        assert shared.ask(f"test/second.conf {words}\n".encode()).startswith(b"; confgend/1 200 ")

    @pytest.mark.parametrize(
        ("request_text", "code", "reason"),
        [
            (b"nope/nope.conf framed\n", 404, "no driver is installed"),
            (b"nope framed\n", 400, "RESOURCE/FILENAME"),
            (b"a/b/c framed\n", 404, "RESOURCE/FILENAME"),
            (b"test/\x01 framed\n", 400, "control characters"),
            (b"test/\xff framed\n", 400, "not UTF-8"),
            (b"test/" + b"x" * 5000 + b" framed\n", 400, "longer than 4096 bytes"),
            (b"broken/import.conf framed\n", 503, "a_module_that_nobody_has"),
        ],
        ids=["unknown", "no slash", "two slashes", "control", "not UTF-8", "long", "broken"],
    )
    def test_of_an_error_tells_what_is_wrong(self, shared: Daemon, request_text: bytes, code: int, reason: str) -> None:
        answer = shared.ask(request_text).decode()

        assert re.fullmatch(rf'; confgend/1 {code} error=".*{re.escape(reason)}.*"\n', answer)

    def test_quotes_what_it_repeats(self, shared: Daemon) -> None:
        answer = shared.ask(b'a/"b\\ framed\n').decode()

        assert answer.startswith('; confgend/1 404 error="')
        assert re.fullmatch(r'(?:[^"\\]|\\.)*', answer[len('; confgend/1 404 error="') : -2])

    def test_without_a_newline_is_the_same(self, shared: Daemon) -> None:
        assert shared.ask(b"test/second.conf framed").endswith(b"Z\n" + SECOND)


class TestArguments:
    """`cached` and `invalidate`."""

    def test_cached_gives_what_was_generated_last(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("fourth", "say", content="old\n")
        shared.ask(b"test/fourth.conf\n")
        shared_puppets.tell("fourth", "say", content="new\n")

        assert shared.ask(b"test/fourth.conf cached\n") == b"old\n"
        assert shared.ask(b"test/fourth.conf\n") == b"new\n"

    def test_cached_generates_what_never_was(self, shared_puppets: Puppets, shared: Daemon) -> None:
        shared_puppets.tell("fourth", "say", content="first\n")
        shared.ask(b"test/fourth.conf invalidate\n")

        assert shared.ask(b"test/fourth.conf cached\n") == b"first\n"

    @pytest.mark.parametrize("words", ["invalidate", "invalidate cached", "cached invalidate"])
    def test_invalidate_forgets_and_answers_nothing(self, shared_puppets: Puppets, shared: Daemon, words: str) -> None:
        shared.fetch("test/fourth.conf")
        generated = shared_puppets.runs("fourth")

        assert shared.ask(f"test/fourth.conf {words}\n".encode()) == b""
        assert not (shared.cache / "test/fourth.conf").exists()
        assert shared_puppets.runs("fourth") == generated

    def test_invalidate_of_what_never_was_is_no_error(self, shared: Daemon) -> None:
        for _ in range(2):
            answer = shared.ask(b"test/third.conf invalidate framed\n")

            assert answer.startswith(b"; confgend/1 200 length=0 ")
            assert answer.count(b"\n") == 1
