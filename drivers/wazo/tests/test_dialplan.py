"""Patterns, function keys and object templates of the dialplan, without a database."""

from __future__ import annotations

import pytest

from xivo_confgend_wazo.impl.dialplan.objects import ObjectTemplate
from xivo_confgend_wazo.impl.dialplan.patterns import FunctionKeyExtens, clean


@pytest.mark.parametrize(
    ("pattern", "exten"),
    [
        ("_*21.", "*21"),
        ("_*21!", "*21"),
        ("_*21XXX", "*21"),
        ("*21", "*21"),
        ("_", ""),
        ("_*73[5-6].", "*73"),
        ("_[123]X", ""),
        ("_abc", "abc"),
        ("_*21x.", "*21x"),
        ("1_2", "1_2"),
        ("*21.", "*21."),
        ("", ""),
        (None, ""),
    ],
)
def test_a_pattern_is_cut_before_its_variable_part(pattern: str | None, exten: str):
    assert clean(pattern) == exten


@pytest.mark.parametrize(
    ("feature", "argument", "exten"),
    [
        ("*23", "1234", "*73542***223*1234"),
        ("*23", None, "*73542***223"),
        ("*23", "", "*73542***223"),
        ("_*23.", "_12X", "*73542***223*12"),
        ("*31", "*56", "*73542***231***356"),
        ("", "*56", "*73542***256"),
        (None, None, "*73542"),
        ("*1*2", "*3*4", "*73542***21**22***33**34"),
    ],
)
def test_a_function_key_has_an_extension(feature: str | None, argument: str | None, exten: str):
    assert FunctionKeyExtens("*735")(42, feature, argument) == exten


def test_the_prefix_of_function_keys_is_not_transformed():
    assert FunctionKeyExtens("*7*35")(42, "*25", None) == "*7*3542***225"


def write(*lines: str, exten: str = "1001", action: str = "A()", context: str = "ctx", tenant: str = "t-1") -> str:
    return ObjectTemplate(lines, context, tenant).write([exten], [action])


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("%%EXTEN%%,%%PRIORITY%%,NoOp()", "exten = 1001,1,NoOp()"),
        ("n,%%ACTION%%", "same  =     n,A()"),
        ("n,Set(x=%%TENANT_UUID%%)", "same  =     n,Set(x=t-1)"),
        ("n,Goto(%%CONTEXT%%,%%EXTEN%%,%%EXTEN%%)", "same  =     n,Goto(ctx,1001,1001)"),
        ("foo-%%EXTEN%%,hint", "same  =     foo-1001,hint"),
        ("n,%%OTHER%% {0} %s ${EXTEN}", "same  =     n,%%OTHER%% {0} %s ${EXTEN}"),
        ("", "same  ="),
        ("%%EXTEN%%", "exten = 1001"),
    ],
)
def test_a_line_of_an_object_template_is_written(line: str, written: str):
    assert write(line) == f"{written}\n\n"


def test_an_object_without_template_is_an_empty_line():
    assert write() == "\n"


def test_objects_follow_each_other():
    template = ObjectTemplate(["%%EXTEN%%,1,%%ACTION%%", "n,Hangup()"], "ctx", "")

    assert template.write(["1", "2"], ["A()", "B()"]) == (
        "exten = 1,1,A()\nsame  =     n,Hangup()\n\nexten = 2,1,B()\nsame  =     n,Hangup()\n\n"
    )


@pytest.mark.parametrize(
    ("line", "exten", "tenant", "written"),
    [
        ("%%EXTEN%%", "10 ", "", "exten = 10"),
        ("%%EXTEN%%", "", "", "exten ="),
        ("n,%%EXTEN%%%%TENANT_UUID%%", "10 ", " ", "same  =     n,10"),
        ("n, %%TENANT_UUID%%", "10", "", "same  =     n,"),
        ("%%EXTEN%%,1", " 10 ", "", "exten =  10 ,1"),
    ],
)
def test_a_line_is_trimmed_when_it_is_complete(line: str, exten: str, tenant: str, written: str):
    assert write(line, exten=exten, tenant=tenant) == f"{written}\n\n"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ({"exten": "%%PRIORITY%%-%%ACTION%%-%%TENANT_UUID%%-%%CONTEXT%%"}, "exten = 1-A()-t-1-%%CONTEXT%%,A()"),
        ({"action": "A(%%TENANT_UUID%%%%EXTEN%%)"}, "exten = 1001,A(t-1%%EXTEN%%)"),
    ],
)
def test_what_stands_in_for_a_placeholder_may_hold_later_ones(values: dict[str, str], written: str):
    assert write("%%EXTEN%%,%%ACTION%%", **values) == f"{written}\n\n"


def test_the_name_of_a_context_may_hold_placeholders():
    assert write("n,%%CONTEXT%%", context="%%CONTEXT%%%%EXTEN%%") == "same  =     n,%%CONTEXT%%1001\n\n"
