#!/usr/bin/env python3
"""Driver distribution for the XiVO schema of 2016."""

from setuptools import find_packages, setup

setup(
    name="xivo-confgend-xivo",
    version="1.0.0",
    description="Drivers of xivo-confgend for the XiVO schema (chan_sip)",
    license="GPL-3.0-or-later",
    python_requires=">=3.11",
    packages=find_packages(include=["xivo_confgend_xivo", "xivo_confgend_xivo.*"]),
    package_dir={"": "."},
    install_requires=["sqlalchemy>=1.4.46,<3", "xivo-confgend"],
    entry_points={
        "confgend.asterisk.sip.conf": ["xivo = xivo_confgend_xivo.impl.sip:SIPConf"],
        "xivo_confgend.demonstration": ["xivo = xivo_confgend_xivo.demonstration:fill"],
    },
)
