"""Every file made from the demonstration company has something for every kind of section of its specification."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from xivo_confgend.testing.generation import generate
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.demonstration import fill

USERS = 300
TEMPLATES = Path(__file__).parents[2] / "etc/xivo-confgend/templates"
CONFIG = {
    "templates": {
        "contextsconf": str(TEMPLATES / "contexts.conf"),
        "modulesconf": str(TEMPLATES / "modules.conf.jinja2"),
    },
    "enabled_asterisk_modules": {"chan_sip.so": False, "res_pjsip.so": True},
}

CONTENT = {
    "asterisk.pjsip.conf": {
        "stored section": r"^\[global\]\nuser_agent = Wazo PBX$",
        "second stored section": r"^\[system\]\ntimer_t1 = 500$",
        "transport": r"^\[transport-udp\]\ntype = transport\nprotocol = udp$",
        "repeated option of a transport": r"^local_net = 10\.0\.0\.0/8\nlocal_net = 172\.16\.0\.0/12$",
        "endpoint with its label": r"^; \w+ \w+\n\[\w{8}\]\ncontext = ",
        "endpoint without label": r"^\n\[\w{8}\]\ncontext = ",
        "endpoint that inherits twice": r"^set_var = SITE=open-space$",
        "webrtc endpoint": r"^; webrtc .*\n\[\w{8}\]\n(?:.+\n)+webrtc = yes$",
        "aor": r"^\[\w{8}\]\n(?:[^\[]+\n)?type = aor$",
        "auth": r"^\[\w{8}\]\nusername = \w{8}\npassword = \w{8}\ntype = auth$|^\[\w{8}\]\npassword = \w{8}\nusername",
        "mailboxes": r"^mailboxes = \d{5}@",
        "pickup group": r"^named_pickup_group = \d",
        "call group": r"^named_call_group = \d",
        "caller id": r'^callerid = "\w+ \w+" <\d{5}>$',
        "recording": r"^set_var = WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1$",
        "announcements": r"^set_var = __WAZO_RECORDING_START_SOUND=rec-on$",
        "two users on one line": r"(?:^set_var = XIVO_USERID=\d+\n(?:set_var = .*\n)*){2}",
        "trunk": r"^; Carrier \d+\n\[\w{8}\]\n",
        "identify": r"^\[\w{8}\]\ntype = identify\nendpoint = \w{8}\nmatch = ",
        "outbound auth": r"^\[outbound_auth_\w{8}\]\n",
        "auth of a registration": r"^\[auth_reg_\w{8}\]\n",
        "registration": r"^type = registration$",
        "meeting guest": r"^; wazo-meeting-[-0-9a-f]+-guest\n\[\w{8}\]\n(?:.+\n)+set_var = WAZO_MEETING_NAME=Réunion",
    },
    "asterisk.extensions.conf": {
        "global hint, SIP": r"^exten = [-0-9a-f]{36},hint,Custom:[-0-9a-f]{36}-mobile&PJSIP/\w{8}$",
        "global hint, SCCP": r"^exten = [-0-9a-f]{36},hint,Custom:[-0-9a-f]{36}-mobile&SCCP/\d+$",
        "global hint, custom": r"^exten = [-0-9a-f]{36},hint,Custom:[-0-9a-f]{36}-mobile&Local/",
        "global hint of two lines": r"^exten = [-0-9a-f]{36},hint,.*&PJSIP/\w{8}&PJSIP/\w{8}$",
        "internal context": r"^\[default\]$",
        "incall context": r"^\[from-extern\]$",
        "outcall context": r"^\[to-extern\]$",
        "services context": r"^\[ctx-\w{6}-services-",
        "other context": r"^\[ctx-\w{6}-others-",
        "include": r"^include = to-extern$",
        "user": r"^same  =     n,GoSub\(user,s,1\(\d+,,\d+\)\)$",
        "group": r"GoSub\(group,s,1\(",
        "queue": r"GoSub\(queue,s,1\(",
        "conference": r"GoSub\(conference,s,1\(",
        "incall": r"GoSub\(did,s,1\(",
        "outcall": r"GoSub\(outcall,s,1\(",
        "feature": r"GoSub\(enablednd,s,1\(\)\)$",
        "forward feature": r"^exten = \*21,n,Gosub\(feature_forward,s,1\(unc\)\)$",
        "user hint, SIP": r"^exten = \d{5},hint,PJSIP/\w{8}$",
        "user hint, two lines": r"^exten = \d{5},hint,PJSIP/\w{8}&PJSIP/\w{8}$",
        "user hint, SCCP": r"^exten = \d{5},hint,SCCP/\d+$",
        "user hint, custom": r"^exten = \d{5},hint,Local/",
        "conference hint": r"^exten = 4\d{3},hint,confbridge:\d+$",
        "service hint": r"^exten = \*735\d+\*{3}225,hint,Custom:",
        "forward hint": r"^exten = \*735\d+\*{3}221,hint,Custom:",
        "forward hint with a number": r"^exten = \*735\d+\*{3}221\*06\d+,hint,Custom:",
        "group member hint": r"^exten = \*735\d+\*{3}25[012]\*\d+,hint,Custom:",
        "agent hint": r"^exten = \*735\d+\*{3}23[012]\*{3}3\d+,hint,Custom:",
        "filter hint": r"^exten = \*37\d+,hint,Custom:\*37\d+$",
        "custom hint": r"^exten = \*87\d+,hint,Custom:\*87\d+$",
        "voice menu": r"^\[xivo-ivr-1\]$",
        "choice": r"^exten = 1,n,Gosub\(forward,s,1\(",
        "menu that gives up": r"^same  =   n,Playback\(goodbye\)$",
        "menu that forwards": r"^exten = (?:t|i|abort),1,NoOp\(\)\nsame  =   n,Gosub\(forward,s,1\(",
    },
    "asterisk.queues.conf": {
        "settings": r"^\[general\]\n.+ = .+$",
        "group": r"^; Accueil 1\n\[gro-",
        "queue": r"^; Service après-vente 1\n\[que-",
        "user member": r"^member = Local/[-0-9a-f]{36}@usersharedlines,0,,hint:[-0-9a-f]{36}@usersharedlines$",
        "extension member": r"^member = Local/06\d+@default,5,,$",
    },
    "asterisk.queueskills.conf": {"agent": r"^\[agent-1\]\n\w+ = \d+\n\w+ = \d+$"},
    "asterisk.queueskillrules.conf": {
        "rule of two parts": r"^\[skillrule-1\]\nrule = .+\nrule = .+$",
        "empty rule": r"^\[skillrule-3\]\n\n",
    },
    "asterisk.voicemail.conf": {
        "settings": r"^\[general\]\n.+ = .+$",
        "zones": r"^\[zonemessages\]\neu-fr = Europe/Paris\|",
        "box": r"^\d{5} => \d{4},\w+ \w+,[^,]*,[^,]*,.*deletevoicemail=no",
        "options": r"^\d{5} => .*\|saycid=yes",
        "pager": r"^\d{5} => [^,]*,[^,]*,[^,]*,06\d+@pager\.example\.com,",
        "box for all": r"^9999 => \w{4},Boîte commune,,,",
    },
    "asterisk.features.conf": {
        "general": r"^\[general\]\ntransferdigittimeout = 5$",
        "feature map": r"^\[featuremap\]\nblindxfer = \*1$",
        "application map": r"^\[applicationmap\]\ntogglerecord = ",
    },
    "asterisk.res_parking.conf": {
        "default": r"^\[default\]\ncontext = wazo-disabled$",
        "lot": r"^\[parkinglot-1\]\nparkext = 700\ncontext = default$",
        "music": r"^parkedmusicclass = default$",
    },
    "asterisk.musiconhold.conf": {
        "default": r"^\[default\]$",
        "files with order": r"^mode = files\ndirectory = .*\nsort = alpha$",
        "custom": r"^mode = custom\napplication = /usr/bin/mpg123",
        "mp3": r"^mode = mp3$",
    },
    "asterisk.modules.conf": {"module": r"^noload => chan_sip\.so$"},
    "asterisk.confbridge.conf": {
        "stored": r"^\[wazo_default_bridge\]$",
        "bridge": r"^\[wazo-bridge-profile-1\]\(wazo_default_bridge\)$",
        "user": r"^\[wazo-user-profile-1\]\(wazo_default_user\)$",
        "administrator": r"^\[wazo-admin-profile-1\]\(wazo-user-profile-1\)\nadmin = yes$",
        "music": r"^music_on_hold_class = moh-",
        "meeting": r"^\[wazo-meeting-bridge-profile\]$",
    },
    "asterisk.rtp.conf": {
        "general": r"^\[general\]\nrtpstart = 10000$",
        "candidates": r"^\[ice_host_candidates\]\n10\.20\.0\.2 = ",
    },
    "asterisk.hep.conf": {"general": r"^\[general\]\nenabled = 1$"},
    "asterisk.iax.conf": {
        "general": r"^\[general\]\nbindport = 4569$",
        "register": r"^register => demonstration:secret@",
        "codecs": r"^disallow = all\nallow = ulaw\nallow = alaw\nallow = gsm$",
        "limits": r"^\[callnumberlimits\]\n10\.20\.0\.0/255\.255\.0\.0 = 512$",
        "trunk": r"^\[iax-\w{6}\]$",
        "option of a trunk": r"^maxcallnumbers = 64$",
    },
    "asterisk.sccp.conf": {
        "general": r"^\[general\]\nguest = no$",
        "device template": r"^\[xivo_device_tpl\]\(!\)$",
        "line template": r"^\[xivo_line_tpl\]\(!\)$",
        "device": r"^\[SEP[0-9A-F]{12}\]\(xivo_device_tpl\)$",
        "voicemail": r"^voicemail = \d{5}$",
        "speed dials of a device": r"^speeddial = (\d+)-21\nspeeddial = \1-22$",
        "line": r"^\[1\d{5}\]\(xivo_line_tpl\)$",
        "codecs of a line": r"^disallow = all\nallow = ulaw,alaw$",
        "groups": r"^namedpickupgroup = \d",
        "speed dial": r"^\[\d+-21\]\ntype = speeddial\nextension = \d{5}\nlabel = \w+ \w+\nblf = 1$",
        "speed dial without lamp": r"^\[\d+-22\]\ntype = speeddial\nextension = 06\d+\nblf = 0$",
    },
    "phoned.config.yml": {"subnet": r"^  - 10\.20\.0\.0/16$", "IPv6": r"^  - fd00:20::/32$"},
    "provd.network.yml": {"URL": r"^  advertised_http_url: http://10\.20\.0\.2:8667$"},
    "wazo.uuid.yml": {"uuid": r"^uuid: [-0-9a-f]{36}$"},
}


@pytest.fixture(scope="module")
def company(postgresql: PostgreSQL) -> str:
    """A database with the demonstration company."""
    uri = postgresql.create_database("demonstration_files")
    fill(uri, USERS)
    return uri


@pytest.fixture(scope="module")
def files(company: str) -> dict[str, str]:
    """All files that were generated so far in this module."""
    return {}


@pytest.mark.parametrize(("file", "kind"), [(file, kind) for file, kinds in CONTENT.items() for kind in kinds])
def test_a_file_has_content_for_this_kind_of_section(company: str, files: dict[str, str], file: str, kind: str):
    if file not in files:
        (driver,) = entry_points(group=f"confgend.{file}", name="wazo")
        made = generate(driver.load(), company, CONFIG)
        assert made.warnings == []
        files[file] = made.content

    assert re.search(CONTENT[file][kind], files[file], re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "lines", "size"),
    [("asterisk.pjsip.conf", 54, 1540), ("asterisk.extensions.conf", 10.6, 540)],
)
def test_a_large_file_has_the_lines_and_bytes_a_user_of_a_real_installation(
    company: str, file: str, lines: float, size: float
):
    """The proportions of the installation that the reference was measured on."""
    (driver,) = entry_points(group=f"confgend.{file}", name="wazo")

    content = generate(driver.load(), company, CONFIG).content

    assert content.count("\n") / USERS == pytest.approx(lines, rel=0.2)
    assert len(content.encode()) / USERS == pytest.approx(size, rel=0.2)
