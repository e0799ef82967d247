"""Quantities as people write them, for log lines, messages and command output."""

from __future__ import annotations

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`number` with its noun: `1 file`, `2 files`, `1,204 entries` (with `plural` where an s is not enough)."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def size(number: float) -> str:
    """A number of bytes in decimal units: `1 byte`, `586 bytes`, `322.5 kB`, `21.5 MB`."""
    unit = 0
    # What would be rounded to 1000.0 belongs to the next unit.
    while round(number, 1 if unit else 0) >= 1000 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:,.1f} {UNITS[unit]}" if unit else counted(int(number), "byte")
