"""One driver tried out in a process of its own: loads it, holds it to the contract, lets it generate once or twice.

The process reads a pickled `Trial` from its standard input and writes a pickled `Result` to the file
that the trial names. It may hang, crash or be killed; `judge.py` makes a finding of that.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from xivo_confgend import drivers, worker
from xivo_confgend.database.postgresql.consistency import Question, read_consistently
from xivo_confgend.database.postgresql.file_state import FileState
from xivo_confgend.database.postgresql.session import bind, session_scope
from xivo_confgend.driver_check import content
from xivo_confgend.driver_check.findings import Finding, Generation, error, note, warning
from xivo_confgend.exceptions import DriverError

NOWHERE = "postgresql://127.0.0.1:1/nowhere"
"""Stands for a database when none is given: a driver that asks it cannot be tried out."""
MANY_STATEMENTS = 50
MANY_PIECES = 1000
SMALL_PIECE = 1024
READ_DATABASE = "give a database with --db-uri to see what it generates"


@dataclass(frozen=True)
class Trial:
    """What to try out. `db_uri`: empty if there is no database; `directory`: where result and content go."""

    driver: drivers.Driver
    config: Mapping[str, Any]
    db_uri: str
    time_limit: float
    directory: Path

    @property
    def where(self) -> str:
        """How findings call the driver."""
        return f"{self.driver.file} ({self.driver.name})"


@dataclass
class Result:
    """What came of it."""

    findings: list[Finding] = field(default_factory=list)
    generation: Generation | None = None


@dataclass
class Watch:
    """Whether a connection to the database was wanted."""

    asked: bool = False

    def attach(self, engine: Engine) -> None:
        """Look from now on."""

        @event.listens_for(engine, "do_connect")
        def remember(*_: object) -> None:
            self.asked = True


def try_out(trial: Trial) -> Result:
    """Load and run the driver of `trial` in this process."""
    result = Result()
    worker._process.config = trial.config
    engine = bind(trial.db_uri or NOWHERE, trial.time_limit)
    watch = Watch()
    watch.attach(engine)
    instance = _make(trial, watch, result)
    if instance is None:
        return result
    result.findings += _shape(trial.where, instance)
    if any(finding.level for finding in result.findings):
        return result
    made = worker.generate(worker.Job(trial.driver, trial.directory / "content"))
    assert not isinstance(made, worker.Unchanged)
    if isinstance(made, worker.Failed):
        result.findings.append(_failure(trial, made))
        return result
    text = _text(trial, made, result)
    facts, state = made.facts, made.state
    result.generation = Generation(
        str(trial.driver.file), trial.driver.name, facts.size, facts.lines, round(facts.duration * 1000, 3),
        facts.statements, state.names if state else (), str(state.mode) if state else "", state.reason if state else "",
    )  # fmt: skip
    result.findings += [
        *content.check(trial.driver.file, text),
        *_behaviour(trial, made),
        *_second_run(trial, instance, made),
    ]
    return result


def _make(trial: Trial, watch: Watch, result: Result) -> Any:
    """The driver's instance, made as the daemon makes it; None after a finding that ends the trial."""
    instance = None
    try:
        with session_scope():
            instance = drivers.make(trial.driver, trial.config)
    except DriverError as problem:
        if not watch.asked:
            text = str(problem).partition(": ")[2] or str(problem)
            result.findings.append(error(trial.where, text, _remedy(problem.__cause__)))
    if watch.asked:
        remedy = "ask in generate(): an instance lives as long as its worker and would keep what it read"
        result.findings.append(error(trial.where, "its constructor asks the database", remedy))
    return instance


def _remedy(cause: BaseException | None) -> str:
    if isinstance(cause, ImportError):
        return "name what it imports in install_requires, and see that the wheel has all its modules"
    if isinstance(cause, KeyError):
        return "read it with config.get(…) and a default, or give a configuration with --config-file"
    return "the entry point names a class whose constructor takes the configuration, and which has generate()"


