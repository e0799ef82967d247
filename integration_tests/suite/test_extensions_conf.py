"""asterisk/extensions.conf: contexts, extensions, features and forwards (docs/spec/20-extensions.conf.md).

Hints and voice menus have files of their own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integration_tests.suite.helpers.base import asset
from integration_tests.suite.helpers.dialplan import TENANT, Dialplan, user_uuid
from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend.plugin_helpers.templates import TemplateError
from xivo_confgend.testing.generation import generate
from xivo_confgend_wazo.impl.asterisk.extensions import ExtensionsConf
from xivo_confgend_wazo.impl.dialplan.features import ACTIONS
from xivo_confgend_wazo.meta import contextinclude, feature_extension, line_extension

# Example 2 of the specification.
EXAMPLE_2 = f"""\
[usersharedlines]
exten = {user_uuid(41)},hint,Custom:{user_uuid(41)}-mobile&PJSIP/abc123

[acme-in]
exten = i,1,Playback(no-user-find)
same = n,Hangup()
exten = s,1,NoOp()
same = n,GotoIf($[${{CHANNEL(channeltype)}} = PJSIP]?:not-pjsip)
same = n,GotoIf($["${{XIVO_DID_NEXT_EXTEN}}" = ""]?:error-loop)
same = n,Set(XIVO_DID_NEXT_EXTEN=${{CUT(CUT(PJSIP_HEADER(read,To),@,1),:,2)}})
same = n,Set(XIVO_FROM_S=1)
same = n,Goto(acme-in,${{XIVO_DID_NEXT_EXTEN}},1)
same = n(not-pjsip),NoOp()
same = n,Log(ERROR, This s extension can only be used from a PJSIP channel)
same = n,Hangup()
same = n(error-loop),NoOp()
same = n,Log(ERROR, Dialplan loop detected. Got PJSIP header To: ${{PJSIP_HEADER(read,To)}})
same = n,Hangup()
exten = _+.,1,Goto(${{EXTEN:1}},1)

exten = 5145551234,1,Set(__WAZO_BASE_CONTEXT=${{CONTEXT}})
same  =     n,Set(__XIVO_BASE_EXTEN=${{EXTEN}})
same  =     n,GoSub(contextlib,entry-exten-context,1)
same  =     n,Set(__WAZO_TENANT_UUID={TENANT})
same  =     n,GotoIf(${{XIVO_FROM_S}}?:action)
same  =     n,CELGenUserEvent(XIVO_FROM_S)
same  =     n(action),GoSub(did,s,1(12,))



[acme-int]
include = xivo-features
include = xivo-extrafeatures
include = wazo-meeting-user
exten = t,1,Hangup()
exten = i,1,Playback(no-user-find)
same = n,Hangup()
include = ghost
include = acme-svc
include = acme-out

exten = 1001,1,Set(__WAZO_BASE_CONTEXT=${{CONTEXT}})
same  =     n,Set(__XIVO_BASE_EXTEN=${{EXTEN}})
same  =     n,Set(__WAZO_TENANT_UUID={TENANT})
same  =     n,GoSub(contextlib,entry-exten-context,1)
same  =     n,GoSub(user,s,1(41,,501))

exten = 3000,1,Set(__WAZO_BASE_CONTEXT=${{CONTEXT}})
same  =     n,Set(__XIVO_BASE_EXTEN=${{EXTEN}})
same  =     n,Set(__WAZO_TENANT_UUID={TENANT})
same  =     n,GoSub(contextlib,entry-exten-context,1)
same  =     n,GoSub(queue,s,1(8,))

exten = 1001,hint,PJSIP/abc123


[acme-out]



[acme-svc]
exten = i,1,Playback(no-user-find)
same = n,Hangup()


