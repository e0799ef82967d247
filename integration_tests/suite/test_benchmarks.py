"""The benchmarks still run. What they measure is not judged here: a test machine is busy with tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_round_measures_files_and_daemon(tmp_path: Path):
    results = tmp_path / "results.json"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--users", "20", "--files", "asterisk/pjsip.conf",
         "--parts", "files,reloads", "--directory", str(tmp_path), "--json", str(results)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    tables = json.loads(results.read_text())["tables"]
    assert tables["files"][0]["file"] == "asterisk/pjsip.conf"
    assert tables["files"][0]["statements"] > 0
    assert tables["files"][0]["rows"] > 20
    assert tables["files"][0]["ratio"] > 0
    assert tables["reloads"][0]["written meanwhile"] == "nothing"
