"""The merged document against the running daemon: whatever schemathesis thinks of, answers are as described."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points

import psycopg2
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import openapi

from integration_tests.suite.helpers.api import client, guarded, token, until
from xivo_confgend.http_plugins import document
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend_wazo.demonstration import fill

EXAMPLES = 60
FILE = "/1.0/files/asterisk/rtp.conf"
ENDLESS = "/1.0/events"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, postgresql) -> Iterator[Daemon]:
    """A daemon with a small company; two versions of one file are kept."""
    uri = postgresql.create_database("http_schemathesis")
    fill(uri, 10)
    config = {"db_uri": uri, "plugins": {"asterisk.sip.conf": None}, "rest_api": guarded()}
    with Daemon(tmp_path_factory.mktemp("schemathesis"), config) as daemon:
        with client(daemon, "owner") as http:
            http.post(FILE)
            with psycopg2.connect(uri) as connection, connection.cursor() as cursor:
                cursor.execute("UPDATE asterisk_file_variable SET value = value || '1'")
            connection.close()
            http.post(FILE)
            until(lambda: http.get(f"{FILE}/versions").json()["total"] == 2)
        yield daemon


@pytest.fixture(scope="module")
def known(daemon) -> dict[str, list[str]]:
    """Values of parameters that there are."""
    with client(daemon, "owner") as http:
        names = [item["filename"] for item in http.get("/1.0/files").json()["items"] if item["resource"] == "asterisk"]
        digests = [item["digest"] for item in http.get(f"{FILE}/versions").json()["items"]]
    return {
        "resource": ["asterisk"],
        "filename": [*names, "rtp.conf"],
        "digest": digests,
        "from": digests,
        "to": digests,
    }


def operations() -> list[str]:
    """`METHOD /path` of everything that our plugins describe."""
    plugins = sorted(entry_points(group="xivo_confgend.plugins"), key=lambda entry: entry.name)
    described = yaml.safe_load(document([entry.load().__module__ for entry in plugins]).text)["paths"]
    return [
        f"{method.upper()} {path}"
        for path, methods in described.items()
        for method in methods
        if method != "parameters" and path != ENDLESS
    ]


@pytest.fixture(scope="module")
def schema(daemon):
    """The document that the daemon serves."""
    loaded = openapi.from_dict(yaml.safe_load(client(daemon).get("/1.0/api/api.yml").text))
    loaded.config.update(base_url=daemon.api)
    return loaded


@pytest.mark.parametrize("operation", operations())
def test_answers_are_as_described(schema, known, operation):
    """No 500, and nothing that the document does not say: status, media type, headers, body."""
    method, path = operation.split()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(), data=st.data())
    def check(case, data):
        # Names that are made up are hardly ever those of a file.
        for parameters in (case.path_parameters, case.query, case.body):
            if isinstance(parameters, dict):
                for name in sorted(parameters.keys() & known.keys()):
                    if data.draw(st.integers(0, 3)):
                        parameters[name] = data.draw(st.sampled_from(known[name]))
        case.call_and_validate(headers={"X-Auth-Token": token("owner")}, timeout=30)

    check()


def test_the_document_itself_is_valid(schema):
    schema.validate()
