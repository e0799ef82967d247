"""asterisk/queues.conf, queueskills.conf and queueskillrules.conf (docs/spec/22-queues.conf.md)."""

import pytest

from integration_tests.suite.helpers.scratch import CONTROLS, hostile_texts
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.queues import QueuesConf
from xivo_confgend_wazo.impl.asterisk.queueskillrules import QueueSkillRulesConf
from xivo_confgend_wazo.impl.asterisk.queueskills import QueueSkillsConf
from xivo_confgend_wazo.meta import (
    agentfeatures,
    agentqueueskill,
    groupfeatures,
    queue,
    queuefeatures,
    queuemember,
    queueskill,
    queueskillrule,
    staticqueue,
    userfeatures,
)

UUID_41 = "00000000-0000-4000-8000-000000000041"
UUID_42 = "00000000-0000-4000-8000-000000000042"
TENANT = "11111111-0000-4000-8000-000000000001"

DEFAULTS = """\
ringinuse = 0
reportholdtime = 0
timeoutrestart = 0
timeoutpriority = app
autofill = 1
autopause = no
setinterfacevar = 0
setqueueentryvar = 0
setqueuevar = 0
min-announce-frequency = 60
random-periodic-announce = 0
announce-position = yes
announce-position-limit = 5
"""

# Example 1 of the specification, its sections in our order.
EXAMPLE = f"""\
[general]
persistentmembers = yes
autofill = no

; Sales
[grp-acme-7]
musicclass = default
timeout = 15
retry = 5
strategy = ringall
{DEFAULTS}\
member = Local/{UUID_41}@usersharedlines,0,,hint:{UUID_41}@usersharedlines
member = Local/{UUID_42}@usersharedlines,0,,hint:{UUID_42}@usersharedlines
member = Local/2222@acme-int,3,,

; unknown
[lonely]
strategy = ringall
{DEFAULTS}\

; Support é
[support]
timeout = 0
monitor-type = mixmonitor
queue-youarenext = queue-youarenext
announce-frequency = 30
strategy = leastrecent
joinempty = unavailable,paused
{DEFAULTS}\
member = Local/{UUID_41}@usersharedlines,5,,hint:{UUID_41}@usersharedlines
"""


def add_member(database, queue_name, interface, **values):
    database.add(queuemember, **{"queue_name": queue_name, "interface": interface, "usertype": "user", **values})


def fill_example(database):
    database.add(staticqueue, category="general", var_name="persistentmembers", var_val="yes")
    database.add(staticqueue, category="general", var_name="autofill", var_val="no")
    database.add(staticqueue, category="general", var_name="off", var_val="x", commented=1)
    database.add(userfeatures, id=41, uuid=UUID_41, func_key_private_template_id=41)
    database.add(userfeatures, id=42, uuid=UUID_42, func_key_private_template_id=42)
    database.add(
        queue,
        name="grp-acme-7",
        category="group",
        musicclass="default",
        timeout=15,
        joinempty="",
        strategy="ringall",
        retry=5,
    )
    database.add(groupfeatures, name="grp-acme-7", label="Sales")
    add_member(database, "grp-acme-7", "PJSIP/42", userid=42, position=2)
    add_member(database, "grp-acme-7", "PJSIP/41", userid=41, position=1)
    add_member(database, "grp-acme-7", "Local/2222@acme-int", userid=0, penalty=3, position=3)
    database.add(
        queue,
        name="support",
        category="queue",
        timeout=0,
        joinempty="unavailable,paused",
        strategy="leastrecent",
        monitor_type="mixmonitor",
        queue_youarenext="queue-youarenext",
        announce_frequency=30,
    )
    database.add(queuefeatures, name="support", displayname="Support é")
    add_member(database, "support", "Agent/61", usertype="agent", userid=61)
    add_member(database, "support", "PJSIP/41", userid=41, penalty=5)
    add_member(database, "support", "PJSIP/42", userid=42, commented=1)
    database.add(queue, name="lonely", category="queue", timeout=None, strategy="ringall")
    database.add(queue, name="offq", category="queue", commented=1)


def test_the_first_example(database):
    fill_example(database)

    assert database.generate(QueuesConf).content == EXAMPLE


def test_the_example_needs_three_statements(database):
    fill_example(database)

    assert database.generate(QueuesConf).statements == 3


def test_an_empty_database_gives_the_general_section(database):
    assert database.generate(QueuesConf).content == "[general]\n"


def test_an_empty_label_gives_no_comment(database):
    database.add(queue, name="q", category="group")
    database.add(groupfeatures, name="q", label="")

    assert "[general]\n\n[q]\n" in database.generate(QueuesConf).content


def test_of_several_labels_the_first_one_counts(database):
    database.add(queue, name="q", category="group")
    database.add(groupfeatures, id=8, name="q", label="second")
    database.add(groupfeatures, id=7, name="q", label="first")

    assert "; first\n[q]\n" in database.generate(QueuesConf).content


def test_members_of_equal_position_are_in_order_of_their_interface(database):
    database.add(queue, name="q", category="queue")
    for interface in ("b", "B", "a"):
        add_member(database, "q", interface)

    (section,) = read(database.generate(QueuesConf).content).named("q")

    assert section.values("member") == ["B,0,,", "a,0,,", "b,0,,"]


def test_a_value_is_trimmed_at_its_end_only(database):
    database.add(queue, name="q", category="queue", announce="  beep  ")

    assert "announce =   beep\n" in database.generate(QueuesConf).content


