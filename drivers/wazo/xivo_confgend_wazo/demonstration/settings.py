"""The settings of a freshly installed Wazo, as data.

Facts of the product's database, not of this company; what people read in e-mails is our own text. A name
without a value is a setting that is switched off.
"""

from __future__ import annotations

Setting = tuple[str, str, str | None]
"""Category, name, value."""


def _settings(category: str, text: str) -> list[Setting]:
    lines = [line.split(maxsplit=1) for line in text.strip().splitlines()]
    return [(category, line[0], line[1] if len(line) == 2 else None) for line in lines]


FEATURES: tuple[tuple[str, str, bool], ...] = (
    # extension, feature, enabled
    ("_*31.", "agentstaticlogin", True),
    ("_*32.", "agentstaticlogoff", True),
    ("_*30.", "agentstaticlogtoggle", True),
    ("_*37.", "bsfilter", True),
    ("*26", "callrecord", False),
    ("*36", "directoryaccess", True),
    ("*25", "enablednd", True),
    ("*90", "enablevm", True),
    ("_*90.", "enablevmslt", True),
    ("_*23.", "fwdbusy", True),
    ("_*22.", "fwdrna", True),
    ("_*21.", "fwdunc", True),
    ("*20", "fwdundoall", True),
    ("*48378", "autoprov", True),
    ("*27", "incallfilter", True),
    ("*10", "phonestatus", True),
    ("_*735.", "phoneprogfunckey", True),
    ("_*8.", "pickup", False),
    ("*9", "recsnd", True),
    ("_*99.", "vmboxmsgslt", True),
    ("_*93.", "vmboxpurgeslt", False),
    ("_*97.", "vmboxslt", True),
    ("*98", "vmusermsg", True),
    ("*92", "vmuserpurge", False),
    ("_*92.", "vmuserpurgeslt", False),
    ("_*96.", "vmuserslt", True),
    ("_*11.", "paging", True),
    ("_*41.", "meetingjoin", True),
    ("_*50.", "groupmembertoggle", True),
    ("_*51.", "groupmemberjoin", True),
    ("_*52.", "groupmemberleave", True),
)

SERVICE_KEYS = (
    "enablevm",
    "vmusermsg",
    "vmuserpurge",
    "phonestatus",
    "recsnd",
    "directoryaccess",
    "fwdundoall",
    "pickup",
    "callrecord",
    "incallfilter",
    "enablednd",
)
"""The services that have a function key, in the order of its id."""

SETTINGS_OF_FEATURES_CONF = [
    *_settings(
        "general",
        """
    transferdigittimeout 5
    xfersound
    xferfailsound
    pickupexten *8
    featuredigittimeout 1500
    atxfernoanswertimeout 15
    atxferdropcall no
    atxferloopdelay 10
    atxfercallbackretries 2
    """,
    ),
    *_settings(
        "featuremap",
        """
    blindxfer *1
    disconnect *0
    atxfer *2
    """,
    ),
    *_settings(
        "applicationmap",
        """
    togglerecord *3,self,AGI(agi://${WAZO_AGID_IP}/call_recording)
    """,
    ),
]

IAX_SETTINGS = [
    *_settings(
        "general",
        """
    bindport 4569
    bindaddr 0.0.0.0
    iaxthreadcount 10
    iaxmaxthreadcount 100
    iaxcompat no
    authdebug yes
    delayreject no
    trunkfreq 20
    trunktimestamps yes
    regcontext
    minregexpire 60
    maxregexpire 60
    bandwidth high
    tos
    jitterbuffer no
    forcejitterbuffer no
    maxjitterbuffer 1000
    maxjitterinterps 10
    resyncthreshold 1000
    accountcode
    amaflags default
    adsi no
    transfer yes
    language fr_FR
    mohinterpret default
    mohsuggest
    encryption no
    maxauthreq 3
    codecpriority host
    disallow
    allow
    rtcachefriends yes
    rtupdate yes
    rtignoreregexpire yes
    rtautoclear no
    pingtime 20
    lagrqtime 10
    nochecksums no
    autokill yes
    calltokenoptional 0.0.0.0
    srvlookup
    jittertargetextra
    forceencryption
    trunkmaxsize
    trunkmtu
    cos
    allowfwdownload
    parkinglot
    maxcallnumbers
    maxcallnumbers_nonvalidated
    shrinkcallerid
    disallow all
    allow ulaw,alaw,gsm
    register demonstration:secret@iax.example.net
    """,
    ),
]

