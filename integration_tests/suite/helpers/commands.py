"""Runs `xivo-confgend` with a configuration of the test's own, for what it says without serving."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from integration_tests.suite.helpers.puppets import BROKEN, Puppets

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(puppets: Puppets, tmp_path: Path) -> Run:
    """Runs the command with a configuration file of the given keys. The drivers of `broken/` are switched off."""

    def run(
        *arguments: str, environment: dict[str, str] | None = None, broken: bool = False, **config: object
    ) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "config.yml"
        plugins = config.pop("plugins", {})
        switched_off = {} if broken else dict.fromkeys(BROKEN)
        keys = {"cache": str(tmp_path / "cache"), "puppets": str(puppets.orders), **config}
        file.write_text(yaml.safe_dump({**keys, "plugins": {**switched_off, **plugins}}), "utf-8")
        (tmp_path / "conf.d").mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "xivo_confgend.main", "-c", str(file), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "PYTHONPATH": str(puppets.path), **(environment or {})},
        )

    return run
