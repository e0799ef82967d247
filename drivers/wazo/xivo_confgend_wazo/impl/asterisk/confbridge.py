"""asterisk/confbridge.conf: profiles and menus of conferences and meetings (docs/spec/13-confbridge.conf.md).

Order: what is stored in the database as its own order says, then conferences by id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.queries.safe_rows import safe_rows, select_named
from xivo_confgend_wazo.impl.queries.stored_files import stored_file
from xivo_confgend_wazo.impl.refusals import warn_of_refusals
from xivo_confgend_wazo.meta import conference

logger = logging.getLogger(__name__)

COLUMNS = {
    name: conference.c[name]
    for name in (
        "id",
        "max_users",
        "record",
        "quiet_join_leave",
        "announce_join_leave",
        "announce_user_count",
        "announce_only_user",
        "music_on_hold",
        "admin_pin",
    )
}


def _menu(*sounds: str) -> str:
    return f"* = playback_and_continue(dir-multi1&{'&'.join(sounds)})"


TEMPLATES = ("wazo_default_bridge", "wazo_default_user")
"""Sections of the stored file that the profiles of conferences inherit from."""
MUTE = ("digits/1", "confbridge-mute-out")
LOCK = ("digits/2", "confbridge-lock-out", "digits/3", "confbridge-remove-last-out")
VOLUMES = (
    "digits/4",
    "confbridge-dec-list-vol-out",
    "digits/5",
    "confbridge-rest-list-vol-out",
    "digits/6",
    "confbridge-inc-list-vol-out",
    "digits/7",
    "confbridge-dec-talk-vol-out",
    "digits/8",
    "confbridge-rest-talk-vol-out",
    "digits/9",
    "confbridge-inc-talk-vol-out",
)
MENUS = f"""\
[wazo-default-user-menu]
type = menu
{_menu(*MUTE, *VOLUMES)}
1 = toggle_mute
4 = decrease_listening_volume
5 = reset_listening_volume
6 = increase_listening_volume
7 = decrease_talking_volume
8 = reset_talking_volume
9 = increase_talking_volume

[wazo-default-admin-menu](wazo-default-user-menu)
{_menu(*MUTE, *LOCK, *VOLUMES)}
2 = admin_toggle_conference_lock
3 = admin_kick_last
0 = admin_toggle_mute_participants
"""
MEETING = f"""\
[wazo-meeting-bridge-profile]
type = bridge
video_mode = sfu
remb_send_interval = 1000
remb_behavior = lowest_all
max_members = 25
record_conference = no
enable_events = yes
sound_join = meeting-join
sound_leave = meeting-leave

[wazo-meeting-user-profile]
dsp_drop_silence = yes
type = user
talk_detection_events = yes
echo_events = yes
send_events = yes
announce_join_leave = no
announce_user_count = no
announce_only_user = no

[wazo-meeting-menu]
type = menu
{_menu(*MUTE)}
1 = toggle_mute
"""


class ConfBridgeConf:
    """The driver of asterisk/confbridge.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file. Its generated lines are not trimmed."""
        safe = SafeText(logger)
        stored = stored_file("confbridge.conf", safe)
        warn_of_refusals("confbridge.conf", stored, "asterisk_file", logger)
        rows = Session.execute(select_named(COLUMNS).order_by(conference.c.id)).all()
        conferences = [row for row in safe_rows(COLUMNS, rows, safe) if _is_accepted(row, safe)]
        bridge_template, user_template = (_inherit(name, stored, conferences) for name in TEMPLATES)
        bridges = "".join(_bridge(row, bridge_template) for row in conferences)
        users = "".join(_user(row, user_template) for row in conferences)
        return safe.written([f"{stored}{bridges}\n{users}\n{MENUS}\n{MEETING}\n"])


def _is_accepted(row: Any, safe: SafeText) -> bool:
    """Whether Asterisk takes the profiles of a conference; for one that it refuses, it refuses the whole module."""
    if row.max_users >= 0:
        return True
    safe.left_out("conference", row.id, "max_users", "is below 0, which Asterisk refuses")
    return False


def _inherit(template: str, stored: str, conferences: Sequence[Any]) -> str:
    """What is behind the name of a section that inherits from `template`: nothing where that is not in `stored`.

    Asterisk refuses the whole file over a template that is not there, and compares names without case.
    """
    if template in {section.name.lower() for section in read(stored).sections}:
        return f"({template})"
    if conferences:
        logger.warning(
            "asterisk_file_section has no row %s of confbridge.conf: conferences are written without it",
            template,
        )
    return ""


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _bridge(row: Any, template: str) -> str:
    return f"""\
[wazo-bridge-profile-{row.id}]{template}
type = bridge
max_members = {row.max_users}
record_conference = {_yes_no(row.record)}

"""


def _user(row: Any, template: str) -> str:
    music = f"music_on_hold_when_empty = yes\nmusic_on_hold_class = {row.music_on_hold}\n" if row.music_on_hold else ""
    admin = f"[wazo-admin-profile-{row.id}](wazo-user-profile-{row.id})\nadmin = yes\n" if row.admin_pin else ""
    return f"""\
[wazo-user-profile-{row.id}]{template}
type = user
quiet = {_yes_no(row.quiet_join_leave)}
announce_join_leave = {_yes_no(row.announce_join_leave)}
announce_user_count = {_yes_no(row.announce_user_count)}
announce_only_user = {_yes_no(row.announce_only_user)}
{music}
{admin}
"""
