"""asterisk/pjsip.conf: the examples of docs/spec/10-pjsip.conf.md.

Rows that the product does not write, and hostile ones, are in `test_pjsip_conf_rows.py`; what inheritance means is
held to the specification by `drivers/wazo/tests/test_pjsip_inheritance.py`.
"""

import pytest

from integration_tests.suite.helpers.pjsip_examples import (
    APPLICATION,
    DEPTH_3,
    DIAMOND,
    GUEST,
    SHARED,
    TRUNKS,
    TWO_USERS,
    WHOLE,
)
from integration_tests.suite.helpers.sip_rows import T2, SIPRows
from xivo_confgend_wazo.impl.asterisk.pjsip import PJSIPConf
from xivo_confgend_wazo.meta import pickup, pickupmember


@pytest.fixture
def rows(database):
    return SIPRows(database)


def file(transports="", lines="", trunks="", guests=""):
    """The whole file where nothing is stored."""
    return f"[global]\n\n\n[system]\n\n{transports}\n{lines}\n{trunks}\n{guests}"


def add_depth_3(database, rows):
    rows.transport("tr-udp")
    rows.template(
        "tpl-base",
        label="base",
        transport="tr-udp",
        aor=[("max_contacts", "1"), ("qualify_frequency", "60")],
        endpoint=[("allow", "!all,ulaw"), ("dtmf_mode", "rfc4733"), ("set_var", "SITE=hq")],
    )
    rows.template(
        "tpl-mid",
        ["tpl-base"],
        label="mid",
        aor=[("max_contacts", "10")],
        endpoint=[("allow", "!all,opus"), ("callerid", '"Mid" <1>'), ("rtp_timeout", "30")],
    )
    rows.endpoint(
        "line-c",
        ["tpl-mid"],
        label="Desk phone",
        auth=[("username", "u-c"), ("password", "p-c")],
        endpoint=[("callerid", '"Ann" <100>'), ("set_var", "SITE=hq"), ("dtmf_mode", "info")],
        aor=[("remove_existing", "yes")],
    )
    rows.line(21, "line-c")
    rows.voicemail(1, "100", "ctx-a")
    ann = "aaaaaaaa-0000-4000-8000-000000000007"
    rows.user(7, ann, 21, simultcalls=3, enableonlinerec=1, voicemailid=1)
    rows.extension(21, "800", "ctx-b", main=False)
    rows.extension(21, "100", "ctx-a")
    for number, category in ((3, "member"), (4, "pickup")):
        database.add(pickup, id=number, name=str(number))
        database.add(pickupmember, pickupid=number, category=category, membertype="user", memberid=7)


def add_diamond(rows):
    rows.template("dia-root", endpoint=[("allow", "A0"), ("x_root", "r")])
    rows.template("dia-left", ["dia-root"], endpoint=[("allow", "A1"), ("x_left", "l")])
    rows.template("dia-right", ["dia-root"], tenant_uuid=T2, endpoint=[("x_right", "rr")])
    rows.endpoint("line-d", ["dia-left", "dia-right"], endpoint=[("x_own", "o")])
    rows.line(22, "line-d", "ctx-b")


def test_an_empty_database_gives_the_required_sections_and_empty_lines(database):
    assert database.generate(PJSIPConf).content == "[global]\n\n\n[system]\n\n\n\n\n"


def test_the_example_of_the_stored_part_and_transports(database, rows):
    rows.stored_file("pjsip.conf", {"global": [("user_agent", "Demo")]})
    rows.transport("tr-wss")
    nets = [("local_net", "10.0.0.0/8"), ("local_net", "192.168.0.0/16")]
    rows.transport("tr-udp", [("protocol", "udp"), ("bind", "0.0.0.0:5060"), *nets])

    assert database.generate(PJSIPConf).content == WHOLE


def test_the_example_of_inheritance_over_three_levels(database, rows):
    rows.tenants()
    add_depth_3(database, rows)

    transports = "[tr-udp]\ntype = transport\n"
    assert database.generate(PJSIPConf).content == file(transports=transports, lines=DEPTH_3)


def test_the_example_of_a_diamond(database, rows):
    rows.tenants()
    add_diamond(rows)

    assert database.generate(PJSIPConf).content == file(lines=DIAMOND)


