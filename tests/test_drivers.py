"""Which driver serves a file, and what is said of one that cannot."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from stevedore.extension import ExtensionManager

from xivo_confgend.drivers import Catalogue, make
from xivo_confgend.exceptions import DriverError, NoSuchFile
from xivo_confgend.names import FileName

FILE = FileName("unit", "choice.conf")
GROUP = f"confgend.{FILE.key}"
MODULE = """
class Driver:
    def __init__(self, config):
        self.config = config

    def generate(self):
        return ""

class Refusing(Driver):
    def __init__(self, config):
        raise {raised}

class Silent:
    def __init__(self, config):
        pass
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution with entry points `group → name = target` beside those that are installed."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(distribution: str, groups: dict[str, str], raised: str = "RuntimeError('no')") -> None:
        (tmp_path / f"{distribution}.py").write_text(MODULE.format(raised=raised), "utf-8")
        metadata = tmp_path / f"{distribution}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", "utf-8")
        entries = "".join(f"[{group}]\n{entry}\n" for group, entry in groups.items())
        (metadata / "entry_points.txt").write_text(entries, "utf-8")
        importlib.invalidate_caches()

    return put


@pytest.fixture(autouse=True)
def no_cache_of_entry_points(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stevedore keeps entry points in memory by group and on disk by search path: other ones for each test."""
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("stevedore")))


def test_the_only_driver_is_chosen_without_being_named(install):
    install("unit_only", {GROUP: "one = unit_only:Driver"})
    assert str(Catalogue({}).choose(FILE)) == f"one (unit_only 1.0, {GROUP})"


def test_several_drivers_and_no_choice_is_an_error_that_lists_them(install):
    install("unit_a", {GROUP: "one = unit_a:Driver"})
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    with pytest.raises(DriverError) as caught:
        Catalogue({}).choose(FILE)
    assert str(caught.value) == (
        f"{FILE}: several drivers are installed, name one in the plugins map: "
        f"one (unit_a 1.0, {GROUP}), two (unit_b 1.0, {GROUP})"
    )


def test_the_plugins_map_decides_among_several(install):
    install("unit_a", {GROUP: "one = unit_a:Driver"})
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    assert Catalogue({FILE.key: "two"}).choose(FILE).distribution == "unit_b"


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_switches_a_file_off(install, nothing):
    install("unit_only", {GROUP: "one = unit_only:Driver"})
    catalogue = Catalogue({FILE.key: nothing})
    with pytest.raises(NoSuchFile, match="switched off"):
        catalogue.choose(FILE)
    assert FILE not in catalogue.files()


class Stored:
    """A store that knows the driver of one content."""

    def __init__(self, maker: str, name: FileName = FILE) -> None:
        self._maker, self._name = maker, name

    def maker(self, name: FileName) -> str:
        return self._maker if name == self._name else ""

    def names(self) -> list[FileName]:
        return [self._name]


def made_by(name: str, distribution: str, version: str = "1.0", namespace: str = "confgend") -> Stored:
    return Stored(f"{name} ({distribution} {version}, {namespace}.{FILE.key})")


def test_the_driver_of_the_stored_content_stays_beside_a_newcomer(install):
    install("unit_a", {GROUP: "one = unit_a:Driver"})
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    catalogue = Catalogue({}, made_by("one", "unit_a", version="0.1"))

    assert catalogue.choose(FILE).distribution == "unit_a"
    assert catalogue.warnings() == [
        f"{FILE}: two (unit_b 1.0, {GROUP}) could serve it too; one (unit_a 1.0, {GROUP}) stays, as it made the stored"
        " content; settle it by `plugins: {unit.choice.conf: one}`, or change it by `plugins: {unit.choice.conf: two}`"
    ]


@pytest.mark.parametrize("written", ["unit_a", "unit-a", "Unit.A"])
def test_a_distribution_is_the_same_however_it_is_written(install, written):
    install("unit_a", {GROUP: "one = unit_a:Driver"})
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    assert Catalogue({}, made_by("one", written)).choose(FILE).name == "one"


def test_a_newcomer_of_the_first_namespace_does_not_take_over(install):
    install("unit_old", {f"wazo_confgend.{FILE.key}": "old = unit_old:Driver"})
    install("unit_new", {GROUP: "new = unit_new:Driver"})
    catalogue = Catalogue({}, made_by("old", "unit_old", namespace="wazo_confgend"))
    assert catalogue.choose(FILE).name == "old"
    assert len(catalogue.warnings()) == 1


def test_a_driver_in_two_namespaces_stays_in_its_own(install):
    install("unit_both", {f"xivo_confgend.{FILE.key}": "one = unit_both:Driver", GROUP: "one = unit_both:Driver"})
    assert Catalogue({}, made_by("one", "unit_both", namespace="xivo_confgend")).choose(FILE).group.startswith("xivo_")
    assert Catalogue({}, made_by("one", "unit_both")).choose(FILE).group == GROUP


def test_the_order_of_namespaces_is_no_reason_to_warn(install):
    install("unit_old", {f"wazo_confgend.{FILE.key}": "old = unit_old:Driver"})
    install("unit_new", {GROUP: "new = unit_new:Driver"})
    assert Catalogue({}, made_by("new", "unit_new")).warnings() == []


def test_the_plugins_map_overrules_what_is_stored(install):
    install("unit_a", {GROUP: "one = unit_a:Driver"})
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    catalogue = Catalogue({FILE.key: "two"}, made_by("one", "unit_a"))
    assert catalogue.choose(FILE).name == "two"
    assert catalogue.warnings() == []


def test_a_driver_that_is_gone_is_not_replaced_by_another(install):
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    catalogue = Catalogue({}, made_by("one", "unit_a"))
    with pytest.raises(DriverError) as caught:
        catalogue.choose(FILE)
    assert not isinstance(caught.value, NoSuchFile)
    assert (
        catalogue.warnings()
        == [str(caught.value)]
        == [
            f"{FILE}: its stored content was made by one (unit_a 1.0, {GROUP}), which is not installed any more;"
            " install it again, or have another one serve it: `plugins: {unit.choice.conf: two}`"
        ]
    )


def test_a_file_is_known_although_its_only_driver_is_gone():
    catalogue = Catalogue({}, made_by("one", "unit_a"))
    with pytest.raises(DriverError, match=r"or serve it no more: `plugins: \{unit\.choice\.conf: null\}`"):
        catalogue.choose(FILE)
    assert FILE in catalogue.known()
    assert FILE not in catalogue.files()


def test_a_file_whose_driver_is_gone_can_be_switched_off():
    catalogue = Catalogue({FILE.key: None}, made_by("one", "unit_a"))
    assert FILE not in catalogue.known()
    assert catalogue.warnings() == []


def test_a_named_driver_that_is_gone_was_one_if_it_made_something(install):
    install("unit_b", {GROUP: "two = unit_b:Driver"})
    with pytest.raises(DriverError) as caught:
        Catalogue({FILE.key: "one"}, made_by("one", "unit_a")).choose(FILE)
    assert not isinstance(caught.value, NoSuchFile)
    with pytest.raises(NoSuchFile):
        Catalogue({FILE.key: "one"}, made_by("two", "unit_b")).choose(FILE)


@pytest.mark.parametrize("maker", ["", "edited by hand", "one (unit_a", "(x 1, y)"])
def test_a_maker_that_is_not_known_leaves_the_only_driver(install, maker):
    install("unit_only", {GROUP: "one = unit_only:Driver"})
    assert Catalogue({}, Stored(maker)).choose(FILE).name == "one"


def test_of_two_namesakes_the_one_that_made_the_content_is_loaded(install):
    install("unit_a", {GROUP: "same = unit_a:Driver"})
    install("unit_b", {GROUP: "same = unit_b:Driver"})
    for distribution in ("unit_a", "unit_b"):
        catalogue = Catalogue({}, made_by("same", distribution))
        assert type(make(catalogue.choose(FILE), {})).__module__ == distribution
        assert "uninstall all but one, as they have the same name" in catalogue.warnings()[0]


def test_a_driver_that_is_named_but_not_installed_is_never_replaced_by_another(install):
    install("unit_only", {GROUP: "one = unit_only:Driver"})
    with pytest.raises(NoSuchFile, match=r"driver nosuch .* not installed \(installed: one \(unit_only 1.0"):
        Catalogue({FILE.key: "nosuch"}).choose(FILE)


def test_a_file_nobody_makes_does_not_exist():
    with pytest.raises(NoSuchFile, match="no driver is installed"):
        Catalogue({}).choose(FILE)


@pytest.mark.parametrize("typed", ["unit/choise.conf", "Unit/CHOICE.conf", "unit/choice.con"])
def test_a_mistyped_name_is_answered_with_the_near_one(install: Install, typed: str) -> None:
    install("near", {GROUP: "mine = near:Driver"})

    with pytest.raises(NoSuchFile, match=r"did you mean unit/choice\.conf\?$"):
        Catalogue({}).choose(FileName.parse(typed))


def test_a_near_name_that_is_switched_off_is_not_suggested(install: Install) -> None:
    install("near", {GROUP: "mine = near:Driver"})

    with pytest.raises(NoSuchFile, match="confgen list"):
        Catalogue({FILE.key: None}).choose(FileName("unit", "choise.conf"))


@pytest.mark.parametrize(
    ("older", "newer"),
    [("xivo_confgend", "confgend"), ("wazo_confgend", "confgend"), ("wazo_confgend", "xivo_confgend")],
)
def test_the_first_namespace_wins(install, older, newer):
    install("unit_old", {f"{older}.{FILE.key}": "old = unit_old:Driver"})
    install("unit_new", {f"{newer}.{FILE.key}": "new = unit_new:Driver"})
    assert Catalogue({}).choose(FILE).name == "new"


def test_one_name_in_two_namespaces_is_that_of_the_first(install):
    install("unit_old", {f"wazo_confgend.{FILE.key}": "same = unit_old:Driver"})
    install("unit_new", {GROUP: "same = unit_new:Driver"})
    assert Catalogue({FILE.key: "same"}).choose(FILE).distribution == "unit_new"


def test_a_driver_of_an_older_namespace_can_be_named(install):
    install("unit_old", {f"wazo_confgend.{FILE.key}": "old = unit_old:Driver"})
    install("unit_new", {GROUP: "new = unit_new:Driver"})
    assert Catalogue({FILE.key: "old"}).choose(FILE).namespace == "wazo_confgend"


def test_one_name_in_two_distributions_is_no_clear_choice(install):
    install("unit_a", {GROUP: "same = unit_a:Driver"})
    install("unit_b", {GROUP: "same = unit_b:Driver"})
    catalogue = Catalogue({FILE.key: "same"})
    with pytest.raises(DriverError, match=r"several drivers .* \(unit_a 1\.0, .* \(unit_b 1\.0, "):
        catalogue.choose(FILE)
    assert not catalogue.serves(FILE)


@pytest.mark.parametrize("group", ["confgend.unit", "confgend.unit..hidden", "confgendx.unit.choice.conf", "unit.a"])
def test_a_group_that_names_no_file_offers_none(install, group):
    before = Catalogue({}).installed()
    install("unit_odd", {group: "odd = unit_odd:Driver"})
    assert Catalogue({}).installed() == before


def test_a_driver_gets_the_configuration(install):
    install("unit_made", {GROUP: "one = unit_made:Driver"})
    assert make(Catalogue({}).choose(FILE), {"a": 1}).config == {"a": 1}


@pytest.mark.parametrize("namespace", ["xivo_confgend", "wazo_confgend"])
def test_a_driver_of_an_older_namespace_gets_configuration_and_template_helper(install, namespace):
    distribution = f"unit_{namespace}"
    install(distribution, {f"{namespace}.{FILE.key}": f"one = {distribution}:Driver"})
    given = make(Catalogue({}).choose(FILE), {"a": 1}).config
    assert given["config"] == {"a": 1}
    assert callable(given["tpl_helper"].get_customizable_template)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("RuntimeError('no template')", "RuntimeError: no template"),
        ("KeyError('listen')", "KeyError: 'listen'"),
        ("ValueError('two\\nlines')", "ValueError: two lines"),
        ("SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_constructor_that_raises_is_told_in_one_line(install, raised, said):
    name = f"unit_raising_{abs(hash(raised))}"
    install(name, {GROUP: f"one = {name}:Refusing"}, raised)
    with pytest.raises(DriverError) as caught:
        make(Catalogue({}).choose(FILE), {})
    assert str(caught.value) == f"driver one ({name} 1.0, {GROUP}) does not load: {said}"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_module_of_this_name:Driver", "ModuleNotFoundError: No module named 'no_module_of_this_name'"),
        ("unit_lacking:Absent", "AttributeError: .*'Absent'"),
    ],
)
def test_a_driver_that_cannot_be_imported_is_named_with_its_reason(install, target, said):
    install("unit_lacking", {GROUP: f"one = {target}"})
    with pytest.raises(DriverError, match=rf"^driver one \(unit_lacking 1\.0, .*\) does not load: {said}$"):
        make(Catalogue({}).choose(FILE), {})


def test_a_class_without_generate_is_no_driver(install):
    install("unit_silent", {GROUP: "one = unit_silent:Silent"})
    with pytest.raises(DriverError, match=r"has no method generate\(\)"):
        make(Catalogue({}).choose(FILE), {})


def test_the_catalogue_imports_no_driver(install):
    install("unit_broken", {GROUP: "one = no_module_of_this_name:Driver"})
    assert FILE in Catalogue({}).files()
