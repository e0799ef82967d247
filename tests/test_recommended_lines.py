"""The lines for Asterisk's files are the same wherever a reader meets them, and there for each file that we know."""

from __future__ import annotations

from pathlib import Path

import pytest

from xivo_confgend.client.fallback import DEFAULT_DIRECTORY
from xivo_confgend.drivers import Catalogue
from xivo_confgend.names import FileName
from xivo_confgend.testing.demonstration import print_lines_for_asterisk, recommended_lines

ROOT = Path(__file__).parents[1]
PJSIP = FileName("asterisk", "pjsip.conf")
SHIPPED = ("xivo_confgend_wazo", "xivo_confgend_xivo")


def files_for_asterisk() -> list[FileName]:
    """Of the drivers of this project."""
    installed = Catalogue({}).installed()
    shipped = {one.file for one in installed if one.target.startswith(SHIPPED)}
    return sorted(file for file in shipped if file.resource == "asterisk")


def text(path: str) -> str:
    """A page without the indentation of its code blocks."""
    return "\n".join(line.strip() for line in (ROOT / path).read_text("utf-8").splitlines())


@pytest.mark.parametrize("page", ["README.md", "docs/operators-guide.md", "docs/spec/43-asterisk-fetching.md"])
def test_the_recommended_lines_are_on_the_page(page: str) -> None:
    assert recommended_lines(PJSIP) in text(page)


def test_the_tutorial_has_the_lines_of_its_own_file() -> None:
    assert recommended_lines(FileName("asterisk", "hello.conf")) in text("docs/tutorial.md")


def test_the_guide_has_the_lines_of_every_file() -> None:
    guide, files = text("docs/operators-guide.md"), files_for_asterisk()

    assert len(files) > 10
    assert [str(file) for file in files if recommended_lines(file) not in guide] == []


def test_the_demonstration_prints_the_lines_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    files = files_for_asterisk()

    print_lines_for_asterisk([*files, FileName("wazo", "uuid.yml")], 8669)

    printed = capsys.readouterr().out
    assert [str(file) for file in files if recommended_lines(file) not in printed] == []
    assert "uuid.yml" not in printed


def test_the_demonstration_names_its_port_if_it_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines_for_asterisk([PJSIP], 12345)

    assert recommended_lines(PJSIP, " --port 12345") in capsys.readouterr().out


@pytest.mark.parametrize("directory", [DEFAULT_DIRECTORY, "/var/lib/confgen"])
def test_the_directories_are_created_as_it_is_documented(directory: str) -> None:
    rules = [line.split() for line in text("etc/tmpfiles.d/confgen.conf").splitlines() if not line.startswith("#")]
    (mode,) = [rule[2] for rule in rules if rule[:2] == ["d", directory]]

    assert f"install -d -o asterisk -g asterisk -m {mode[1:]} {directory}\n" in text("docs/operators-guide.md")
