"""The voice menus of asterisk/extensions.conf (docs/spec/20-extensions.conf.md section 9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration_tests.suite.helpers.dialplan import Dialplan
from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend.plugin_helpers.templates import TemplateError
from xivo_confgend_wazo.impl.asterisk.extensions import ExtensionsConf
from xivo_confgend_wazo.meta import dialaction, ivr, ivr_choice

# Example 3 of the specification.
IVR_101 = """\
[xivo-ivr-101]
exten = s,1,Set(IVR_COUNTER=0)
same  =   n,Gosub(xivo-pickup,0,1)
same  =   n(start),Set(IVR_COUNTER=$[${IVR_COUNTER} + 1])
same  =   n,Background(m)
same  =   n,WaitExten(5)




exten = t,1,NoOp()
same  =   n,GotoIf($[${IVR_COUNTER}>=3]?abort,1)
same  =   n,Goto(s,start)

exten = i,1,NoOp()
same  =   n,GotoIf($[${IVR_COUNTER}>=3]?abort,1)
same  =   n,Goto(s,start)

exten = abort,1,NoOp()
same  =   n,Playback(error-sorry)
same  =   n,Hangup()

"""
IVR_102 = """\
[xivo-ivr-102]
exten = s,1,Set(IVR_COUNTER=0)
same  =   n,Gosub(xivo-pickup,0,1)
same  =   n,Background(g)
same  =   n(start),Set(IVR_COUNTER=$[${IVR_COUNTER} + 1])
same  =   n,Background(m)
same  =   n,Goto(t,1)


exten = 1,1,CELGenUserEvent(WAZO_IVR_CHOICE, {"id":102,"exten":"1"})
exten = 1,n,Gosub(forward,s,1(extension,1001,acme-int))
same  =   n,Hangup()

exten = _X.,1,CELGenUserEvent(WAZO_IVR_CHOICE, {"id":102,"exten":"_X."})
exten = _X.,n,Gosub(forward,s,1(application:voicemailmain,acme-int,))
same  =   n,Hangup()


exten = t,1,NoOp()
same  =   n,GotoIf($[${IVR_COUNTER}>=3]?abort,1)
same  =   n,Goto(s,start)

exten = i,1,NoOp()
same  =   n,GotoIf($[${IVR_COUNTER}>=3]?abort,1)
same  =   n,Playback(bad\\;x)
same  =   n,Goto(s,start)

exten = abort,1,NoOp()
same  =   n,Gosub(forward,s,1(custom,Macro(x\\;y),))

"""
IVR_103 = """\
[xivo-ivr-103]
exten = s,1,Set(IVR_COUNTER=0)
same  =   n,Gosub(xivo-pickup,0,1)
same  =   n(start),Set(IVR_COUNTER=$[${IVR_COUNTER} + 1])
same  =   n,Background(m)
same  =   n,WaitExten(3)




exten = t,1,NoOp()
same  =   n,Gosub(forward,s,1(ivr,101,))


exten = i,1,NoOp()
same  =   n,Gosub(forward,s,1(voicemail,3,b&u))


exten = abort,1,NoOp()
same  =   n,Gosub(forward,s,1(endcall:busy,10,))

