"""The files that fit on a page: features, parking, music on hold, modules, and those in YAML (docs/spec/24 and 25)."""

from pathlib import Path

import pytest
import yaml

from integration_tests.suite.helpers.scratch import CONTROLS
from xivo_confgend.plugin_helpers.asterisk_reader import read
from xivo_confgend.plugin_helpers.templates import TemplateError
from xivo_confgend_wazo.impl.asterisk.features import FeaturesConf
from xivo_confgend_wazo.impl.asterisk.modules import ModulesConf
from xivo_confgend_wazo.impl.asterisk.musiconhold import MusicOnHoldConf
from xivo_confgend_wazo.impl.asterisk.res_parking import ResParkingConf
from xivo_confgend_wazo.impl.phoned.config import ConfigYML
from xivo_confgend_wazo.impl.provd.network import NetworkYML
from xivo_confgend_wazo.impl.templates import TEMPLATES
from xivo_confgend_wazo.impl.wazo.uuid import UUIDYML
from xivo_confgend_wazo.meta import (
    accessfeatures,
    extensions,
    features,
    infos,
    moh,
    netiface,
    parking_lot,
    provisioning,
)

REPOSITORY = Path(__file__).parents[2]
NO_OWN_TEMPLATES = {"templates": {"directory": None}}

FIXED = """\
findslot = next
parkext_exclusive = yes
parkinghints = yes
comebacktoorigin = yes
parkedplay = caller
parkedcalltransfers = no
parkedcallreparking = no
parkedcallhangup = no
parkedcallrecording = no
"""


# features.conf


def add_feature(database, category, name, value, **values):
    database.add(features, category=category, var_name=name, var_val=value, **values)


def test_the_example_of_features_out_of_order(database):
    add_feature(database, "featuremap", "disconnect", "*0")
    add_feature(database, "general", "a", "1")
    add_feature(database, "general", "b", "")

    assert database.generate(FeaturesConf).content == (
        "[general]\natxferabort = *0\na = 1\nb =\n\n[featuremap]\ndisconnect = *0\n\n[applicationmap]\n"
    )


def test_features_that_are_commented_or_of_another_category_are_not_written(database):
    add_feature(database, "general", "off", "1", commented=1)
    add_feature(database, "other", "elsewhere", "1")

    assert database.generate(FeaturesConf).content == "[general]\n\n[featuremap]\n\n[applicationmap]\n"


def test_a_feature_without_value_is_written_as_none(database):
    add_feature(database, "applicationmap", "x", None)

    assert database.generate(FeaturesConf).content.endswith("[applicationmap]\nx = None\n")


def test_features_are_read_at_each_generation(database):
    driver = FeaturesConf({})
    database.generate(lambda _config: driver)
    add_feature(database, "featuremap", "blindxfer", "*77")

    assert "blindxfer = *77\n" in database.generate(lambda _config: driver).content


def test_a_feature_cannot_open_a_section(database):
    hostile = f"\n[featuremap]\nblindxfer = evil{CONTROLS}"
    add_feature(database, "applicationmap", hostile, hostile)

    file = read(database.generate(FeaturesConf).content)

    assert file.problems == []
    assert len(file.sections) == 3


def test_an_option_for_which_asterisk_refuses_the_file_is_told(database):
    add_feature(database, "general", "transferdigittimeout", "5")
    before = database.generate(FeaturesConf)
    add_feature(database, "general", "atxfer_timeout", "secret")

    made = database.generate(FeaturesConf)

    assert before.warnings == []
    assert "atxfer_timeout = secret\n" in made.content
    assert len(made.warnings) == 1
    assert made.warnings[0].startswith("features of features.conf, section [general], option atxfer_timeout: ")
    assert "secret" not in made.warnings[0]


# res_parking.conf


def add_lot(database, number, exten=None, context="acme-int", **values):
    lot = {"slots_start": "701", "slots_end": "750", **values}
    database.add(parking_lot, id=number, **lot)
    if exten is not None:
        database.add(extensions, exten=exten, context=context, type="parking", typeval=str(number))


def test_the_example_of_parking_lots(database):
    add_lot(database, 5, "700", timeout=45, music_on_hold="default")
    add_lot(database, 6)
    add_lot(database, 7, slots_start="901", slots_end="950")
    database.add(extensions, exten="900", context="zeta-int", type="parking", typeval="7", commented=1)

    assert database.generate(ResParkingConf).content == (
        "[default]\ncontext = wazo-disabled\n"
        "\n[parkinglot-5]\nparkext = 700\ncontext = acme-int\nparkedmusicclass = default\n"
        f"parkpos = 701-750\nparkingtime = 45\n{FIXED}"
        "\n[parkinglot-7]\nparkext = 900\ncontext = zeta-int\nparkedmusicclass =\n"
        f"parkpos = 901-950\nparkingtime = 0\n{FIXED}"
    )


