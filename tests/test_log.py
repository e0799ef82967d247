"""Whatever becomes of the log file, every line is written somewhere, nothing raises and nothing waits."""

import logging
import os

import pytest

from xivo_confgend import log as log_module
from xivo_confgend.log import Log, problem


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "daemon.log"


@pytest.fixture
def log(path):
    path.parent.mkdir()
    log = Log(str(path))
    yield log
    log.close()


@pytest.fixture
def at_once(monkeypatch):
    """A file that cannot be written is tried again with the next line."""
    monkeypatch.setattr(log_module, "RETRY", 0)


def say(log, text, *arguments):
    log.handle(logging.LogRecord("test", logging.INFO, __file__, 1, text, arguments, None))


def test_a_line_goes_to_the_file_alone(log, path, capfd):
    say(log, "one %s", "line")

    assert path.read_text().endswith("(INFO) (test): one line\n")
    assert capfd.readouterr().err == ""


def test_a_file_that_was_renamed_is_made_anew(log, path):
    say(log, "before")
    path.rename(path.with_suffix(".1"))
    say(log, "after")

    assert path.with_suffix(".1").read_text().endswith("before\n")
    assert path.read_text().count("\n") == 1
    assert path.read_text().endswith("after\n")


def test_without_its_directory_the_lines_go_to_standard_error(log, path, capfd):
    say(log, "before")
    path.unlink()
    path.parent.rmdir()
    for number in range(100):
        say(log, "line %d", number)

    told = capfd.readouterr().err.splitlines()
    assert f"log file {path}: No such file or directory" in told[0]
    assert len(told) == 101
    assert told[-1].endswith("line 99")


def test_a_file_that_can_be_written_again_is_used_and_told_of(log, path, capfd, at_once):
    path.parent.rmdir()
    say(log, "lost")
    say(log, "lost")
    path.parent.mkdir()
    say(log, "found")

    told, found = path.read_text().splitlines()
    assert told.endswith("is written again; 2 lines went to standard error meanwhile")
    assert found.endswith("found")
    assert "found" not in capfd.readouterr().err


def test_a_full_disk_costs_one_line_on_standard_error_each(capfd):
    log = Log("/dev/full")
    for _ in range(300):
        say(log, "a line")

    told = capfd.readouterr().err.splitlines()
    assert len(told) == 301
    assert "No space left on device" in told[0]


def test_half_of_a_line_is_not_continued_by_the_next_one(tmp_path, capfd, at_once):
    """A pipe that fills takes a part of a line, as a disk does."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    log = Log(str(tmp_path / "pipe"))
    while not capfd.readouterr().err:
        say(log, "x" * 10_000)
    os.read(reader, 1 << 20)
    say(log, "whole")
    *_, told, whole = os.read(reader, 1 << 20).decode().split("\n")[:-1]
    os.close(reader)

    assert told.endswith("went to standard error meanwhile")
    assert whole.endswith("(test): whole")
    assert whole.startswith(told[:10])


def test_a_pipe_without_a_reader_keeps_nobody_waiting(tmp_path, capfd):
    os.mkfifo(tmp_path / "pipe")
    say(Log(str(tmp_path / "pipe")), "a line")

    assert capfd.readouterr().err.endswith("a line\n")


def test_a_directory_in_place_of_the_file_is_told(log, path, capfd):
    path.mkdir()
    say(log, "a line")

    assert "Is a directory" in capfd.readouterr().err


def test_standard_error_that_is_not_read_keeps_nobody_waiting(monkeypatch, tmp_path):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        log = Log(None)
        for number in range(3000):
            say(log, "line %d", number)
        os.read(reader, 1 << 20)
        say(log, "the last one")
        told = os.read(reader, 1 << 20).decode().splitlines()
    os.close(reader)

    assert told[0].endswith("lines of the log lost")
    assert told[1].endswith("the last one")


@pytest.mark.parametrize("stream", [None, "closed"])
def test_without_standard_error_a_line_is_dropped(monkeypatch, stream, tmp_path):
    if stream:
        stream = (tmp_path / "closed").open("w")
        stream.close()
    monkeypatch.setattr("sys.stderr", stream)

    say(Log(None), "a line")


def test_a_line_that_cannot_be_formatted_is_told_of(log, path):
    say(log, "%d", "not a number")

    assert path.read_text().endswith("a line of test cannot be written: TypeError\n")


def test_what_is_not_utf8_is_written_all_the_same(log, path):
    say(log, "half of a pair: \ud800")

    assert path.read_text().endswith("half of a pair: \\ud800\n")


def test_another_path_is_followed(log, path):
    say(log, "before")
    log.use(str(path.with_name("other")))
    say(log, "after")

    assert path.read_text().endswith("before\n")
    assert path.with_name("other").read_text().endswith("after\n")


def test_the_check_says_why_a_file_could_not_be_written(path, tmp_path):
    assert problem(str(path)) == "No such file or directory"
    assert problem(str(tmp_path)) == "Is a directory"
    assert problem(str(tmp_path / "log")) == ""
    assert not (tmp_path / "log").exists()
    assert problem(None) == ""
