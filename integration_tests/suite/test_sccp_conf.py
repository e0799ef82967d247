"""asterisk/sccp.conf (docs/spec/11-sccp.conf.md)."""

import pytest

from integration_tests.suite.helpers.scratch import CONTROLS, hostile_texts
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend_wazo.impl.asterisk.sccp import SCCPConf
from xivo_confgend_wazo.meta import (
    extensions,
    feature_extension,
    func_key_dest_custom,
    func_key_mapping,
    line_extension,
    linefeatures,
    pickup,
    pickupmember,
    sccpdevice,
    sccpgeneralsettings,
    sccpline,
    user_line,
    userfeatures,
    voicemail,
)

ANN = "aaaaaaaa-0000-4000-8000-000000000007"
BOB = "bbbbbbbb-0000-4000-8000-000000000008"
TENANT = "11111111-0000-4000-8000-000000000001"

FRESH = """\
[general]
guest = no
max_guests = 100

[xivo_device_tpl](!)
dialtimeout = 5
keepalive = 10
vmexten = *98


[guest](xivo_device_tpl)
type = device
line = guestline

[xivo_line_tpl](!)
directmedia = 0
language = en_US
setvar = TIMEOUT(absolute)=36000


[guestline](xivo_line_tpl)
type = line
context = xivo-initconfig
cid_name = Autoprov
cid_num = autoprov

"""

# Example 8.2 of the specification, its speed dials in our order.
COMPANY = f"""\
[general]
guest = no
max_guests =

[xivo_device_tpl](!)
keepalive = 15
dialtimeout = 4
dateformat = D.M.Y
vmexten = *98


[guest](xivo_device_tpl)
type = device
line = guestline


[SEP001122334455](xivo_device_tpl)
type = device
line = 1200
voicemail = 1200
speeddial = 7-2
speeddial = 7-4


[SEP001122334466](xivo_device_tpl)
type = device
line = 1201
speeddial = 8-1


[SEPAA](xivo_device_tpl)
type = device

[xivo_line_tpl](!)
language = fr_FR
directmedia = 1
context =
disallow = all
allow = ulaw,alaw
tos_audio = 0xB8
setvar = TIMEOUT(absolute)=36000


[guestline](xivo_line_tpl)
type = line
context = xivo-initconfig
cid_name = Autoprov
cid_num = autoprov


[1200](xivo_line_tpl)
type = line
cid_name = Ann A
cid_num = 1200
setvar = XIVO_ORIGINAL_CALLER_ID="Ann A" <1200>
setvar = XIVO_USERID=7
setvar = WAZO_USERID=7
setvar = XIVO_USERUUID={ANN}
setvar = WAZO_USERUUID={ANN}
setvar = WAZO_TENANT_UUID={TENANT}
setvar = PICKUPMARK=1200%ctx-a
setvar = TRANSFER_CONTEXT=ctx-a
setvar = WAZO_CHANNEL_DIRECTION=from-wazo
setvar = WAZO_LINE_ID=41
setvar = WAZO_CALLER_SIMULTCALLS=3
setvar = DYNAMIC_FEATURES=togglerecord
language = de_DE
context = ctx-a
disallow = all
allow = alaw
namedcallgroup = 4
namedpickupgroup = 3,4


[1201](xivo_line_tpl)
type = line
cid_name = Bob
cid_num = 1201
setvar = XIVO_ORIGINAL_CALLER_ID="Bob" <1201>
setvar = XIVO_USERID=8
setvar = WAZO_USERID=8
setvar = XIVO_USERUUID={BOB}
setvar = WAZO_USERUUID={BOB}
setvar = WAZO_TENANT_UUID={TENANT}
setvar = PICKUPMARK=1201%ctx-a
setvar = TRANSFER_CONTEXT=ctx-a
setvar = WAZO_CHANNEL_DIRECTION=from-wazo
setvar = WAZO_LINE_ID=42
setvar = WAZO_CALLER_SIMULTCALLS=5
context = ctx-a

[7-2]
type = speeddial
extension = 2000
blf = 1


[7-4]
type = speeddial
extension = *735
label = DoorA
blf = 0


[8-1]
type = speeddial
extension = 3000
blf = 1

"""


def add_settings(database, *settings):
    for name, value in settings:
        database.add(sccpgeneralsettings, option_name=name, option_value=value)


