"""asterisk/confbridge.conf (docs/spec/13-confbridge.conf.md)."""

from integration_tests.suite.helpers.base import asset
from integration_tests.suite.helpers.scratch import CONTROLS
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.confbridge import ConfBridgeConf
from xivo_confgend_wazo.meta import asterisk_file, asterisk_file_section, asterisk_file_variable, conference

GOLDEN = (asset("fresh") / "expected/asterisk/confbridge.conf").read_text("utf-8")
MENUS_AND_MEETING = GOLDEN[GOLDEN.index("[wazo-default-user-menu]") :]
"""What no database changes, as the reference wrote it."""

STORED = """\
[general]

[wazo_default_bridge]
type = bridge

[wazo_default_user]
type = user
dsp_drop_silence = yes
talk_detection_events = yes

"""


def fill_stored(database):
    database.add(asterisk_file, id=1, name="confbridge.conf")
    for number, (name, priority, variables) in enumerate(
        (
            ("general", 0, ()),
            ("wazo_default_bridge", None, (("type", "bridge"),)),
            (
                "wazo_default_user",
                None,
                (("type", "user"), ("dsp_drop_silence", "yes"), ("talk_detection_events", "yes")),
            ),
        ),
        1,
    ):
        database.add(asterisk_file_section, id=number, name=name, priority=priority, asterisk_file_id=1)
        for key, value in variables:
            database.add(asterisk_file_variable, key=key, value=value, asterisk_file_section_id=number)


def test_the_example_without_conferences(database):
    fill_stored(database)

    assert database.generate(ConfBridgeConf).content == f"{STORED}\n\n{MENUS_AND_MEETING}"


def test_without_a_template_conferences_do_not_inherit(database):
    database.add(conference, id=5)

    made = database.generate(ConfBridgeConf)

    assert read(made.content).refused is None
    assert "[wazo-bridge-profile-5]\n" in made.content
    assert len(made.warnings) == 2


def test_a_conference_that_asterisk_refuses_is_left_out(database):
    before = database.generate(ConfBridgeConf).content
    database.add(conference, id=5, max_users=-1)

    made = database.generate(ConfBridgeConf)

    assert made.content == before
    assert made.warnings == ["conference row 5 is left out: column max_users is below 0, which Asterisk refuses"]


def test_the_example_of_two_conferences(database):
    fill_stored(database)
    database.add(
        conference,
        id=5,
        max_users=50,
        record=False,
        quiet_join_leave=False,
        announce_join_leave=True,
        announce_user_count=False,
        announce_only_user=True,
        music_on_hold="default",
        admin_pin="99",
    )
    database.add(
        conference,
        id=6,
        max_users=0,
        record=True,
        quiet_join_leave=True,
        announce_join_leave=False,
        announce_user_count=True,
        announce_only_user=False,
        music_on_hold="",
        admin_pin="",
    )

    assert database.generate(ConfBridgeConf).content == (
        f"{STORED}"
        """\
[wazo-bridge-profile-5](wazo_default_bridge)
type = bridge
max_members = 50
record_conference = no

[wazo-bridge-profile-6](wazo_default_bridge)
type = bridge
max_members = 0
record_conference = yes


[wazo-user-profile-5](wazo_default_user)
type = user
quiet = no
announce_join_leave = yes
announce_user_count = no
announce_only_user = yes
music_on_hold_when_empty = yes
music_on_hold_class = default

[wazo-admin-profile-5](wazo-user-profile-5)
admin = yes

[wazo-user-profile-6](wazo_default_user)
type = user
quiet = yes
announce_join_leave = no
announce_user_count = yes
announce_only_user = no



""" + MENUS_AND_MEETING
    )


def test_an_empty_database_gives_two_empty_lines_and_what_never_changes(database):
    assert database.generate(ConfBridgeConf).content == f"\n\n{MENUS_AND_MEETING}"


def test_a_class_of_music_is_not_trimmed(database):
    database.add(conference, id=5, music_on_hold="calm ")

    assert "music_on_hold_class = calm \n" in database.generate(ConfBridgeConf).content


def test_a_class_of_music_cannot_open_a_section(database):
    fill_stored(database)
    database.add(conference, id=5, music_on_hold=f"\n[wazo-meeting-menu]\n1 = evil{CONTROLS}")

    made = database.generate(ConfBridgeConf)
    file = read(made.content)

    assert file.problems == []
    assert len(file.named("wazo-meeting-menu")) == 1
    assert made.warnings == [
        "control characters were written as spaces in 1 value, first in conference row 5 column music_on_hold"
    ]


def test_two_statements_are_enough(database):
    database.add(conference, id=5)
    database.add(conference, id=6)

    assert database.generate(ConfBridgeConf).statements == 2
