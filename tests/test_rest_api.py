"""The settings of the HTTP API: what is accepted, and what is said of what is not."""

from __future__ import annotations

import dataclasses

import pytest

from xivo_confgend.rest_api import DEFAULTS, RULES, RestApi, RestApiError, read_rest_api

TOKEN = {"name": "maria", "sha256": "0" * 64, "permissions": ["read"]}


def test_the_defaults_are_accepted_and_the_same_everywhere():
    assert read_rest_api(DEFAULTS) == read_rest_api({}) == RestApi()
    assert DEFAULTS.keys() == RULES.keys() == {field.name for field in dataclasses.fields(RestApi)}


def test_null_switches_the_api_off():
    assert not read_rest_api(None).enabled


def test_a_fresh_installation_is_not_guarded_and_listens_on_loopback():
    assert not RestApi().guarded
    assert RestApi().listen == "127.0.0.1"


def test_tokens_guard():
    settings = read_rest_api({"tokens": [TOKEN]})
    assert settings.guarded
    assert settings.tokens[0].permissions == {"read"}


def test_a_digest_in_capitals_is_the_same_digest():
    assert read_rest_api({"tokens": [{**TOKEN, "sha256": "AB" * 32}]}).tokens[0].sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"colour": 1}, "rest_api, colour: is not a key of the HTTP API"),
        ({"port": "80"}, "rest_api, port: expected a port number"),
        ({"port": 70000}, "rest_api, port: expected a port number"),
        ({"port": True}, "rest_api, port: expected a port number"),
        ({"enabled": 1}, "rest_api, enabled: expected true or false"),
        ({"listen": ""}, "rest_api, listen: expected an address"),
        ({"socket": 5}, "rest_api, socket: expected a path or null"),
        ({"max_versions": 0}, "rest_api, max_versions: expected a whole number of at least 1"),
        ({"secret_options": "hat"}, "rest_api, secret_options: expected a list of texts"),
        ({"certificate": "a"}, "rest_api, certificate: certificate and private_key are needed together"),
        ({"private_key": "a"}, "rest_api, private_key: certificate and private_key are needed together"),
        ({"client_ca": "a"}, "rest_api, client_ca: needs certificate and private_key"),
        ({"certificates": {"a": ["read"]}}, "rest_api, certificates: needs client_ca, which says whose certificates"),
        ({"tokens": ["t"]}, "rest_api, tokens: token 1: expected a mapping with name, sha256 and permissions"),
        ({"tokens": [TOKEN, {**TOKEN, "name": 5}]}, "rest_api, tokens: token 2: name: expected text"),
        ({"tokens": [{**TOKEN, "sha256": "my-token-77"}]}, "rest_api, tokens: token 1: sha256: expected"),
        ({"tokens": [{**TOKEN, "permissions": []}]}, "rest_api, tokens: token 1: permissions: expected a list"),
        ({"tokens": [{**TOKEN, "permissions": ["write"]}]}, "rest_api, tokens: token 1: permissions: expected a list"),
        ({"tokens": [{**TOKEN, "permissions": [["read"]]}]}, "rest_api, tokens: token 1: permissions: expected a list"),
        (
            {"certificate": "a", "private_key": "b", "client_ca": "c", "certificates": {"x": "read"}},
            "rest_api, certificates: x: expected a list",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(mapping, expected):
    with pytest.raises(RestApiError) as refused:
        read_rest_api(mapping)
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)
    assert "my-token-77" not in str(refused.value)