def test_without_parking_lots_there_is_the_default_section(database):
    assert database.generate(ResParkingConf).content == "[default]\ncontext = wazo-disabled\n"


def test_the_first_extension_of_a_parking_lot_counts(database):
    add_lot(database, 5)
    database.add(extensions, id=22, exten="7220", context="c", type="parking", typeval="5")
    database.add(extensions, id=21, exten="7210", context="c", type="parking", typeval="5")

    assert read(database.generate(ResParkingConf).content).named("parkinglot-5")[0].values("parkext") == ["7210"]


def test_an_extension_of_another_kind_is_not_that_of_a_parking_lot(database):
    add_lot(database, 5)
    database.add(extensions, exten="722", context="c", type="user", typeval="5")

    assert database.generate(ResParkingConf).content == "[default]\ncontext = wazo-disabled\n"


def test_a_parking_lot_cannot_open_a_section(database):
    hostile = f"\n[x]\ny = evil{CONTROLS}"
    add_lot(database, 5, hostile[:40], hostile[:79], music_on_hold=hostile)

    file = read(database.generate(ResParkingConf).content)

    assert file.problems == []
    assert [section.name for section in file.sections] == ["default", "parkinglot-5"]


@pytest.mark.parametrize(
    "values",
    [
        {"slots_start": "7101", "slots_end": ""},
        {"slots_start": "7050", "slots_end": "7001"},
        {"slots_start": "0", "slots_end": "5"},
        {"slots_start": "1", "slots_end": "999999999"},
        {"slots_start": "7001", "slots_end": "7050\nx = y"},
        {"timeout": -1},
        {"slots_start": "690", "slots_end": "710"},
        {"slots_start": "500", "slots_end": "600"},
    ],
)
def test_a_lot_for_which_asterisk_refuses_all_is_left_out(database, values):
    add_lot(database, 5, "700")
    before = database.generate(ResParkingConf).content
    add_lot(database, 6, "600", **values)

    made = database.generate(ResParkingConf)

    assert made.content == before
    assert [warning.partition(":")[0] for warning in made.warnings] == ["parking_lot row 6 is left out"]


def test_lots_of_two_contexts_may_have_the_same_numbers(database):
    add_lot(database, 5, "700", "a")
    add_lot(database, 6, "700", "b")

    made = database.generate(ResParkingConf)

    assert [section.name for section in read(made.content).sections] == ["default", "parkinglot-5", "parkinglot-6"]
    assert made.warnings == []


def test_two_lots_with_one_extension_are_one(database):
    add_lot(database, 5, "700", "a")
    add_lot(database, 6, "700 ", "a", slots_start="801", slots_end="810")

    made = database.generate(ResParkingConf)

    assert [section.name for section in read(made.content).sections] == ["default", "parkinglot-5"]


# musiconhold.conf


def add_class(database, name, mode="files", **values):
    database.add(moh, **{"uuid": name, "name": name, "mode": mode, **values})


def test_the_example_of_music_on_hold_in_order_of_names(database):
    add_class(database, "acme-hold", sort="alphabetical")
    add_class(database, "f-nosort", sort=None)
    add_class(database, "acme-radio", "custom", application="/usr/bin/mpg123 -q")
    add_class(database, "c-sort", "custom", application="/bin/x", sort="random")
    add_class(database, "acme-mp3", "mp3", sort="random_start")

    assert database.generate(MusicOnHoldConf, NO_OWN_TEMPLATES).content == (
        "[default]\nmode = files\ndirectory = /var/lib/asterisk/moh/default\n"
        "\n[acme-hold]\nmode = files\ndirectory = /var/lib/asterisk/moh/acme-hold\nsort = alpha\n"
        "\n[acme-mp3]\nmode = mp3\ndirectory = /var/lib/asterisk/moh/acme-mp3\nsort = randstart\n"
        "\n[acme-radio]\nmode = custom\napplication = /usr/bin/mpg123 -q\n\n\n"
        "\n[c-sort]\nmode = custom\napplication = /bin/x\n\nsort = random\n"
        "\n[f-nosort]\nmode = files\ndirectory = /var/lib/asterisk/moh/f-nosort\n\n"
    )


