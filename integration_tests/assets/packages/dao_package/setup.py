"""A package that reads through the library xivo_dao, as the developer's guide of 2016 says it may."""

from setuptools import setup

setup(
    name="dao-package",
    version="0.1",
    packages=["dao_package"],
    entry_points={
        "confgend.asterisk.guests.conf": ["dao = dao_package.guests:Guests"],
        "confgend.asterisk.moments.conf": ["dao = dao_package.moments:Moments"],
        "confgend.asterisk.recovery.conf": ["dao = dao_package.recovery:Recovery"],
        "confgend.asterisk.writing.conf": ["dao = dao_package.writing:Writing"],
    },
)
