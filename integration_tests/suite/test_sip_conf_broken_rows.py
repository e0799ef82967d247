"""asterisk/sip.conf of the XiVO schema: what broken rows and hostile values can, and cannot, do to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Enum, String, Table

from integration_tests.suite.helpers.sip_example import Database, example_database, section, sections, worked_example
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_xivo import meta


@pytest.fixture
def example(postgresql: PostgreSQL) -> Iterator[Database]:
    """The rows of section 9.1."""
    with example_database(postgresql) as database:
        yield database


BROKEN_OPTIONS = {
    "one dimension": "'{foo,bar}'",
    "three in a row": "'{{a,b,c}}'",
    "three dimensions": "'{{{a,b},{c,d}}}'",
}


@pytest.mark.parametrize("options", BROKEN_OPTIONS.values(), ids=BROKEN_OPTIONS)
def test_options_that_are_not_pairs_are_left_out_with_a_warning(example: Database, options: str) -> None:
    before = example.generate().content
    example.execute(f"UPDATE usersip SET options = {options} WHERE id IN (2, 4)")

    generated = example.generate()

    assert generated.content == before
    assert generated.warnings == [
        "column options of 2 rows of usersip holds something that is not a pair, which is left out, first in row 4"
    ]


def test_null_options_are_none(example: Database) -> None:
    before = example.generate().content
    example.execute("ALTER TABLE usersip ALTER options DROP NOT NULL")
    example.execute("UPDATE usersip SET options = NULL WHERE options = '{}'")

    assert example.generate().content == before


def test_references_to_missing_rows_are_no_references(example: Database) -> None:
    example.insert(
        {
            meta.user_line: [
                {"id": 8, "user_id": 99, "line_id": 22, "extension_id": 99, "main_user": True, "main_line": True},
            ],
            meta.pickupmember: [{"pickupid": 99, "category": "member", "membertype": "queue", "memberid": 99}],
        }
    )
    example.update(meta.userfeatures, 7, voicemailid=99)

    content = example.generate().content

    assert content == worked_example("9.1").replace("mailbox = 100@ctx-vm\n", "")


@pytest.mark.parametrize("name", ["", "a]b"])
def test_a_name_that_cannot_be_a_section_leaves_the_account_out(example: Database, name: str) -> None:
    example.update(meta.usersip, 4, name=name)

    generated = example.generate()

    assert sections(generated.content) == ["[general]", "[authentication]", "[t-one]", "[u-one]", "[u-two]"]
    assert generated.warnings == ["usersip row 4 is left out: column name cannot be a section name"]


@pytest.mark.parametrize("name", ["General", "U-ONE"])
def test_a_name_that_asterisk_reads_as_another_leaves_the_account_out(example: Database, name: str) -> None:
    before = sections(example.generate().content)
    example.update(meta.usersip, 4, name=name)

    generated = example.generate()

    left_out = "[t-two]" if name == "General" else "[u-one]"
    assert len(sections(generated.content)) == len(before) - 1
    assert left_out not in sections(generated.content)
    assert len(generated.warnings) == 1


def test_semicolons_end_no_line(example: Database) -> None:
    example.update(meta.usersip, 4, name="t;two", secret="abc;def", options=[["k;--", "v;--"]])

    (section,) = read(example.generate().content).named("t;two")

    assert section.values("secret") == ["abc;def"]
    assert section.pairs()[-1] == ("k;--", "v;--")


def test_a_line_that_is_too_long_names_its_row(example: Database) -> None:
    example.update(meta.usersip, 4, options=[["k", "x" * 9000], ["l", "m"]])

    generated = example.generate()

    assert section(generated.content, "t-two")[-1] == "l = m"
    assert len(generated.warnings) == 1
    assert generated.warnings[0].startswith("usersip row 4 column options: the line of 9005 bytes is left out")


HOSTILE = r"'x\n[evil]\rowned=yes\u0085[evil]\u2028owned=yes\n'"
HOSTILE_ROWS = {
    meta.staticsip: "var_name = 'pedantic'",
    meta.sipauthentication: "id = 1",
    meta.usersip: "id = 1",
    meta.linefeatures: "id = 21",
    meta.userfeatures: "id = 7",
    meta.voicemail: "uniqueid = 41",
    meta.extensions: "id = 31",
    meta.pickup: "id = 4",
}
"""Rows that belong to u-one, or to nobody."""


def make_hostile(database: Database, table: Table, rows: str) -> None:
    """Let every text of `rows` try to open sections and to add options."""
    names = [
        f'"{column.name}"'
        for column in table.columns
        if isinstance(column.type, String) and not isinstance(column.type, Enum) and column.name != "name"
    ]
    database.execute(f"ALTER TABLE {table.name} " + ", ".join(f"ALTER {name} TYPE text" for name in names))
    # another value in each column, because some are unique
    values = (f"{name} = E{HOSTILE} || {number}" for number, name in enumerate(names))
    database.execute(f"UPDATE {table.name} SET {', '.join(values)} WHERE {rows}")


@pytest.mark.parametrize("table", HOSTILE_ROWS, ids=lambda table: table.name)
def test_no_text_opens_a_section_or_adds_a_line(example: Database, table: Table) -> None:
    before = example.generate().content
    make_hostile(example, table, HOSTILE_ROWS[table])

    content = example.generate().content

    assert sections(content) == sections(before)
    assert re.findall(r"^owned", content, re.M) == []
    assert [name for name in ("t-one", "t-two", "u-two") if section(content, name) != section(before, name)] == []


def test_no_name_opens_a_section(example: Database) -> None:
    example.execute("ALTER TABLE usersip ALTER name TYPE text")
    example.execute(f"UPDATE usersip SET name = E{HOSTILE} WHERE id = 1")

    assert sections(example.generate().content) == ["[general]", "[authentication]", "[t-one]", "[t-two]", "[u-two]"]


def test_hostile_extra_options_open_no_section(example: Database) -> None:
    before = sections(example.generate().content)
    example.update(meta.usersip, 4, options=[["a\n[evil]\nb", "c\n[evil]\nd"]])

    generated = example.generate()

    assert sections(generated.content) == before
    assert section(generated.content, "t-two")[-1] == "a [evil] b = c [evil] d"
    assert generated.warnings == [
        "control characters were written as spaces in 2 values, first in usersip row 4 column options"
    ]


def test_an_extra_option_named_like_a_section_opens_none(example: Database) -> None:
    before = sections(example.generate().content)
    example.update(meta.usersip, 4, options=[["\x01[evil]", "x"], ["#exec", "\x01id"], ["a[b]", "c"]])

    generated = example.generate()

    assert sections(generated.content) == before
    assert section(generated.content, "t-two")[-3:] == ["\\[evil] = x", "\\#exec =  id", "a[b] = c"]


def test_a_general_option_named_like_a_section_opens_none(example: Database) -> None:
    example.execute("UPDATE staticsip SET var_name = ' [evil]' WHERE var_name = 'pedantic'")

    assert "\n\\[evil] = yes\n" in example.generate().content


SPACES = {
    "userfeatures row 7 column musiconhold": (meta.userfeatures, 7, "musiconhold", "mohsuggest = ca lm"),
    "linefeatures row 21 column context": (meta.linefeatures, 21, "context", "setvar = TRANSFER_CONTEXT=ca lm"),
    "extensions row 31 column exten": (meta.extensions, 31, "exten", "setvar = PICKUPMARK=ca lm%ctx-l"),
    "voicemail row 41 column mailbox": (meta.voicemail, 41, "mailbox", "mailbox = ca lm@ctx-vm"),
    "usersip row 1 column secret": (meta.usersip, 1, "secret", "secret = ca lm"),
}


@pytest.mark.parametrize("place", SPACES)
def test_a_control_character_is_one_space_and_the_warning_says_where(example: Database, place: str) -> None:
    table, row, column, line = SPACES[place]
    example.update(table, row, **{column: "ca\x01lm"})

    generated = example.generate()

    assert line in section(generated.content, "u-one")
    assert generated.warnings == [f"control characters were written as spaces in 1 value, first in {place}"]


def test_a_tab_stays(example: Database) -> None:
    example.update(meta.usersip, 1, secret="a\tb")

    generated = example.generate()

    assert "secret = a\tb" in section(generated.content, "u-one")
    assert generated.warnings == []
