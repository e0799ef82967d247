"""asterisk/voicemail.conf (docs/spec/23-voicemail.conf.md)."""

import gc

import pytest

from integration_tests.suite.helpers.scratch import CONTROLS, hostile_texts
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.voicemail import VoicemailConf
from xivo_confgend_wazo.meta import staticvoicemail, voicemail

EMPTY = "[general]\n\n\n[zonemessages]\n\n\n"
BEFORE_BOXES = "[general]\n\n\n[zonemessages]\n\n"


def boxes(content):
    """What follows the zone messages of a file without settings."""
    assert content.startswith(BEFORE_BOXES)
    return content.removeprefix(BEFORE_BOXES)


def test_an_empty_database_gives_two_empty_sections(database):
    assert database.generate(VoicemailConf).content == EMPTY


def test_the_second_example(database):
    for name, value in (
        ("maxmsg", "100"),
        ("emailbody", "l1\nl2\r\nl3|x\n"),
        ("nullopt", None),
        ("emptyopt", ""),
    ):
        database.add(staticvoicemail, category="general", var_name=name, var_val=value)
    database.add(staticvoicemail, category="general", var_name="dialout", var_val="x", commented=1)
    database.add(
        staticvoicemail,
        category="zonemessages",
        var_name="eu-fr",
        var_val="Europe/Paris|'vm-received' q 'digits/at' kM",
    )
    database.add(staticvoicemail, category="other", var_name="x", var_val="y")

    assert database.generate(VoicemailConf).content == (
        "[general]\nmaxmsg = 100\nemailbody = l1\\nl2\r\\nl3|x\\n\nnullopt = None\nemptyopt =\n\n\n"
        "[zonemessages]\neu-fr = Europe/Paris|'vm-received' q 'digits/at' kM\n\n\n"
    )


EXAMPLE_BOXES = (
    {
        "context": "acme-int",
        "mailbox": "1001",
        "password": "1234",
        "fullname": "Ann One",
        "email": "ann@acme.example",
        "language": "en_US",
        "tz": "eu-fr",
        "attach": 1,
        "maxmsg": 100,
        "options": [["saycid", "yes"], ["emailbody", "a\nb|c"]],
    },
    {"context": "acme-int", "mailbox": "1002", "fullname": "Bob, Two", "deletevoicemail": 1},
    {
        "context": "zeta-int",
        "mailbox": "1001",
        "password": "",
        "fullname": "Zed",
        "email": "",
        "pager": "p@x",
        "language": "",
        "tz": "",
        "attach": 0,
        "maxmsg": 0,
    },
    {"context": "acme-int", "mailbox": "1004", "password": "9", "fullname": "disabled", "commented": 1},
)


def test_the_third_example(database):
    for box in EXAMPLE_BOXES:
        database.add(voicemail, **box)

    assert boxes(database.generate(VoicemailConf).content) == (
        "[acme-int]\n"
        "1001 => 1234,Ann One,ann@acme.example,,"
        "language=en_US|tz=eu-fr|attach=yes|deletevoicemail=no|maxmsg=100|saycid=yes|emailbody=a\\nbc\n"
        "1002 => ,Bob  Two,,,deletevoicemail=yes\n"
        "\n"
        "[zeta-int]\n"
        "1001 => ,Zed,,p@x,language=|tz=|attach=no|deletevoicemail=no|maxmsg=0\n"
        "\n"
        "\n"
    )


def test_boxes_of_one_context_stand_together(database):
    for context, mailbox in (("a", "1"), ("b", "2"), ("a", "3")):
        database.add(voicemail, context=context, mailbox=mailbox)

    assert boxes(database.generate(VoicemailConf).content) == (
        "[a]\n1 => ,,,,deletevoicemail=no\n3 => ,,,,deletevoicemail=no\n\n[b]\n2 => ,,,,deletevoicemail=no\n\n\n"
    )


def test_contexts_are_sorted_by_code_point(database):
    for context in ("é", "b", "_", "B"):
        database.add(voicemail, context=context, mailbox="1")

    sections = read(database.generate(VoicemailConf).content).sections

    assert [section.name for section in sections] == ["general", "zonemessages", "B", "_", "b", "é"]


