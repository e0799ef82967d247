"""Every golden file, fetched from the real daemon by the real client, means the same as the reference's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from integration_tests.suite.helpers.base import ASSETS, asset, differences
from xivo_confgend.testing.daemon import Daemon

CASES = [
    (path.parts[-4], path.parts[-3], f"{path.parts[-2]}/{path.parts[-1]}")
    for path in sorted(ASSETS.glob("*/expected*/*/*"))
]
SHIPPED = yaml.safe_load((ASSETS.parents[1] / "etc" / "xivo-confgend" / "config.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def serving(
    tmp_path_factory: pytest.TempPathFactory, golden_uri: Callable[[str], str]
) -> Iterator[Callable[..., Daemon]]:
    """A daemon for each golden database and flavour, kept for the module."""
    daemons: dict[tuple[str, str], Daemon] = {}

    def serve(case: str, flavour: str) -> Daemon:
        if (case, flavour) not in daemons:
            config = {
                "db_uri": golden_uri(case),
                "enabled_asterisk_modules": SHIPPED["enabled_asterisk_modules"],
                "asterisk": {"nova_compatibility": flavour == "expected-nova"},
            }
            daemons[case, flavour] = Daemon(tmp_path_factory.mktemp(case), config)
            daemons[case, flavour].start()
        return daemons[case, flavour]

    yield serve
    for daemon in daemons.values():
        daemon.stop()


@pytest.mark.parametrize(("case", "flavour", "name"), CASES, ids=["-".join(case) for case in CASES])
def test_a_golden_file_is_alike(
    serving: Callable[..., Daemon], case: str, flavour: str, name: str, tmp_path: Path
) -> None:
    fetched = serving(case, flavour).confgen(name)

    assert fetched.returncode == 0, fetched.stderr
    assert differences(asset(case) / flavour / name, fetched.stdout.decode("utf-8")) == []
