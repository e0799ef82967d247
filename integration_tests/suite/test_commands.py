"""What `xivo-confgend` says without serving: `--check`, `--print-config`, `--list-drivers`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from integration_tests.suite.helpers.commands import Run, run
from integration_tests.suite.helpers.puppets import Puppets

__all__ = ["run"]

SECRET = "hunter2"


def read_all(terminal: int) -> str:
    """What a program writes to its terminal until it ends."""
    pieces = []
    # At the end Linux gives EIO, not an empty read.
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


class TestCheck:
    """`--check`"""

    def test_of_a_valid_configuration_says_so(self, run: Run) -> None:
        done = run("--check")

        assert (done.returncode, done.stdout, done.stderr) == (0, "configuration is valid\n", "")

    def test_knows_an_endpoint_that_is_none(self, run: Run) -> None:
        done = run("--check", listen=["nonsense:1"])

        assert (done.returncode, done.stdout) == (2, "")
        assert "xivo-confgend: key listen: nonsense:1: Unknown endpoint type" in done.stderr

    def test_warns_of_a_log_file_that_could_not_be_written(self, run: Run, tmp_path: Path) -> None:
        done = run("--check", log_filename=str(tmp_path / "missing" / "log"))

        assert (done.returncode, done.stdout) == (0, "configuration is valid\n")
        assert "missing/log: No such file or directory; the log would go to standard error" in done.stderr

    def test_of_a_missing_extra_directory_warns(self, run: Run, tmp_path: Path) -> None:
        done = run("--check", extra_config_files=str(tmp_path / "nowhere"))

        assert done.returncode == 0
        assert done.stderr.startswith(f"xivo-confgend: warning: {tmp_path}/nowhere: no such directory")

    @pytest.mark.parametrize(
        ("key", "value", "told"),
        [
            ("workers", "two", "key workers: expected a whole number of at least 1, found text"),
            ("log_level", "loud", "key log_level: expected one of critical, error, warning, info, debug"),
            ("listen", [], "key listen: expected at least one endpoint"),
            ("db_uri", f"mysql://u:{SECRET}@h/x", "key db_uri: expected postgresql://"),
            ("db_uri", f"{SECRET}", "key db_uri: expected postgresql://"),
            ("generation_timeout", 0, "key generation_timeout: expected a number of seconds of at least 0.1"),
            ("answer_timeout", float("inf"), "key answer_timeout: expected a number of seconds"),
        ],
    )
    def test_of_a_wrong_value_names_file_key_and_expectation(
        self, run: Run, tmp_path: Path, key: str, value: object, told: str
    ) -> None:
        done = run("--check", **{key: value})

        assert done.returncode == 2
        assert done.stderr.startswith(f"xivo-confgend: {tmp_path}/config.yml: ")
        assert told in done.stderr
        assert done.stderr.count("\n") == 1
        assert SECRET not in done.stderr

    def test_of_broken_yaml_names_file_and_line(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d/1.yml").write_text("a: 1\nb: [\n")

        done = run("--check")

        assert done.returncode == 2
        assert re.match(rf"xivo-confgend: {tmp_path}/conf.d/1.yml line \d: not valid YAML: ", done.stderr)


class TestPrintConfig:
    """`--print-config`"""

    def test_shows_where_each_value_comes_from(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d/10.yml").write_text("workers: 3\nplugins: {a.b: one}\n")

        lines = run(
            "--print-config",
            "--debug",
            environment={"XIVO_CONFGEND_DB_URI": "postgresql://e/x"},
            workers=2,
            plugins={"c.d": "two"},
            mine={"deep": {"key": [1, 2]}},
        ).stdout.splitlines()

        assert f"workers: 3  # {tmp_path}/conf.d/10.yml" in lines
        assert f"plugins > a.b: one  # {tmp_path}/conf.d/10.yml" in lines
        assert f"plugins > c.d: two  # {tmp_path}/config.yml" in lines
        assert f"mine > deep > key: [1, 2]  # {tmp_path}/config.yml" in lines
        assert "debug: true  # command line" in lines
        assert "db_uri: postgresql://e/x  # environment" in lines
        assert "listen_port: 8669  # default" in lines
        assert lines == sorted(lines, key=lambda line: line.split(": ")[0].split(" > "))

    def test_shows_no_secret(self, run: Run) -> None:
        done = run(
            "--print-config",
            environment={"XIVO_CONFGEND_DB_URI": f"postgresql://u:{SECRET}@h/x"},
            amid={"password": SECRET, "user": "seen"},
            urls=[f"https://u:{SECRET}@h/"],
            api_token=SECRET,
        )

        assert done.returncode == 0
        assert SECRET not in done.stdout + done.stderr
        assert "amid > user: seen" in done.stdout

    def test_of_keys_that_are_no_text_works(self, run: Run) -> None:
        done = run("--print-config", numbers={2: "one", True: "yes", None: "none"})

        assert done.returncode == 0
        assert "one" in done.stdout


class TestListDrivers:
    """`--list-drivers`"""

    def test_shows_what_is_installed_chosen_and_broken(self, run: Run) -> None:
        done = run("--list-drivers", broken=True, plugins={"test.second.conf": None})
        lines = done.stdout.splitlines()
        rows = {line.split()[0]: line for line in lines if not line.startswith(" ")}
        problems = {lines[at - 1].split()[0]: line.strip() for at, line in enumerate(lines) if line.startswith(" ")}

        assert done.returncode == 0
        assert re.search(r"ill +yes +ill_behaved:First +ill_behaved_drivers 1\.0", rows["test/first.conf"])
        assert re.search(r"ill +no +ill_behaved:Second", rows["test/second.conf"])
        assert "switched off in the plugins map" in problems["test/second.conf"]
        assert "No module named 'a_module_that_nobody_has'" in problems["broken/import.conf"]
        assert "NoSuchClass" in problems["broken/attribute.conf"]
        assert "has no method generate()" in problems["broken/generate.conf"]
        assert "asterisk/pjsip.conf" in rows
        assert list(rows)[1 : 1 + len(problems)] == sorted(problems)

    def test_fits_the_terminal(self, run: Run, tmp_path: Path, puppets: Puppets) -> None:
        run("--check", broken=True)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-m", "xivo_confgend.main", "-c", str(tmp_path / "config.yml"), "--list-drivers"]
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        with subprocess.Popen(command, stdout=theirs, env={**environment, "PYTHONPATH": str(puppets.path)}):
            os.close(theirs)
            lines = read_all(ours).splitlines()

        assert lines[0].split() == ["FILE", "DRIVER", "CHOSEN", "DISTRIBUTION"]
        assert max(map(len, lines)) <= 80
        assert any("a_module_that_nobody_has" in line for line in lines)

    def test_shows_what_packages_say_of_themselves(self, run: Run) -> None:
        row = next(line for line in run("--list-drivers").stdout.splitlines() if line.startswith("test/first.conf"))

        assert "ill_behaved  confgend  1.0  Drivers that misbehave when they are told to" in re.sub(" {2,}", "  ", row)

    def test_survives_a_package_that_leaves_while_it_is_imported(self, run: Run, puppets: Puppets) -> None:
        (puppets.path / "broken_import.py").write_text("import sys\nsys.exit(3)\n")

        done = run("--list-drivers", broken=True)

        assert done.returncode == 0
        assert "SystemExit: 3" in done.stdout