def test_an_email_body_that_is_null_is_empty(database):
    database.add(staticvoicemail, category="general", var_name="emailbody", var_val=None)

    assert "[general]\nemailbody =\n" in database.generate(VoicemailConf).content


def test_an_option_that_is_null_is_empty(database):
    database.add(voicemail, context="a", mailbox="1", options=[["saycid", None]])

    assert "deletevoicemail=no|saycid=\n" in database.generate(VoicemailConf).content


def test_values_of_options_are_escaped(database):
    database.add(voicemail, context="a", mailbox="1", options=[["k", "a\tb\rc\nd|e"]], language="x|\ny", tz="|")

    assert boxes(database.generate(VoicemailConf).content).splitlines()[1] == (
        "1 => ,,,,language=x\\ny|tz=|deletevoicemail=no|k=a\\tb\\rc\\nde"
    )


def test_a_line_break_in_another_setting_is_a_space(database):
    database.add(staticvoicemail, id=5, category="general", var_name="fromstring", var_val="a\nb")

    made = database.generate(VoicemailConf)

    assert "fromstring = a b\n" in made.content
    assert made.warnings == [
        "control characters were written as spaces in 1 value, first in staticvoicemail row 5 column var_val"
    ]


def test_elements_that_are_no_pairs_are_left_out_with_one_warning(database):
    database.add(voicemail, uniqueid=7, context="a", mailbox="1", options=[["k", "v", "w"]])
    database.add(voicemail, uniqueid=8, context="a", mailbox="2", options=[[None, "v"], ["k", "v"]])

    made = database.generate(VoicemailConf)

    assert boxes(made.content).splitlines()[1:3] == ["1 => ,,,,deletevoicemail=no", "2 => ,,,,deletevoicemail=no|k=v"]
    assert made.warnings == [
        "column options of 2 rows of voicemail has elements that are no pair of name and value, first in row 7"
    ]


def test_a_context_that_cannot_be_a_section_is_left_out(database):
    database.add(voicemail, uniqueid=7, context="a]b", mailbox="1")
    database.add(voicemail, uniqueid=8, context="c", mailbox="1")

    made = database.generate(VoicemailConf)

    assert boxes(made.content) == "[c]\n1 => ,,,,deletevoicemail=no\n\n\n"
    assert made.warnings == ["voicemail row 7 is left out: column context cannot be a section name"]


@pytest.mark.parametrize("column", ["mailbox", "password", "fullname", "email", "pager"])
def test_a_field_with_a_line_break_is_named(database, column):
    database.add(voicemail, uniqueid=7, **{"context": "a", "mailbox": "1", column: "x\ny"})

    assert database.generate(VoicemailConf).warnings == [
        f"control characters were written as spaces in 1 value, first in voicemail row 7 column {column}"
    ]


def test_no_text_of_a_box_opens_a_section_or_adds_an_option(database):
    hostile = f"\n[other]\n9 => evil\r\n{CONTROLS}"
    texts = hostile_texts(voicemail, hostile)
    database.add(voicemail, **{**texts, "context": "a", "options": [[hostile, hostile]]})
    database.add(voicemail, context="other", mailbox="1", password="good")

    file = read(database.generate(VoicemailConf).content)

    assert file.problems == []
    assert [section.name for section in file.sections] == ["general", "zonemessages", "a", "other"]
    assert file.named("other")[0].pairs() == [("1", "good,,,,deletevoicemail=no")]


def test_two_statements_are_enough(database):
    for box in EXAMPLE_BOXES:
        database.add(voicemail, **box)

    assert database.generate(VoicemailConf).statements == 2


def test_a_generation_leaves_its_boxes_to_no_collector(database):
    """A worker collects seldom, and the boxes of one generation may be many megabytes."""
    database.add(voicemail, context="a", mailbox="1001", fullname="Ann Unforgotten")
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.disable()
    try:
        database.generate(VoicemailConf)
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, list) and "Unforgotten" in str(each)]
    finally:
        gc.enable()
        gc.set_debug(0)
        gc.garbage.clear()

    assert left == []
