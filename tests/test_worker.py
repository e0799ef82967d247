"""What a worker makes of whatever a driver does, without a database."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from xivo_confgend import drivers, worker
from xivo_confgend.exceptions import LONGEST_LINE
from xivo_confgend.names import FileName
from xivo_confgend.notices import Warnings
from xivo_confgend.worker import ENCODE_SIZE, MOST_WARNINGS, RACY_NS, Failed, Generated, Job, stamp

DRIVER = drivers.Driver(FileName("unit", "a.conf"), "one", "confgend", "unit:Driver", "unit", "1.0")

Run = Callable[..., Generated | Failed]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a job whose driver generates what the function given returns."""

    def generate(content: Callable[[], object], **attributes: Any) -> Generated | Failed:
        instance = SimpleNamespace(generate=content, **attributes)
        monkeypatch.setattr(worker, "_process", worker._Process(instances={DRIVER: instance}))
        return worker.generate(Job(DRIVER, tmp_path / "staged"))

    return generate


def raising(error: BaseException) -> Callable[[], object]:
    def generate() -> object:
        raise error

    return generate


def half_a_content() -> Iterator[str]:
    yield "x" * ENCODE_SIZE
    raise RuntimeError("lost")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("é\n", "é\n".encode()),
        (b"\xff\n", b"\xff\n"),
        ("", b""),
        ([], b""),
        (["one\n", "", "two\n"], b"one\ntwo\n"),
        (("x" * (ENCODE_SIZE - 1), "é", "y"), b"x" * (ENCODE_SIZE - 1) + "éy".encode()),
        ("é" * (1 << 20) + "x", "é".encode() * (1 << 20) + b"x"),
    ],
    ids=["text", "bytes", "empty", "no pieces", "pieces", "large pieces", "large text"],
)
def test_text_bytes_and_pieces_of_text_are_written(run, tmp_path, content, expected):
    made = run(lambda: content)
    assert isinstance(made, Generated)
    assert (tmp_path / "staged").read_bytes() == expected
    assert (made.facts.size, made.facts.lines) == (len(expected), expected.count(b"\n"))


