"""A package as they were written for the older daemon: its namespace, its constructor, its template helper."""

from setuptools import setup

setup(
    name="older-package",
    version="1.2.3",
    packages=["older_package"],
    entry_points={
        "wazo_confgend.asterisk.musiconhold.conf": ["older = older_package.musiconhold:MusicOnHold"],
    },
)
