"""For all tests: a temporary directory in which programs can be started, and reports that pytest-xdist can send."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from xivo_confgend.testing.places import PLACES, runs_programs


def choose_temporary_directory() -> None:
    """Set TMPDIR, for this process and for those it starts. Ends the run with one line if no directory does."""
    last = Path(__file__).with_name(".run")
    last.mkdir(exist_ok=True)
    candidates = (tempfile.gettempdir(), *PLACES, str(last))
    for directory in map(Path, candidates):
        if directory.is_dir() and os.access(directory, os.W_OK) and runs_programs(directory):
            os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
            return
    pytest.exit(f"no program can be started in {', '.join(candidates)}: set TMPDIR to a directory without noexec", 1)


choose_temporary_directory()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Escape what is not Unicode in a report: pytest-xdist cannot send it, and would end the run instead."""
    return encodable((yield))


def encodable(data: object) -> object:
    """`data`, the lone surrogates in its texts written as escapes."""
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {encodable(key): encodable(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(map(encodable, data))
    return data
