"""Stands in for the library xivo_dao: the few names that drivers and the daemon use."""

from setuptools import find_packages, setup

setup(name="xivo_dao", version="0.1", packages=find_packages())
