"""Numbers, sizes and ages as people write them, and the near word for one that was mistyped."""

from collections.abc import Iterable, Mapping

SIZE_UNITS = ("B", "kB", "MB", "GB")
AGES = ((90, 1, "second"), (90 * 60, 60, "minute"), (36 * 3600, 3600, "hour"))
"""Below so many seconds, an age is told in units of so many seconds, with this name."""
DAY = 86400
LONGEST_WORD = 200
"""Characters up to which a word may be a mistyped one; comparing takes the more time the longer it is."""


def counted(number: int, unit: str, units: str = "") -> str:
    """`1 hour`, `2 hours`; `units`: the plural where an s is not enough."""
    return f"{number:,} {unit if number == 1 else units or f'{unit}s'}"


def age(seconds: float) -> str:
    """How long ago something was, from its age in seconds: `12 seconds ago`, `3 hours ago`."""
    whole = max(0, round(seconds))
    length, unit = next(((length, unit) for limit, length, unit in AGES if whole < limit), (DAY, "day"))
    return f"{counted(max(0, round(whole / length)), unit)} ago"


def size(number: float) -> str:
    """Bytes with the unit that leaves at most three digits before the point: `586 B`, `322.5 kB`."""
    unit = 0
    while round(number, 1 if unit else 0) >= 1000 and unit < len(SIZE_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.1f} {SIZE_UNITS[unit]}" if unit else f"{number:.0f} B"


def near(word: str, words: Iterable[str], cutoff: float = 0.7) -> str:
    """The one of `words` that `word`, in whatever case, was probably meant to be; empty if none resembles it.

    `cutoff`: how much it has to resemble, from 0 to 1, as `difflib.get_close_matches` counts it.
    """
    from difflib import get_close_matches

    if len(word) > LONGEST_WORD:
        return ""
    known: Mapping[str, str] = {one.lower(): one for one in words}
    found = get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return known[found[0]] if found else ""
