"""What `confgen` writes to files: --output, which Asterisk may read at any moment, and --fallback-dir."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_daemon import CONTENT, FakeDaemon, fake_daemon, framed, saying
from xivo_confgend.client import files, run
from xivo_confgend.client.files import replace_file

NAME = "asterisk/pjsip.conf"
NO_CONFIG = ("-c", "/nonexistent/config.conf")
OLD = b"[general]\nold = yes\n"
UNANSWERED = {
    "closes at once": saying(),
    "cut off": saying(framed()[:-1]),
    "wrong digest": saying(framed(digest="0" * 64)),
    "error 503": saying(b'; confgend/1 503 error="the database is away"\n'),
    "silence": lambda connection: connection.recv(1),
}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where --output points; nothing is there yet."""
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / "pjsip.conf"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The directory of --fallback-dir, not yet there."""
    return tmp_path / "copies"


def confgen(daemon: FakeDaemon, *arguments: str) -> int:
    return run([*NO_CONFIG, "-p", str(daemon.port), "--wait", "0.5", NAME, *arguments])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def identity(path: Path) -> tuple[int, int, int]:
    """What changes when somebody writes, or changes the mode; reading does not change it."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def test_a_new_output_has_the_content_and_is_not_for_everybody(daemon: FakeDaemon, output: Path) -> None:
    previous = os.umask(0)
    try:
        assert confgen(daemon, "--output", str(output)) == 0
    finally:
        os.umask(previous)

    assert output.read_bytes() == CONTENT
    assert mode(output) == 0o640


