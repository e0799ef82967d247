"""What cannot work is told before it fails: by `--check`, at start, after a reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from integration_tests.suite.helpers.api import until
from integration_tests.suite.helpers.base import fill_database
from integration_tests.suite.helpers.commands import Run, run
from integration_tests.suite.helpers.puppets import BROKEN, Puppets, install_distribution
from xivo_confgend.drivers import Catalogue
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.meta import METADATA

__all__ = ["run"]

VALID = "configuration is valid\n"
NOWHERE = "postgresql://x@127.0.0.1:1/x"
XIVO = {"asterisk.sip.conf": None}


def errors(run: Run, *arguments: str, **config: Any) -> list[str]:
    """What `--check` says of a configuration that cannot work."""
    done = run("--check", *arguments, **config)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return [line.removeprefix("xivo-confgend: ") for line in done.stderr.splitlines()]


def warnings(run: Run, **config: Any) -> list[str]:
    """What `--check` says of a configuration that may work."""
    done = run("--check", **config)
    assert (done.returncode, done.stdout) == (0, VALID), done.stderr
    return [line.removeprefix("xivo-confgend: warning: ") for line in done.stderr.splitlines()]


class TestPlugins:
    def test_a_driver_that_is_not_installed(self, run: Run, tmp_path: Path) -> None:
        (line,) = errors(run, plugins={"asterisk.pjsip.conf": "wazzo"})
        where = f"{tmp_path}/config.yml: key plugins, asterisk.pjsip.conf"
        assert line == f"{where}: driver wazzo is not installed for it; did you mean wazo?"

    def test_a_driver_that_resembles_none_lists_those_that_are(self, run: Run) -> None:
        (line,) = errors(run, plugins={"asterisk.pjsip.conf": "zzz"})
        assert line.endswith("driver zzz is not installed for it; installed: wazo")

    def test_a_file_that_no_driver_makes(self, run: Run) -> None:
        (line,) = errors(run, plugins={"asterisk.pjsp.conf": "wazo"})
        told = (
            "key plugins, asterisk.pjsp.conf: no driver is installed for such a file; did you mean asterisk.pjsip.conf?"
        )
        assert line.endswith(told)

    def test_a_file_that_no_driver_makes_may_be_switched_off(self, run: Run) -> None:
        (line,) = warnings(run, plugins={"asterisk.pjsp.conf": None})
        assert line.endswith("no driver is installed for such a file; did you mean asterisk.pjsip.conf?")

    @pytest.mark.parametrize("key", ["pjsip", "", "a/b", "asterisk."])
    def test_a_key_that_is_no_file(self, run: Run, key: str) -> None:
        (line,) = errors(run, plugins={key: "wazo"})
        assert f"key plugins, {key}: no driver is installed for such a file" in line

    def test_several_drivers_for_a_file_are_a_warning(self, run: Run, puppets: Puppets) -> None:
        point = {"confgend.asterisk.hep.conf": {"other": "ill_behaved:First"}}
        install_distribution(puppets.path, "other_drivers", point, "2.0")
        (line,) = warnings(run)
        assert line.startswith("asterisk/hep.conf: several drivers are installed")
        assert "other_drivers 2.0" in line
        assert warnings(run, plugins={"asterisk.hep.conf": "wazo"}) == []

    def test_an_http_plugin_that_is_not_installed_is_a_warning(self, run: Run, tmp_path: Path) -> None:
        (line,) = warnings(run, enabled_plugins={"audti": False})
        where = f"{tmp_path}/config.yml: key enabled_plugins, audti"
        assert line == f"{where}: no such HTTP plugin is installed; did you mean audit?"


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "meant"),
        [("db_url", "db_uri"), ("listen_prot", "listen_port"), ("Workers", "workers"), ("plugin", "plugins")],
    )
    def test_a_key_that_resembles_one_of_ours_is_a_warning(
        self, run: Run, tmp_path: Path, key: str, meant: str
    ) -> None:
        (line,) = warnings(run, **{key: "x"})
        assert line == f"{tmp_path}/config.yml: key {key} is not one of the daemon's: did you mean {meant}?"

    @pytest.mark.parametrize("key", ["greeting", "templates", "enabled_asterisk_modules", "acme", "consul", "bus"])
    def test_a_key_of_a_driver_is_no_mistake(self, run: Run, key: str) -> None:
        assert warnings(run, **{key: {}}) == []

    def test_a_key_of_the_http_api_that_does_not_exist_has_the_near_one(self, run: Run) -> None:
        done = run("--check", rest_api={"prot": 8670})
        assert done.returncode == 2
        assert done.stderr.endswith("key rest_api, prot: is not a key of the HTTP API; did you mean port?\n")


DUPLICATES = {
    "twice": ("workers: 2\nworkers: 3\n", "key workers is given twice, on lines 1 and 2"),
    "three times": ("a: 1\n\na: 2\nb: 1\na: 3\n", "key a is given 3 times, on lines 1, 3 and 5"),
    "inside": ("acme:\n  x: 1\n  y: 2\n  x: 3\n", "key acme > x is given twice, on lines 2 and 4"),
    "in a list": ("acme: [{x: 1,\n  x: 2}]\n", "key acme > x is given twice, on lines 1 and 2"),
    "in quotes": ("'workers': 2\nworkers: 3\n", "key workers is given twice, on lines 1 and 2"),
    "on one line": ("acme: {x: 1, x: 2}\n", "key acme > x is given twice, on lines 1 and 1"),
}


class TestDuplicates:
    @pytest.mark.parametrize("case", DUPLICATES)
    def test_a_key_that_is_given_twice_is_told_with_its_lines(self, run: Run, tmp_path: Path, case: str) -> None:
        text, told = DUPLICATES[case]
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "10.yml").write_text(text, "utf-8")
        assert errors(run) == [f"{tmp_path}/conf.d/10.yml: {told}; the last one counts"]

    @pytest.mark.parametrize(
        "text",
        [
            "a: &common {x: 1, y: 2}\nb: {<<: *common, x: 3}\n",
            "a: {x: 1}\nb: {x: 1}\n",
            "a: &b [{x: 1}]\nc: *b\n",
            "a: [{x: 1}, {x: 2}]\n",
        ],
    )
    def test_a_key_in_two_mappings_is_not_twice(self, run: Run, tmp_path: Path, text: str) -> None:
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "10.yml").write_text(text, "utf-8")
        assert warnings(run) == []

    def test_at_start_the_last_value_counts_and_an_error_is_logged(
        self, puppets: Puppets, puppet_daemon: Callable[..., Daemon], tmp_path: Path
    ) -> None:
        daemon = puppets.daemon(tmp_path / "twice", rest_api={"enabled": False})
        extra = daemon.directory / "conf.d" / "10.yml"
        extra.write_text("shrink_warning: 1\nshrink_warning: 0\n", "utf-8")
        with daemon:
            assert daemon.fetch("test/first.conf").state == "fresh"
            (line,) = [line for line in daemon.log.splitlines() if "(ERROR)" in line]
        assert line.endswith(f"{extra}: key shrink_warning is given twice, on lines 1 and 2; the last one counts")

    def test_a_reload_keeps_the_old_configuration(self, puppets: Puppets, puppet_daemon: Callable[..., Daemon]) -> None:
        daemon = puppet_daemon()
        (daemon.directory / "conf.d" / "10.yml").write_text("plugins: {}\nplugins: {test.first.conf: }\n", "utf-8")
        daemon.reload()
        assert "the configuration was not reloaded, the old one stays in force" in daemon.log
        assert daemon.fetch("test/first.conf").text == "first\n"


class TestPlaces:
    def test_a_cache_that_is_a_file(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        where = f"{tmp_path}/config.yml: key cache"
        (line,) = errors(run, cache=str(tmp_path / "file"))
        assert line == f"{where}: {tmp_path}/file cannot be written: {tmp_path}/file is not a directory"
        (line,) = errors(run, cache=str(tmp_path / "file" / "below"))
        assert line == f"{where}: {tmp_path}/file/below cannot be written: {tmp_path}/file is not a directory"

    def test_a_cache_on_a_file_system_that_takes_nothing(self, run: Run) -> None:
        (line,) = errors(run, cache="/proc/xivo-confgend/cache")
        assert "key cache: /proc/xivo-confgend/cache cannot be written: /proc: " in line

    def test_a_cache_that_can_be_made_is_not_made(self, run: Run, tmp_path: Path) -> None:
        assert warnings(run, cache=str(tmp_path / "a" / "b")) == []
        assert not (tmp_path / "a").exists()


class TestDrivers:
    def test_drivers_that_do_not_load_are_told_and_the_rest_is_checked(self, run: Run, puppets: Puppets) -> None:
        plugins = {"broken.hanging.conf": None}
        lines = errors(run, broken=True, plugins=plugins)
        files = [line.split(": ")[0] for line in lines]
        assert files == sorted(key.replace(".", "/", 1) for key in BROKEN if key not in plugins)
        text = "\n".join(lines)
        for told in (
            "a_module_that_nobody_has",
            "NoSuchClass",
            "missing_key",
            "SystemExit: 7",
            "has no method generate()",
        ):
            assert told in text

    def test_a_driver_that_hangs_is_named(self, run: Run) -> None:
        (line,) = errors(run, plugins={"broken.hanging.conf": "ill"})
        assert line == "broken/hanging.conf: took longer than 10 s to check"

    def test_a_driver_that_ends_the_process_is_named(self, run: Run, puppets: Puppets) -> None:
        (puppets.path / "suicidal.py").write_text("import os\nos._exit(3)\n", "utf-8")
        install_distribution(puppets.path, "suicidal", {"confgend.test.zzz.conf": {"x": "suicidal:Driver"}}, "1.0")
        (line,) = errors(run)
        assert line.startswith("test/zzz.conf: the check broke off: ")

    @pytest.mark.parametrize(
        ("templates", "file", "told"),
        [
            ({"modulesconf": "{0}/missing"}, "asterisk/modules.conf", "{0}/missing: No such file or directory"),
            ({"contextsconf": "{0}/missing"}, "asterisk/extensions.conf", "{0}/missing: No such file or directory"),
            ({"directory": "{0}"}, "asterisk/musiconhold.conf", "{0}/asterisk/musiconhold.jinja line 1: "),
        ],
        ids=["modules", "contexts", "syntax"],
    )
    def test_a_template_that_cannot_be_used(
        self, run: Run, tmp_path: Path, templates: dict[str, str], file: str, told: str
    ) -> None:
        (tmp_path / "asterisk").mkdir()
        (tmp_path / "asterisk" / "musiconhold.jinja").write_text("{% if %}", "utf-8")
        (line,) = errors(run, templates={key: path.format(tmp_path) for key, path in templates.items()})
        assert line.startswith(f"{file}: {told.format(tmp_path)}")

    def test_what_drivers_print_is_not_shown(self, run: Run, puppets: Puppets) -> None:
        (puppets.path / "ill_behaved.py").open("a").write('\nprint("printed")\n')
        done = run("--check")
        assert (done.returncode, done.stdout, done.stderr) == (0, VALID, "")


class TestDatabase:
    @pytest.fixture
    def uri(self, postgresql: PostgreSQL) -> str:
        return fill_database(postgresql, "configuration_check", METADATA)

    def test_a_database_that_fits_is_valid(self, run: Run, uri: str) -> None:
        done = run("--check", "--database", db_uri=uri, plugins=XIVO)
        assert (done.returncode, done.stdout, done.stderr) == (0, VALID, "")

    def test_what_it_lacks_is_told_for_each_package(self, run: Run, uri: str) -> None:
        connection = psycopg2.connect(uri)
        with connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE endpoint_sip RENAME COLUMN name TO title; DROP TABLE queue CASCADE")
        connection.close()
        lacks = "the database lacks endpoint_sip.name and the table queue, which driver wazo 1.0.0 reads"
        lines = errors(run, "--database", db_uri=uri)
        assert f"db_uri: {lacks}: it is older or newer than this driver supports" in lines
        assert len([line for line in lines if "which driver xivo 1.0.0 reads" in line]) == 1

    def test_a_server_that_is_not_there_is_told(self, run: Run) -> None:
        (line,) = errors(run, "--database", db_uri="postgresql://x:hidden-9@127.0.0.1:1/x", plugins=XIVO)
        assert line.startswith("db_uri: ") and "Connection refused" in line and "hidden-9" not in line

    def test_without_the_option_the_database_is_not_asked(self, run: Run) -> None:
        assert warnings(run, db_uri="postgresql://x@127.0.0.1:1/x") == []

    def test_the_option_alone_is_wrong_usage(self, run: Run) -> None:
        done = run("--database")
        assert done.returncode == 2
        assert "--database" in done.stderr and "--check" in done.stderr


class TestAtStart:
    def test_the_same_is_logged_and_what_can_be_served_is(
        self, puppets: Puppets, puppet_daemon: Callable[..., Daemon], tmp_path: Path
    ) -> None:
        config = {
            "check_at_start": True,
            "plugins": {**dict.fromkeys(BROKEN), "asterisk.pjsp.conf": "wazo", **XIVO},
            "templates": {"modulesconf": str(tmp_path / "missing")},
            "db_uri": NOWHERE,
            "rest_api": {},
        }
        daemon = puppet_daemon(**config)
        assert daemon.fetch("test/first.conf").state == "fresh"
        until(lambda: "the configuration was checked: 3 errors" in daemon.log, 60)
        told = [line for line in daemon.log.splitlines() if "configuration: " in line]
        assert [line.split("configuration: ")[1].split(": ")[0] for line in told if "(ERROR)" in line] == [
            str(daemon.config_file), "asterisk/modules.conf", "db_uri",
        ]  # fmt: skip
        checks = {check["name"]: check for check in httpx.get(f"{daemon.api}/1.0/status").json()["checks"]}
        assert not checks["configuration"]["ok"]
        assert "asterisk/modules.conf: " in checks["configuration"]["detail"]
        daemon.config |= {"templates": {}, "plugins": {**dict.fromkeys(BROKEN), **XIVO}}
        daemon.reload()
        until(lambda: "the configuration was checked: 1 error\n" in daemon.log, 60)

    def test_a_database_that_no_driver_reads_is_not_missed(
        self, puppets: Puppets, puppet_daemon: Callable[..., Daemon]
    ) -> None:
        ours = {driver.file.key: None for driver in Catalogue({}).installed()}
        daemon = puppet_daemon(check_at_start=True, plugins={**dict.fromkeys(BROKEN), **ours}, db_uri=NOWHERE)
        until(lambda: "the configuration was checked: 0 errors" in daemon.log, 60)

    def test_a_check_that_goes_on_does_not_keep_the_daemon_from_stopping(
        self, puppet_daemon: Callable[..., Daemon]
    ) -> None:
        plugins = {**dict.fromkeys(BROKEN), "broken.hanging.conf": "ill"}
        daemon = puppet_daemon(check_at_start=True, plugins=plugins)
        until(lambda: any(b"installation_check" in cmdline(pid) for pid in daemon.workers()))
        checking = next(pid for pid in daemon.workers() if b"installation_check" in cmdline(pid))
        assert daemon.stop() == 0
        until(lambda: not cmdline(checking))


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