def test_a_class_of_music_cannot_open_a_section(database):
    hostile = f"\n[acme]\nmode = evil{CONTROLS}"
    add_class(database, "x", "custom", application=hostile, sort=hostile, label=hostile)
    add_class(database, "y\n[acme]")
    add_class(database, "z", hostile)

    made = database.generate(MusicOnHoldConf, NO_OWN_TEMPLATES)
    file = read(made.content)

    assert file.problems == []
    assert [section.name for section in file.sections] == ["default", "x", "z"]
    assert len(made.warnings) == 2


def test_an_administrators_template_goes_first(database, tmp_path):
    (tmp_path / "asterisk").mkdir()
    (tmp_path / "asterisk/musiconhold.jinja").write_text(
        "{% for c in moh_list %}{{ c.name }} {{ c.label }} {{ base_directory }}{% endfor %}"
    )
    add_class(database, "a", label="Calm")

    made = database.generate(MusicOnHoldConf, {"templates": {"directory": str(tmp_path)}})

    assert made.content == "a Calm /var/lib/asterisk/moh"


def test_a_broken_template_is_one_line_that_names_file_and_line(database, tmp_path):
    (tmp_path / "asterisk").mkdir()
    template = tmp_path / "asterisk/musiconhold.jinja"
    template.write_text("[default]\n{% for %}\n")

    with pytest.raises(TemplateError, match=rf"^{template} line 2: [^\n]+$"):
        database.generate(MusicOnHoldConf, {"templates": {"directory": str(tmp_path)}})


def test_a_change_of_the_template_changes_what_music_on_hold_depends_on(tmp_path):
    driver = MusicOnHoldConf({"templates": {"directory": str(tmp_path)}})

    assert {tmp_path / "asterisk/musiconhold.jinja", TEMPLATES / "asterisk/musiconhold.jinja"} <= set(
        driver.dependencies()
    )


# modules.conf


def test_the_example_of_modules():
    modules = {"b.so": False, "a.so": True, "Zz.so": 0, "_x.so": None}

    lines = ModulesConf({"enabled_asterisk_modules": modules}).generate().splitlines(keepends=True)

    assert "".join(lines[3:]) == ("[modules]\nautoload=yes\n\nnoload => Zz.so\nnoload => _x.so\nnoload => b.so\n")


def test_the_file_of_modules_begins_with_three_comments():
    lines = ModulesConf({}).generate().splitlines()

    assert [line[0] for line in lines[:3]] == [";", ";", ";"]
    assert lines[1] == ";"


def test_without_disabled_modules_the_file_ends_with_an_empty_line():
    assert ModulesConf({}).generate().endswith("[modules]\nautoload=yes\n\n")


def test_modules_need_no_database():
    assert ModulesConf({"enabled_asterisk_modules": {"x.so": False}}).generate().endswith("noload => x.so\n")


def test_the_template_of_modules_is_read_at_each_generation(tmp_path):
    template = tmp_path / "own.jinja2"
    driver = ModulesConf({"templates": {"modulesconf": str(template)}})
    template.write_text("first")
    driver.generate()
    template.write_text("second")

    assert driver.generate() == "second"


def test_the_template_of_modules_is_in_templates_directory(tmp_path):
    (tmp_path / "modules.conf.jinja2").write_text("mine")
    directory = {"directory": str(tmp_path)}

    assert ModulesConf({"templates": directory}).generate() == "mine"
    assert ModulesConf({"templates": {**directory, "modulesconf": None}}).generate() == "mine"
    assert tmp_path / "modules.conf.jinja2" in list(ModulesConf({"templates": directory}).dependencies())


def test_a_template_of_modules_that_appears_in_the_directory_is_seen(tmp_path):
    driver = ModulesConf({"templates": {"directory": str(tmp_path)}})
    assert "autoload=yes" in driver.generate()
    (tmp_path / "modules.conf.jinja2").write_text("mine")

    assert driver.generate() == "mine"


def test_a_missing_template_of_modules_is_named(tmp_path):
    template = tmp_path / "missing.jinja2"

    with pytest.raises(TemplateError, match=rf"^{template}: No such file or directory$"):
        ModulesConf({"templates": {"modulesconf": str(template)}}).generate()


def test_a_broken_template_of_modules_is_one_line_that_names_file_and_line(tmp_path):
    template = tmp_path / "own.jinja2"
    template.write_text("[modules]\n\n{% endfor %}\n")

    with pytest.raises(TemplateError, match=rf"^{template} line 3: [^\n]+$"):
        ModulesConf({"templates": {"modulesconf": str(template)}}).generate()


