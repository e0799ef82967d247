"""What `--list-drivers` says of packages that get in each other's way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from xivo_confgend.driver_list import listed, table
from xivo_confgend.drivers import Catalogue

DRIVER = "class Driver:\n    def __init__(self, config): pass\n    def generate(self): return ''\n"


def install(directory: Path, package: str, facts: Mapping[str, str], files: tuple[str, ...]) -> None:
    """Put a distribution with one package and a driver for each of `files` into `directory`."""
    (directory / package).mkdir(parents=True)
    (directory / package / "__init__.py").write_text("".join(f"{k} = {v!r}\n" for k, v in facts.items()), "utf-8")
    (directory / package / "driver.py").write_text(DRIVER, "utf-8")
    metadata = directory / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
    groups = (f"[confgend.{file}]\n{package} = {package}.driver:Driver\n" for file in files)
    (metadata / "entry_points.txt").write_text("\n".join(groups), "utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose distributions are installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_two_packages_with_one_name_are_reported_at_each_of_them(installed: Path):
    install(installed, "first_namesake", {"NAME": "twin"}, ("asterisk.first.conf",))
    install(installed, "second_namesake", {"NAME": "twin"}, ("asterisk.second.conf",))

    expected = (
        "NAME twin is that of several packages: first_namesake (first_namesake), second_namesake (second_namesake)"
    )
    found = {one.driver.name: one.problem for one in listed(Catalogue({})) if one.driver.name.endswith("_namesake")}
    assert found == {"first_namesake": expected, "second_namesake": expected}


def test_one_package_with_two_drivers_is_not_its_own_namesake(installed: Path):
    install(installed, "lonely", {"NAME": "lonely"}, ("asterisk.one.conf", "asterisk.two.conf"))

    assert [one.problem for one in listed(Catalogue({})) if one.driver.name == "lonely"] == ["", ""]


def test_packages_without_a_name_are_nobodys_namesakes(installed: Path):
    install(installed, "nameless_one", {}, ("asterisk.one.conf",))
    install(installed, "nameless_two", {}, ("asterisk.two.conf",))

    assert [one.problem for one in listed(Catalogue({})) if one.driver.name.startswith("nameless")] == ["", ""]


def test_drivers_with_a_problem_come_first_with_the_problem_below(installed: Path):
    install(installed, "a_good_one", {}, ("asterisk.aaa.conf",))
    install(installed, "z_broken_one", {}, ("asterisk.zzz.conf",))
    (installed / "z_broken_one" / "driver.py").write_text("import a_module_that_nobody_has\n", "utf-8")

    _, first, second, *rest = table(Catalogue({})).splitlines()

    assert first.startswith("asterisk/zzz.conf")
    assert second == "      ModuleNotFoundError: No module named 'a_module_that_nobody_has'"
    assert any(line.startswith("asterisk/aaa.conf") for line in rest)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 300])
def test_the_table_fits_a_terminal(installed: Path, width: int):
    facts = {"NAME": "acme", "DESCRIPTION": "A long description of what this package is about " * 3}
    install(installed, f"long_winded_{width}", facts, ("asterisk.acme.conf",))
    install(installed, f"z_broken_one_{width}", {}, ("asterisk.zzz.conf",))
    broken = installed / f"z_broken_one_{width}" / "driver.py"
    broken.write_text("import a_module_that_nobody_has" + "_x" * 40, "utf-8")

    lines = table(Catalogue({}), width).splitlines()

    assert max(map(len, lines)) <= width
    assert lines[0].startswith("FILE")
    assert len(lines) > 20
    assert ("CLASS" in lines[0]) == (width >= 140)


def test_the_table_shows_what_a_package_says_of_itself(installed: Path):
    facts = {"NAME": "acme", "GROUP": "Tests", "VERSION": "3.1", "DESCRIPTION": "Nothing useful"}
    install(installed, "well_described", facts, ("asterisk.acme.conf",))

    (line,) = [line for line in table(Catalogue({})).splitlines() if "well_described" in line]

    assert "acme  " in line and "Tests  " in line and "3.1  " in line and "Nothing useful" in line