def add_line(database, number, **values):
    """A user with an SCCP line: user and line have the id `number`, the extension is 1000 + `number`."""
    user = {"id": number, "uuid": f"user-{number}", "func_key_private_template_id": number, **values.pop("user", {})}
    database.add(userfeatures, **user)
    extension_id = values.pop("extension_id", number)
    line = {"id": number, "name": str(1000 + number), "cid_name": "N", "cid_num": "1", **values}
    database.add(sccpline, **line)
    feature = {"id": number, "name": str(number), "context": "ctx-a", "endpoint_sccp_id": number}
    database.add(linefeatures, **feature)
    database.add(user_line, user_id=user["id"], line_id=number, main_user=True, main_line=True)
    database.add(extensions, id=number, exten=str(1000 + number), context="x", type="user", typeval=str(number))
    database.add(line_extension, line_id=number, extension_id=extension_id, main_extension=True)


def fill_company(database):
    add_settings(
        database,
        ("guest", "no"),
        ("keepalive", "15"),
        ("dialtimeout", "4"),
        ("dateformat", "D.M.Y"),
        ("language", "fr_FR"),
        ("directmedia", "yes"),
        ("context", ""),
        ("disallow", "g729"),
        ("allow", "ulaw,alaw"),
        ("tos_audio", "0xB8"),
        ("max_guests", ""),
    )
    database.add(feature_extension, exten="*98", feature="vmusermsg", enabled=False)
    database.add(voicemail, uniqueid=5, mailbox="1200", context="ctx-a")
    ann = {"id": 7, "uuid": ANN, "language": "de_DE", "simultcalls": 3, "enableonlinerec": 1, "voicemailid": 5}
    bob = {"id": 8, "uuid": BOB, "simultcalls": 5}
    for endpoint, line, user, name, texts in (
        (41, 61, {**ann, "func_key_private_template_id": 1}, "Ann A", {"allow": "alaw", "disallow": "all"}),
        (42, 62, {**bob, "func_key_private_template_id": 2}, "Bob", {"allow": None, "disallow": ""}),
    ):
        number = str(1159 + endpoint)
        database.add(userfeatures, **user)
        database.add(sccpline, id=endpoint, name=number, cid_name=name, cid_num=number, tenant_uuid=TENANT, **texts)
        database.add(linefeatures, id=line, name=number, context="ctx-a", endpoint_sccp_id=endpoint)
        database.add(user_line, user_id=user["id"], line_id=line, main_user=True, main_line=True)
        database.add(extensions, id=line, exten=number, context="ctx-b", type="user")
        database.add(line_extension, line_id=line, extension_id=line, main_extension=True)
    database.add(extensions, id=99, exten="1299", context="ctx-b", type="user")
    database.add(line_extension, line_id=62, extension_id=99, main_extension=False)
    for name, line in (("SEP001122334455", "1200"), ("SEP001122334466", "1201"), ("SEPAA", "")):
        database.add(sccpdevice, name=name, device=name, line=line)
    for number, category in ((3, "member"), (4, "member"), (4, "pickup")):
        database.add(pickupmember, pickupid=number, category=category, membertype="user", memberid=7)
    database.add(pickup, id=3, name="three")
    database.add(pickup, id=4, name="four")
    for template, key, position, label, blf, exten in (
        (1, 901, 4, "Door;\tA", False, "*7;35"),
        (1, 902, 2, None, True, "2000"),
        (2, 903, 1, "", True, "3000"),
    ):
        database.add(
            func_key_mapping,
            template_id=template,
            func_key_id=key,
            destination_type_id=10,
            position=position,
            label=label,
            blf=blf,
        )
        database.add(func_key_dest_custom, func_key_id=key, exten=exten)


def test_the_example_of_a_fresh_installation(database):
    add_settings(
        database,
        ("directmedia", "no"),
        ("dialtimeout", "5"),
        ("keepalive", "10"),
        ("language", "en_US"),
        ("allow", ""),
        ("guest", "no"),
        ("max_guests", "100"),
    )
    database.add(feature_extension, exten="*98", feature="vmusermsg")

    assert database.generate(SCCPConf).content == FRESH


def test_the_example_of_two_lines_and_three_devices(database):
    fill_company(database)

    assert database.generate(SCCPConf).content == COMPANY


def test_the_example_needs_three_statements(database):
    fill_company(database)

    assert database.generate(SCCPConf).statements == 3


def test_without_a_voicemail_extension_only_that_item_is_missing(database):
    made = database.generate(SCCPConf)

    assert "vmexten" not in made.content
    assert "[guestline](xivo_line_tpl)\n" in made.content
    assert made.warnings == ["feature_extension has no row vmusermsg: the voicemail key of the phones is left out"]


