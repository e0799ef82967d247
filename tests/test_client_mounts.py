"""`confgen` on real mounts, in a mount namespace of its own: files that are mounted by themselves, full disks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from tests.asterisk_exec import NAME
from tests.fake_daemon import CONTENT, LARGE, FakeDaemon, framed, saying

OLD = b"[general]\nold = yes\n"
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]

Run = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def run(daemon: FakeDaemon, tmp_path: Path) -> Run:
    """Runs a shell script in which `confgen` asks `daemon`; what it mounts is gone with it."""
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this account may not mount anything")
    confgen = f"{quote(sys.executable)} -m xivo_confgend.client -c none.conf -p {daemon.port} {NAME}"

    def run(script: str) -> subprocess.CompletedProcess[str]:
        # In /var/tmp, which scripts hide, the directory of this test may lie, or another account's file of their name.
        places = f"mount --bind {quote(str(tmp_path))} /mnt\ncd /mnt\nmount -t tmpfs none /var/tmp"
        text = f'set -e\n{places}\nconfgen() {{ {confgen} "$@"; }}\n{script}'
        path = str(Path(__file__).parents[1])
        return subprocess.run(
            [*UNSHARE, "/bin/sh", "-c", text],
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("old", [OLD, b"", LARGE], ids=["shorter", "empty", "longer"])
def test_a_file_that_is_mounted_by_itself_is_written_in_place(run: Run, tmp_path: Path, old: bytes) -> None:
    (tmp_path / "host.conf").write_bytes(old)
    (tmp_path / "pjsip.conf").touch()

    done = run("mount --bind host.conf pjsip.conf\nconfgen --output pjsip.conf")

    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "pjsip.conf is mounted by itself: written in place" in done.stderr
    assert (tmp_path / "host.conf").read_bytes() == CONTENT


def test_it_is_written_where_nothing_can_be_made_beside_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "host.conf").write_bytes(OLD)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "pjsip.conf").touch()

    done = run(
        "mount --bind etc etc\nmount --bind host.conf etc/pjsip.conf\nmount -o remount,ro,bind etc\n"
        "confgen --output etc/pjsip.conf"
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "host.conf").read_bytes() == CONTENT


def test_a_mounted_file_on_a_full_disk_keeps_its_content(run: Run, tmp_path: Path, daemon: FakeDaemon) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "pjsip.conf").touch()
    daemon.conversation = saying(framed(LARGE))

    done = run(
        "mount -t tmpfs -o size=16k none disk\necho old > disk/host.conf\nmount --bind disk/host.conf pjsip.conf\n"
        "confgen --output pjsip.conf || cat disk/host.conf"
    )

    assert done.stdout == "old\n"
    assert "No space left on device" in done.stderr


def test_an_output_on_a_full_disk_keeps_its_content(run: Run, tmp_path: Path, daemon: FakeDaemon) -> None:
    (tmp_path / "disk").mkdir()
    daemon.conversation = saying(framed(LARGE))

    done = run(
        "mount -t tmpfs -o size=16k none disk\necho old > disk/pjsip.conf\n"
        "confgen --output disk/pjsip.conf > /var/tmp/exec.1.2 || cat disk/pjsip.conf\nls -A disk"
    )

    assert done.stdout == "old\npjsip.conf\n"
    assert done.stderr.count("\n") == 1
    assert "pjsip.conf stays as it is, last changed " in done.stderr


@pytest.mark.parametrize("room", ["16k", "4k"], ids=["some room", "no room at all"])
def test_asterisk_reads_the_copy_where_its_own_file_does_not_fit(
    run: Run, tmp_path: Path, daemon: FakeDaemon, room: str
) -> None:
    daemon.conversation = saying(framed(LARGE))
    (tmp_path / "none.conf").write_text("[confgen]\nfallback_dir = /mnt/copies\n")

    done = run(
        f"mount -t tmpfs -o size={room} none /var/tmp\n[ {room} = 16k ] || echo full > /var/tmp/full\n"
        "confgen > /var/tmp/exec.1.2\ncat /var/tmp/exec.1.2"
    )

    assert done.returncode == 0
    assert done.stdout.encode() == LARGE
    assert done.stderr.count("\n") == 1
    assert "No space left on device; Asterisk reads the copy" in done.stderr


def test_no_comment_is_needed_for_the_output(run: Run, tmp_path: Path) -> None:
    done = run(
        "mount -t tmpfs -o size=4k none /var/tmp\necho full > /var/tmp/full\n"
        "confgen --output pjsip.conf > /var/tmp/exec.1.2"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "pjsip.conf").read_bytes() == CONTENT
