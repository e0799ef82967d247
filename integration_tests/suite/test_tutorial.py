"""The tutorial does what it says, followed literally from an empty directory; so do the examples of the contract."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from integration_tests.suite.helpers.environments import PROJECT, Builder
from integration_tests.suite.helpers.tutorial import Block, blocks, compare, follow
from xivo_confgend.testing.generation import generate

TUTORIAL = PROJECT / "docs" / "tutorial.md"
CONTRACT = PROJECT / "docs" / "driver-contract.md"
EXAMPLE = re.compile(r"^```python\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture
def newcomer(builder: Builder, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose pip has everything already, so that nothing is downloaded."""
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(builder.libraries),
        "XIVO_CONFGEND": f"{builder.wheel(PROJECT)}[kit]",
        "PIP_NO_INDEX": "1",
        # pip reads this one as what follows the NO_
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_the_tutorial_works_as_it_is_written(newcomer: dict[str, str], tmp_path: Path):
    directory = tmp_path / "empty"
    directory.mkdir()
    transcript: list[str] = []

    follow(TUTORIAL.read_text("utf-8"), directory, newcomer, transcript.append)

    assert len(transcript) > 20
    (line,) = [line for line in (directory / "daemon.log").read_text("utf-8").splitlines() if "listening on" in line]
    assert line.endswith("confgend.sock") and "127.0.0.1" not in line


def test_blocks_are_files_commands_and_output():
    page = (
        "# A\n```sh\na\n```\n\n```text\nb\n```\n```{code-block} yaml\n:caption: c.yml\n\nd: 1\n```\n```python\ne\n```\n"
    )

    assert list(blocks(page)) == [Block("commands", "a\n"), Block("output", "b\n"), Block("file", "d: 1\n", "c.yml")]


@pytest.mark.parametrize("printed", ["", "second\nfirst\n"])
def test_output_that_is_missing_or_in_another_order_is_a_failure(printed: str):
    with pytest.raises(AssertionError):
        compare("first\nsecond\n", printed)


def test_a_command_that_fails_is_a_failure(tmp_path: Path):
    with pytest.raises(AssertionError, match="these commands fail"):
        follow("```sh\nfalse\ntrue\n```\n", tmp_path, os.environ, print)


@pytest.mark.parametrize("number", range(len(EXAMPLE.findall(CONTRACT.read_text("utf-8")))))
def test_an_example_of_the_contract_generates(number: int, golden_uri: Callable[[str], str]):
    names: dict[str, object] = {}
    exec(EXAMPLE.findall(CONTRACT.read_text("utf-8"))[number], names)
    (driver,) = [made for made in names.values() if isinstance(made, type) and "generate" in vars(made)]

    assert generate(driver, golden_uri("small"), {}).content
