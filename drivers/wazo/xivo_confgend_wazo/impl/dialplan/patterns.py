"""Extensions out of patterns, and the extensions of programmable function keys.

Rules of docs/spec/20-extensions.conf.md section 8 and docs/spec/21-hints.md section 3.3 (F).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

VARIABLE_PART = re.compile(r"[\[NXZ!.]")
"""Where the part of a pattern begins that stands for any digit."""


def clean(exten: str | None) -> str:
    """`exten` without pattern: `_*21.` gives `*21`, `*21` stays, None gives an empty text."""
    if exten is None or not exten.startswith("_"):
        return exten or ""
    return VARIABLE_PART.split(exten[1:], maxsplit=1)[0]


def join_arguments(arguments: Iterable[str | None]) -> str:
    """The arguments of a programmable function key in one extension.

    Empty ones are dropped; what the n-th of the others holds of `*` is written as `**n`.
    """
    cleaned = filter(None, map(clean, arguments))
    return "*".join(argument.replace("*", f"**{number}") for number, argument in enumerate(cleaned, start=1))


class FunctionKeyExtens:
    """The extensions of the programmable function keys of one generation; `prefix` is clean already."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ends: dict[tuple[str | None, str | None], str] = {}

    def __call__(self, user_id: int, feature: str | None, argument: str | None) -> str:
        """The extension of a key of a user: few of them differ in more than the user."""
        end = self._ends.get((feature, argument))
        if end is None:
            end = self._ends[feature, argument] = join_arguments(("0", feature, argument))[1:]
        return f"{self._prefix}{user_id}{end}"
