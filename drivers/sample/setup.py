#!/usr/bin/env python3
"""The driver of the developer's guide: as small as a driver distribution can be."""

from setuptools import find_packages, setup

setup(
    name="driversample",
    version="0.0.1",
    description="An example driver",
    packages=find_packages(),
    entry_points={
        "confgend.asterisk.sip.conf": [
            "my_driver = src.driver:MyDriver",
        ],
    },
)