def test_a_voicemail_extension_among_the_settings_comes_first(database):
    add_settings(database, ("vmexten", "*1"))
    database.add(feature_extension, exten="*98", feature="vmusermsg")

    assert "[xivo_device_tpl](!)\nvmexten = *1\nvmexten = *98\n" in database.generate(SCCPConf).content


def test_the_first_of_several_voicemail_extensions_by_code_point_is_written(database):
    for exten in ("*99", "*98", "*a8"):
        database.add(feature_extension, exten=exten, feature="vmusermsg")
    database.add(feature_extension, exten="*10", feature="vmuserpass")

    assert "[xivo_device_tpl](!)\nvmexten = *98\n\n" in database.generate(SCCPConf).content


def test_where_rows_lie_in_the_table_does_not_matter(database):
    database.add(feature_extension, exten="*98", feature="vmusermsg")
    for number, name in ((10, "b"), (9, "a"), (100, "c")):
        database.add(sccpgeneralsettings, id=number, option_name=name, option_value="1")
    for number, name, device in ((10, "SEPa", "10"), (9, "SEPa", "9"), (8, "SEPB", "8")):
        add_line(database, number, user={"func_key_private_template_id": number})
        database.add(sccpdevice, id=number, name=name, device=device, line=str(1000 + number))
        database.add(func_key_mapping, template_id=number, func_key_id=number, destination_type_id=10, position=number)
        database.add(func_key_dest_custom, func_key_id=number, exten="1")

    content = database.generate(SCCPConf).content

    assert content.startswith("[general]\na = 1\nb = 1\nc = 1\n")
    written = [line for line in content.splitlines() if line.startswith(("[SEP", "speeddial"))]
    assert written == [
        "[SEPB](xivo_device_tpl)", "speeddial = 8-8",
        "[SEPa](xivo_device_tpl)", "speeddial = 9-9",
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "written"), [("no", "0"), ("yes", "1"), ("", "1"), ("outgoing", "1")])
def test_direct_media_is_a_number(database, value, written):
    add_settings(database, ("directmedia", value))

    assert f"[xivo_line_tpl](!)\ndirectmedia = {written}\n" in database.generate(SCCPConf).content


def test_a_device_of_a_disabled_line_is_written_and_the_line_is_not(database):
    add_line(database, 7)
    database.add(linefeatures, id=8, name="8", context="ctx-a", endpoint_sccp_id=8, commented=1)
    database.add(sccpline, id=8, name="off")
    database.add(sccpdevice, name="SEP1", device="SEP1", line="off")

    names = [section.name for section in read(database.generate(SCCPConf).content).sections]

    assert "SEP1" in names
    assert "1007" in names
    assert "off" not in names


def test_lines_of_one_name_do_not_repeat_the_device(database):
    add_line(database, 7, name="same")
    add_line(database, 8, name="same")
    database.add(sccpdevice, name="SEP1", device="SEP1", line="same")

    assert len(read(database.generate(SCCPConf).content).named("SEP1")) == 1


def test_two_mailboxes_give_two_sections_of_the_device(database):
    database.add(voicemail, uniqueid=1, mailbox="1001", context="a")
    database.add(voicemail, uniqueid=2, mailbox="1002", context="a")
    add_line(database, 7, name="same", user={"voicemailid": 1})
    add_line(database, 8, name="same", user={"voicemailid": 2})
    database.add(sccpdevice, name="SEP1", device="SEP1", line="same")

    sections = read(database.generate(SCCPConf).content).named("SEP1")

    assert [section.values("voicemail") for section in sections] == [["1001"], ["1002"]]


def test_a_device_has_the_mailboxes_of_lines_that_are_not_written(database):
    database.add(voicemail, uniqueid=2, mailbox="1002 ", context="a")
    database.add(voicemail, uniqueid=1, mailbox="1002\x01", context="b")
    for number, mailbox in ((7, 2), (8, 1), (9, None)):
        user = {"uuid": f"user-{number}", "func_key_private_template_id": number, "voicemailid": mailbox}
        database.add(userfeatures, id=number, **user)
        database.add(sccpline, id=number, name="a]b", cid_name="N", cid_num="1")
        line = {"name": str(number), "context": "c", "endpoint_sccp_id": number, "commented": 1}
        database.add(linefeatures, id=number, **line)
        database.add(user_line, user_id=number, line_id=number, main_user=True, main_line=True)
    database.add(sccpdevice, id=1, name="SEP1", device="SEP1", line="a]b")
    database.add(sccpdevice, id=2, name="SEP2", device="SEP2", line="")
    database.add(sccpdevice, id=3, name="SEP3", device="SEP3", line="other")

    file = read(database.generate(SCCPConf).content)

    assert [section.values("voicemail") for section in file.named("SEP1")] == [["1002"], []]
    assert [section.values("voicemail") for name in ("SEP2", "SEP3") for section in file.named(name)] == [[], []]


