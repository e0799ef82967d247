"""Files stored in the database (docs/spec/00-output-format.md section 5), asterisk/rtp.conf and asterisk/hep.conf."""

import logging

import pytest

from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.hep import HEPConf
from xivo_confgend_wazo.impl.asterisk.rtp import RTPConf
from xivo_confgend_wazo.impl.queries.stored_files import stored_file
from xivo_confgend_wazo.meta import asterisk_file, asterisk_file_section, asterisk_file_variable


def requiring(*names):
    """A driver of the stored file demo1.conf with the required sections `names`."""

    class DemoConf:
        def __init__(self, config):
            pass

        def generate(self):
            safe = SafeText(logging.getLogger(__name__))
            content = stored_file("demo1.conf", safe, names)
            safe.warn()
            return content

    return DemoConf


def store(database, name, *sections):
    """The stored file `name`; a section is its name, priority and variables: key, value, priority."""
    database.add(asterisk_file, id=901, name=name)
    for place, (section, priority, *variables) in enumerate(sections, 911):
        database.add(asterisk_file_section, id=place, name=section, priority=priority, asterisk_file_id=901)
        for key, value, rank in variables:
            database.add(asterisk_file_variable, key=key, value=value, priority=rank, asterisk_file_section_id=place)


@pytest.fixture
def demo(database):
    """The database with the rows of example 8.1."""
    beta = ("beta", 2, ("k2", "  v 2 ", 2), ("k1", None, 1), ("k3", "", None))
    store(database, "demo1.conf", beta, ("alpha", 1))
    return database


BETA = "[beta]\nk1 =\nk2 =   v 2\nk3 =\n"


@pytest.mark.parametrize(
    ("required", "content"),
    [
        ((), f"[alpha]\n\n{BETA}\n"),
        (("alpha", "beta"), f"[alpha]\n\n{BETA}\n"),
        (("alpha", "beta", "gamma"), f"[alpha]\n\n{BETA}\n[gamma]\n\n\n"),
    ],
)
def test_missing_required_sections_follow_what_is_stored(demo, required, content):
    assert demo.generate(requiring(*required)).content == content


@pytest.mark.parametrize(("required", "content"), [((), ""), (("x", "y"), "[x]\n\n\n[y]\n\n")])
def test_a_file_that_is_not_stored_has_its_required_sections(database, required, content):
    assert database.generate(requiring(*required)).content == content


@pytest.mark.parametrize(("required", "content"), [((), ""), (("x",), "[x]\n\n\n")])
def test_a_file_without_sections_ends_with_an_empty_line_if_one_is_required(database, required, content):
    store(database, "demo1.conf")

    assert database.generate(requiring(*required)).content == content


def test_sections_and_variables_of_equal_priority_come_in_the_order_of_their_ids(database):
    store(database, "demo1.conf", ("b", None, ("z", "1", None), ("y", "2", None)), ("a", None), ("c", 7))

    assert database.generate(requiring()).content == "[c]\n\n[b]\nz = 1\ny = 2\n\n[a]\n\n"


def test_a_stored_file_takes_one_statement(demo):
    assert demo.generate(requiring("gamma")).statements == 1


def test_a_section_whose_name_cannot_be_one_is_left_out_and_required_anew(database):
    store(database, "demo1.conf", ("x]\n[y", 1, ("k", "v", 1)), ("good", 2))

    made = database.generate(requiring("good", "x"))

    assert [section.name for section in read(made.content).sections] == ["good", "x"]
    assert made.warnings == ["asterisk_file_section row 911 is left out: column name cannot be a section name"]


def test_no_variable_opens_a_section_or_runs_a_program(database):
    store(database, "demo1.conf", ("good", 1, ("[evil]", "\n[evil]", 1), ("#exec sh", "", 2), ("a\rb", "c", 3)))

    file = read(database.generate(requiring()).content)

    assert [section.name for section in file.sections] == ["good"]
    assert file.directives == []


def test_the_example_of_rtp_conf(database):
    general = ("general", 0, ("rtpend", "20000", 2), ("rtpstart", "10000", 1), ("icesupport", None, 3))
    store(database, "rtp.conf", ("ice_host_candidates", None), general)

    content = "[general]\nrtpstart = 10000\nrtpend = 20000\nicesupport =\n\n[ice_host_candidates]\n\n"
    assert database.generate(RTPConf).content == content


def test_the_example_of_mappings_in_rtp_conf(database):
    mappings = (("192.168.1.5", "203.0.113.7", 0), ("192.168.1.6", "203.0.113.8,include_local_address", 1))
    store(database, "rtp.conf", ("ice_host_candidates", 1, *mappings), ("general", 0, ("stunaddr", "", 0)))

    assert database.generate(RTPConf).content == (
        "[general]\nstunaddr =\n\n"
        "[ice_host_candidates]\n192.168.1.5 = 203.0.113.7\n192.168.1.6 = 203.0.113.8,include_local_address\n\n"
    )


def test_the_example_of_hep_conf(database):
    store(database, "hep.conf", ("general", 0, ("enabled", "0", None)))

    assert database.generate(HEPConf).content == "[general]\nenabled = 0\n\n"


@pytest.mark.parametrize("driver", [RTPConf, HEPConf])
def test_nothing_stored_gives_an_empty_file(database, driver):
    assert database.generate(driver).content == ""


def test_a_warning_of_a_name_cut_in_a_character_can_be_encoded(database):
    store(database, "hep.conf", ("é" * 60, 0))

    made = database.generate(HEPConf)

    assert len(made.warnings) == 1
    assert made.warnings[0].encode("utf-8").count(b"?") == 1