"""


@pytest.fixture
def dialplan(database: Scratch, tmp_path: Path) -> Dialplan:
    """No contexts; the shipped template of voice menus."""
    made = Dialplan(database, tmp_path)
    made.write_contexts()
    return made


def add_destination(dialplan: Dialplan, event: str, category: str, number: int, *action: str | None) -> None:
    kind, first, second = action
    dialplan.database.add(
        dialaction,
        event=event,
        category=category,
        categoryval=str(number),
        action=kind,
        actionarg1=first,
        actionarg2=second,
    )


def add_examples(dialplan: Dialplan) -> None:
    database = dialplan.database
    database.add(ivr, id=103, menu_sound="m", timeout=3, max_tries=1)
    add_destination(dialplan, "timeout", "ivr", 103, "ivr", "101", None)
    add_destination(dialplan, "invalid", "ivr", 103, "voicemail", "3", "b&u")
    add_destination(dialplan, "abort", "ivr", 103, "endcall:busy", "10", None)
    database.add(ivr, id=102, menu_sound="m", timeout=0, max_tries=3, greeting_sound="g", invalid_sound="bad;x")
    database.add(ivr_choice, id=72, ivr_id=102, exten="_X.")
    database.add(ivr_choice, id=71, ivr_id=102, exten="1")
    add_destination(dialplan, "ivr_choice", "ivr_choice", 71, "extension", "1001", "acme-int")
    add_destination(dialplan, "ivr_choice", "ivr_choice", 72, "application:voicemailmain", "acme-int", None)
    add_destination(dialplan, "abort", "ivr", 102, "custom", "Macro(x;y)", None)
    database.add(ivr, id=101, menu_sound="m", timeout=5, max_tries=3, greeting_sound="", abort_sound="")


def menus(dialplan: Dialplan) -> str:
    return dialplan.content().removeprefix("[usersharedlines]\n[xivo-features]\n")


def test_the_third_example_of_the_specification(dialplan: Dialplan):
    add_examples(dialplan)

    assert menus(dialplan) == IVR_101 + IVR_102 + IVR_103


def test_the_length_of_the_first_menu_is_that_of_the_specification(dialplan: Dialplan):
    dialplan.database.add(ivr, id=101, menu_sound="m")

    assert menus(dialplan).count("\n") == 22


def test_a_menu_with_timeout_has_three_empty_lines_before_its_first_choice(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m", timeout=5)
    dialplan.database.add(ivr_choice, id=1, ivr_id=1, exten="1")

    assert "WaitExten(5)\n\n\n\nexten = 1,1,CEL" in menus(dialplan)


def test_a_menu_without_timeout_or_choice_has_three_empty_lines(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m", timeout=0)

    assert "Goto(t,1)\n\n\n\nexten = t,1" in menus(dialplan)


def test_a_choice_without_destination_leads_nowhere(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m")
    dialplan.database.add(ivr_choice, id=1, ivr_id=1, exten="1")

    assert "exten = 1,n,Gosub(forward,s,1())\n" in menus(dialplan)


def test_the_destination_of_a_choice_may_be_of_any_event(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m")
    dialplan.database.add(ivr_choice, id=1, ivr_id=1, exten="1")
    add_destination(dialplan, "answer", "ivr_choice", 1, "user", "3", "")

    assert "exten = 1,n,Gosub(forward,s,1(user,3,))\n" in menus(dialplan)


def test_an_event_of_a_menu_is_not_the_destination_of_the_choice_with_its_number(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m")
    dialplan.database.add(ivr_choice, id=1, ivr_id=1, exten="1")
    add_destination(dialplan, "ivr_choice", "ivr", 1, "user", "3", "")

    assert "exten = 1,n,Gosub(forward,s,1())\n" in menus(dialplan)


def test_an_action_that_does_nothing_is_a_destination_too(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m")
    add_destination(dialplan, "timeout", "ivr", 1, "none", None, None)

    assert "exten = t,1,NoOp()\nsame  =   n,Gosub(forward,s,1(none,,))\n" in menus(dialplan)


def test_a_menu_that_is_aborted_plays_its_sound(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m", abort_sound="bye")

    assert "exten = abort,1,NoOp()\nsame  =   n,Playback(bye)\nsame  =   n,Hangup()\n" in menus(dialplan)


def write_template(dialplan: Dialplan, name: str, text: str) -> Path:
    path = dialplan.templates / "asterisk/extensions" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_menu_may_have_a_template_of_its_own(dialplan: Dialplan):
    add_examples(dialplan)
    write_template(dialplan, "ivr-102.jinja", "own {{ ivr.id }}\n")

    assert menus(dialplan) == f"{IVR_101}own 102\n{IVR_103}"


def test_all_menus_may_have_another_template(dialplan: Dialplan):
    add_examples(dialplan)
    write_template(dialplan, "ivr.jinja", "own {{ ivr.id }}")

    assert menus(dialplan) == "own 101\nown 102\nown 103\n"


EVERYTHING = """
{{ ivr.name }} {{ ivr.tenant_uuid }} {{ ivr.timeout }} {{ ivr.max_tries }} {{ ivr.greeting_sound }} <{{ ivr.unknown }}>
{% for choice in ivr.choices %}{{ choice.id }} {{ choice.ivr_id }} {{ choice.exten }}
{%- set to = choice.destination %}
{{ to.type }} {{ to.subtype }} {{ to.event }} {{ to.category }} {{ to.categoryval }} {{ to.gosub_args }}{% endfor %}
{{ ivr.abort_destination or "nowhere" }}"""


def test_a_template_sees_the_whole_menu(dialplan: Dialplan):
    dialplan.database.add(ivr, id=1, menu_sound="m", name="Menu", description="It\nis", tenant_uuid="t")
    dialplan.database.add(ivr_choice, id=5, ivr_id=1, exten="1")
    add_destination(dialplan, "ivr_choice", "ivr_choice", 5, "application:directory", "default", None)
    write_template(dialplan, "ivr.jinja", EVERYTHING)

    assert menus(dialplan).split("\n")[1:] == [
        "Menu t 5 3 None <>",
        "5 1 1",
        "application directory ivr_choice ivr_choice 5 application:directory,default,",
        "nowhere",
        "",
    ]


def test_a_broken_template_of_a_menu_names_file_and_line(dialplan: Dialplan):
    add_examples(dialplan)
    path = write_template(dialplan, "ivr-102.jinja", "[x]\n{{ nothing.at_all }}\n")

    with pytest.raises(TemplateError) as raised:
        dialplan.generate()

    assert str(raised.value) == f"{path} line 2: 'nothing' is undefined"


def test_a_template_that_is_added_is_a_new_dependency(dialplan: Dialplan):
    driver = ExtensionsConf(dialplan.config)
    before = set(driver.dependencies())
    path = write_template(dialplan, "ivr-102.jinja", "")

    assert set(driver.dependencies()) - before == {path}
    assert path.parent in before
