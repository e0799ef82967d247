"""The keys under `rest_api`, checked: where the HTTP API listens and who may do what.

Knows no network: whether a certificate can be loaded is seen by `http_server`. A mistake is one
line that names the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xivo_confgend.client.wording import near
from xivo_confgend.endpoints import address_problem, path_problem
from xivo_confgend.exceptions import ConfigurationError

READ = "read"
READ_SECRETS = "read:secrets"
OPERATE = "operate"
PERMISSIONS = (READ, READ_SECRETS, OPERATE)
SHA256 = re.compile(r"[0-9a-f]{64}")

Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _at_least(least: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _permissions(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(one in PERMISSIONS for one in value)


@dataclass(frozen=True)
class Rule:
    """What a key may hold: `expected` in words, `accepts` decides; null is taken where `optional`."""

    expected: str
    accepts: Check
    optional: bool = False


A_PERMISSION_LIST = f"a list of some of {', '.join(PERMISSIONS)}"
RULES: dict[str, Rule] = {
    "enabled": Rule("true or false", lambda value: isinstance(value, bool)),
    "listen": Rule("an address", _text),
    "port": Rule("a port number", lambda value: _at_least(0)(value) and int(str(value)) <= 65535),
    "socket": Rule("a path or null", _text, optional=True),
    "certificate": Rule("a path or null", _text, optional=True),
    "private_key": Rule("a path or null", _text, optional=True),
    "client_ca": Rule("a path or null", _text, optional=True),
    "certificates": Rule("a mapping of common names to permissions", lambda value: isinstance(value, dict)),
    "tokens": Rule("a list of mappings", lambda value: isinstance(value, list)),
    "secret_options": Rule("a list of texts", _texts),
    "max_connections": Rule("a whole number of at least 1", _at_least(1)),
    "max_versions": Rule("a whole number of at least 1", _at_least(1)),
    "max_history_bytes": Rule("a whole number of at least 0", _at_least(0)),
    "max_file_history_bytes": Rule("a whole number of at least 0", _at_least(0)),
    "max_audit_entries": Rule("a whole number of at least 1", _at_least(1)),
}


@dataclass(frozen=True)
class Token:
    """Who holds the token whose SHA-256 is `sha256` may do `permissions`, and is called `name` in the audit log."""

    name: str
    sha256: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class RestApi:
    """Settings of the HTTP API and of what is kept for it; the defaults are those of a fresh installation."""

    enabled: bool = True
    listen: str = "127.0.0.1"
    port: int = 8670
    socket: str | None = None
    certificate: str | None = None
    private_key: str | None = None
    client_ca: str | None = None
    certificates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    secret_options: tuple[str, ...] = ()
    max_connections: int = 200
    max_versions: int = 20
    max_history_bytes: int = 256 << 20
    max_file_history_bytes: int = 64 << 20
    max_audit_entries: int = 10_000

    @property
    def guarded(self) -> bool:
        """Whether tokens or client certificates say who may what; without, only this machine is answered."""
        return bool(self.tokens or self.certificates)


DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "listen": RestApi.listen,
    "port": RestApi.port,
    "socket": None,
    "certificate": None,
    "private_key": None,
    "client_ca": None,
    "certificates": {},
    "tokens": [],
    "secret_options": [],
    "max_connections": RestApi.max_connections,
    "max_versions": RestApi.max_versions,
    "max_history_bytes": RestApi.max_history_bytes,
    "max_file_history_bytes": RestApi.max_file_history_bytes,
    "max_audit_entries": RestApi.max_audit_entries,
}
"""As in the reference of the configuration."""


class RestApiError(ConfigurationError):
    """A value under `rest_api` cannot be used; `key`: which one."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"rest_api, {key}: {problem}")
        self.key = key


def read_rest_api(mapping: Mapping[str, Any] | None) -> RestApi:
    """The settings in `mapping`, the merged value of `rest_api`; null switches the API off. Raises RestApiError."""
    if mapping is None:
        return RestApi(enabled=False)
    for key, value in mapping.items():
        rule = RULES.get(key)
        if rule is None:
            meant = near(str(key), RULES)
            raise RestApiError(str(key), f"is not a key of the HTTP API{meant and f'; did you mean {meant}?'}")
        if not (rule.optional and value is None) and not rule.accepts(value):
            raise RestApiError(key, f"expected {rule.expected}")
    given = dict(mapping)
    for key, found in (
        ("listen", address_problem(given.get("listen", RestApi.listen))),
        ("socket", path_problem(given.get("socket") or "")),
    ):
        if found:
            raise RestApiError(key, found)
    if bool(given.get("certificate")) != bool(given.get("private_key")):
        alone = "certificate" if given.get("certificate") else "private_key"
        raise RestApiError(alone, "certificate and private_key are needed together")
    if given.get("client_ca") and not given.get("certificate"):
        raise RestApiError("client_ca", "needs certificate and private_key")
    if given.get("certificates") and not given.get("client_ca"):
        raise RestApiError("certificates", "needs client_ca, which says whose certificates are believed")
    given["certificates"] = {str(k): _permission_set(k, v) for k, v in (given.get("certificates") or {}).items()}
    given["tokens"] = tuple(map(_token, range(1, 1 + len(given.get("tokens") or ())), given.get("tokens") or ()))
    given["secret_options"] = tuple(given.get("secret_options") or ())
    return RestApi(**given)


def _permission_set(name: object, value: object) -> frozenset[str]:
    if not _permissions(value):
        raise RestApiError("certificates", f"{name}: expected {A_PERMISSION_LIST}")
    return frozenset(value)  # type: ignore[call-overload, no-any-return]


def _token(number: int, value: object) -> Token:
    """One element of `tokens`; its value is never quoted: it may be the token itself, written in the wrong place."""
    if not isinstance(value, dict) or set(value) != {"name", "sha256", "permissions"}:
        raise RestApiError("tokens", f"token {number}: expected a mapping with name, sha256 and permissions")
    if not _text(value["name"]):
        raise RestApiError("tokens", f"token {number}: name: expected text")
    if not (isinstance(value["sha256"], str) and SHA256.fullmatch(value["sha256"].lower())):
        raise RestApiError(
            "tokens", f"token {number}: sha256: expected 64 hexadecimal digits, the SHA-256 of the token"
        )
    if not _permissions(value["permissions"]):
        raise RestApiError("tokens", f"token {number}: permissions: expected {A_PERMISSION_LIST}")
    return Token(value["name"], value["sha256"].lower(), frozenset(value["permissions"]))
