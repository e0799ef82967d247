"""Templates are found where administrators put them, as soon as they put them there, and errors say where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xivo_confgend.plugin_helpers.templates import TemplateError, TemplateHelper, load_template

Writer = Callable[[str, str], Path]


@pytest.fixture
def own(tmp_path: Path) -> Writer:
    """Writes a template of the administrator."""
    return lambda name, text: write(tmp_path / "own" / name, text)


@pytest.fixture
def package(tmp_path: Path) -> Writer:
    """Writes a template of the distribution."""
    return lambda name, text: write(tmp_path / "package" / name, text)


@pytest.fixture
def helper(tmp_path: Path) -> TemplateHelper:
    """Looks into both."""
    return TemplateHelper({"templates": {"directory": str(tmp_path / "own")}}, tmp_path / "package")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_template_of_the_distribution_is_rendered(helper: TemplateHelper, package: Writer):
    package("asterisk/menu.jinja", "menu {{ number }}\n")

    assert helper.get_template("asterisk/menu").dump({"number": 3}) == "menu 3"


def test_the_administrators_template_goes_first(helper: TemplateHelper, own: Writer, package: Writer):
    package("menu.jinja", "theirs")
    own("menu.jinja", "ours")

    assert helper.get_template("menu").dump({}) == "ours"


def test_a_part_goes_before_the_whole_wherever_it_is(helper: TemplateHelper, own: Writer, package: Writer):
    own("menu.jinja", "whole")
    package("menu-12.jinja", "part")

    assert helper.get_customizable_template("menu", 12).dump({}) == "part"


def test_another_part_gets_the_whole(helper: TemplateHelper, own: Writer, package: Writer):
    own("menu.jinja", "whole")
    package("menu-12.jinja", "part")

    assert helper.get_customizable_template("menu", 13).dump({}) == "whole"


def test_a_changed_template_is_read_again(helper: TemplateHelper, own: Writer):
    path = own("menu.jinja", "what it was")
    helper.get_template("menu").dump({})
    path.write_text("changed")

    assert helper.get_template("menu").dump({}) == "changed"


def test_a_template_added_by_the_administrator_is_seen_at_once(helper: TemplateHelper, own: Writer, package: Writer):
    package("menu.jinja", "theirs")
    helper.get_template("menu").dump({})
    own("menu.jinja", "ours")

    assert helper.get_template("menu").dump({}) == "ours"


def test_a_removed_template_gives_way_to_that_of_the_distribution(helper: TemplateHelper, own: Writer, package: Writer):
    package("menu.jinja", "theirs")
    path = own("menu.jinja", "ours")
    helper.get_template("menu").dump({})
    path.unlink()

    assert helper.get_template("menu").dump({}) == "theirs"


def test_an_unknown_variable_is_empty(helper: TemplateHelper, own: Writer):
    own("menu.jinja", "<{{ nothing }}>")

    assert helper.get_template("menu").dump({}) == "<>"


def test_values_are_not_escaped(helper: TemplateHelper, own: Writer):
    own("menu.jinja", "{{ value }}")

    assert helper.get_template("menu").dump({"value": "<&>"}) == "<&>"


def test_a_syntax_error_names_file_and_line(helper: TemplateHelper, own: Writer):
    path = own("menu.jinja", "one\n{% if %}\n")

    with pytest.raises(TemplateError) as raised:
        helper.get_template("menu")

    assert str(raised.value).startswith(f"{path} line 2: ")


def test_an_attribute_of_an_unknown_variable_names_file_and_line(helper: TemplateHelper, own: Writer):
    path = own("menu.jinja", "one\ntwo\n{{ nothing.at_all }}\n")

    with pytest.raises(TemplateError) as raised:
        helper.get_template("menu").dump({})

    assert str(raised.value) == f"{path} line 3: 'nothing' is undefined"


def test_an_error_in_an_included_template_names_that_one(helper: TemplateHelper, own: Writer, package: Writer):
    path = package("part.jinja", "\n{{ 1 / 0 }}\n")
    own("menu.jinja", "{% include 'part.jinja' %}")

    with pytest.raises(TemplateError) as raised:
        helper.get_template("menu").dump({})

    assert str(raised.value) == f"{path} line 2: division by zero"


def test_including_a_missing_template_names_the_line(helper: TemplateHelper, own: Writer):
    path = own("menu.jinja", "\n{% include 'part.jinja' %}")

    with pytest.raises(TemplateError) as raised:
        helper.get_template("menu").dump({})

    assert str(raised.value) == f"{path} line 2: no template part.jinja"


def test_a_missing_template_says_where_it_was_looked_for(helper: TemplateHelper, tmp_path: Path):
    with pytest.raises(TemplateError) as raised:
        helper.get_customizable_template("asterisk/menu", 3)

    assert str(raised.value) == f"template asterisk/menu.jinja is not in {tmp_path}/own, {tmp_path}/package"


def test_a_template_that_is_not_utf_8_names_the_line(helper: TemplateHelper, own: Writer):
    path = own("menu.jinja", "")
    path.write_bytes(b"one\n\xff\n")

    with pytest.raises(TemplateError) as raised:
        helper.get_template("menu")

    assert str(raised.value) == f"{path} line 2: not UTF-8"


@pytest.mark.parametrize("name", ["../secret", "asterisk/../../secret", "/etc/secret"])
def test_a_name_does_not_leave_the_directories(helper: TemplateHelper, tmp_path: Path, name: str):
    (tmp_path / "secret.jinja").write_text("secret")

    with pytest.raises(TemplateError):
        helper.get_template(name)


def test_without_a_directory_of_the_administrator_there_is_that_of_the_distribution(tmp_path: Path, package: Writer):
    package("menu.jinja", "theirs")
    helper = TemplateHelper({"templates": {"directory": None}}, tmp_path / "package")

    assert helper.get_template("menu").dump({}) == "theirs"


def test_a_directory_that_is_no_text_is_an_error_that_names_the_key():
    with pytest.raises(TemplateError, match=r"templates\.directory"):
        TemplateHelper({"templates": {"directory": 3}})


@pytest.mark.parametrize("config", [{}, {"templates": None}, {"templates": {}}])
def test_the_default_directory_is_in_etc(config: dict[str, None]):
    assert TemplateHelper(config).candidates("asterisk/menu") == [
        Path("/etc/xivo-confgend/templates/asterisk/menu.jinja")
    ]


def stamps(helper: TemplateHelper) -> dict[str, tuple[int, ...]]:
    """What a daemon keeps of the dependencies of the template `asterisk/menu`."""
    found = {}
    for path in helper.dependencies("asterisk/menu"):
        status = path.stat() if path.exists() else None
        found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns) if status else ()
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("asterisk/menu.jinja", "added over that of the distribution"),
        ("asterisk/menu-3.jinja", "part that was added"),
        ("asterisk/menu-7.jinja", "part that was changed"),
        ("part.jinja", "included, not there before"),
        ("deep.jinja", "included by something included"),
    ],
)
def test_dependencies_change_with_whatever_a_template_needs(
    helper: TemplateHelper, own: Writer, package: Writer, name: str, text: str
):
    package("asterisk/menu.jinja", "{% include 'part.jinja' ignore missing %}{% include 'other.jinja' %}")
    package("asterisk/menu-7.jinja", "before")
    package("other.jinja", "{% import 'deep.jinja' as deep %}")
    before = stamps(helper)
    own(name, text)

    assert stamps(helper) != before


def test_dependencies_of_a_computed_name_are_all_templates(helper: TemplateHelper, own: Writer, package: Writer):
    package("asterisk/menu.jinja", "{% include name %}")
    anything = own("some/where.jinja", "")

    assert str(anything) in stamps(helper)


def test_dependencies_are_the_same_as_long_as_nothing_changes(helper: TemplateHelper, own: Writer):
    own("asterisk/menu.jinja", "{% include 'part.jinja' %}")

    assert stamps(helper) == stamps(helper)


def test_a_file_outside_the_look_up_is_rendered(tmp_path: Path):
    path = write(tmp_path / "modules.conf.jinja2", "{{ a }}")

    assert load_template(path).dump({"a": 1}) == "1"


def test_an_error_in_a_file_outside_the_look_up_names_file_and_line(tmp_path: Path):
    path = write(tmp_path / "modules.conf.jinja2", "\n{{ a.b }}")

    with pytest.raises(TemplateError) as raised:
        load_template(path).dump({})

    assert str(raised.value) == f"{path} line 2: 'a' is undefined"


def test_a_syntax_error_in_a_file_outside_the_look_up_names_file_and_line(tmp_path: Path):
    path = write(tmp_path / "modules.conf.jinja2", "\n\n{% endif %}")

    with pytest.raises(TemplateError) as raised:
        load_template(str(path))

    assert str(raised.value).startswith(f"{path} line 3: ")


def test_a_missing_file_outside_the_look_up_is_named(tmp_path: Path):
    with pytest.raises(TemplateError) as raised:
        load_template(tmp_path / "modules.conf.jinja2")

    assert str(raised.value) == f"{tmp_path}/modules.conf.jinja2: No such file or directory"
