"""Whatever is in a text column, what Asterisk reads of all other rows stays as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_tests.suite.helpers.drivers import Candidate, installed, watched_session
from integration_tests.suite.helpers.hostile import HARMLESS, HOSTILE, HostileRows, Unit, by_section, units
from xivo_confgend.plugin_helpers.asterisk_modules import LINE, SECTION, problems
from xivo_confgend.plugin_helpers.asterisk_reader import CONTROL, AsteriskFile, read
from xivo_confgend.testing.postgresql import PostgreSQL

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "etc/xivo-confgend/config.yml").read_text("utf-8"))
CONFIG = {"enabled_asterisk_modules": SHIPPED["enabled_asterisk_modules"], "templates": {"directory": None}}
FLAVOURS = {"wazo": {"plain": {}}, "xivo": {"plain": {}, "nova": {"asterisk": {"nova_compatibility": True}}}}
USERS = 80
PACKAGES = {"wazo": "xivo_confgend_wazo", "xivo": "xivo_confgend_xivo"}
REACHING = {"wazo": 128, "xivo": 48}
"""At least so many columns reach a file."""
CUT = {"plain/asterisk/queueskillrules.conf": ";", "plain/asterisk/iax.conf": ","}
"""Where a rule, or a list of codecs, becomes several lines of its own section."""
OPTIONAL = {f"wazo-{kind}-profile-{number}" for kind in ("user", "admin") for number in (1, 3)}
"""Sections of the conferences that are changed: what they hold depends on whether there is a PIN or music."""
EXACT = [
    "a+b",
    "x\\",
    "[x",
    "#x",
    "\\",
    "\\\\",
    "\\x",
    "(",
    ")",
    ">",
    "a+",
    "!",
    "$[",
    '"',
    "-",
    "é",
    "a;b",
    ";",
    "-;-",
    "[;",
    "\\;",
]
"""Values that fit into every column and that nothing cuts, so that they can be expected exactly."""
CUT_OUT = {"plain/asterisk/sccp.conf": "label", "plain/asterisk/queueskillrules.conf": "rule"}
"""Options in which a semicolon is no character of the value: it is removed, or cuts it."""
OF_ADMINISTRATORS = ("asterisk_file", "static", "features")
"""How the tables begin whose rows concern the whole PBX."""
REFUSABLE = ("pjsip.conf", "res_parking.conf", "confbridge.conf", "features.conf", "hep.conf")
PIECES = [
    *";\\-[](){}!+#=>,&|\"'$@/:%ab \t\n\r\x01\x85\u2028\u00a0\ufeffé",
    ";--",
    "--;",
    "\\;",
    "+=",
    "=>",
    "n" * 80,
    "v" * 4000,
]
"""What random values are made of: no digits, which may be the key of another row."""
ALLOWED = "section name of more than 79 bytes, which is cut"


@dataclass
class Company:
    """A company with one driver for each of its files, and what Asterisk reads in them.

    `untouched`: of the rows that never change; `own`: of those that do, with a harmless value; `room`: how many
    options that is in each section.
    """

    uri: str
    candidates: list[Candidate]
    rows: HostileRows
    untouched: dict[str, Counter[Unit]]
    own: dict[str, Counter[Unit]]
    room: dict[str, Counter[Unit]]
    directives: dict[str, list[str]]

    def texts(self) -> dict[str, str]:
        """The content of each file now."""
        with watched_session(self.uri):
            return {
                f"{flavour}/{one.path}": "".join(one.load()({**CONFIG, **config}).generate())
                for flavour, config in FLAVOURS[self.candidates[0].name].items()
                for one in self.candidates
            }

    def files(self) -> dict[str, AsteriskFile]:
        """Each of Asterisk's files as it is read now."""
        return {path: read(text) for path, text in self.texts().items() if path.endswith(".conf")}


def make_company(server: PostgreSQL, schema: str) -> Company:
    """A new company of `schema`, its rows as they are and with a harmless value, to know what depends on them."""
    candidates = [one for one in installed() if one.package == PACKAGES[schema]]
    uri = server.create_database(f"hostile_{schema}")
    candidates[0].fill(uri, USERS)
    company = Company(uri, candidates, HostileRows(uri, candidates[0].metadata), {}, {}, {}, {})
    before = company.files()
    company.rows.write(HARMLESS)
    for path, file in company.files().items():
        company.untouched[path] = units(path, before[path]) & units(path, file)
        company.own[path] = units(path, file) - company.untouched[path]
        company.room[path] = by_section(company.own[path])
        company.directives[path] = [text for _, text in file.directives]
    return company


