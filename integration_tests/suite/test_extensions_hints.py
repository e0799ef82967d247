"""The hints of asterisk/extensions.conf (docs/spec/21-hints.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from integration_tests.suite.helpers.dialplan import BARE_CONTEXTS_CONF, Dialplan, feature_uuid, user_uuid
from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend_wazo.meta import (
    callfilter,
    callfiltermember,
    conference,
    func_key_dest_agent,
    func_key_dest_bsfilter,
    func_key_dest_conference,
    func_key_dest_custom,
    func_key_dest_forward,
    func_key_dest_groupmember,
    func_key_dest_service,
    func_key_mapping,
    line_extension,
)

NO_OBJECTS = BARE_CONTEXTS_CONF.replace("objtpl", "; objtpl")
PUBLIC_TEMPLATE = 900

# Examples 1 and 2 of the specification, global part.
GLOBAL_HINTS = [
    f"exten = {user_uuid(44)},hint,Custom:{user_uuid(44)}-mobile",
    f"exten = {user_uuid(41)},hint,Custom:{user_uuid(41)}-mobile&PJSIP/abc123&dahdi/g1/5551",
    f"exten = {user_uuid(42)},hint,Custom:{user_uuid(42)}-mobile&SCCP/1002",
    f"exten = {user_uuid(43)},hint,Custom:{user_uuid(43)}-mobile&CUSTOM/orphan&PJSIP/abc123",
    f"exten = {user_uuid(45)},hint,Custom:{user_uuid(45)}-mobile&PJSIP/def456",
    f"exten = {user_uuid(46)},hint,Custom:{user_uuid(46)}-mobile&PJSIP/zzz999",
    f"exten = {user_uuid(47)},hint,Custom:{user_uuid(47)}-mobile&PJSIP/zzz999",
]

# Example 3 of the specification.
CONTEXT_HINTS = """\
exten = 1001,hint,PJSIP/abc123&dahdi/g1/5551
exten = 1002,hint,SCCP/1002
exten = 4000,hint,confbridge:9
exten = 4001,hint,confbridge:10
exten = *73541***225,hint,Custom:*73541***225
exten = *73541***223*5559999,hint,Custom:*73541***223*5559999
exten = *73541***221,hint,Custom:*73541***221
exten = *73541***250*7,hint,Custom:*73541***250*7
exten = *73541***230***361,hint,Custom:*73541***230***361
exten = *3792,hint,Custom:*3792
exten = 555*1#,hint,Custom:555*1#
""".splitlines()


@pytest.fixture
def dialplan(database: Scratch, tmp_path: Path) -> Dialplan:
    """Two contexts that write hints alone; the features that function keys are made of."""
    made = Dialplan(database, tmp_path)
    made.write_contexts(NO_OBJECTS)
    made.add_context("acme-int")
    made.add_context("zeta-int")
    for feature, exten in {
        "phoneprogfunckey": "_*735.",
        "bsfilter": "_*37.",
        "enablednd": "*25",
        "fwdbusy": "_*23.",
        "fwdrna": "_*22.",
        "fwdunc": "_*21.",
        "groupmembertoggle": "_*50.",
        "agentstaticlogtoggle": "_*30.",
    }.items():
        made.add_feature(feature, exten)
    return made


def add_users(dialplan: Dialplan) -> None:
    """The users of the examples, and one who has but a line that is not his main one."""
    for number, exten, context in ((501, 1001, "acme-int"), (502, 1002, "acme-int"), (503, 1003, "acme-int")):
        dialplan.add_exten(context, str(exten), "user", number, id=number)
    dialplan.add_exten("acme-int", "1005", "user", 45, id=505)
    dialplan.add_exten("zeta-int", "1001", "user", 46, id=514)
    for number in (47, 46, 45, 44, 42, 41):
        dialplan.add_user(number, commented=int(number == 45))
    dialplan.add_user(43, enablehint=0)
    dialplan.add_line(201, "abc123", "sip")
    dialplan.add_line(202, "1002", "sccp")
    dialplan.add_line(203, "dahdi/g1/5551", "custom")
    dialplan.add_line(204, "def456", "sip", commented=1)
    dialplan.add_line(205, "orphan")
    dialplan.add_line(206, "zzz999", "sip")
    dialplan.tie(41, 203, 501, main_line=False)
    dialplan.tie(41, 201, 501)
    dialplan.tie(42, 202, 502)
    dialplan.tie(43, 201, main_user=False, main_line=False)
    dialplan.tie(43, 205, 503)
    dialplan.tie(45, 204, 505)
    dialplan.tie(46, 206, 514)
    dialplan.tie(47, 206, main_user=False, main_line=False)


class Keys:
    """Makes function keys and puts them on templates."""

    def __init__(self, database: Scratch) -> None:
        self._database = database
        self._number = 0

    def put(self, template: int, position: int, table: Table, *, blf: bool = True, **destination: Any) -> None:
        """One more key."""
        self._number += 1
        if "feature" in destination:
            destination["feature_extension_uuid"] = feature_uuid(destination.pop("feature"))
        self._database.add(table, func_key_id=self._number, **destination)
        self._database.add(
            func_key_mapping,
            template_id=template,
            func_key_id=self._number,
            destination_type_id=1,
            position=position,
            blf=blf,
        )


def add_keys(dialplan: Dialplan) -> None:
    keys = Keys(dialplan.database)
    keys.put(41, 1, func_key_dest_service, feature="enablednd")
    keys.put(41, 2, func_key_dest_forward, feature="fwdbusy", number="5559999")
    keys.put(41, 3, func_key_dest_forward, feature="fwdunc", number=None)
    keys.put(41, 4, func_key_dest_groupmember, feature="groupmembertoggle", group_id=7)
    keys.put(41, 5, func_key_dest_agent, feature="agentstaticlogtoggle", agent_id=61)
    keys.put(41, 6, func_key_dest_custom, exten="555*1#")
    keys.put(41, 7, func_key_dest_custom, exten="1002")
    keys.put(41, 8, func_key_dest_custom, exten="nobllf", blf=False)
    keys.put(42, 1, func_key_dest_custom, exten="555*1#")
    keys.put(PUBLIC_TEMPLATE, 1, func_key_dest_custom, exten="pubtpl")


def add_filter(dialplan: Dialplan, typeval: object = 42, **values: Any) -> None:
    dialplan.database.add(callfilter, id=31, name="filter", **values)
    dialplan.database.add(callfiltermember, id=92, callfilterid=31, typeval=str(typeval), bstype="boss")
    dialplan.database.add(func_key_dest_bsfilter, func_key_id=777, filtermember_id=92)


def add_conferences(dialplan: Dialplan) -> None:
    for number, exten, commented in ((9, "4000", 0), (10, "4001", 1), (11, "4002", 0)):
        dialplan.database.add(conference, id=number)
        dialplan.add_exten("acme-int", exten, "conference", number, commented=commented)
        if number != 11:
            dialplan.database.add(func_key_dest_conference, func_key_id=number, conference_id=number)


def hints(dialplan: Dialplan, context: str = "acme-int") -> list[str]:
    return dialplan.sections()[context]


def test_the_global_hints_of_the_examples(dialplan: Dialplan):
    add_users(dialplan)

    assert hints(dialplan, "usersharedlines") == GLOBAL_HINTS


def test_the_hints_of_a_context_of_the_examples(dialplan: Dialplan):
    add_users(dialplan)
    add_keys(dialplan)
    add_conferences(dialplan)
    add_filter(dialplan)

    assert hints(dialplan) == CONTEXT_HINTS


def test_contexts_do_not_share_hints(dialplan: Dialplan):
    add_users(dialplan)

    assert hints(dialplan, "zeta-int") == ["exten = 1001,hint,PJSIP/zzz999"]


def test_hints_follow_the_objects_without_an_empty_line(dialplan: Dialplan):
    dialplan.write_contexts()
    add_users(dialplan)

    assert "\nexten = 1001,GoSub(user,s,1(46,,514))\n\nexten = 1001,hint,PJSIP/zzz999\n\n[" in dialplan.content()


def test_a_secondary_extension_has_no_hint(dialplan: Dialplan):
    add_users(dialplan)
    dialplan.add_exten("acme-int", "1099", "user", 46, id=599)
    dialplan.database.add(line_extension, line_id=206, extension_id=599, main_extension=False)

    assert not any("1099" in hint for hint in hints(dialplan))


@pytest.mark.parametrize("feature", ["phoneprogfunckey", "bsfilter"])
def test_disabled_prefixes_count_too(database: Scratch, tmp_path: Path, feature: str):
    dialplan = Dialplan(database, tmp_path)
    dialplan.write_contexts(NO_OBJECTS)
    dialplan.add_context("acme-int")
    dialplan.add_feature("enablednd", "*25")
    for name, exten in (("phoneprogfunckey", "_*735."), ("bsfilter", "_*37.")):
        dialplan.add_feature(name, exten, enabled=name != feature)
    add_users(dialplan)
    add_keys(dialplan)
    add_filter(dialplan)

    written = read_hints(dialplan)
    assert "exten = *73541***225,hint,Custom:*73541***225" in written
    assert "exten = *3792,hint,Custom:*3792" in written


def read_hints(dialplan: Dialplan) -> list[str]:
    """The hints of a dialplan that lacks its forwards, which is worth a warning."""
    return [line for line in dialplan.generate().content.split("\n") if ",hint," in line]


def test_a_disabled_feature_has_no_key(dialplan: Dialplan):
    add_users(dialplan)
    keys = Keys(dialplan.database)
    dialplan.add_feature("incallfilter", "*27", enabled=False)
    keys.put(41, 1, func_key_dest_service, feature="incallfilter")

    assert not any("227" in hint for hint in hints(dialplan))


def test_a_key_goes_into_the_context_of_the_main_line_alone(dialplan: Dialplan):
    add_users(dialplan)
    dialplan.add_exten("zeta-int", "2000", "user", 41, id=520)
    dialplan.add_line(210, "other", "sip")
    dialplan.tie(41, 210, 520, main_line=False)
    Keys(dialplan.database).put(41, 1, func_key_dest_custom, exten="*87")

    assert "exten = *87,hint,Custom:*87" in hints(dialplan)
    assert "exten = *87,hint,Custom:*87" not in hints(dialplan, "zeta-int")


@pytest.mark.parametrize("commented", ["filter", "extension"])
def test_a_filter_or_extension_that_is_disabled_has_no_filter_hint(dialplan: Dialplan, commented: str):
    dialplan.add_exten("acme-int", "1002", "user", 42, id=502, commented=int(commented == "extension"))
    dialplan.add_user(42)
    dialplan.add_line(202, "1002", "sccp")
    dialplan.tie(42, 202, 502)
    add_filter(dialplan, commented=int(commented == "filter"))

    assert hints(dialplan) == ["exten = 1002,hint,SCCP/1002"]


def test_of_two_users_on_one_extension_the_first_counts(dialplan: Dialplan):
    dialplan.add_exten("acme-int", "1000", "user", 41, id=500)
    for user in (12, 11):
        dialplan.add_user(user)
        dialplan.add_line(user, f"line{user}", "sip")
        dialplan.tie(user, user, 500 if user == 12 else None)
    dialplan.database.add(line_extension, line_id=11, extension_id=500, main_extension=True)

    assert hints(dialplan) == ["exten = 1000,hint,PJSIP/line11"]


def test_a_line_without_name_is_left_out_with_a_warning(dialplan: Dialplan):
    dialplan.add_user(41)
    for line, technology in ((21, ""), (22, "sip")):
        dialplan.add_line(line, None, technology)
        dialplan.tie(41, line, main_line=line == 22)
    dialplan.add_line(23, "third", "sip")
    dialplan.tie(41, 23, main_line=False)

    made = dialplan.generate()

    assert f"exten = {user_uuid(41)},hint,Custom:{user_uuid(41)}-mobile&PJSIP/third\n" in made.content
    assert made.warnings == ["2 lines without name are left out, first row 22 of linefeatures"]


@pytest.mark.parametrize("typeval", ["", "forty-two", "4 2", "4_2", "٤٢"])
def test_a_filter_member_that_is_no_number_is_left_out_with_a_warning(dialplan: Dialplan, typeval: str):
    add_users(dialplan)
    add_filter(dialplan, typeval)

    made = dialplan.generate()

    assert "*3792" not in made.content
    assert made.warnings == [
        "1 hint of call filters is left out: column typeval is no number, first in row 92 of callfiltermember"
    ]


@pytest.mark.parametrize("typeval", ["42", " 42 ", "0042", "+42"])
def test_a_filter_member_is_the_number_that_the_database_reads(dialplan: Dialplan, typeval: str):
    add_users(dialplan)
    add_filter(dialplan, typeval)

    assert "exten = *3792,hint,Custom:*3792" in hints(dialplan)


@pytest.mark.parametrize("typeval", ["4242", "99999999999999999999", "-42"])
def test_a_filter_member_that_is_nobody_has_no_hint(dialplan: Dialplan, typeval: str):
    add_users(dialplan)
    add_filter(dialplan, typeval)

    assert not any("*3792" in hint for hint in hints(dialplan))


def test_of_several_prefixes_the_first_counts_with_a_warning(dialplan: Dialplan):
    add_users(dialplan)
    add_keys(dialplan)
    dialplan.add_feature_again("phoneprogfunckey", "_*999.")

    made = dialplan.generate()

    assert "exten = *73541***225,hint," in made.content
    assert made.warnings == [
        f"2 rows of feature_extension are for phoneprogfunckey: {feature_uuid('phoneprogfunckey')} counts"
    ]


def test_without_a_prefix_there_is_none(database: Scratch, tmp_path: Path):
    dialplan = Dialplan(database, tmp_path)
    dialplan.write_contexts(NO_OBJECTS)
    dialplan.add_context("acme-int")
    dialplan.add_feature("enablednd", "*25")
    add_users(dialplan)
    add_keys(dialplan)
    add_filter(dialplan)

    written = read_hints(dialplan)
    assert "exten = 41***225,hint,Custom:41***225" in written
    assert "exten = 92,hint,Custom:92" in written
