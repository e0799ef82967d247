"""A content on its way into the store, and where it goes when the store has no room (defects D6 and D7)."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xivo_confgend.exceptions import StoreError
from xivo_confgend.store import StagedContent

CHILD = """
import resource, sys
from pathlib import Path
from xivo_confgend.exceptions import StoreError
from xivo_confgend.store import StagedContent

resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
staged = StagedContent(Path(sys.argv[1]))
try:
    for _ in range(3):
        staged.write(b"x" * 4095 + b"\\n")
    staged.finish()
except StoreError as error:
    print(error)
    staged.discard()
"""


@pytest.fixture
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary directory, empty."""
    directory = tmp_path / "spare"
    directory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    return directory


def nowhere(tmp_path: Path) -> Path:
    """A path that cannot be written: its directory is a regular file."""
    (tmp_path / "staging").write_bytes(b"")
    return tmp_path / "staging" / "content"


def test_what_is_written_is_counted_and_digested(tmp_path):
    staged = StagedContent(tmp_path / "content")
    staged.write(b"one\n")
    staged.write(b"two\nthree")
    assert staged.finish() == hashlib.sha256(b"one\ntwo\nthree").hexdigest()
    assert (staged.size, staged.lines, staged.in_store, staged.problem) == (13, 2, True, "")
    assert (tmp_path / "content").read_bytes() == b"one\ntwo\nthree"


def test_a_content_the_store_has_no_place_for_is_written_elsewhere_and_says_why(tmp_path, spare):
    staged = StagedContent(nowhere(tmp_path))
    staged.write(b"one\n")
    staged.finish()
    assert not staged.in_store
    assert staged.problem == f"store: cannot write {tmp_path}/staging: Not a directory"
    assert staged.path.parent == spare
    assert staged.path.read_bytes() == b"one\n"
    assert staged.path.stat().st_mode & 0o077 == 0


def test_a_content_written_elsewhere_is_bounded(tmp_path, spare, monkeypatch):
    monkeypatch.setattr(StagedContent, "SPARE_BOUND", 10)
    staged = StagedContent(nowhere(tmp_path))
    staged.write(b"0123456789")
    with pytest.raises(StoreError, match="the content is over 10 bytes"):
        staged.write(b"x")


def test_a_discarded_content_leaves_nothing(tmp_path, spare):
    for path in (tmp_path / "content", nowhere(tmp_path)):
        staged = StagedContent(path)
        staged.write(b"one\n")
        staged.discard()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["spare", "staging"]
    assert list(spare.iterdir()) == []


def test_a_content_that_fits_nowhere_is_an_error_and_never_half_a_content(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    child = [sys.executable, "-c", CHILD, str(tmp_path / "content")]
    done = subprocess.run(child, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stdout) == (0, "no room for the content: File too large\n")
    assert list(tmp_path.iterdir()) == []


class Full(io.FileIO):
    """A file whose disk takes some bytes and then no more."""

    def write(self, data) -> int:
        if self.tell() >= 6:
            raise OSError(28, "No space left on device")
        return super().write(bytes(data)[: 6 - self.tell()])


class Reluctant(io.FileIO):
    """A file that takes one byte at a time, as a nearly full disk may."""

    def write(self, data) -> int:
        return super().write(bytes(data)[:1])


def test_a_content_that_fills_the_disk_is_moved_whole(tmp_path, spare):
    staged = StagedContent(tmp_path / "content")
    staged._file = Full(tmp_path / "content", "wb")
    staged.write(b"0123456789")
    staged.finish()
    assert staged.path.parent == spare
    assert staged.path.read_bytes() == b"0123456789"
    assert not (tmp_path / "content").exists()


def test_a_move_to_a_file_that_takes_little_at_a_time_loses_nothing(tmp_path, spare, monkeypatch):
    monkeypatch.setattr("os.fdopen", lambda descriptor, *_, **__: Reluctant(descriptor, "wb"))
    staged = StagedContent(tmp_path / "content")
    staged._file = Full(tmp_path / "content", "wb")
    staged.write(b"0123456789")
    staged.finish()
    assert staged.path.read_bytes() == b"0123456789"


def test_a_spare_place_that_is_full_as_well_is_a_store_error(tmp_path, spare, monkeypatch):
    staged = StagedContent(tmp_path / "content")
    staged._file = Full(tmp_path / "content", "wb")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StoreError, match="temporary directory: No such file"):
        staged.write(b"0123456789")
