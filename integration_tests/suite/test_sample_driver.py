"""The driver of the developer's guide, built as a wheel, beside the core in an environment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.suite.helpers.environments import PROJECT, Builder, Environment
from xivo_confgend.testing.daemon import Daemon

SAMPLE = PROJECT / "drivers" / "sample"


@pytest.fixture(scope="module")
def environment(builder: Builder) -> Environment:
    """An environment with the core and the sample."""
    return builder.environment(SAMPLE)


@pytest.fixture
def serving(environment: Environment, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of that environment whose conf.d selects the sample and gives it a value."""
    daemon = Daemon(tmp_path, {"plugins": {}}, python=environment.python)
    (tmp_path / "conf.d" / "50-sample.yml").write_text(
        "plugins: {asterisk.sip.conf: my_driver}\nmy_driver: {useragent: Our PBX}\n", "utf-8"
    )
    with daemon:
        yield daemon


def test_the_sample_serves_a_value_of_the_configuration(serving: Daemon):
    assert serving.fetch("asterisk/sip.conf").text == "[general]\nuseragent = Our PBX\n"


def test_the_client_gets_what_the_sample_says(serving: Daemon):
    assert serving.confgen("asterisk/sip.conf").stdout == b"[general]\nuseragent = Our PBX\n"


def test_the_sample_is_listed_with_what_its_package_says(environment: Environment, tmp_path: Path):
    (tmp_path / "config.yml").write_text("{}", "utf-8")

    listed = environment.run("xivo-confgend", "-c", tmp_path / "config.yml", "--list-drivers").splitlines()

    assert listed[1].split()[:7] == [
        "asterisk/sip.conf",
        "my_driver",
        "yes",
        "src.driver:MyDriver",
        "driversample",
        "0.0.1",
        "sample",
    ]