def test_pieces_are_gathered_into_writes_worth_a_system_call(run, monkeypatch):
    sizes = []
    write = worker.StagedContent.write
    monkeypatch.setattr(worker.StagedContent, "write", lambda self, p: (sizes.append(len(p)), write(self, p))[1])
    run(lambda: (line for line in ["x" * 99 + "\n"] * 2000))
    assert len(sizes) == 200_000 // ENCODE_SIZE + 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, f"driver {DRIVER} returned None"),
        (5, f"driver {DRIVER} returned int, expected text"),
        ({"a": 1}, f"driver {DRIVER} returned dict, expected text"),
        (["a", b"b"], f"driver {DRIVER} yielded bytes, expected text"),
        (["a", None], f"driver {DRIVER} yielded NoneType, expected text"),
        (bytearray(b"a"), f"driver {DRIVER} yielded int, expected text"),
    ],
)
def test_anything_else_is_a_failure_that_names_the_driver(run, content, said):
    assert run(lambda: content).reason == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("two\nlines\x00"), "RuntimeError: two lines"),
        (KeyError("a"), "KeyError: 'a'"),
        (SystemExit(1), "SystemExit: 1"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (MemoryError(), "MemoryError"),
        (RuntimeError("x" * 10_000), "RuntimeError: " + "x" * (LONGEST_LINE - 14) + " …"),
        (OperationalError("SELECT secret", {"pin": "1234"}, Exception("server\ngone")), "Exception: server gone"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_driver_raises_is_a_reason_of_one_line(run, error, said):
    assert run(raising(error)).reason == said


def test_an_error_whose_text_cannot_be_had_is_a_reason_too(run):
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert run(raising(Mute())).reason == "Mute: (its text cannot be had)"


def test_text_that_cannot_be_encoded_is_a_failure(run):
    assert run(lambda: "\udcff").reason.startswith("UnicodeEncodeError: ")


@pytest.mark.parametrize("content", [half_a_content, lambda: None, raising(SystemExit(1))])
def test_a_failure_leaves_nothing_in_the_staging_area(run, tmp_path, content):
    assert isinstance(run(content), Failed)
    assert list(tmp_path.iterdir()) == []


def test_a_trace_holds_no_control_characters(run):
    assert "\x1b" not in run(raising(RuntimeError("\x1b[31mred"))).trace


def test_a_database_that_refuses_a_statement_is_not_away(run):
    cause = Exception("canceling statement due to statement timeout")
    cause.pgcode = "57014"
    assert not run(raising(OperationalError("SELECT 1", {}, cause))).database_away


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_database_that_cannot_be_reached_is_away(run, wrapped):
    error = OperationalError("SELECT 1", {}, Exception("connection refused"))
    outer = RuntimeError("no rows")
    outer.__cause__ = error
    assert run(raising(outer if wrapped else error)).database_away


def test_an_error_of_a_driver_says_nothing_about_the_database(run):
    assert not run(raising(RuntimeError("connection refused"))).database_away


def test_warnings_of_a_driver_come_back_in_one_line_each_and_bounded(run):
    def generate() -> str:
        for number in range(MOST_WARNINGS + 5):
            logging.getLogger("unit").warning("row %d\nskipped", number)
        return ""

    made = run(generate)
    assert made.facts.warnings.lines == tuple(f"row {number} skipped" for number in range(MOST_WARNINGS))
    assert made.facts.warnings.count == MOST_WARNINGS + 5


def test_a_warning_whose_text_cannot_be_made_is_left_out():
    collector = worker._Collector()
    collector.emit(logging.LogRecord("unit", logging.WARNING, "", 1, "%d", ("no number",), None))
    assert collector.warnings == Warnings()


def test_a_warning_that_is_given_twice_in_one_generation_is_told_once(run):
    def generate() -> str:
        for _ in range(3):
            logging.getLogger("unit").warning("odd row")
        return ""

    assert run(generate).facts.warnings == Warnings(("odd row",), 1)


def test_warnings_come_back_after_a_driver_that_switched_logging_off(run):
    def generate() -> str:
        logging.getLogger("unit").warning("odd row")
        return ""

    logging.disable(logging.CRITICAL)
    assert run(generate).facts.warnings.count == 1


def test_warnings_come_back_with_a_failure_too(run):
    def generate() -> None:
        logging.getLogger("unit").warning("odd row")

    assert run(generate).warnings == Warnings(("odd row",), 1)


def test_a_driver_that_promises_nothing_is_not_deterministic(run):
    assert not run(lambda: "").deterministic


def test_dependencies_are_stamped_sorted_and_named_once(run, tmp_path):
    old = tmp_path / "b.jinja"
    old.write_text("b", "utf-8")
    os.utime(old, (1, 1))
    absent = str(tmp_path / "a.jinja")
    made = run(lambda: "", deterministic=True, dependencies=lambda: [old, absent, str(old)])
    assert made.deterministic
    assert made.dependencies == ((absent, "absent 2"), (str(old), stamp(str(old))))


def test_a_dependency_that_changes_meanwhile_makes_the_content_count_for_once(run, tmp_path):
    template = tmp_path / "a.jinja"
    made = run(lambda: [str(template.write_text("new", "utf-8"))], deterministic=True, dependencies=lambda: [template])
    assert isinstance(made, Generated)
    assert not made.deterministic


def test_a_stamp_stays_the_same_while_the_file_does(tmp_path):
    path = tmp_path / "a"
    path.write_text("a", "utf-8")
    os.utime(path, (1, 1))
    assert stamp(str(path)) == stamp(str(path))


@pytest.mark.parametrize("changed", ["content", "replaced", "removed", "time"])
def test_a_stamp_changes_with_the_file(tmp_path, changed):
    path = tmp_path / "a"
    path.write_text("a", "utf-8")
    os.utime(path, (1, 1))
    before = stamp(str(path))
    if changed == "removed":
        path.unlink()
    elif changed == "time":
        os.utime(path, (2, 2))
    else:
        other = tmp_path / "b"
        other.write_text("bb" if changed == "content" else "b", "utf-8")
        os.utime(other, (1, 1))
        other.replace(path)
    assert stamp(str(path)) != before


def test_a_file_that_has_just_changed_never_has_the_same_stamp_twice(tmp_path):
    path = tmp_path / "a"
    path.write_text("a", "utf-8")
    at = time.time_ns() + RACY_NS // 2
    os.utime(path, ns=(at, at))
    assert stamp(str(path)) != stamp(str(path))


def test_absent_and_unreachable_files_are_told_apart(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert [stamp(str(tmp_path / name)) for name in ("gone", "file/below")] == ["absent 2", "absent 20"]
