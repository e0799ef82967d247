"""What `check-driver` says of packages: wheels with one thing about them each, examined as authors do it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.driver_wheels import DRIVER, ENTRIES, FACTS, GOOD, driver, wheel
from xivo_confgend.driver_check.examination import check
from xivo_confgend.driver_check.findings import Level, Report
from xivo_confgend.driver_check.imports import strength
from xivo_confgend.main import main


def examine(directory: Path, **how: object) -> Report:
    """The report on such a wheel."""
    return check(str(wheel(directory, **how)), time_limit=2)


def texts(report: Report, level: Level) -> list[str]:
    """What its findings of that level say."""
    return [finding.text for finding in report.findings if finding.level == level]


def test_a_package_without_fault_has_no_finding_and_shows_what_it_generates(tmp_path: Path):
    report = examine(tmp_path)

    assert report.findings == []
    assert report.status == 0
    assert list(report.packages["good"].values()) == ["good", "Tests", "1.0", "A driver without fault"]
    (generation,) = report.generations
    assert (generation.file, generation.size, generation.lines, generation.statements) == (
        "asterisk/good.conf",
        16,
        2,
        0,
    )


@pytest.mark.parametrize(
    ("entries", "level", "text"),
    [
        ("[console_scripts]\ngood = good:main\n", Level.ERROR, "it has no entry point of a driver"),
        ("[confgend.asterisk]\ngood = good.impl.driver:Driver\n", Level.ERROR, "the group names no file"),
        (f"{ENTRIES}[confgen.asterisk.x.conf]\nx = good:D\n", Level.WARNING, "the daemon does not read this group"),
        (
            f"{ENTRIES}[xivo-confgend.asterisk.x.conf]\nx = good:D\n",
            Level.WARNING,
            "the daemon does not read this group",
        ),
    ],
)
def test_entry_points_that_the_daemon_would_not_find_are_reported(
    tmp_path: Path, entries: str, level: Level, text: str
):
    assert text in texts(examine(tmp_path, entries=entries), level)


def test_an_older_namespace_is_noted_and_its_driver_tried_with_both_arguments(tmp_path: Path):
    body = "return '[a]\\nb = ' + str(sorted(self._config)) + '\\n'"

    report = examine(
        tmp_path, files=driver(body), entries="[wazo_confgend.asterisk.good.conf]\ngood = good.impl.driver:Driver\n"
    )

    assert texts(report, Level.NOTE) == ["the namespace is that of an older daemon"]
    assert report.generations[0].size == len("[a]\nb = ['config', 'tpl_helper']\n")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ("", "it does not say its NAME"),
        (FACTS.replace('"1.0"', '"1.0.3"'), "VERSION 1.0.3 is not major.minor"),
        (FACTS.replace("A driver without fault", " "), "it does not say its DESCRIPTION"),
    ],
)
def test_what_a_package_does_not_say_of_itself_is_a_warning(tmp_path: Path, facts: str, text: str):
    report = examine(tmp_path, files={"good/__init__.py": facts})

    assert text in texts(report, Level.WARNING)
    assert report.status == 1


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"good/impl/driver.py": "import no_such_library\n"}, "ModuleNotFoundError: No module named 'no_such_library'"),
        ({"good/impl/driver.py": DRIVER.replace("self, config", "self")}, "TypeError: "),
        ({"good/impl/driver.py": DRIVER.replace("generate(self)", "make(self)")}, "driver good (good 1.0"),
        (driver("return None"), "generate() fails: driver good (good 1.0, confgend.asterisk.good.conf) returned None"),
        (
            driver("return ['[a]\\n', 7]"),
            "generate() fails: driver good (good 1.0, confgend.asterisk.good.conf) yielded int",
        ),
        (driver("return self._config['missing']"), "generate() fails: KeyError: 'missing'"),
        (driver("os._exit(3)"), "its process ends with status 3"),
        (
            driver("return f'[a]\\nb = {time.time_ns()}\\n'"),
            "it is declared deterministic, and a second run gives another",
        ),
        (driver("return 'a = 1\\n'"), "option outside of a section (line 1)"),
        (driver("return ''", "    deterministic = 'yes'"), "deterministic is neither True nor False"),
        (driver("return ''", "    dependencies = lambda self: [1]"), "dependencies() names something that is no path"),
    ],
)
def test_a_driver_that_would_not_work_is_an_error(tmp_path: Path, files: dict[str, str], text: str):
    report = examine(tmp_path, files=files)

    assert [found for found in texts(report, Level.ERROR) if found.startswith(text)], report.findings
    assert report.status == 2


def test_a_driver_that_hangs_is_killed_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("xivo_confgend.driver_check.examination.GRACE", 0)

    report = check(str(wheel(tmp_path, driver("time.sleep(60)"))), time_limit=1)

    assert texts(report, Level.ERROR) == ["it does not come to an end within 2 s"]


def test_one_piece_for_each_line_is_a_warning(tmp_path: Path):
    report = examine(tmp_path, files=driver("yield '[a]\\n'\nyield from ['b = 1\\n'] * 2000"))

    assert texts(report, Level.WARNING) == ["generate() yields 2,001 pieces of 5 characters"]


def test_a_driver_that_asks_the_database_is_not_tried_without_one(tmp_path: Path):
    body = "from xivo_confgend.database import Session\nfrom sqlalchemy import text\nSession.execute(text('SELECT 1'))"

    report = examine(tmp_path, files=driver(body))

    assert texts(report, Level.NOTE) == ["it asks the database, and there is none"]
    assert report.status == 0


def test_a_constructor_that_asks_the_database_is_an_error(tmp_path: Path):
    head = "    deterministic = True\n    def __init__(self, config):\n"
    body = "        from xivo_confgend.database import Session\n        Session.connection()\n"
    files = {"good/impl/driver.py": f"class Driver:\n{head}{body}    def generate(self): return ''\n"}

    assert texts(examine(tmp_path, files=files), Level.ERROR) == ["its constructor asks the database"]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("other.api", "light"),
        ("other.sip.api.models", "light"),
        ("other.meta", "medium"),
        ("other.meta.sip", "medium"),
        ("other", "heavy"),
        ("other.impl.queries", "heavy"),
        ("api.impl", "heavy"),
    ],
)
def test_the_strength_of_a_dependency_follows_from_what_is_imported(module: str, expected: str):
    assert strength(module) == expected


@pytest.mark.parametrize(
    ("line", "expected", "level"),
    [
        ("from xivo_confgend_wazo.api import DRIVER", "light", Level.NOTE),
        ("from xivo_confgend_wazo.meta import userfeatures", "medium", Level.NOTE),
        ("from xivo_confgend_wazo.impl.queries.stored_files import *", "heavy", Level.WARNING),
    ],
)
def test_dependencies_on_other_driver_packages_are_graded(tmp_path: Path, line: str, expected: str, level: Level):
    report = examine(tmp_path, files={"good/impl/other.py": line}, requires="Requires-Dist: xivo_confgend.wazo>=1\n")

    (dependency,) = report.dependencies
    assert (dependency.package, dependency.on, dependency.strength) == ("good", "xivo_confgend_wazo", expected)
    assert report.status == level


def test_a_dependency_that_the_distribution_does_not_require_is_an_error(tmp_path: Path):
    report = examine(tmp_path, files={"good/impl/other.py": "import xivo_confgend_wazo.api"})

    assert texts(report, Level.ERROR) == ["it imports xivo_confgend_wazo, which the distribution does not require"]


def test_imports_of_the_core_beyond_the_contract_are_a_warning(tmp_path: Path):
    lines = "from xivo_confgend.database import Session\nfrom xivo_confgend.store import Store\n"

    report = examine(tmp_path, files={"good/impl/other.py": lines})

    assert texts(report, Level.WARNING) == ["it imports xivo_confgend.store, which is no part of the contract"]


def test_a_name_that_another_installed_package_bears_is_an_error(tmp_path: Path):
    report = examine(tmp_path, files={"good/__init__.py": FACTS.replace('"good"', '"wazo"')})

    assert texts(report, Level.ERROR) == ["its NAME wazo is also that of the package xivo_confgend_wazo"]


@pytest.mark.parametrize(
    ("target", "text"),
    [("no_such_thing", "is neither a path nor an installed package"), ("tests", "is no distribution")],
)
def test_what_cannot_be_examined_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, text: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()

    assert texts(check(target), Level.ERROR) == [text]


def write_source(directory: Path, *packages: str) -> None:
    """A source tree of the package without fault, whose wheel will hold these packages."""
    setup = (
        f"from setuptools import setup\nsetup(name='good', version='1.0', packages={list(packages)},"
        " entry_points={'confgend.asterisk.good.conf': ['good = good.impl.driver:Driver']})\n"
    )
    for name, text in {**GOOD, "setup.py": setup}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, "utf-8")


def test_a_source_tree_is_examined_as_the_wheel_it_makes(tmp_path: Path):
    write_source(tmp_path, "good", "good.impl")

    report = check(str(tmp_path))

    assert texts(report, Level.NOTE) == ["it does not separate api, meta"]
    assert not (tmp_path / "build").exists()


def test_a_module_that_the_wheel_lacks_is_missing_also_where_its_source_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_source(tmp_path, "good")
    monkeypatch.chdir(tmp_path)

    assert texts(check("."), Level.ERROR) == ["ModuleNotFoundError: No module named 'good.impl'"]


def test_an_installed_package_is_found_by_the_name_of_its_distribution_or_its_own():
    for name in ("xivo-confgend-xivo", "xivo_confgend_xivo"):
        report = check(name)
        assert (report.distribution, report.status) == ("xivo-confgend-xivo", 0)


def test_the_command_prints_json_and_exits_by_the_worst_finding(tmp_path: Path, capsys: pytest.CaptureFixture):
    status = main(["check-driver", str(wheel(tmp_path, driver("return 'a = 1\\n'"))), "--json"])

    printed = json.loads(capsys.readouterr().out)
    assert (status, printed["status"]) == (2, 2)
    (finding,) = printed["findings"]
    assert finding == {
        "level": "error",
        "where": "asterisk/good.conf",
        "text": "option outside of a section (line 1): Asterisk refuses the whole file",
        "remedy": "write a [section] above it",
    }


def test_the_command_says_each_finding_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture):
    status = main(["check-driver", str(wheel(tmp_path, driver("return '[a]\\nb = \\\\q\\n'")))])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0] == "good 1.0"
    assert lines[-2:] == [
        "warning: asterisk/good.conf: unknown escape \\q (line 2); Asterisk keeps the backslash: leave it out",
        "0 errors, 1 warning, 0 notes",
    ]
