"""The whole examination of a distribution: what it declares, imports and generates."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xivo_confgend import drivers
from xivo_confgend.children import run_limited
from xivo_confgend.config import Settings
from xivo_confgend.driver_check import declarations, imports, subject
from xivo_confgend.driver_check.findings import Report, error, note
from xivo_confgend.driver_check.subject import Entry, NoSubject, Subject
from xivo_confgend.driver_check.trial import Result, Trial

GRACE = 15
"""Seconds that a trial gets for everything but its two generations."""
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check(target: str, db_uri: str = "", config: Mapping[str, Any] | None = None, time_limit: float = 60) -> Report:
    """Examine `target`, the path of a distribution or wheel or the name of something that is installed.

    `db_uri`: the database that drivers read in their trial; `config`: what they get instead of the defaults;
    `time_limit`: seconds for each generation. Builds, imports and runs the target, in processes of their own.
    """
    report = Report(target)
    try:
        with subject.find(target) as found:
            report.distribution, report.version = found.distribution, found.version
            report.findings += declarations.entry_points(found)
            with subject.importable(found):
                _look_at_packages(found, report)
            for entry in found.drivers:
                _try_out(entry, found, report, db_uri, config or default_config(), time_limit)
    except NoSubject as missing:
        report.findings.append(error(target, str(missing), missing.remedy))
    return report


def default_config() -> dict[str, Any]:
    """The configuration of a daemon that nobody configured."""
    return dataclasses.asdict(Settings())


def _look_at_packages(found: Subject, report: Report) -> None:
    installed = {Entry("", "", driver.target).package for driver in drivers.Catalogue({}).installed()}
    others = sorted(installed - set(found.packages))
    names = {package: declarations.facts(package).get("NAME", "") for package in [*others, *found.packages]}
    for package in found.packages:
        report.packages[package] = declarations.facts(package)
        report.findings += declarations.anatomy(package, report.packages[package], names)
    try:
        imported = imports.imports(found.packages, others)
    except imports.NoExaminer:
        remedy = "pip install xivo-confgend[kit]"
        report.findings.append(note(found.distribution, "its dependencies on other packages were not examined", remedy))
        return
    report.dependencies += imports.dependencies(imported)
    report.findings += imports.outside_contract(imported)
    for dependency in report.dependencies:
        report.findings += imports.judge(dependency, _is_required(dependency.on, found))


def _is_required(package: str, found: Subject) -> bool:
    providers = importlib.metadata.packages_distributions().get(package, [])
    required = {_normal(match[0]) for text in found.requires if (match := REQUIREMENT.match(text))}
    return any(_normal(provider) in required for provider in providers)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _try_out(
    entry: Entry, found: Subject, report: Report, db_uri: str, config: Mapping[str, Any], time_limit: float
) -> None:
    assert entry.file is not None
    namespace = entry.group.partition(".")[0]
    driver = drivers.Driver(entry.file, entry.name, namespace, entry.value, found.distribution, found.version)
    with tempfile.TemporaryDirectory(prefix="check-driver-") as directory:
        trial = Trial(driver, config, db_uri, time_limit, Path(directory))
        result = _run(trial, found)
    report.findings += result.findings
    if result.generation:
        report.generations.append(result.generation)


def _run(trial: Trial, found: Subject) -> Result:
    """The result of `trial` in a process that is killed when it takes too long."""
    paths = [*map(str, found.paths), *filter(None, [os.environ.get("PYTHONPATH")])]
    limit = 2 * trial.time_limit + GRACE
    try:
        done = run_limited(
            # -P: what counts is in the wheel, not in the current directory
            [sys.executable, "-P", "-m", "xivo_confgend.driver_check"],
            limit,
            pickle.dumps(trial),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # what stevedore remembers of a path that is soon gone is not to stay in the account's cache
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "XDG_CACHE_HOME": str(trial.directory)},
        )
    except subprocess.TimeoutExpired:
        text, remedy = f"it does not come to an end within {limit:g} s", "see where it waits, or give --time-limit"
        return Result([error(trial.where, text, remedy)])
    try:
        result: Result = pickle.loads((trial.directory / "result").read_bytes())  # noqa: S301 - from our own child
    except (OSError, EOFError, pickle.UnpicklingError):
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"])[-1]
        text = f"its process ends with status {done.returncode}: {last}"
        return Result([error(trial.where, text, "a driver must not end its process")])
    return result
