"""What every driver of every distribution in this repository keeps to, whatever file it makes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration_tests.suite.helpers.base import differences
from integration_tests.suite.helpers.drivers import Candidate, Databases, installed, watched_session
from xivo_confgend.driver_check.content import check as examine
from xivo_confgend.driver_check.findings import Level
from xivo_confgend.names import FileName
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend.testing.generation import Generated, generate
from xivo_confgend.testing.postgresql import PostgreSQL

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "etc/xivo-confgend/config.yml").read_text("utf-8"))
CONFIG = {
    "enabled_asterisk_modules": SHIPPED["enabled_asterisk_modules"],
    "templates": {"directory": None},
}
FEW, MANY = 10, 1000
SMALLEST_CHUNK = 4 * 1024
"""On average: a piece a line would cost more than it saves."""
CANDIDATES = installed()
CASES = [(candidate, case, expected) for candidate in CANDIDATES for case, expected in candidate.golden()]


@pytest.fixture(scope="module")
def databases(postgresql: PostgreSQL) -> Databases:
    """Databases for the drivers to run on."""
    return Databases(postgresql)


def name_of(value: object) -> str | None:
    """How a parameter is called in the name of a test."""
    if isinstance(value, Candidate):
        return f"{value.path}-{value.name}"
    return value if isinstance(value, str) else ""


each_driver = pytest.mark.parametrize("candidate", CANDIDATES, ids=name_of)


def run(candidate: Candidate, uri: str) -> Generated:
    return generate(candidate.load(), uri, CONFIG)


def test_the_distributions_of_this_repository_are_found():
    assert {candidate.name for candidate in CANDIDATES} == {"my_driver", "wazo", "xivo"}


@each_driver
def test_the_constructor_takes_one_positional_argument(candidate: Candidate):
    inspect.signature(candidate.load()).bind(CONFIG)


@each_driver
def test_the_constructor_asks_the_database_nothing(candidate: Candidate, databases: Databases):
    with watched_session(databases.empty(candidate)) as statements:
        candidate.load()(CONFIG)

    assert statements == []


@each_driver
def test_a_driver_works_without_any_configuration_of_its_own(candidate: Candidate, databases: Databases):
    generate(candidate.load(), databases.empty(candidate), {})


@each_driver
def test_content_is_text_or_bytes_or_large_pieces_of_text(candidate: Candidate, databases: Databases):
    with watched_session(databases.company(candidate, MANY)):
        content = candidate.load()(CONFIG).generate()
        pieces: list[Any] = [str(content)] if isinstance(content, (str, bytes)) else list(content)

    assert all(isinstance(piece, str) for piece in pieces)
    assert len(pieces) <= 1 + sum(map(len, pieces)) / SMALLEST_CHUNK


@each_driver
def test_a_driver_says_whether_it_depends_on_database_configuration_and_templates_alone(candidate: Candidate):
    assert candidate.load().deterministic is True


@each_driver
def test_dependencies_are_paths(candidate: Candidate):
    driver = candidate.load()(CONFIG)
    dependencies = list(getattr(driver, "dependencies", list)())

    assert all(isinstance(path, (str, Path)) for path in dependencies)


@each_driver
def test_two_generations_give_the_same_bytes(candidate: Candidate, databases: Databases):
    uri = databases.company(candidate, MANY)

    assert run(candidate, uri).content == run(candidate, uri).content


@each_driver
def test_one_instance_gives_the_same_bytes_again(candidate: Candidate, databases: Databases):
    driver = candidate.load()(CONFIG)
    uri = databases.company(candidate, FEW)

    first, second = (generate(lambda _config: driver, uri).content for _ in range(2))

    assert first == second


@each_driver
def test_the_order_of_insertion_does_not_matter(candidate: Candidate, databases: Databases):
    original = run(candidate, databases.company(candidate, MANY)).content
    shuffled = run(candidate, databases.shuffled_company(candidate, MANY)).content

    assert shuffled.splitlines() == original.splitlines()


@each_driver
def test_an_empty_database_gives_a_file(candidate: Candidate, databases: Databases):
    assert isinstance(run(candidate, databases.empty(candidate)).content, str)


@each_driver
def test_a_driver_only_reads(candidate: Candidate, databases: Databases):
    with watched_session(databases.company(candidate, FEW)) as statements:
        content = candidate.load()(CONFIG).generate()
        "".join(content if not isinstance(content, bytes) else [])

    assert [text for text in statements if not re.match(r"\s*(SELECT|WITH|SHOW|DECLARE|FETCH|CLOSE)\b", text)] == []


@each_driver
def test_the_number_of_statements_does_not_grow_with_the_users(candidate: Candidate, databases: Databases):
    few, many = (run(candidate, databases.company(candidate, users)).statements for users in (FEW, MANY))

    assert many == few


@each_driver
def test_the_content_is_well_formed(candidate: Candidate, databases: Databases):
    content = run(candidate, databases.company(candidate, MANY)).content

    if candidate.path.endswith(".yml"):
        assert isinstance(yaml.safe_load(content), dict)
    else:
        assert read(content).problems == []


@each_driver
def test_a_sound_company_gives_no_warning(candidate: Candidate, databases: Databases):
    assert run(candidate, databases.company(candidate, MANY)).warnings == []


@pytest.mark.parametrize(("candidate", "case", "expected"), CASES, ids=name_of)
def test_a_golden_database_gives_the_golden_file_without_error(
    candidate: Candidate, case: str, expected: Path, golden_uri: Callable[[str], str]
):
    content = run(candidate, golden_uri(case)).content

    assert differences(expected, content) == []
    findings = examine(FileName(*candidate.path.split("/")), content)
    assert [finding for finding in findings if finding.level == Level.ERROR] == []
