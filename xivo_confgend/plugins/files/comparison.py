"""The unified diff of two contents, made in a process of its own: `python -m` this module.

Lines that are unique on both sides anchor the comparison; only what lies between two anchors is compared
line by line. So 500,000 lines take seconds, and the result is always right: where time runs out, a block is shown as
replaced. It reads its order from standard input (see `main`) and writes the diff to standard output.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import BinaryIO

import zstandard

from xivo_confgend.plugin_helpers.secrets import Masker

MOST_SECONDS = 20.0
"""After which blocks are no longer looked into."""
MOST_PAIRS = 250_000
"""Lines of one side times lines of the other that are compared one by one."""
MOST_MEMORY = 4 << 30

Block = tuple[int, int, int, int]
"""What differs: lines from the first number up to the second on the left, third up to fourth on the right."""


def differences(left: Sequence[int], right: Sequence[int], deadline: float = float("inf")) -> list[Block]:
    """Where two sequences of line numbers differ, in their order; `deadline` on the monotonic clock."""
    found: list[Block] = []
    waiting: list[Block] = [(0, len(left), 0, len(right))]
    while waiting:
        a, b, c, d = waiting.pop()
        while a < b and c < d and left[a] == right[c]:
            a, c = a + 1, c + 1
        while a < b and c < d and left[b - 1] == right[d - 1]:
            b, d = b - 1, d - 1
        if a == b and c == d:
            continue
        if a == b or c == d or time.monotonic() > deadline:
            _add(found, (a, b, c, d))
        elif anchors := _anchors(left, right, (a, b, c, d)):
            waiting += reversed(list(_between(anchors, (a, b, c, d))))
        else:
            for block in _small(left, right, (a, b, c, d)):
                _add(found, block)
    return found


def _add(found: list[Block], block: Block) -> None:
    """Append `block`, or let the last one grow if they touch."""
    if found and found[-1][1] == block[0] and found[-1][3] == block[2]:
        block = (found[-1][0], block[1], found.pop()[2], block[3])
    found.append(block)


def _anchors(left: Sequence[int], right: Sequence[int], block: Block) -> list[tuple[int, int]]:
    """Positions of lines that are unique on both sides of `block`: the longest series that keeps the order."""
    a, b, c, d = block
    once_left, once_right = Counter(left[a:b]), Counter(right[c:d])
    where = {line: j for j, line in enumerate(right[c:d], c) if once_right[line] == 1}
    pairs = [(i, where[line]) for i, line in enumerate(left[a:b], a) if once_left[line] == 1 and line in where]
    return _longest_rising(pairs)


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs in the order of their first element the longest part whose second elements rise (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(j)
            ends.append(number)
        else:
            tops[pile], ends[pile] = j, number
    series = []
    at = ends[-1] if ends else -1
    while at >= 0:
        series.append(pairs[at])
        at = before[at]
    return series[::-1]


def _between(anchors: list[tuple[int, int]], block: Block) -> Iterator[Block]:
    a, b, c, d = block
    for i, j in anchors:
        yield a, i, c, j
        a, c = i + 1, j + 1
    yield a, b, c, d


def _small(left: Sequence[int], right: Sequence[int], block: Block) -> Iterator[Block]:
    a, b, c, d = block
    if (b - a) * (d - c) > MOST_PAIRS:
        yield block
        return
    matcher = SequenceMatcher(None, left[a:b], right[c:d], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield a + i1, a + i2, c + j1, c + j2


def hunks(blocks: Iterable[Block], context: int) -> Iterator[list[Block]]:
    """Blocks that are so close that they share their unchanged lines."""
    group: list[Block] = []
    for block in blocks:
        if group and block[0] - group[-1][1] > 2 * context:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def unified(
    left: Sequence[bytes], right: Sequence[bytes], blocks: Iterable[Block], names: Sequence[str], context: int
) -> Iterator[bytes]:
    """The unified diff with the lines of `left` and `right`; nothing if there are no `blocks`."""
    header = f"--- {names[0]}\n+++ {names[1]}\n".encode()
    for group in hunks(blocks, context):
        before = min(context, group[0][0])
        after = min(context, len(left) - group[-1][1])
        a, c = group[0][0] - before, group[0][2] - before
        b, d = group[-1][1] + after, group[-1][3] + after
        yield header + f"@@ -{_range(a, b)} +{_range(c, d)} @@\n".encode()
        header = b""
        at = a
        for i1, i2, j1, j2 in group:
            yield from _lines(b" ", left[at:i1])
            yield from _lines(b"-", left[i1:i2])
            yield from _lines(b"+", right[j1:j2])
            at = i2
        yield from _lines(b" ", left[at:b])


def _range(first: int, end: int) -> str:
    """As POSIX wants it: an empty range names the line before it, a single line has no count."""
    length = end - first
    return f"{first + 1}" if length == 1 else f"{first + 1 if length else first},{length}"


def _lines(sign: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield sign + line if line.endswith(b"\n") else sign + line + b"\n\\ No newline at end of file\n"


def split(content: bytes) -> list[bytes]:
    """Lines with their newlines; only a newline ends a line."""
    lines = content.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def compare(left: bytes, right: bytes, names: Sequence[str], context: int, masker: Masker | None) -> Iterator[bytes]:
    """The diff of two contents. Compared as they are and written masked: a secret that changed is a changed line."""
    numbers: dict[bytes, int] = {}
    lines = [split(left), split(right)]
    numbered = [[numbers.setdefault(line, len(numbers)) for line in side] for side in lines]
    numbers.clear()
    blocks = differences(numbered[0], numbered[1], time.monotonic() + MOST_SECONDS)
    if masker is not None:
        lines = [split(masker.mask(left)), split(masker.mask(right))]
    yield from unified(lines[0], lines[1], blocks, names, context)


def main(given: BinaryIO, output: BinaryIO) -> None:
    """`given`: length of the order (4 bytes), the order as JSON, both contents as zstd with the lengths it names."""
    (length,) = struct.unpack("!I", given.read(4))
    order = json.loads(given.read(length))
    contents = []
    for size in order["sizes"]:
        with zstandard.ZstdDecompressor().stream_reader(given.read(size)) as reader:
            contents.append(reader.read())
    masker = None if order["options"] is None else Masker(order["options"], order["filename"])
    gathered: list[bytes] = []
    for line in compare(contents[0], contents[1], order["names"], order["context"], masker):
        gathered.append(line)
        if len(gathered) > 10_000:
            output.write(b"".join(gathered))
            gathered.clear()
    output.write(b"".join(gathered))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    main(sys.stdin.buffer, sys.stdout.buffer)
