"""Whatever a tenant writes into the database, the others' part of asterisk/extensions.conf stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration_tests.suite.helpers.dialplan import TENANT, Dialplan, feature_uuid, user_uuid
from integration_tests.suite.helpers.scratch import CONTROLS, Scratch, hostile_texts
from xivo_confgend.plugin_helpers.asterisk_reader import AsteriskFile, read
from xivo_confgend_wazo.meta import (
    callfilter,
    callfiltermember,
    conference,
    context,
    contextinclude,
    dialaction,
    endpoint_sip,
    extensions,
    feature_extension,
    func_key_dest_custom,
    func_key_dest_forward,
    func_key_mapping,
    ivr,
    ivr_choice,
    linefeatures,
    sccpline,
    usercustom,
    userfeatures,
)

HOSTILE = f"\n[victim]\nexten=0;1;Evil()\r\n{CONTROLS}"
SHORT = "\n[victim]\n"


@pytest.fixture
def dialplan(database: Scratch, tmp_path: Path) -> Dialplan:
    """A victim: a context with an extension, a user with a hint; the features, a menu."""
    made = Dialplan(database, tmp_path)
    made.add_context("victim")
    made.add_exten("victim", "1001", "user", 900, id=900)
    made.add_user(900)
    made.add_line(900, "victim", "sip")
    made.tie(900, 900, 900)
    made.database.add(ivr, id=900, menu_sound="menu")
    for feature, exten in {
        "phoneprogfunckey": "_*735.",
        "bsfilter": "_*37.",
        "fwdbusy": "_*23.",
        "fwdrna": "_*22.",
        "fwdunc": "_*21.",
    }.items():
        made.add_feature(feature, exten)
    return made


def add_hostile_tenant(dialplan: Dialplan) -> None:
    """Rows in every table that the driver reads, hostile in every text that nothing else refers to."""
    database = dialplan.database
    database.add(
        context, **{**hostile_texts(context, HOSTILE), "name": "evil", "contexttype": "internal", "uuid": None}
    )
    database.add(context, **{**hostile_texts(context, HOSTILE), "uuid": None})
    database.add(contextinclude, context="evil", include=HOSTILE)
    database.add(extensions, **{**hostile_texts(extensions, HOSTILE), "context": "evil", "type": "user", "id": 66})
    add_hostile_user(dialplan)
    add_hostile_keys(dialplan)
    database.add(ivr, **hostile_texts(ivr, HOSTILE), id=66)
    database.add(ivr_choice, id=66, ivr_id=66, exten=HOSTILE[:40])
    for category, event in (("ivr", "abort"), ("ivr_choice", "ivr_choice")):
        row = {**hostile_texts(dialaction, HOSTILE), "event": event, "category": category, "categoryval": "66"}
        database.add(dialaction, **row, action="custom")


def add_hostile_user(dialplan: Dialplan) -> None:
    """One with a line of each technology."""
    database = dialplan.database
    database.add(userfeatures, **hostile_texts(userfeatures, HOSTILE), id=66, func_key_private_template_id=66)
    database.add(
        endpoint_sip, **{**hostile_texts(endpoint_sip, HOSTILE), "uuid": user_uuid(66), "transport_uuid": None}
    )
    database.add(sccpline, **hostile_texts(sccpline, HOSTILE), id=66)
    database.add(usercustom, **hostile_texts(usercustom, HOSTILE), id=66, category="user")
    endpoints = {"endpoint_sip_uuid": user_uuid(66), "endpoint_sccp_id": 66, "endpoint_custom_id": 66}
    for line, (column, value) in enumerate(endpoints.items(), start=66):
        row = {**hostile_texts(linefeatures, f"{line}{HOSTILE}"), **dict.fromkeys(endpoints), column: value}
        database.add(linefeatures, **row, id=line)
        dialplan.tie(66, line, 66, main_line=line == 66)


def add_hostile_keys(dialplan: Dialplan) -> None:
    database = dialplan.database
    database.add(feature_extension, **{**hostile_texts(feature_extension, HOSTILE), "uuid": feature_uuid("evil")})
    database.add(func_key_dest_custom, func_key_id=66, exten=HOSTILE[:40])
    database.add(
        func_key_dest_forward, func_key_id=67, feature_extension_uuid=feature_uuid("evil"), number=HOSTILE[:40]
    )
    for key in (66, 67):
        database.add(func_key_mapping, template_id=66, func_key_id=key, destination_type_id=1, position=key)
    database.add(conference, id=66, **hostile_texts(conference, HOSTILE))
    database.add(callfilter, id=66, **hostile_texts(callfilter, HOSTILE))
    database.add(callfiltermember, id=66, callfilterid=66, typeval=HOSTILE, bstype="boss")


def read_dialplan(dialplan: Dialplan) -> AsteriskFile:
    return read(dialplan.generate().content)


def test_the_sections_of_the_others_stay_as_they_were(dialplan: Dialplan):
    before = {section.name: section.pairs() for section in read_dialplan(dialplan).sections}
    add_hostile_tenant(dialplan)
    after = {section.name: section.pairs() for section in read_dialplan(dialplan).sections}

    for name in ("victim", "xivo-features", "xivo-ivr-900"):
        assert after[name] == before[name]


def test_only_sections_of_its_own_are_added(dialplan: Dialplan):
    add_hostile_tenant(dialplan)

    assert [section.name for section in read_dialplan(dialplan).sections] == [
        "usersharedlines",
        "evil",
        "victim",
        "xivo-features",
        "xivo-ivr-66",
        "xivo-ivr-900",
    ]


def test_the_global_hints_of_the_others_stay(dialplan: Dialplan):
    (before,) = read_dialplan(dialplan).named("usersharedlines")
    add_hostile_tenant(dialplan)
    (after,) = read_dialplan(dialplan).named("usersharedlines")

    assert before.pairs()[0] in after.pairs()
    assert len(after.pairs()) == len(before.pairs()) + 1


def test_the_file_stays_well_formed(dialplan: Dialplan):
    add_hostile_tenant(dialplan)

    assert read_dialplan(dialplan).problems == []


def test_every_kind_of_text_of_the_hostile_tenant_was_written(dialplan: Dialplan):
    add_hostile_tenant(dialplan)

    written = dialplan.generate().content
    for text in (
        r"include =  [victim] exten=0\;1\;Evil()",
        r"exten =  [victim] exten=0\;1\;Evil()",
        "GoSub(user,s,1( [victim] ",
        ",hint,PJSIP/ [victim] ",
        "&SCCP/ [victim] ",
        ",hint,Custom: [victim] ",
        "mobile&PJSIP/66 [victim] ",
        ",hint,Custom:*73566",
        "Background( [victim] ",
        "Gosub(forward,s,1(custom, [victim] ",
    ):
        assert text in written, text


def test_control_characters_are_one_warning(dialplan: Dialplan):
    add_hostile_tenant(dialplan)

    warnings = [warning for warning in dialplan.generate().warnings if "control characters" in warning]
    assert len(warnings) == 1


@pytest.mark.parametrize("name", ["", "a]", "a](!)", "]\n[victim"])
def test_a_context_whose_name_cannot_be_a_section_is_left_out(dialplan: Dialplan, name: str):
    before = dialplan.generate().content
    dialplan.add_context(name, id=7)
    dialplan.add_exten(name, "1", "group", 1, id=2)
    dialplan.database.add(contextinclude, context=name, include="x")

    made = dialplan.generate()

    assert made.content == before
    assert made.warnings == ["context row 7 is left out: column name cannot be a section name"]


def test_a_tabulator_stays(dialplan: Dialplan):
    dialplan.add_exten("victim", "1\t2", "group", 1)

    assert "exten = 1\t2,1," in dialplan.generate().content


def test_the_first_control_character_is_named(dialplan: Dialplan):
    dialplan.add_exten("victim", "1\n", "group", 1, id=77)

    assert dialplan.generate().warnings == [
        "control characters were written as spaces in 1 value, first in extensions row 77 column exten"
    ]


def test_other_characters_that_cannot_be_printed_stay(dialplan: Dialplan):
    dialplan.add_exten("victim", "1\u00a0\u200b2", "group", 1)

    assert "exten = 1\u00a0\u200b2,1," in dialplan.content()


def test_a_tenant_identifier_is_written_on_one_line(dialplan: Dialplan):
    dialplan.add_context("evil", tenant_uuid=SHORT)
    dialplan.add_exten("evil", "1", "group", 1)

    written = dialplan.generate().content
    assert "Set(__WAZO_TENANT_UUID= [victim] )" in written
    assert f"Set(__WAZO_TENANT_UUID={TENANT})" in written


COMMA = "9,1,Evil()"


def test_a_number_with_a_comma_is_left_out_with_its_lines(dialplan: Dialplan):
    before = dialplan.content()
    dialplan.add_exten("victim", COMMA, "group", 1, id=77)

    made = dialplan.generate()

    assert made.content == before
    reason = "column exten holds ',', at which Asterisk cuts"
    assert made.warnings == [f"an item of extensions row 77 is left out: {reason}"]


def test_an_include_with_a_comma_is_left_out(dialplan: Dialplan):
    before = dialplan.content()
    dialplan.database.add(contextinclude, context="victim", include="other,9:00-10:00")

    made = dialplan.generate()

    assert made.content == before
    assert [warning.partition(":")[0] for warning in made.warnings] == [
        "an item of contextinclude row victim is left out"
    ]


def test_a_device_with_an_ampersand_is_left_out_of_its_hint(dialplan: Dialplan):
    dialplan.add_user(5)
    dialplan.database.add(linefeatures, id=5, name="SIP/a&PJSIP/victim", context="victim", endpoint_custom_id=5)
    dialplan.tie(5, 5, 900)

    made = dialplan.generate()

    assert f"exten = {user_uuid(5)},hint,Custom:{user_uuid(5)}-mobile\n" in made.content
    assert [warning.partition(":")[0] for warning in made.warnings] == ["an item of linefeatures row 5 is left out"]


def test_a_choice_with_a_comma_is_left_out_of_its_menu(dialplan: Dialplan):
    before = dialplan.content()
    dialplan.database.add(ivr_choice, id=3, ivr_id=900, exten="1,1,Evil()")

    made = dialplan.generate()

    assert made.content == before
    assert [warning.partition(":")[0] for warning in made.warnings] == ["an item of ivr_choice row 3 is left out"]


@pytest.mark.parametrize("name", ["general", "globals", "usersharedlines"])
def test_a_context_named_like_a_section_asterisk_knows_is_left_out(dialplan: Dialplan, name: str):
    before = dialplan.content()
    dialplan.add_context(name, id=7)

    made = dialplan.generate()

    assert made.content == before
    assert made.warnings == ["context row 7 is left out: column name is, to Asterisk, a name that the file uses itself"]


def test_two_contexts_of_one_name_to_asterisk_are_one(dialplan: Dialplan):
    dialplan.add_context("é" * 40, id=7)
    dialplan.add_context("é" * 39 + "\u00e8", id=8)

    made = dialplan.generate()

    assert f"[{'é' * 39}\u00e8]\n" in made.content
    assert f"[{'é' * 40}]" not in made.content
    assert [warning.partition(":")[0] for warning in made.warnings] == ["context row 7 is left out"]
