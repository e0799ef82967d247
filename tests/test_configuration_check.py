"""Whether a cache can be written by the account that asks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xivo_confgend.config import Configuration, Settings
from xivo_confgend.configuration_check import _of_cache

NOBODY = 65534


@pytest.fixture
def cache() -> Iterator[Path]:
    """A cache of ours in a directory that every account can read."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(directory) / "cache"
        path.mkdir(mode=0o755)
        yield path


def found_by_another_account(cache: Path) -> list[str]:
    """What is found by an account that is not ours: root becomes one, and any other has only its own rights."""
    configuration = Configuration({}, replace(Settings(), cache=str(cache)), {"cache": "config.yml"})
    if os.getuid() != 0:
        return [finding.text for finding in _of_cache(configuration)]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(NOBODY)
        os.write(writing, "\n".join(finding.text for finding in _of_cache(configuration)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as output:
        text = output.read()
    os.waitpid(child, 0)
    return text.splitlines()


def test_a_cache_of_another_account_cannot_be_written(cache: Path) -> None:
    cache.chmod(0o555)
    (line,) = found_by_another_account(cache)
    assert line == f"config.yml: key cache: {cache} cannot be written: {cache}: Permission denied"


def test_neither_can_one_that_holds_a_directory_of_another_account(cache: Path) -> None:
    cache.chmod(0o777)
    (cache / ".facts").mkdir(mode=0o555)
    (cache / "asterisk").mkdir()
    (cache / "asterisk").chmod(0o777)
    (line,) = found_by_another_account(cache)
    assert line == f"config.yml: key cache: {cache} cannot be written: {cache}/.facts: Permission denied"


def test_a_cache_that_everybody_may_write_can_be_written(cache: Path) -> None:
    cache.chmod(0o777)
    assert found_by_another_account(cache) == []
    assert list(cache.iterdir()) == []
