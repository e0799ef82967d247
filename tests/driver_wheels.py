"""Wheels of a driver package without fault, and of such that have one thing about them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

FACTS = 'NAME = "good"\nGROUP = "Tests"\nVERSION = "1.0"\nDESCRIPTION = "A driver without fault"\n'
DRIVER = """
class Driver:
    deterministic = True

    def __init__(self, config):
        pass

    def generate(self):
        return "[general]\\na = 1\\n"
"""
GOOD = {
    "good/__init__.py": FACTS,
    "good/api/__init__.py": "",
    "good/meta/__init__.py": "",
    "good/impl/__init__.py": "",
    "good/impl/driver.py": DRIVER,
}
ENTRIES = "[confgend.asterisk.good.conf]\ngood = good.impl.driver:Driver\n"


def wheel(
    directory: Path,
    files: Mapping[str, str] | None = None,
    entries: str = ENTRIES,
    requires: str = "",
    name: str = "good",
) -> Path:
    """A wheel with `files` instead of, or beside, those of a package without fault."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}"
    contents = {
        **GOOD,
        **(files or {}),
        f"{name}-1.0.dist-info/METADATA": metadata,
        f"{name}-1.0.dist-info/entry_points.txt": entries,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in contents.items():
            archive.writestr(member, text)
    return path


def driver(body: str, head: str = "    deterministic = True") -> dict[str, str]:
    """A driver whose `generate` does `body`."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    text = f"import os, time\n\nclass Driver:\n{head}\n    def __init__(self, config):\n        self._config = config\n"
    return {"good/impl/driver.py": f"{text}    def generate(self):\n{lines}"}