[xivo-features]
"""

# Example 4 of the specification.
EXAMPLE_4_FILE = """\
[!acme-svc]
[template]
objtpl = %%EXTEN%%,%%PRIORITY%%,NoOp(%%CONTEXT%% %%TENANT_UUID%%)
objtpl =    n,%%ACTION%%
[acme-out]
include = foo
EXTEN = s,1,Goto(%%CONTEXT%%,%%EXTEN%%,1)
include = bar
objtpl = %%EXTEN%%,%%PRIORITY%%,X
objtpl = foo-%%EXTEN%%,hint
[xivo-features]
include = zed-%%CONTEXT%%
exten = a,1,NoOp()
objtpl = %%EXTEN%%,%%PRIORITY%%,[%%TENANT_UUID%%][%%CONTEXT%%]
objtpl = n,%%ACTION%%
[acme-out]
same = n,Late()
"""
EXAMPLE_4 = """\
[usersharedlines]

[acme-out]
include = foo
exten = s,1,Goto(acme-out,%%EXTEN%%,1)
include = bar
same = n,Late()

exten = _9NXXXXXX,1,X
same  =     foo-_9NXXXXXX,hint



[zeta-int]


[xivo-features]
include = zed-xivo-features

exten = a,1,NoOp()

exten = *10,1,[][xivo-features]
same  =     n,GoSub(phonestatus,s,1())

exten = _*23.,1,[][xivo-features]
same  =     n,GoSub(feature_forward,s,1(busy,${EXTEN:3}))

