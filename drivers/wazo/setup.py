#!/usr/bin/env python3
"""Driver distribution for today's Wazo schema."""

from setuptools import find_packages, setup

setup(
    name="xivo-confgend-wazo",
    version="1.0.0",
    description="Drivers of xivo-confgend for the Wazo schema",
    license="GPL-3.0-or-later",
    python_requires=">=3.11",
    packages=find_packages(include=["xivo_confgend_wazo", "xivo_confgend_wazo.*"]),
    package_dir={"": "."},
    package_data={"xivo_confgend_wazo": ["templates/**/*"]},
    install_requires=["jinja2>=3.1", "pyyaml>=6.0", "sqlalchemy>=1.4.46,<3", "xivo-confgend"],
    entry_points={
        "xivo_confgend.demonstration": ["wazo = xivo_confgend_wazo.demonstration:fill"],
        "confgend.asterisk.pjsip.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.pjsip:PJSIPConf"],
        "confgend.asterisk.rtp.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.rtp:RTPConf"],
        "confgend.asterisk.hep.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.hep:HEPConf"],
        "confgend.asterisk.confbridge.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.confbridge:ConfBridgeConf"],
        "confgend.asterisk.extensions.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.extensions:ExtensionsConf"],
        "confgend.asterisk.features.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.features:FeaturesConf"],
        "confgend.asterisk.iax.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.iax:IAXConf"],
        "confgend.asterisk.modules.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.modules:ModulesConf"],
        "confgend.asterisk.musiconhold.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.musiconhold:MusicOnHoldConf"],
        "confgend.asterisk.queues.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.queues:QueuesConf"],
        "confgend.asterisk.queueskillrules.conf": [
            "wazo = xivo_confgend_wazo.impl.asterisk.queueskillrules:QueueSkillRulesConf"
        ],
        "confgend.asterisk.queueskills.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.queueskills:QueueSkillsConf"],
        "confgend.asterisk.res_parking.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.res_parking:ResParkingConf"],
        "confgend.asterisk.sccp.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.sccp:SCCPConf"],
        "confgend.asterisk.voicemail.conf": ["wazo = xivo_confgend_wazo.impl.asterisk.voicemail:VoicemailConf"],
        "confgend.phoned.config.yml": ["wazo = xivo_confgend_wazo.impl.phoned.config:ConfigYML"],
        "confgend.provd.network.yml": ["wazo = xivo_confgend_wazo.impl.provd.network:NetworkYML"],
        "confgend.wazo.uuid.yml": ["wazo = xivo_confgend_wazo.impl.wazo.uuid:UUIDYML"],
    },
)
