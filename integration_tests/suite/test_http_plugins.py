"""HTTP plugins of third parties: one that works, and every way in which one can fail to load."""

from __future__ import annotations

import pytest

from integration_tests.suite.helpers.api import client, problem
from integration_tests.suite.helpers.puppets import install_distribution

GROUP = "xivo_confgend.plugins"
HATS = """
from xivo_confgend.http_replies import Json


class Plugin:
    def load(self, dependencies):
        @dependencies.api.route("/1.0/hats/<hat>", "GET", "read")
        async def get_hat(exchange, hat):
            return Json({"hat": hat, "files": len(dependencies.facts.names())})

        @dependencies.api.route("/1.0/hats/<hat>", "POST", "operate")
        async def lose_hat(exchange, hat):
            raise RuntimeError("a mistake of the plugin")
"""
DOCUMENT = """
tags: [{name: hats}]
paths:
  /1.0/hats/{hat}:
    get: {summary: A hat, responses: {'200': {description: It}}}
"""
BROKEN = {
    "unimportable": "import a_module_that_nobody_has\nclass Plugin: pass",
    "raising": "class Plugin:\n    def load(self, dependencies):\n        raise ValueError('no\\nhat')",
    "half": (
        "class Plugin:\n    def load(self, dependencies):\n"
        "        @dependencies.api.route('/1.0/half', 'GET', None)\n        async def half(exchange): ...\n"
        "        dependencies.daemon.reloaded.append(None)\n        raise ValueError('half-way')"
    ),
    "taking": (
        "class Plugin:\n    def load(self, dependencies):\n"
        "        for path in ('/1.0/new', '/1.0/files'):\n"
        "            dependencies.api.route(path, 'GET', None)(None)"
    ),
    "leaving": "raise SystemExit(3)",
    "without": "Plugin = 5",
}


@pytest.fixture
def install(puppets):
    """Installs a package with an HTTP plugin on the daemon's path."""

    def write(name: str, source: str, document: str | None = None) -> None:
        package = puppets.path / name
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(source)
        if document:
            (package / "api.yml").write_text(document)
        install_distribution(puppets.path, name, {GROUP: {name: f"{name}.plugin:Plugin"}}, "1.0")

    return write


def test_a_plugin_of_a_third_party_is_served_and_described(install, api_daemon):
    install("hats", HATS, DOCUMENT)
    with client(api_daemon()) as http:
        assert http.get("/1.0/hats/bowler").json()["hat"] == "bowler"
        assert problem(http.get("/1.0/hats/bowler?x=1")) == (400, "invalid-parameter")
        assert "/1.0/hats/{hat}" in http.get("/1.0/api/api.yml").text


def test_a_plugin_of_a_third_party_can_be_switched_off(install, api_daemon):
    install("hats", HATS)
    with client(api_daemon({"enabled_plugins": {"hats": False}})) as http:
        assert problem(http.get("/1.0/hats/bowler")) == (404, "no-such-path")


def test_a_mistake_of_a_plugin_is_a_problem_without_details_and_a_traceback_in_the_log(install, api_daemon):
    from integration_tests.suite.helpers.api import guarded

    install("hats", HATS)
    daemon = api_daemon(**guarded())
    with client(daemon, "owner") as http:
        answer = http.post("/1.0/hats/bowler")
    assert problem(answer) == (500, "internal-error")
    assert "a mistake of the plugin" not in answer.text
    assert "a mistake of the plugin" in daemon.log


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_does_not_load_is_left_out_with_one_line(install, api_daemon, name):
    install(name, BROKEN[name])
    daemon = api_daemon()
    with client(daemon) as http:
        assert http.get("/1.0/files").status_code == 200
        assert http.get("/1.0/half").status_code == 404
        assert http.get("/1.0/new").status_code == 404
    lines = [line for line in daemon.log.splitlines() if f"HTTP plugin {name} is left out: " in line]
    assert len(lines) == 1
    assert "Traceback" not in daemon.log
    daemon.reload()


@pytest.mark.parametrize("document", ["paths: {/1.0/files: {get: {}}}", "{", "[]", "components: {schemas: {File: {}}}"])
def test_a_document_that_does_not_fit_is_left_out(install, api_daemon, document):
    install("hats", HATS, document)
    daemon = api_daemon()
    with client(daemon) as http:
        assert http.get("/1.0/hats/bowler").status_code == 200
        assert "list_files" in http.get("/1.0/api/api.yml").text
    assert daemon.log.count("its api.yml is left out") == 1


def test_a_name_in_enabled_plugins_that_is_not_installed_is_said(api_daemon):
    daemon = api_daemon({"enabled_plugins": {"nosuch": True}})
    assert "HTTP plugin nosuch of enabled_plugins is not installed" in daemon.log


def test_null_switches_all_plugins_off(api_daemon):
    with client(api_daemon({"enabled_plugins": None})) as http:
        assert http.get("/1.0/session").status_code == 200
        assert http.get("/1.0/files").status_code == 404


def test_a_driver_package_names_its_secret_options(puppets, api_daemon):
    puppets.tell("first", "say", content="hat_colour = red7\n")
    (puppets.path / "hat_secrets.py").write_text("OPTIONS = ('hat_*',)\n")
    group = {"xivo_confgend.secret_options": {"test.first.conf": "hat_secrets:OPTIONS"}}
    install_distribution(puppets.path, "hat_secrets", group, "1.0")
    with client(api_daemon()) as http:
        assert http.get("/1.0/files/test/first.conf").text == "hat_colour = ********\n"


def test_a_file_whose_secret_options_cannot_be_read_is_shown_to_nobody_without_the_right(puppets, api_daemon):
    group = {"xivo_confgend.secret_options": {"test.first.conf": "a_module_that_nobody_has:OPTIONS"}}
    install_distribution(puppets.path, "hat_secrets", group, "1.0")
    with client(api_daemon()) as http:
        assert problem(http.get("/1.0/files/test/first.conf")) == (403, "forbidden")
        assert http.get("/1.0/files/test/second.conf").status_code == 200


def test_an_operator_names_secret_options(puppets, api_daemon):
    puppets.tell("first", "say", content="colour = red7\n")
    with client(api_daemon(secret_options=["colour"])) as http:
        assert http.get("/1.0/files/test/first.conf").text == "colour = ********\n"