def test_modules_that_are_no_mapping_are_an_error_that_names_the_key():
    with pytest.raises(ValueError, match="enabled_asterisk_modules"):
        ModulesConf({"enabled_asterisk_modules": ["x.so"]}).generate()


def test_the_template_of_modules_for_administrators_is_the_shipped_one():
    own = REPOSITORY / "etc/xivo-confgend/templates/modules.conf.jinja2"

    assert own.read_text("utf-8") == (TEMPLATES / "modules.conf.jinja2").read_text("utf-8")


def test_the_configuration_ships_with_the_disabled_modules_of_the_reference():
    shipped = yaml.safe_load((REPOSITORY / "etc/xivo-confgend/config.yml").read_text("utf-8"))
    golden = read((REPOSITORY / "integration_tests/assets/fresh/expected/asterisk/modules.conf").read_text("utf-8"))

    made = read(ModulesConf({"enabled_asterisk_modules": shipped["enabled_asterisk_modules"]}).generate())

    assert made.named("modules")[0].pairs() == golden.named("modules")[0].pairs()


# provd/network.yml


@pytest.mark.parametrize(
    ("rows", "address", "expected"),
    [
        ([(None, 8667, None)], None, "{}\n"),
        ([("10.1.1.1", 8667, None)], "192.168.5.4", "http://10.1.1.1:8667"),
        ([("10.1.1.1", 0, None)], None, "http://10.1.1.1"),
        ([("", 8667, "")], "192.168.5.4", "http://192.168.5.4:8667"),
        ([], "192.168.5.4", "http://192.168.5.4"),
        ([("10.1.1.1", 8667, "https://prov.acme.example/x")], None, "https://prov.acme.example/x"),
        ([(None, 8667, " spaced: url #x")], None, "' spaced: url #x'"),
        ([(None, 8667, None)], "", "{}\n"),
    ],
)
def test_the_url_of_the_provisioning_server(database, rows, address, expected):
    for host, port, url in rows:
        database.add(provisioning, net4_ip=host, http_port=port, http_base_url=url)
    if address is not None:
        database.add(netiface, ifname="eth0", networktype="voip", address=address, disable=1)

    wanted = expected if expected == "{}\n" else f"general:\n  advertised_http_url: {expected}\n"
    assert database.generate(NetworkYML).content == wanted


def test_only_the_first_voip_interface_counts_even_without_address(database):
    database.add(netiface, id=1, ifname="a", networktype="data", address="10.0.0.1")
    database.add(netiface, id=2, ifname="b", networktype="voip", address=None)
    database.add(netiface, id=3, ifname="c", networktype="voip", address="10.0.0.3")

    assert database.generate(NetworkYML).content == "{}\n"


# phoned/config.yml


def test_the_example_of_subnets(database):
    for host in ("10.0.0.0/8", "1.5", "yes", "a: b", "", "é.example"):
        database.add(accessfeatures, host=host, feature="phonebook")
    database.add(accessfeatures, host="9.9.9.9", feature="phonebook", commented=1)
    database.add(accessfeatures, host="8.8.8.8", feature="other")

    assert database.generate(ConfigYML).content == (
        "rest_api:\n  authorized_subnets:\n"
        "  - 10.0.0.0/8\n  - '1.5'\n  - 'yes'\n  - 'a: b'\n  - ''\n  - \"\\xE9.example\"\n"
    )


def test_without_subnets_the_list_is_empty(database):
    assert database.generate(ConfigYML).content == "rest_api:\n  authorized_subnets: []\n"


def test_a_hostile_subnet_is_one_text(database):
    hostile = f"x\n- evil\nrest_api: {{}}{CONTROLS}"
    database.add(accessfeatures, host=hostile, feature="phonebook")

    assert yaml.safe_load(database.generate(ConfigYML).content) == {"rest_api": {"authorized_subnets": [hostile]}}


# wazo/uuid.yml


def test_the_example_of_the_uuid(database):
    database.add(infos, uuid="08c56466-8f29-45c7-9856-92bf1ba89b92")

    assert database.generate(UUIDYML).content == "uuid: 08c56466-8f29-45c7-9856-92bf1ba89b92\n"


def test_without_a_uuid_the_content_is_empty_and_somebody_hears_of_it(database):
    made = database.generate(UUIDYML)

    assert made.content == ""
    assert made.warnings == ["table infos has no row: the PBX has no UUID"]
