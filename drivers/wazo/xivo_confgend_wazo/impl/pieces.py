"""Content in pieces that are worth handing over: a driver that writes section by section makes some very small ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LEAST = 64 * 1024
"""Characters of each piece but the last."""


def large_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The same text as `pieces`, small ones joined."""
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= LEAST:
            yield "".join(waiting)
            waiting, length = [], 0
    yield "".join(waiting)