def test_an_output_is_written_instead_of_printed(
    daemon: FakeDaemon, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    confgen(daemon, "--output", str(output))

    assert capfd.readouterr() == ("", "")


def test_nothing_else_is_left_beside_the_output(daemon: FakeDaemon, output: Path) -> None:
    confgen(daemon, "--output", str(output))

    assert list(output.parent.iterdir()) == [output]


def test_an_identical_output_is_not_touched_and_status_3_says_so(daemon: FakeDaemon, output: Path) -> None:
    output.write_bytes(CONTENT)
    os.utime(output, (1, 1))
    before = identity(output)

    assert confgen(daemon, "--output", str(output)) == 3

    assert identity(output) == before


@pytest.mark.parametrize("end", [b"", b"x"])
def test_a_large_output_is_replaced_only_if_it_differs_anywhere(daemon: FakeDaemon, output: Path, end: bytes) -> None:
    content = bytes(2_500_000)
    daemon.conversation = saying(framed(content))
    old = content[: len(content) - len(end)] + end
    output.write_bytes(old)

    assert confgen(daemon, "--output", str(output)) == (0 if end else 3)
    assert output.read_bytes() == content


@pytest.mark.parametrize("old", [OLD, CONTENT[:-2] + b"X\n", b""], ids=["other", "same size", "empty"])
def test_a_different_output_is_replaced(daemon: FakeDaemon, output: Path, old: bytes) -> None:
    output.write_bytes(old)

    assert confgen(daemon, "--output", str(output)) == 0

    assert output.read_bytes() == CONTENT


def test_whoever_reads_the_output_reads_on_in_the_old_one(daemon: FakeDaemon, output: Path) -> None:
    output.write_bytes(OLD)
    with output.open("rb") as reader:
        confgen(daemon, "--output", str(output))

        assert reader.read() == OLD


def test_an_output_keeps_its_mode(daemon: FakeDaemon, output: Path) -> None:
    output.write_bytes(OLD)
    output.chmod(0o604)

    confgen(daemon, "--output", str(output))

    assert mode(output) == 0o604


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_output_keeps_its_owner(daemon: FakeDaemon, output: Path) -> None:
    output.write_bytes(OLD)
    os.chown(output, 12345, 23456)

    confgen(daemon, "--output", str(output))

    assert (output.stat().st_uid, output.stat().st_gid) == (12345, 23456)


def test_a_link_stays_a_link(daemon: FakeDaemon, output: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(OLD)
    output.symlink_to(target)

    confgen(daemon, "--output", str(output))

    assert output.is_symlink()
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("conversation", UNANSWERED.values(), ids=UNANSWERED)
def test_a_bad_answer_leaves_the_output_alone(daemon: FakeDaemon, output: Path, conversation) -> None:
    daemon.conversation = conversation
    output.write_bytes(OLD)

    assert confgen(daemon, "--output", str(output)) == 1

    assert output.read_bytes() == OLD


def test_a_device_is_not_replaced_by_a_file(
    daemon: FakeDaemon, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(output)

    assert confgen(daemon, "--output", str(output)) == 1

    assert output.is_fifo()
    assert capfd.readouterr().err == f"confgen: cannot write {output}: it is not a regular file\n"


def test_a_directory_that_is_not_there_is_one_line_of_error(
    daemon: FakeDaemon, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nowhere" / "pjsip.conf"

    assert confgen(daemon, "--output", str(path)) == 1
    assert capfd.readouterr().err == f"confgen: cannot write {path}: No such file or directory\n"


def test_a_replacement_that_fails_leaves_nothing_behind(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the disk is on fire")

    output.write_bytes(OLD)
    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="on fire"):
        replace_file(str(output), CONTENT)

    assert list(output.parent.iterdir()) == [output]
    assert output.read_bytes() == OLD


def test_the_content_is_on_the_disk_before_it_has_its_name(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "rename", lambda *paths: (steps.append("rename"), rename(*paths)))

    replace_file(str(output), CONTENT)

    assert steps == ["fsync", "rename", "fsync"]


def test_a_verified_answer_is_kept(daemon: FakeDaemon, copies: Path) -> None:
    assert confgen(daemon, "--fallback-dir", str(copies)) == 0

    assert (copies / NAME).read_bytes() == CONTENT
    assert mode(copies / NAME) == 0o640


def test_a_stale_answer_is_kept_as_well(daemon: FakeDaemon, copies: Path) -> None:
    daemon.conversation = saying(framed(state="stale"))

    confgen(daemon, "--fallback-dir", str(copies))

    assert (copies / NAME).read_bytes() == CONTENT


def test_an_answer_that_nobody_can_verify_is_not_kept(daemon: FakeDaemon, copies: Path) -> None:
    daemon.conversation = saying(CONTENT)

    assert confgen(daemon, "--fallback-dir", str(copies)) == 0

    assert not copies.exists()


@pytest.mark.parametrize("conversation", UNANSWERED.values(), ids=UNANSWERED)
def test_the_copy_is_printed_when_the_daemon_fails(
    daemon: FakeDaemon, copies: Path, capfdbinary: pytest.CaptureFixture[bytes], conversation
) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    capfdbinary.readouterr()
    daemon.conversation = conversation

    status = confgen(daemon, "--fallback-dir", str(copies))

    written = capfdbinary.readouterr()
    assert (status, written.out) == (0, CONTENT)
    assert written.err.startswith(b"confgen: warning: ")
    assert re.search(f"; this is the copy {copies}/{NAME}, last changed \\d seconds? ago\n$", written.err.decode())
    assert written.err.count(b"\n") == 1


def test_the_copy_is_printed_when_the_daemon_is_not_there(
    copies: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with fake_daemon() as daemon:
        confgen(daemon, "--fallback-dir", str(copies))
        port = daemon.port
    capfdbinary.readouterr()

    assert run([*NO_CONFIG, "-p", str(port), "--fallback-dir", str(copies), NAME]) == 0

    assert capfdbinary.readouterr().out == CONTENT


def test_the_copy_goes_to_the_output(daemon: FakeDaemon, copies: Path, output: Path) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    daemon.conversation = saying()

    assert confgen(daemon, "--fallback-dir", str(copies), "--output", str(output)) == 0

    assert output.read_bytes() == CONTENT


def test_an_empty_copy_is_a_copy(daemon: FakeDaemon, copies: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    daemon.conversation = saying(framed(b""))
    confgen(daemon, "--fallback-dir", str(copies))
    daemon.conversation = saying()

    assert confgen(daemon, "--fallback-dir", str(copies)) == 0
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize("conversation", UNANSWERED.values(), ids=UNANSWERED)
def test_a_bad_answer_leaves_the_copy_alone(daemon: FakeDaemon, copies: Path, conversation) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    daemon.conversation = conversation

    confgen(daemon, "--fallback-dir", str(copies))

    assert (copies / NAME).read_bytes() == CONTENT


def test_without_a_copy_the_error_is_that_of_the_daemon(
    daemon: FakeDaemon, copies: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    daemon.conversation = UNANSWERED["error 503"]

    assert confgen(daemon, "--fallback-dir", str(copies)) == 1
    assert capfd.readouterr() == ("", "confgen: the database is away\n")


def test_a_copy_is_not_for_mistakes_of_the_asker(
    daemon: FakeDaemon, copies: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    capfd.readouterr()
    daemon.conversation = saying(b'; confgend/1 404 error="no such file"\n')

    assert confgen(daemon, "--fallback-dir", str(copies)) == 1
    assert capfd.readouterr() == ("", "confgen: no such file\n")


def test_an_invalidation_never_prints_a_copy(
    daemon: FakeDaemon, copies: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    capfd.readouterr()
    daemon.conversation = UNANSWERED["error 503"]

    assert confgen(daemon, "--invalidate", "--fallback-dir", str(copies)) == 1
    assert capfd.readouterr().out == ""


def test_a_copy_that_cannot_be_kept_costs_a_warning_only(
    daemon: FakeDaemon, copies: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    copies.write_bytes(b"in the way")

    assert confgen(daemon, "--fallback-dir", str(copies)) == 0

    written = capfdbinary.readouterr()
    assert written.out == CONTENT
    assert written.err.startswith(b"confgen: warning: no copy kept at ")


def test_an_unchanged_copy_is_not_written_again(daemon: FakeDaemon, copies: Path) -> None:
    confgen(daemon, "--fallback-dir", str(copies))
    before = identity(copies / NAME)

    confgen(daemon, "--fallback-dir", str(copies))

    assert identity(copies / NAME) == before


def busy(*_: object) -> None:
    """Fail as renaming something onto a file that is mounted by itself does."""
    raise OSError(errno.EBUSY, "Device or resource busy")


@given(old=st.binary(max_size=50), new=st.binary(max_size=50), mounted=st.booleans())
def test_whatever_it_held_a_file_holds_the_new_content(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes, mounted: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "pjsip.conf"
    path.write_bytes(old)

    with pytest.MonkeyPatch.context() as patch:
        if mounted:
            patch.setattr(os, "rename", busy)
        changed = replace_file(str(path), new)

    assert (path.read_bytes(), changed) == (new, old != new)
    assert list(path.parent.iterdir()) == [path]


def test_a_mounted_file_is_written_in_place_with_one_warning(
    daemon: FakeDaemon, output: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    output.write_bytes(OLD)
    before = output.stat().st_ino
    monkeypatch.setattr(os, "rename", busy)

    statuses = [confgen(daemon, "--output", str(output)) for _ in range(2)]

    assert (statuses, output.read_bytes(), output.stat().st_ino) == ([0, 3], CONTENT, before)
    assert capfd.readouterr().err == (
        f"confgen: warning: {output} is mounted by itself: written in place, a reader may meet a part of it\n"
    )


def test_a_mounted_file_without_room_to_grow_is_unchanged(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_into_a_full_disk(descriptor: int, content: memoryview) -> None:
        os.write(descriptor, content[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    output.write_bytes(OLD)
    monkeypatch.setattr(files, "_rename_over", busy)
    monkeypatch.setattr(files, "write_all", write_into_a_full_disk)

    with pytest.raises(OSError, match="No space left"):
        replace_file(str(output), CONTENT * 2)

    assert output.read_bytes() == OLD


def test_what_another_process_is_writing_is_not_removed(output: Path) -> None:
    staged = output.with_name(".pjsip.conf.0123456789ab")
    with staged.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        replace_file(str(output), CONTENT)

        assert staged.exists()
    replace_file(str(output), CONTENT)
    assert not staged.exists()


@pytest.mark.parametrize(
    "name", [".pjsip.conf.swp", ".pjsip.conf.0123456789aX", ".other.conf.0123456789ab", "pjsip.conf~"]
)
def test_other_files_beside_the_output_are_not_touched(output: Path, name: str) -> None:
    other = output.with_name(name)
    other.write_bytes(OLD)

    replace_file(str(output), CONTENT)

    assert other.read_bytes() == OLD


def test_a_pipe_that_is_called_like_a_staged_file_stops_nothing(output: Path) -> None:
    pipe = output.with_name(".pjsip.conf.0123456789ab")
    os.mkfifo(pipe)

    replace_file(str(output), CONTENT)

    assert (output.read_bytes(), pipe.is_fifo()) == (CONTENT, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_is_written_even_if_its_owner_cannot_be_kept(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    output.write_bytes(OLD)
    os.chown(output, 12345, 23456)
    monkeypatch.setattr(os, "fchown", refuse)

    assert replace_file(str(output), CONTENT)
    assert output.read_bytes() == CONTENT


def test_an_error_says_which_file_stays_and_how_old_it_is(
    daemon: FakeDaemon, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output.write_bytes(OLD)
    daemon.conversation = UNANSWERED["error 503"]

    confgen(daemon, "--output", str(output))

    assert re.fullmatch(
        f"confgen: the database is away; {output} stays as it is, last changed \\d+ seconds? ago\n",
        capfd.readouterr().err,
    )


def test_an_output_of_a_hyphen_is_printed(
    daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert confgen(daemon, "--output", "-") == 0

    assert capfdbinary.readouterr().out == CONTENT
    assert list(tmp_path.iterdir()) == []