def test_a_blank_value_is_an_empty_option(database):
    database.add(queue, name="q", category="queue", announce=" ")

    assert "announce =\n" in database.generate(QueuesConf).content


@pytest.mark.parametrize("name", ["", "a]b", "General"])
def test_a_queue_whose_name_cannot_be_a_section_is_left_out(database, name):
    database.add(queue, name=name, category="queue")
    database.add(queue, name="other", category="queue")

    made = database.generate(QueuesConf)

    assert [section.name for section in read(made.content).sections] == ["general", "other"]
    assert len(made.warnings) == 1
    assert "queue" in made.warnings[0]


def test_no_text_of_a_queue_opens_a_section_or_adds_an_option(database):
    hostile = f"\n[other]\nmusicclass = evil\r\n{CONTROLS}"
    database.add(queue, **{**hostile_texts(queue, hostile), "name": "evil", "category": "queue"})
    database.add(queuefeatures, name="evil", displayname=hostile)
    add_member(database, "evil", hostile, userid=0)
    database.add(queue, name="other", category="queue", musicclass="good")

    made = database.generate(QueuesConf)
    file = read(made.content)

    assert file.problems == []
    assert [section.name for section in file.sections] == ["general", "evil", "other"]
    assert file.named("other")[0].values("musicclass") == ["good"]


def test_one_warning_names_where_a_control_character_was(database):
    database.add(queue, name="q", category="queue", announce="a\nb", context="c\nd")

    assert database.generate(QueuesConf).warnings == [
        "control characters were written as spaces in 2 values, first in queue row q column announce"
    ]


def test_only_what_is_written_of_members_is_told(database):
    database.add(queue, name="q", category="queue")
    database.add(userfeatures, id=1, uuid="u-1")
    user = {"queue_name": "q", "usertype": "user", "category": "queue"}
    database.add(queuemember, **user, interface="SIP/\n1", userid=1, position=1)
    database.add(queuemember, **user, interface="SIP/\n2", userid=0, position=2)

    made = database.generate(QueuesConf)

    assert "[q]\n" in made.content
    assert "member = SIP/ 2,0,,\n" in made.content
    assert made.warnings == [
        "control characters were written as spaces in 1 value, first in queuemember row q column interface"
    ]


def test_a_tabulator_stays_in_a_value(database):
    database.add(queue, name="q", category="queue", announce="a\tb")

    assert "announce = a\tb\n" in database.generate(QueuesConf).content


def add_skills(database):
    for agent_id in (61, 60):
        database.add(agentfeatures, id=agent_id, number=str(agent_id))
    database.add(queueskill, id=1, name="english")
    database.add(queueskill, id=2, name="tech")
    for agent_id, skill_id, weight in ((61, 2, 0), (61, 1, 50), (60, 2, 10), (999, 1, 1)):
        database.add(agentqueueskill, agentid=agent_id, skillid=skill_id, weight=weight)


def test_the_third_example(database):
    add_skills(database)

    assert database.generate(QueueSkillsConf).content == (
        "[agent-60]\ntech = 10\n\n[agent-61]\nenglish = 50\ntech = 0\n"
    )


def test_without_skills_the_content_is_empty(database):
    assert database.generate(QueueSkillsConf).content == ""


def test_a_skill_cannot_open_a_section(database):
    add_skills(database)
    database.add(queueskill, id=3, name="x\n[agent-60]\ntech")
    database.add(agentqueueskill, agentid=61, skillid=3, weight=99)

    made = database.generate(QueueSkillsConf)

    assert [section.name for section in read(made.content).sections] == ["agent-60", "agent-61"]
    assert made.warnings == [
        "control characters were written as spaces in 1 value, first in queueskill row 3 column name"
    ]


@pytest.mark.parametrize("name", ["[agent-60]", "#exec /bin/id", " [agent-60]"])
def test_a_skill_that_begins_like_a_section_or_directive_stays_an_option(database, name):
    add_skills(database)
    database.add(queueskill, id=3, name=name)
    database.add(agentqueueskill, agentid=61, skillid=3, weight=99)

    made = database.generate(QueueSkillsConf)
    file = read(made.content)

    assert file.named("agent-61")[0].pairs()[2] == (name.strip(), "99")
    assert len(file.sections) == 2
    assert made.warnings == []


def test_the_fourth_example(database):
    rules = ("WT < 60, english > 50;WT >= 60, english > 10", None, "", "a > 1; b > 2;")
    for rule_id, rule in enumerate(rules, 1):
        database.add(queueskillrule, id=rule_id, name="rule", rule=rule)

    assert database.generate(QueueSkillRulesConf).content == (
        "[skillrule-1]\nrule = WT < 60, english > 50\nrule = WT >= 60, english > 10\n\n"
        "[skillrule-2]\n\n"
        "[skillrule-3]\nrule =\n\n"
        "[skillrule-4]\nrule = a > 1\nrule =  b > 2\nrule =\n"
    )


def test_without_rules_the_content_is_empty(database):
    assert database.generate(QueueSkillRulesConf).content == ""


def test_a_rule_cannot_open_a_section(database):
    database.add(queueskillrule, id=1, name="rule", rule="WT < 1\n[skillrule-2]\nrule = evil")
    database.add(queueskillrule, id=2, name="rule", rule="WT < 2")

    file = read(database.generate(QueueSkillRulesConf).content)

    assert [(section.name, section.values("rule")) for section in file.sections] == [
        ("skillrule-1", ["WT < 1 [skillrule-2] rule = evil"]),
        ("skillrule-2", ["WT < 2"]),
    ]
