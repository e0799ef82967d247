"""asterisk/iax.conf (docs/spec/12-iax.conf.md)."""

from integration_tests.suite.helpers.scratch import CONTROLS, hostile_texts
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.iax import COLUMNS, IAXConf
from xivo_confgend_wazo.meta import iaxcallnumberlimits, staticiax, useriax

NOT_WRITTEN = {"id", "tenant_uuid", "name", "protocol", "category", "commented", "disallow", "options"}

PEER = """\
[iax-b]
type = peer
amaflags = default
trunk = no
auth = plaintext,md5
sendani = no
qualifysmoothing = no
qualify = no
qualifyfreqok = 60000
qualifyfreqnotok = 10000
host = dynamic
requirecalltoken = no
"""

EXAMPLE = f"""\
[general]
bindport = 4569
register => u:p@iax.example
disallow = all
allow = ulaw
allow = alaw
blank =

[callnumberlimits]
10.0.0.0/255.0.0.0 = 20
192.0.2.1/255.255.255.255 = 3

[iax-a]
type = friend
username = iu
trunk = yes
auth = plaintext,md5
jitterbuffer = no
sendani = no
qualifysmoothing = no
qualify = no
qualifyfreqok = 60000
qualifyfreqnotok = 10000
disallow = all
allow = gsm
allow = ulaw
host = 192.0.2.9
port = 4570
requirecalltoken = no
foo = bar
disallow = all
allow = speex
disallow = x

{PEER}"""


def fill_example(database):
    for name, value in (
        ("bindport", "4569"),
        ("language", None),
        ("register", "u:p@iax.example"),
        ("disallow", "all"),
        ("allow", "ulaw,alaw"),
        ("blank", ""),
    ):
        database.add(staticiax, var_name=name, var_val=value)
    database.add(staticiax, var_name="authdebug", var_val="no", commented=1)
    database.add(iaxcallnumberlimits, destination="10.0.0.0", netmask="255.0.0.0", calllimits=20)
    database.add(iaxcallnumberlimits, destination="192.0.2.1", netmask="255.255.255.255", calllimits=3)
    database.add(
        useriax,
        name="iax-a",
        type="friend",
        category="trunk",
        host="192.0.2.9",
        username="iu",
        allow="gsm,ulaw",
        disallow="g729",
        trunk=1,
        jitterbuffer=0,
        port=4570,
        amaflags=None,
        options=[["foo", "bar"], ["allow", "speex"], ["disallow", "x"], ["empty", ""]],
    )
    database.add(useriax, name="iax-b", type="peer", category="trunk")
    database.add(useriax, name="iax-c", type="peer", category="trunk", commented=1)
    database.add(useriax, name="iax-d", type="peer", category="user")


def test_the_first_example(database):
    fill_example(database)

    assert database.generate(IAXConf).content == EXAMPLE


def test_an_empty_database_gives_the_general_section(database):
    assert database.generate(IAXConf).content == "[general]\n"


def test_the_third_example(database):
    database.add(useriax, name="iax-b", type="peer", category="trunk")

    assert database.generate(IAXConf).content == f"[general]\n\n{PEER}"


def test_every_column_but_those_of_the_specification_is_written():
    assert set(COLUMNS) == {column.name for column in useriax.columns} - NOT_WRITTEN


def test_codecs_are_not_trimmed_one_by_one(database):
    database.add(staticiax, var_name="allow", var_val="ulaw, alaw")

    assert database.generate(IAXConf).content == "[general]\ndisallow = all\nallow = ulaw\nallow =  alaw\n"


def test_an_empty_list_of_codecs_is_one_empty_codec(database):
    database.add(staticiax, var_name="allow", var_val="")

    assert database.generate(IAXConf).content == "[general]\ndisallow = all\nallow =\n"


def test_each_list_of_codecs_begins_anew(database):
    database.add(staticiax, var_name="allow", var_val="ulaw")
    database.add(staticiax, var_name="allow", var_val="gsm")

    assert database.generate(IAXConf).content == "[general]\n" + "disallow = all\nallow = ulaw\n" + (
        "disallow = all\nallow = gsm\n"
    )


def test_a_number_of_zero_is_written(database):
    database.add(useriax, name="t", category="trunk", port=0)

    assert "port = 0\n" in database.generate(IAXConf).content


def test_a_trunk_whose_name_cannot_be_a_section_is_left_out(database):
    database.add(useriax, id=3, name="a]\n[b", category="trunk")

    made = database.generate(IAXConf)

    assert made.content == "[general]\n"
    assert made.warnings == ["useriax row 3 is left out: column name cannot be a section name"]


def test_elements_that_are_no_pairs_are_left_out_with_a_warning(database):
    database.add(useriax, id=3, name="t", category="trunk", options=[["k", "v", "w"]])

    made = database.generate(IAXConf)

    assert made.content.endswith("requirecalltoken = no\n")
    assert made.warnings == [
        "column options of 1 row of useriax has elements that are no pair of name and value, first in row 3"
    ]


def test_no_text_opens_a_section_or_adds_an_option(database):
    hostile = f"\n[good]\nsecret = evil\r\n{CONTROLS}"
    database.add(staticiax, var_name=hostile, var_val=hostile)
    database.add(iaxcallnumberlimits, destination=hostile[:39], netmask=hostile[:39])
    texts = hostile_texts(useriax, hostile)
    database.add(useriax, **{**texts, "name": "evil", "category": "trunk", "options": [[hostile, hostile]]})
    database.add(useriax, name="good", category="trunk", secret="good")

    file = read(database.generate(IAXConf).content)

    assert file.problems == []
    assert [section.name for section in file.sections] == ["general", "evil", "good"]
    assert file.named("good")[0].values("secret") == ["good"]


def test_three_statements_are_enough(database):
    fill_example(database)

    assert database.generate(IAXConf).statements == 3