@pytest.fixture(scope="module", params=PACKAGES)
def schema(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture(scope="module")
def company(postgresql: PostgreSQL, schema: str) -> Iterator[Company]:
    """The company of the schema."""
    made = make_company(postgresql, schema)
    yield made
    made.rows.close()


@pytest.mark.parametrize("value", HOSTILE, ids=[repr(value[:12]) for value in HOSTILE])
def test_every_other_line_stays_as_it_was(company: Company, value: str):
    assert_untouched(company, value)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_whatever_is_written_every_other_line_stays(company: Company, value: str):
    assert_untouched(company, value)


def assert_untouched(company: Company, value: str) -> None:
    """Write `value` everywhere; fail unless each file is read, and as before but for the changed rows."""
    company.rows.write(value)
    is_blank = not CONTROL.sub(" ", value).strip()

    for path, text in company.texts().items():
        if not path.endswith(".conf"):
            assert isinstance(yaml.safe_load(text), dict)
            continue
        file = read(text)
        assert file.refused is None, path
        assert [problem for problem in file.problems if problem.text != ALLOWED] == [], path
        assert [directive for _, directive in file.directives] == company.directives[path], path
        read_now = units(path, file)
        missing = {unit for unit in company.untouched[path] - read_now if not is_blank or unit[0] not in OPTIONAL}
        assert missing == set(), (path, value)
        added = by_section(read_now - company.untouched[path])
        others = {unit[:2] for unit in company.untouched[path]} if CUT.get(path, "\0") not in value else set()
        assert {one for one in others if added[one] > company.room[path][one] and one[0] != value} == set(), (
            path,
            value,
        )


@pytest.mark.parametrize("value", EXACT, ids=repr)
def test_what_is_read_is_what_is_stored(company: Company, value: str):
    company.rows.write(value)

    for path, file in company.files().items():
        expected = Counter(
            {
                tuple(text.replace(HARMLESS, value.replace("\\;", ";")) for text in unit): count
                for unit, count in company.own[path].items()
                if ";" not in value or unit[2:3] != (CUT_OUT.get(path),)
            }
        )
        assert expected - units(path, file) == Counter(), path


def test_no_row_of_a_tenant_makes_a_module_refuse_its_file(postgresql: PostgreSQL):
    candidates = [one for one in installed() if one.path.rpartition("/")[2] in REFUSABLE and one.name == "wazo"]
    uri = postgresql.create_database("hostile_tenant")
    candidates[0].fill(uri, USERS)
    rows = HostileRows(uri, candidates[0].metadata, lambda table: not table.startswith(OF_ADMINISTRATORS))

    for value in HOSTILE[::4]:
        rows.write(value)
        with watched_session(uri):
            files = {one.path: read("".join(one.load()(CONFIG).generate())).resolved() for one in candidates}
        refused = [
            str(problem)
            for path, sections in files.items()
            for problem in problems(path.rpartition("/")[2], sections)
            if problem.effect not in {SECTION, LINE}
        ]
        assert refused == [], repr(value)
    rows.close()


def test_most_lines_depend_on_none_of_the_changed_rows(company: Company):
    assert sum(map(len, company.untouched.values())) > 2 * sum(map(len, company.room.values()))


def test_the_changed_columns_reach_the_files(company: Company, schema: str):
    marks = {column: chr(0xE100 + place) for place, column in enumerate(company.rows.columns)}
    joined = {
        column: HARMLESS if column.name in {"name", "context", "queue_name", "line"} else marks[column]
        for column in marks
    }

    written = ""
    for values in (marks, joined):
        company.rows.write(values.__getitem__)
        for path, text in company.texts().items():
            written += text if path.endswith(".conf") else str(yaml.safe_load(text))

    reaching = {str(column) for column, mark in marks.items() if mark in written}
    assert len(reaching) >= REACHING[schema]