def test_lines_without_an_extension_come_first(database, rows):
    rows.tenants()
    add_depth_3(database, rows)
    add_diamond(rows)

    transports = "[tr-udp]\ntype = transport\n"
    assert database.generate(PJSIPConf).content == file(transports=transports, lines=f"{DIAMOND}\n{DEPTH_3}")


def test_the_example_of_an_application(database, rows):
    rows.tenants()
    zone = ("set_var", "ZONE=1")
    rows.endpoint(
        "line-e",
        label="Lobby",
        tenant_uuid=T2,
        endpoint=[("aors", "pool"), zone, zone, ("outbound_proxy", ""), ("allow", " opus ")],
        outbound_auth=[("username", "oo")],
    )
    rows.line(23, "line-e", "ctx-b", "99999999-0000-4000-8000-000000000009")

    assert database.generate(PJSIPConf).content == file(lines=APPLICATION)


def test_the_example_of_two_users_on_one_line(database, rows):
    rows.endpoint("line-f", label="", tenant_uuid=T2)
    rows.line(24, "line-f", "ctx-b")
    rows.voicemail(1, "555", "ctx-b")
    rows.user(9, "cccccccc-0000-4000-8000-000000000009", 24, main=False, simultcalls=2, voicemailid=1)
    rows.user(8, "bbbbbbbb-0000-4000-8000-000000000008", 24, simultcalls=5, voicemailid=1)

    assert database.generate(PJSIPConf).content == file(lines=TWO_USERS)


def test_the_example_of_trunks(database, rows):
    rows.tenants()
    rows.transport("tr-wss")
    rows.template(
        "tpl-reg",
        label="reg",
        registration=[("retry_interval", "20"), ("expiration", "1800")],
        identify=[("match", "198.51.100.1")],
        endpoint=[("allow", "!all,ulaw")],
    )
    rows.endpoint(
        "trk-1",
        ["tpl-reg"],
        label="Carrier",
        transport="tr-wss",
        aor=[("contact", "sip:gw.example")],
        endpoint=[("from_user", "me")],
        auth=[("username", "in")],
        outbound_auth=[("password", "op"), ("username", "ou")],
        registration=[("server_uri", "sip:gw.example"), ("expiration", "120")],
        registration_outbound_auth=[("username", "ru")],
        identify=[("match", "198.51.100.2"), ("match", "198.51.100.1"), ("match_header", "X: y")],
    )
    rows.endpoint("trk-2", tenant_uuid=T2)
    rows.trunk(51, "trk-1", "ctx-a")
    rows.trunk(52, "trk-2")

    assert database.generate(PJSIPConf).content == file("[tr-wss]\ntype = transport\n", trunks=TRUNKS)


def test_the_example_of_a_guest(database, rows):
    rows.tenants()
    rows.template("tpl-guest", aor=[("max_contacts", "50")], endpoint=[("webrtc", "yes")])
    auth = [("username", "gst-1"), ("password", "x")]
    rows.endpoint("gst-1", ["tpl-guest"], label="wazo-meeting-1", auth=auth)
    rows.meeting("dddddddd-0000-4000-8000-00000000000d", "gst-1", "Réunion")

    assert database.generate(PJSIPConf).content == file(guests=GUEST)


def test_the_example_of_a_parent_that_is_no_template(database, rows):
    rows.tenants(start=None)
    shared = {"aor": [("max_contacts", "2")], "auth": [("username", "sh")], "endpoint": [("allow", "!all,g722")]}
    rows.endpoint("shared", label="Not a template", **shared)
    rows.endpoint("kid-1", ["shared"], aor=[("max_contacts", "1")])
    rows.endpoint("kid-2", ["shared"])
    rows.line(71, "kid-1")
    rows.line(72, "shared")
    rows.line(73, "kid-2")
    rows.extension(71, "301", "ctx-a")
    rows.extension(73, "302", "ctx-b", main=False)

    assert database.generate(PJSIPConf).content == file(lines=SHARED)


def test_the_file_takes_ten_statements(database, rows):
    rows.tenants()
    add_depth_3(database, rows)
    add_diamond(rows)

    assert database.generate(PJSIPConf).statements == 10