QUEUE_SETTINGS = [
    *_settings(
        "general",
        """
    persistentmembers yes
    autofill no
    monitor-type no
    updatecdr no
    shared_lastcall yes
    """,
    ),
]

VOICEMAIL_SETTINGS = [
    *_settings(
        "general",
        """
    maxmsg 100
    silencethreshold 256
    minsecs 0
    maxsecs 0
    maxsilence 15
    review yes
    operator yes
    format wav
    maxlogins 3
    envelope yes
    saycid no
    cidinternalcontexts
    sayduration yes
    saydurationm 2
    forcename no
    forcegreetings no
    tempgreetwarn yes
    maxgreet 0
    skipms 3000
    sendvoicemail no
    usedirectory yes
    nextaftercmd yes
    dialout
    callback
    exitcontext
    attach yes
    volgain 0
    mailcmd /usr/sbin/sendmail -t
    serveremail pbx@demonstration.example.com
    charset UTF-8
    fromstring Démonstration
    emaildateformat %d/%m/%Y %H:%M
    pbxskip no
    emailsubject Message vocal de ${VM_CALLERID}
    emailbody Bonjour ${VM_NAME},\\n\\nun message de ${VM_CALLERID} vous attend dans la boîte ${VM_MAILBOX}.
    pagerfromstring Démonstration
    pagersubject
    pagerbody
    adsifdn 0000000F
    adsisec 9BDBF7AC
    adsiver 1
    searchcontexts no
    externpass /usr/share/asterisk/bin/change-pass-vm
    externnotify
    smdiport
    odbcstorage
    odbctable
    moveheard
    forward_urgent_auto
    userscontext
    smdienable
    externpassnotify
    externpasscheck
    directoryinfo
    pollmailboxes
    pollfreq
    imapgreetings
    greetingsfolder
    imapparentfolder
    tz
    hidefromdir
    messagewrap
    minpassword
    vm-password
    vm-newpassword
    vm-passchanged
    vm-reenterpassword
    vm-mismatch
    vm-invalid-password
    vm-pls-try-again
    listen-control-forward-key
    listen-control-reverse-key
    listen-control-pause-key
    listen-control-restart-key
    listen-control-stop-key
    backupdeleted
    """,
    ),
]

