"""Which names `new-driver` takes, and that it never writes over anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from xivo_confgend.main import main
from xivo_confgend.new_driver.names import Names


@pytest.mark.parametrize(
    ("name", "file", "module", "class_name"),
    [
        ("acme", "asterisk/foo.conf", "xivo_confgend_acme.impl.asterisk.foo", "FooConf"),
        ("a-b_c", "asterisk/queue-skills.conf", "xivo_confgend_a_b_c.impl.asterisk.queue_skills", "QueueSkillsConf"),
        ("x", "class/import.conf", "xivo_confgend_x.impl.class_.import_", "ImportConf"),
        ("x", "1/2.yml", "xivo_confgend_x.impl._1._2", "File2Yml"),
        ("x", "a/noSuffix", "xivo_confgend_x.impl.a.nosuffix", "NoSuffix"),
    ],
)
def test_names_of_modules_and_classes_are_python(name: str, file: str, module: str, class_name: str):
    names = Names.parse(name, file)

    assert f"{names.package}.impl.{names.resource_module}.{names.module}" == module
    assert names.class_name == class_name


@pytest.mark.parametrize("name", ["", "Acme", "9lives", "a--b", "a b", "a/b", "é", "-a"])
def test_a_name_that_is_no_package_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)

    status = main(["new-driver", "--", name, "asterisk/foo.conf"])

    assert status == 2
    assert capsys.readouterr().err.startswith(f"xivo-confgend: NAME {name!r}: use small letters")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["foo.conf", "a/b/c", "../x", "asterisk/", "asterisk/.x"])
def test_what_is_no_file_of_the_daemon_is_refused(file: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["new-driver", "acme", file, "--directory", str(tmp_path)]) == 2
    assert "is not RESOURCE/FILENAME, for example asterisk/foo.conf" in capsys.readouterr().err


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "xivo-confgend-acme").mkdir()
    (tmp_path / "xivo-confgend-acme" / "README.md").write_text("mine", "utf-8")

    status = main(["new-driver", "acme", "asterisk/foo.conf", "--directory", str(tmp_path)])

    assert status == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_everything_that_was_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    main(["new-driver", "acme", "asterisk/foo.conf", "--directory", str(tmp_path)])

    printed = set(capsys.readouterr().out.splitlines())
    assert {str(path) for path in tmp_path.rglob("*") if path.is_file()} <= printed


def test_no_name_of_a_template_is_left_over(tmp_path: Path):
    main(["new-driver", "acme", "asterisk/foo.conf", "--directory", str(tmp_path)])

    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        left = [word for word in ("{{", "{%") if word in path.read_text("utf-8").replace("${{", "")]
        assert left == [], path
