"""What the examples of docs/spec/10-pjsip.conf.md give, with the own options of a section in our order."""

from integration_tests.suite.helpers.sip_rows import T1, T2

WHOLE = """\
[global]
user_agent = Demo

[system]


[tr-udp]
type = transport
protocol = udp
bind = 0.0.0.0:5060
local_net = 10.0.0.0/8
local_net = 192.168.0.0/16

[tr-wss]
type = transport



"""

DEPTH_3 = f"""\
; Desk phone
[line-c]
context = ctx-a
named_pickup_group = 3
named_call_group = 4
mailboxes = 100@ctx-a
allow = !all,opus
dtmf_mode = info
transport = tr-udp
aors = line-c
type = endpoint
callerid = "Ann" <100>
rtp_timeout = 30
auth = line-c
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=21
set_var = TRANSFER_CONTEXT=ctx-a
set_var = XIVO_USERID=7
set_var = WAZO_USERID=7
set_var = XIVO_USERUUID=aaaaaaaa-0000-4000-8000-000000000007
set_var = WAZO_USERUUID=aaaaaaaa-0000-4000-8000-000000000007
set_var = WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1
set_var = WAZO_CALLER_SIMULTCALLS=3
set_var = PICKUPMARK=100%ctx-a
set_var = __WAZO_RECORDING_START_SOUND=rec-on
set_var = SITE=hq
set_var = XIVO_ORIGINAL_CALLER_ID="Mid" <1>
set_var = XIVO_ORIGINAL_CALLER_ID="Ann" <100>

[line-c]
max_contacts = 10
qualify_frequency = 60
type = aor
remove_existing = yes
mailboxes = 100@ctx-a

[line-c]
password = p-c
username = u-c
type = auth
"""

DIAMOND = f"""\
[line-d]
context = ctx-b
allow = A0
x_root = r
type = endpoint
x_left = l
x_right = rr
x_own = o
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=22
set_var = TRANSFER_CONTEXT=ctx-b
set_var = __WAZO_RECORDING_START_SOUND=rec-on
set_var = __WAZO_TENANT_UUID={T2}
"""

APPLICATION = f"""\
; Lobby
[line-e]
context = stasis-wazo-app-99999999-0000-4000-8000-000000000009
allow =  opus
aors = pool
outbound_proxy =
type = endpoint
outbound_auth = outbound_auth_line-e
set_var = __WAZO_TENANT_UUID={T2}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=23
set_var = TRANSFER_CONTEXT=ctx-b
set_var = ZONE=1

[pool]
"""

TWO_USERS = f"""\
[line-f]
context = ctx-b
mailboxes = 555@ctx-b,555@ctx-b
aors = line-f
type = endpoint
set_var = __WAZO_TENANT_UUID={T2}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=24
set_var = TRANSFER_CONTEXT=ctx-b
set_var = XIVO_USERID=8
set_var = WAZO_USERID=8
set_var = XIVO_USERUUID=bbbbbbbb-0000-4000-8000-000000000008
set_var = WAZO_USERUUID=bbbbbbbb-0000-4000-8000-000000000008
set_var = WAZO_CALLER_SIMULTCALLS=5
set_var = XIVO_USERID=9
set_var = WAZO_USERID=9
set_var = XIVO_USERUUID=cccccccc-0000-4000-8000-000000000009
set_var = WAZO_USERUUID=cccccccc-0000-4000-8000-000000000009
set_var = WAZO_CALLER_SIMULTCALLS=2

[line-f]
mailboxes = 555@ctx-b,555@ctx-b
type = aor
"""

TRUNKS = f"""\
; Carrier
[trk-1]
context = ctx-a
allow = !all,ulaw
type = endpoint
from_user = me
transport = tr-wss
aors = trk-1
auth = trk-1
outbound_auth = outbound_auth_trk-1
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_PAI_FORMAT=
set_var = __WAZO_RECORDING_START_SOUND=rec-on

[trk-1]
contact = sip:gw.example
type = aor

[trk-1]
username = in
type = auth

[trk-1]
type = identify
endpoint = trk-1
match_header = X: y
match = 198.51.100.1
match = 198.51.100.2

[outbound_auth_trk-1]
password = op
username = ou
type = auth

[auth_reg_trk-1]
username = ru
type = auth

[trk-1]
expiration = 120
retry_interval = 20
type = registration
endpoint = trk-1
server_uri = sip:gw.example
outbound_auth = auth_reg_trk-1

[trk-2]
type = endpoint
set_var = __WAZO_TENANT_UUID={T2}
set_var = WAZO_PAI_FORMAT=
"""

GUEST = f"""\
; wazo-meeting-1
[gst-1]
webrtc = yes
aors = gst-1
type = endpoint
auth = gst-1
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_MEETING_UUID=dddddddd-0000-4000-8000-00000000000d
set_var = WAZO_MEETING_NAME=Réunion
set_var = __WAZO_RECORDING_START_SOUND=rec-on

[gst-1]
max_contacts = 50
type = aor

[gst-1]
password = x
username = gst-1
type = auth
"""

SHARED = f"""\
; Not a template
[shared]
context = ctx-a
allow = !all,g722
aors = shared
auth = shared
type = endpoint
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=72
set_var = TRANSFER_CONTEXT=ctx-a

[shared]
max_contacts = 2
type = aor

[shared]
username = sh
type = auth

[kid-1]
context = ctx-a
allow = !all,g722
aors = kid-1
auth = kid-1
type = endpoint
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=71
set_var = TRANSFER_CONTEXT=ctx-a
set_var = PICKUPMARK=301%ctx-a
set_var = WAZO_LINE_ID=72

[kid-1]
max_contacts = 1
type = aor

[kid-1]
username = sh
type = auth

[kid-2]
context = ctx-a
allow = !all,g722
aors = kid-2
auth = kid-2
type = endpoint
set_var = __WAZO_TENANT_UUID={T1}
set_var = WAZO_CHANNEL_DIRECTION=from-wazo
set_var = WAZO_LINE_ID=73
set_var = TRANSFER_CONTEXT=ctx-a
set_var = PICKUPMARK=302%ctx-b
set_var = WAZO_LINE_ID=72

[kid-2]
max_contacts = 2
type = aor

[kid-2]
username = sh
type = auth
"""
