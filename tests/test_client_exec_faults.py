"""`confgen` under Asterisk's `#exec` on a full disk, killed at any point, several at once: no half file is loaded."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.asterisk_exec import Form, OneLine, fetch, files_below
from tests.fake_daemon import CONTENT, LARGE, NEW, FakeDaemon, framed, saying


class TestFullDisk:
    """No file of this process may grow beyond a page, as if the disk were full."""

    @staticmethod
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    def test_the_new_content_is_loaded_from_its_copy(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))
        fetch(one_line, daemon)

        done = fetch(one_line, daemon, prepare=self.limit)

        assert (done.printed, done.status, len(done.errors)) == (LARGE, 0, 1)
        assert f"; Asterisk reads the copy {one_line.kept}, last changed " in done.errors[0]

    def test_the_last_content_is_loaded_if_there_is_no_room(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        daemon.conversation = saying(framed(LARGE))

        done = fetch(form, daemon, prepare=self.limit)

        assert form.loaded(done) == CONTENT
        assert files_below(form.directory) - {"config.conf"} == {str(form.kept.relative_to(form.directory))}

    def test_half_of_a_content_is_never_loaded(self, form: Form, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))

        done = fetch(form, daemon, prepare=self.limit)

        assert (form.loaded(done) or b"", done.status) == (b"", 1)
        assert done.errors

    def test_a_wrapper_keeps_what_it_printed(self, one_line: OneLine, daemon: FakeDaemon) -> None:
        daemon.conversation = saying(framed(LARGE))
        fetch(one_line, daemon)
        path = Path(f"/var/tmp/exec.{os.getpid()}.8")
        command = " ".join([sys.executable, "-m", "xivo_confgend.client", *one_line.arguments(daemon.port)])

        subprocess.run(
            ["/bin/sh", "-c", f"(echo first; {command}; echo last) > {path}"], preexec_fn=self.limit, check=True
        )

        assert path.read_bytes() == b"first\nlast\n"
        path.unlink()


KILLED = """
import os, signal, sys
count = int(sys.argv.pop(1))
write = os.write
def counted(real):
    def call(*arguments, **names):
        global count
        if not count:
            if real is write and arguments[0] > 2:
                write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        count -= 1
        return real(*arguments, **names)
    return call
for name in ("open", "write", "fsync", "rename", "unlink", "close", "fchmod", "fstat", "stat", "listdir", "makedirs"):
    setattr(os, name, counted(getattr(os, name)))
from xivo_confgend.client import run
sys.exit(run(sys.argv[1:]))
"""


class TestKilled:
    """The process is killed before each of its calls that could leave something behind."""

    def test_at_any_point_leaves_the_old_or_the_new_content(self, form: Form, daemon: FakeDaemon) -> None:
        path = Path(f"/var/tmp/exec.{os.getpid()}.9")
        status = -signal.SIGKILL
        contents, point = [CONTENT, NEW], 0
        fetch(form, daemon)
        while status == -signal.SIGKILL:
            daemon.conversation = saying(framed(contents[point % 2]))
            with path.open("wb") as output:
                command = [sys.executable, "-c", KILLED, str(point), *form.arguments(daemon.port)]
                status = subprocess.run(command, stdout=output, stderr=subprocess.DEVNULL, check=False).returncode
            assert form.kept.read_bytes() in contents
            assert path.read_bytes() in (b"", *contents) if isinstance(form, OneLine) else True
            point += 1

        assert (status, point > 10) == (0, True)
        path.unlink()

    def test_it_leaves_no_file_that_the_next_does_not_remove(self, form: Form, daemon: FakeDaemon) -> None:
        fetch(form, daemon)
        left = form.kept.with_name(f".{form.kept.name}.0123456789ab")
        left.write_bytes(CONTENT)

        fetch(form, daemon)

        assert files_below(form.kept.parent) == {form.kept.name}


class TestTwoAtOnce:
    """Several processes write one file."""

    def test_each_loads_a_whole_content(self, form: Form, daemon: FakeDaemon) -> None:
        contents = [b"[%d]\n" % number * 50_000 for number in range(6)]
        given = iter([*contents])
        daemon.conversation = lambda connection: connection.sendall(framed(next(given)))

        with ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda _: fetch(form, daemon), contents))

        assert all(form.loaded(one) in contents for one in done)
        assert [one.errors for one in done] == [[]] * len(contents)
        assert form.kept.read_bytes() in contents
        assert files_below(form.kept.parent) == {form.kept.name}