ZONES = """
    na-newfoundland America/St_Johns
    na-atlantic America/Halifax
    na-eastern America/New_York
    na-central America/Chicago
    na-mountain America/Denver
    na-pacific America/Los_Angeles
    na-alaska America/Anchorage
    be-brussels Europe/Brussels
    it-rome Europe/Rome
    ca-glace_bay America/Glace_Bay
    ca-moncton America/Moncton
    ca-goose_bay America/Goose_Bay
    ca-blanc-sablon America/Blanc-Sablon
    ca-toronto America/Toronto
    ca-nipigon America/Nipigon
    ca-thunder_bay America/Thunder_Bay
    ca-iqaluit America/Iqaluit
    ca-pangnirtung America/Pangnirtung
    ca-atikokan America/Atikokan
    ca-winnipeg America/Winnipeg
    ca-rainy_river America/Rainy_River
    ca-resolute America/Resolute
    ca-rankin_inlet America/Rankin_Inlet
    ca-regina America/Regina
    ca-swift_current America/Swift_Current
    ca-edmonton America/Edmonton
    ca-cambridge_bay America/Cambridge_Bay
    ca-yellowknife America/Yellowknife
    ca-inuvik America/Inuvik
    ca-creston America/Creston
    ca-dawson_creek America/Dawson_Creek
    ca-fort_nelson America/Fort_Nelson
    ca-whitehorse America/Whitehorse
    ca-dawson America/Dawson
    ca-vancouver America/Vancouver
    de-berlin Europe/Berlin
    de-busingen Europe/Busingen
    il-jerusalem Asia/Jerusalem
    lu-luxembourg Europe/Luxembourg
    my-kuala_lumpur Asia/Kuala_Lumpur
    my-kuching Asia/Kuching
    mc-monaco Europe/Monaco
    nl-amsterdam Europe/Amsterdam
    pl-warsaw Europe/Warsaw
    pt-lisbon Europe/Lisbon
    pt-madeira Atlantic/Madeira
    pt-azores Atlantic/Azores
    gb-london Europe/London
    us-detroit America/Detroit
    us-kentucky-louisville America/Kentucky/Louisville
    us-kentucky-monticello America/Kentucky/Monticello
    us-indiana-indianapolis America/Indiana/Indianapolis
    us-indiana-vincennes America/Indiana/Vincennes
    us-indiana-winamac America/Indiana/Winamac
    us-indiana-marengo America/Indiana/Marengo
    us-indiana-petersburg America/Indiana/Petersburg
    us-indiana-vevay America/Indiana/Vevay
    us-indiana-tell_city America/Indiana/Tell_City
    us-indiana-knox America/Indiana/Knox
    us-menominee America/Menominee
    us-north_dakota-center America/North_Dakota/Center
    us-north_dakota-new_salem America/North_Dakota/New_Salem
    us-north_dakota-beulah America/North_Dakota/Beulah
    us-boise America/Boise
    us-phoenix America/Phoenix
    us-juneau America/Juneau
    us-sitka America/Sitka
    us-metlakatla America/Metlakatla
    us-yakutat America/Yakutat
    us-nome America/Nome
    us-adak America/Adak
    us-honolulu Pacific/Honolulu
    es-madrid Europe/Madrid
    es-ceuta Africa/Ceuta
    es-canary Atlantic/Canary
    ch-zurich Europe/Zurich
"""
ZONE_MESSAGES: list[Setting] = [
    ("zonemessages", "eu-fr", "Europe/Paris|'vm-received' q 'digits/at' kM"),
    *(
        (category, name, f"{zone}|'vm-received' q 'digits/at' IMp")
        for category, name, zone in _settings("zonemessages", ZONES)
    ),
]

SCCP_SETTINGS = (
    ("directmedia", "no"),
    ("dialtimeout", "5"),
    ("keepalive", "10"),
    ("language", "en_US"),
    ("allow", ""),
    ("guest", "no"),
    ("max_guests", "100"),
)

STORED_FILES: dict[str, list[tuple[str, int | None, list[tuple[str, str | None]]]]] = {
    # file: sections with priority and options
    "confbridge.conf": [
        ("general", 0, []),
        ("wazo_default_bridge", None, [("type", "bridge")]),
        (
            "wazo_default_user",
            None,
            [("type", "user"), ("dsp_drop_silence", "yes"), ("talk_detection_events", "yes")],
        ),
    ],
    "rtp.conf": [
        (
            "general",
            0,
            [
                ("rtpstart", "10000"),
                ("rtpend", "20000"),
                ("stunaddr", "stun.example.com:3478"),
                ("turnaddr", None),
            ],
        ),
        ("ice_host_candidates", None, [("10.20.0.2", "203.0.113.10,include_local_address")]),
    ],
    "hep.conf": [("general", 0, [("enabled", "1"), ("capture_address", "10.20.0.9:9061"), ("capture_id", "7")])],
    "pjsip.conf": [
        (
            "global",
            0,
            [("user_agent", "Wazo PBX"), ("endpoint_identifier_order", "auth_username,username,ip")],
        ),
        ("system", 1, [("timer_t1", "500"), ("threadpool_max_size", "64")]),
        ("office", 2, [("type", "acl"), ("deny", "0.0.0.0/0"), ("permit", "10.0.0.0/8")]),
    ],
}
