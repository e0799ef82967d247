"""How SIP endpoints become sections of pjsip.conf: rules of docs/spec/10-pjsip.conf.md, without a database."""