def test_two_main_extensions_of_a_line_give_one_section_of_its_device(database):
    add_line(database, 7)
    database.add(extensions, id=70, exten="70", context="x", type="user", typeval="7")
    database.add(line_extension, line_id=7, extension_id=70, main_extension=True)
    database.add(sccpdevice, name="SEP1", device="SEP1", line="1007")

    file = read(database.generate(SCCPConf).content)

    assert len(file.named("SEP1")) == 1
    assert len(file.named("1007")) == 2


def test_a_voicemail_and_an_extension_that_are_not_there_are_none(database):
    add_line(database, 7, user={"voicemailid": 99})
    add_line(database, 8, extension_id=98)
    database.add(sccpdevice, name="SEP1", device="SEP1", line="1007")
    database.add(sccpdevice, name="SEP2", device="SEP2", line="1008")

    file = read(database.generate(SCCPConf).content)

    assert [section.values("voicemail") for name in ("SEP1", "SEP2") for section in file.named(name)] == [[], []]
    assert (len(file.named("1007")), len(file.named("1008"))) == (1, 0)


def test_a_device_with_a_control_character_keeps_its_speed_dials(database):
    add_line(database, 7, name="1007")
    database.add(sccpdevice, name="SEP1", device="SEP\x011", line="1007")
    database.add(func_key_mapping, template_id=7, func_key_id=1, destination_type_id=10, position=3)
    database.add(func_key_dest_custom, func_key_id=1, exten="2000")

    file = read(database.generate(SCCPConf).content)

    assert file.named("SEP1")[0].values("speeddial") == ["7-3"]


def test_devices_that_are_written_alike_keep_their_own_speed_dials(database):
    for number, device in ((7, "SEP\x011"), (8, "SEP 1")):
        add_line(database, number)
        database.add(sccpdevice, name=f"SEP{number}", device=device, line=f"100{number}")
        database.add(func_key_mapping, template_id=number, func_key_id=number, destination_type_id=10, position=3)
        database.add(func_key_dest_custom, func_key_id=number, exten="2000")

    file = read(database.generate(SCCPConf).content)

    assert [file.named(name)[0].values("speeddial") for name in ("SEP7", "SEP8")] == [["7-3"], ["8-3"]]


def test_a_line_whose_name_cannot_be_a_section_is_left_out(database):
    add_line(database, 7, name="a]b")
    add_line(database, 8)

    made = database.generate(SCCPConf)

    assert [section.name for section in read(made.content).sections][-1] == "1008"
    assert "sccpline row 7 is left out: column name cannot be a section name" in made.warnings


def test_values_are_trimmed_at_their_end(database):
    add_line(database, 7, cid_name=" Ann ")

    assert "cid_name =  Ann\n" in database.generate(SCCPConf).content


def test_no_text_opens_a_section_or_adds_an_option(database):
    hostile = f"\n[good](xivo_line_tpl)\nsetvar = evil\r\n{CONTROLS}"
    add_settings(database, ("guest", hostile[:80]))
    add_line(database, 7, **{**hostile_texts(sccpline, hostile), "name": "bad", "user": {"language": hostile[:20]}})
    add_line(database, 8, name="good")
    database.add(sccpdevice, **{**hostile_texts(sccpdevice, hostile), "name": "SEP1", "line": "bad"})
    key = {"template_id": 7, "func_key_id": 1, "destination_type_id": 10, "position": 1}
    database.add(func_key_mapping, **{**key, "label": hostile})
    database.add(func_key_dest_custom, func_key_id=1, exten=hostile[:40])

    file = read(database.generate(SCCPConf).content)

    assert file.problems == []
    assert [section.name for section in file.sections if not section.name.startswith(("xivo", "guest"))] == [
        "general",
        "SEP1",
        "bad",
        "good",
        "7-1",
    ]
    assert "evil" not in " ".join(file.named("good")[0].values("setvar"))


def test_a_setting_named_like_a_section_opens_none(database):
    add_settings(database, (" [guestline](+)", "x"), ("#exec", "id"))

    made = database.generate(SCCPConf)

    assert read(made.content).sections[0].pairs() == [("[guestline](+)", "x"), ("#exec", "id")]
    assert len(read(made.content).sections) == 5
