"""A large content without its secrets, made in a process of its own: `python -m` this module.

Looking at half a million lines takes an interpreter for a good part of a second, and clients of the
TCP port are not to wait for that. The order is the only argument, as JSON; the content, plain or
zstd, is standard input, which is read from its beginning.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from xivo_confgend.plugin_helpers.secrets import Masker

PIECE = 1 << 18
NICENESS = 5


def pieces(content: BinaryIO, compressed: bool) -> Iterator[bytes]:
    """The plain content."""
    content.seek(0)
    source = zstandard.ZstdDecompressor().stream_reader(content) if compressed else content
    while piece := source.read(PIECE):
        yield piece


def main(order: str, content: BinaryIO, output: BinaryIO) -> None:
    """`order`: `options` (names of secret options), `filename`, whether the content is `compressed`."""
    wanted = json.loads(order)
    masker = Masker(wanted["options"], wanted["filename"])
    for masked in masker.pieces(pieces(content, wanted["compressed"])):
        output.write(masked)
    output.flush()


if __name__ == "__main__":
    os.nice(NICENESS)
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