def _shape(where: str, instance: Any) -> Iterator[Finding]:
    """What does not look as the contract wants it."""
    try:
        inspect.signature(instance.generate).bind()
    except TypeError as problem:
        yield error(where, f"generate() cannot be called: {problem}", "def generate(self), without other arguments")
    except ValueError:
        pass
    deterministic = getattr(instance, "deterministic", None)
    if deterministic is None:
        remedy = "if its content depends on nothing but database, configuration and dependencies(), set it to True"
        yield note(where, "deterministic is not declared, so every request generates anew", remedy)
    elif not isinstance(deterministic, bool):
        yield error(where, "deterministic is neither True nor False", "write deterministic = True in the class")
    if hasattr(instance, "dependencies"):
        yield from _dependencies(where, instance)


def _dependencies(where: str, instance: Any) -> Iterator[Finding]:
    remedy = "return the paths of every file whose content can change what is generated"
    try:
        paths = list(instance.dependencies())
        if not all(isinstance(path, (str, Path)) for path in paths):
            yield error(where, "dependencies() names something that is no path", remedy)
    except Exception as problem:
        yield error(where, f"dependencies() fails: {type(problem).__name__}: {problem}", remedy)


def _failure(trial: Trial, failed: worker.Failed) -> Finding:
    if failed.database_away and not trial.db_uri:
        return note(trial.where, "it asks the database, and there is none", READ_DATABASE)
    package = trial.driver.target.partition(":")[0].partition(".")[0]
    files = [line.strip() for line in failed.trace.splitlines() if line.strip().startswith("File ")]
    places = [line for line in files if f"{os.sep}{package}{os.sep}" in line]
    remedy = f"see {places[-1]}" if places else "return str, bytes or an iterable of str; no content is an empty text"
    return error(trial.where, f"generate() fails: {failed.reason}", remedy)


def _text(trial: Trial, made: worker.Generated, result: Result) -> str:
    try:
        return made.path.read_text("utf-8")
    except UnicodeDecodeError as problem:
        result.findings.append(error(trial.where, f"not UTF-8 at byte {problem.start}", "encode it as UTF-8"))
        return ""


def _behaviour(trial: Trial, made: worker.Generated) -> Iterator[Finding]:
    if made.facts.statements > MANY_STATEMENTS:
        text = f"{made.facts.statements} statements for one file"
        yield warning(trial.where, text, "ask for all rows at once: the number must not grow with the rows")
    for line in made.facts.warnings.lines:
        yield note(trial.where, f"the driver warns: {line}", "see whether the database is as it should be")


def _second_run(trial: Trial, instance: Any, made: worker.Generated) -> Iterator[Finding]:
    """Whether a second run on the same state of the database gives the same, and in how many pieces."""
    again = read_consistently(partial(_again, instance), lambda _: None, Question())
    assert again.value is not None
    digest, pieces, size = again.value
    if pieces > MANY_PIECES and size / pieces < SMALL_PIECE:
        text = f"generate() yields {pieces:,} pieces of {size // pieces} characters"
        yield warning(trial.where, text, "join them to pieces of 64 KiB or more")
    if (
        digest != made.facts.digest
        and _same_moment(again.state, made.state)
        and getattr(instance, "deterministic", False)
    ):
        remedy = "give every list an order and write no time, or do not declare it deterministic"
        yield error(trial.where, "it is declared deterministic, and a second run gives another content", remedy)


def _same_moment(one: FileState | None, other: FileState | None) -> bool:
    """Whether both saw the same; None for one that asked nothing."""
    return one is other if one is None or other is None else one.moment.same_moment(other.moment)


def _again(instance: Any) -> tuple[str, int, int]:
    """Digest, pieces and size of what the driver gives."""
    digest, pieces, size = hashlib.sha256(), 0, 0
    made = instance.generate()
    for piece in [made] if isinstance(made, (str, bytes)) else made:
        digest.update(piece if isinstance(piece, bytes) else piece.encode("utf-8"))
        pieces += 1
        size += len(piece)
    return digest.hexdigest(), pieces, size


def main() -> None:
    """Run the trial that comes in and write its result."""
    trial: Trial = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    sys.stdout = sys.stderr
    result = try_out(trial)
    (trial.directory / "result").write_bytes(pickle.dumps(result))
