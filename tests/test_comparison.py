"""The diff of two contents: right for every pair, and fast on large ones."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import time

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from xivo_confgend.plugin_helpers.secrets import MaskingRules
from xivo_confgend.plugins.files import comparison
from xivo_confgend.plugins.files.comparison import compare, differences, main, split

NAMES = ("old", "new")
LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"[x]\n", b"[y]\n", b"\n"]), max_size=40)
CONTENT = st.tuples(LINES, st.sampled_from([b"", b"end"])).map(lambda parts: b"".join(parts[0]) + parts[1])


def rebuilt(left: list[int], right: list[int], blocks: list[comparison.Block]) -> list[int]:
    """What becomes of `left` when each block is replaced."""
    made, at = [], 0
    for a, b, c, d in blocks:
        made += left[at:a] + right[c:d]
        at = b
    return made + left[at:]


@given(st.lists(st.integers(0, 6)), st.lists(st.integers(0, 6)))
def test_the_blocks_turn_one_side_into_the_other(left, right):
    assert rebuilt(left, right, differences(left, right)) == right


@given(st.lists(st.integers(0, 6)), st.lists(st.integers(0, 6)))
def test_the_blocks_are_right_when_time_runs_out(left, right):
    assert rebuilt(left, right, differences(left, right, deadline=0)) == right


@given(st.lists(st.integers(), unique=True), st.data())
def test_a_single_insertion_is_found_as_such(lines, data):
    at = data.draw(st.integers(0, len(lines)))
    changed = [*lines[:at], object(), *lines[at:]]
    assert differences(lines, changed) == [(at, at, at, at + 1)]


@settings(max_examples=60, deadline=None)
@given(CONTENT, CONTENT, st.integers(0, 4))
def test_patch_makes_the_new_content_from_the_old_one(tmp_path_factory, old, new, context):
    diff = b"".join(compare(old, new, NAMES, context, None))
    if old == new:
        assert diff == b""
        return
    path = tmp_path_factory.mktemp("patch") / "file"
    path.write_bytes(old)
    done = subprocess.run(
        ["patch", "-s", "--force", "-o", "-", str(path)], input=diff, capture_output=True, check=False
    )
    assert (done.stdout, done.returncode) == (new, 0), (diff, done.stderr)


@given(CONTENT)
def test_lines_are_cut_at_newlines_only(content):
    assert b"".join(split(content)) == content
    assert split(b"a\r\x85b\x0b\n") == [b"a\r\x85b\x0b\n"]


def test_a_masked_diff_shows_no_secret_of_either_side():
    masker = MaskingRules().masker("a.b.conf", "b.conf")
    diff = b"".join(compare(b"[a]\nsecret = one1\n", b"[a]\nsecret = two2\n", NAMES, 3, masker))
    assert diff.endswith(b" [a]\n-secret = ********\n+secret = ********\n")


def test_half_a_million_lines_are_compared_in_seconds():
    def section(number: int, value: str) -> str:
        return f"[{number}]\ntype = endpoint\nallow = ulaw\nsecret = {value}\n\n"

    old = "".join(section(n, "x") for n in range(100_000)).encode()
    new = "".join(section(n, "x" if n % 1000 else "y") for n in range(100_000) if n % 777).encode()
    began = time.perf_counter()
    diff = b"".join(compare(old, new, NAMES, 3, None))
    assert time.perf_counter() - began < 15
    assert diff.count(b"\n+secret = y") == 100 - len([n for n in range(0, 100_000, 1000) if n % 777 == 0])


def test_contents_with_nothing_in_common_are_compared_in_seconds():
    began = time.perf_counter()
    compared = compare(b"a\nb\n" * 100_000, b"b\na\na\n" * 100_000, NAMES, 3, None)
    assert sum(map(len, compared)) > 0
    assert time.perf_counter() - began < 15


def test_the_order_is_read_as_it_is_written():
    contents = [zstandard.compress(text) for text in (b"a\n", b"b\n")]
    order = {"names": NAMES, "context": 0, "options": None, "filename": "x", "sizes": [len(one) for one in contents]}
    header = json.dumps(order).encode()
    output = io.BytesIO()
    main(io.BytesIO(struct.pack("!I", len(header)) + header + b"".join(contents)), output)
    assert output.getvalue() == b"--- old\n+++ new\n@@ -1 +1 @@\n-a\n+b\n"
