NAME = "xivo"
GROUP = "XiVO"
VERSION = "1.0"
DESCRIPTION = "asterisk/sip.conf of a XiVO PBX (chan_sip), from its PostgreSQL database"