exten = *23,1,Set(__WAZO_BASE_CONTEXT=${CONTEXT})
exten = *23,n,Set(__XIVO_BASE_EXTEN=${EXTEN})
exten = *23,n,Gosub(feature_forward,s,1(busy))
"""


@pytest.fixture
def dialplan(database: Scratch, tmp_path: Path) -> Dialplan:
    """An empty database and the shipped contexts file."""
    return Dialplan(database, tmp_path)


def golden(case: str) -> str:
    return (asset(case) / "expected/asterisk/extensions.conf").read_text("utf-8")


def test_a_fresh_installation_gives_the_bytes_of_the_reference(golden_uri: Callable[[str], str], dialplan: Dialplan):
    assert generate(ExtensionsConf, golden_uri("fresh"), dialplan.config).content == golden("fresh")


def test_everything_but_hints_is_in_the_order_of_the_reference(golden_uri: Callable[[str], str], dialplan: Dialplan):
    made = generate(ExtensionsConf, golden_uri("small"), dialplan.config).content

    ours, theirs = ([line for line in text.split("\n") if ",hint," not in line] for text in (made, golden("small")))
    assert ours == theirs


def test_hints_are_the_lines_of_the_reference(golden_uri: Callable[[str], str], dialplan: Dialplan):
    made = generate(ExtensionsConf, golden_uri("small"), dialplan.config).content

    assert sorted(made.split("\n")) == sorted(golden("small").split("\n"))


def test_an_empty_database_gives_the_fixed_sections(dialplan: Dialplan):
    assert dialplan.content() == "[usersharedlines]\n[xivo-features]\n"


def test_the_second_example_of_the_specification(dialplan: Dialplan):
    for name, contexttype in (("acme-svc", "services"), ("acme-out", "outcall"), ("acme-int", "internal")):
        dialplan.add_context(name, contexttype)
    dialplan.add_context("acme-in", "incall")
    dialplan.add_context("zeta-off", commented=1)
    for priority, include in enumerate(("ghost", "acme-svc", "acme-out")):
        dialplan.database.add(contextinclude, context="acme-int", include=include, priority=priority)
    dialplan.add_exten("acme-int", "3000", "queue", 8, id=507)
    dialplan.add_exten("acme-int", "1001", "user", 41, id=501)
    dialplan.add_exten("acme-int", "700", "parking", 5, id=510)
    dialplan.add_exten("acme-int", "1999", "user", 0, id=511)
    dialplan.add_exten("acme-int", "1010", "user", 41, id=516, commented=1)
    dialplan.add_exten("acme-int", "1005", "user", 45, id=505)
    dialplan.add_exten("acme-in", "5145551234", "incall", 12, id=512)
    dialplan.add_user(41)
    dialplan.add_line(201, "abc123", "sip")
    dialplan.tie(41, 201, 501)
    dialplan.add_line(203, "second")
    dialplan.database.add(line_extension, line_id=203, extension_id=501, main_extension=False)
    dialplan.add_line(204, "disabled", commented=1)
    dialplan.database.add(line_extension, line_id=204, extension_id=505, main_extension=False)

    assert dialplan.generate().content == EXAMPLE_2


def test_the_fourth_example_of_the_specification(dialplan: Dialplan):
    dialplan.write_contexts(EXAMPLE_4_FILE)
    for name in ("zeta-int", "acme-svc", "acme-out"):
        dialplan.add_context(name)
    dialplan.add_exten("acme-out", "_9NXXXXXX", "outcall", 13)
    dialplan.add_feature("phonestatus", "*10")
    dialplan.add_feature("fwdbusy", "_*23.")
    dialplan.add_feature("fwdrna", "_*22.", enabled=False)
    dialplan.add_feature("fwdunc", "_*21.", enabled=False)

    assert dialplan.content() == EXAMPLE_4


@pytest.mark.parametrize(
    ("kind", "typeval", "action"),
    [
        ("user", 41, "GoSub(user,s,1(41,,7))"),
        ("incall", 12, "GoSub(did,s,1(12,))"),
        ("group", 3, "GoSub(group,s,1(3,))"),
        ("queue", 3, "GoSub(queue,s,1(3,))"),
        ("conference", 3, "GoSub(conference,s,1(3,))"),
        ("outcall", 3, "GoSub(outcall,s,1(3,))"),
        ("voicemenu", 3, "GoSub(voicemenu,s,1(3,))"),
        ("extenfeatures", "x y", "GoSub(extenfeatures,s,1(x y,))"),
    ],
)
def test_the_type_of_an_extension_says_where_a_call_goes(dialplan: Dialplan, kind: str, typeval: object, action: str):
    dialplan.write_contexts()
    dialplan.add_context("a")
    dialplan.add_exten("a", "1", kind, typeval, id=7)

    assert dialplan.sections()["a"] == [f"exten = 1,{action}"]


def test_an_extension_with_an_enabled_line_is_written_once(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_context("a")
    dialplan.add_exten("a", "1", "user", 4, id=7)
    for line, commented in ((21, 1), (22, 0), (23, 0)):
        dialplan.add_line(line, f"line{line}", commented=commented)
        dialplan.database.add(line_extension, line_id=line, extension_id=7, main_extension=False)

    assert dialplan.sections()["a"] == ["exten = 1,GoSub(user,s,1(4,,7))"]


def test_an_extension_whose_only_line_is_missing_is_not_written(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_context("a")
    dialplan.add_exten("a", "1", "user", 4, id=7)
    dialplan.database.add(line_extension, line_id=21, extension_id=7, main_extension=True)

    assert dialplan.sections()["a"] == []


def test_many_extensions_of_a_context_are_all_written(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_context("a")
    for number in range(1, 1002):
        dialplan.add_exten("a", f"{number:04}", "group", number)

    assert dialplan.sections()["a"] == [f"exten = {n:04},GoSub(group,s,1({n},))" for n in range(1, 1002)]


def test_extensions_are_in_the_order_of_the_database(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_context("a")
    for exten in ("_1X", "2", "10", "*9", "1"):
        dialplan.add_exten("a", exten, "group", 1)

    assert [line.split(",")[0] for line in dialplan.sections()["a"]] == [
        "exten = *9",
        "exten = 1",
        "exten = 10",
        "exten = 2",
        "exten = _1X",
    ]


def test_includes_of_equal_priority_are_by_name(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_context("a")
    for include, priority in (("d", 1), ("b", 1), ("c", 0), ("c ", 2)):
        dialplan.database.add(contextinclude, context="a", include=include, priority=priority)

    assert dialplan.sections()["a"] == ["include = c", "include = b", "include = d", "include = c"]


@pytest.mark.parametrize("feature", ACTIONS)
def test_a_feature_is_dialled_by_its_extension(dialplan: Dialplan, feature: str):
    dialplan.write_contexts()
    dialplan.add_feature(feature, "_*1.")

    assert dialplan.generate().content.split("\n")[2] == f"exten = _*1.,{ACTIONS[feature]}"


def test_there_are_thirty_two_features():
    assert len(ACTIONS) == 32


@pytest.mark.parametrize(("feature", "enabled"), [("phonestatus", False), ("unheard-of", True)])
def test_a_feature_that_is_disabled_or_unknown_is_not_dialled(dialplan: Dialplan, feature: str, enabled: bool):
    dialplan.add_feature(feature, "*10", enabled=enabled)

    assert dialplan.generate().content == "[usersharedlines]\n[xivo-features]\n"


def test_the_last_of_several_rows_of_a_forward_counts(dialplan: Dialplan):
    for feature, exten, enabled in (("fwdbusy", "*23", True), ("fwdrna", "*22", False), ("fwdunc", "*21", False)):
        dialplan.add_feature(feature, exten, enabled=enabled)
    dialplan.database.add(feature_extension, feature="fwdbusy", exten="*29", enabled=False)

    assert "Gosub(feature_forward,s,1(busy))" not in dialplan.content()


def test_a_missing_forward_is_as_a_disabled_one(dialplan: Dialplan):
    dialplan.write_contexts()
    dialplan.add_feature("fwdbusy", "_*23.")
    dialplan.add_feature("fwdunc", "_*21.")

    made = dialplan.generate()

    assert [line for line in made.content.split("\n") if "Gosub" in line] == [
        "exten = *23,n,Gosub(feature_forward,s,1(busy))",
        "exten = *21,n,Gosub(feature_forward,s,1(unc))",
    ]
    assert made.warnings == ["feature_extension has no row for fwdrna: not forwarded"]


def test_a_context_may_be_called_like_a_section_of_the_file(dialplan: Dialplan):
    dialplan.write_contexts("[template]\na = 1\n[xivo-features]\nb = 2\n")
    dialplan.add_context("xivo-features")

    assert dialplan.content() == "[usersharedlines]\n\n[xivo-features]\nb = 2\n\n\n[xivo-features]\nb = 2\n\n"


def test_the_contexts_file_is_read_at_each_generation(dialplan: Dialplan):
    path = dialplan.write_contexts()
    driver = ExtensionsConf(dialplan.config)
    before = dialplan.database.generate(lambda _config: driver).content
    path.write_text("[template]\n[xivo-features]\na = 1\n", "utf-8")

    assert dialplan.database.generate(lambda _config: driver).content == f"{before}a = 1\n\n"


def test_a_broken_contexts_file_names_file_and_line(dialplan: Dialplan):
    path = dialplan.write_contexts("[template]\na = 1\n  b = 2\n")

    with pytest.raises(TemplateError, match=rf"^{path} line 3: "):
        dialplan.generate()


def test_dependencies_name_the_contexts_file(dialplan: Dialplan):
    path = dialplan.write_contexts()

    assert path in ExtensionsConf(dialplan.config).dependencies()


def test_the_number_of_statements_is_that_of_an_empty_database(dialplan: Dialplan):
    empty = dialplan.generate().statements
    for number in range(1, 6):
        dialplan.add_context(f"context-{number}")
        dialplan.add_exten(f"context-{number}", "1", "user", number, id=number)
        dialplan.add_user(number)
        dialplan.add_line(number, f"line{number}", "sip")
        dialplan.tie(number, number, number)
        dialplan.add_feature(f"feature-{number}", f"*{number}")

    assert dialplan.generate().statements == empty
