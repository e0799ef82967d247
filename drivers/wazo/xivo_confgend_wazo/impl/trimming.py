"""Trimming what is written (docs/spec/00-output-format.md section 3)."""

from __future__ import annotations


def trimmed(lines: str) -> str:
    """`lines`, none of which begins with a value, with every one of them trimmed."""
    if lines.isascii() and not lines.endswith((" ", "\t")) and " \n" not in lines and "\t\n" not in lines:
        return lines
    return "\n".join([line.rstrip() for line in lines.split("\n")])
