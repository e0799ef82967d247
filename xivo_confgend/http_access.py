"""Who is asking, and what he may: tokens, client certificates, this machine.

Compares tokens in constant time and never writes one anywhere. Says nothing about what an operation needs: that is said
where the operation is.
"""

from __future__ import annotations

import hmac
import pwd
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.address import UNIXAddress

from xivo_confgend.peers import local_account
from xivo_confgend.rest_api import READ, READ_SECRETS, RestApi

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "localhost.localdomain"})
BEARER = "bearer "
PROXY_HEADERS = ("x-forwarded-for", "forwarded", "via", "x-real-ip")


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    `method`: `token`, `certificate`, `local` (this machine, nothing is configured) or `none`; `origin`: from where;
    `by_network`: not through a UNIX socket; `problem`: why he is nobody.
    """

    name: str | None
    method: str
    permissions: frozenset[str]
    origin: str
    by_network: bool = True
    problem: str = ""

    @property
    def reads_secrets(self) -> bool:
        """Whether contents are shown to him as they are."""
        return READ_SECRETS in self.permissions


NOBODY = Caller(None, "none", frozenset(), "unknown")


class Gate:
    """The rules of `settings`."""

    def __init__(self, settings: RestApi) -> None:
        self._settings = settings

    @property
    def guarded(self) -> bool:
        """Whether tokens or client certificates are configured."""
        return self._settings.guarded

    def answers(self, caller: Caller) -> bool:
        """Whether he gets any answer."""
        return self.guarded or caller.method == "local"

    def identify(self, request: Any) -> Caller:
        """Who sent `request`, a Twisted request."""
        by_unix = isinstance(request.getHost(), UNIXAddress)
        origin = "unix" if by_unix else str(getattr(request.getClientAddress(), "host", "unknown"))
        if not self.guarded:
            local = by_unix or (_is_loopback(origin) and not any(map(request.getHeader, PROXY_HEADERS)))
            if local:
                return Caller(None, "local", frozenset({READ}), origin, not by_unix)
            return Caller(None, "none", frozenset(), origin, not by_unix, "not from this machine")
        given = _token(request)
        if given is not None:
            found = self._by_token(given)
            return Caller(*found, origin, not by_unix, "" if found[0] else "the token is not known")
        name = _common_name(request)
        if name in self._settings.certificates:
            return Caller(name, "certificate", self._settings.certificates[name], origin, not by_unix)
        problem = "the certificate is not known" if name else "neither token nor client certificate"
        return Caller(None, "none", frozenset(), origin, not by_unix, problem)

    def _by_token(self, given: str) -> tuple[str | None, str, frozenset[str]]:
        """Name, method and permissions; every configured token is compared, whichever it is."""
        digest = sha256(given.encode("utf-8", "surrogateescape")).hexdigest()
        found: tuple[str | None, str, frozenset[str]] = (None, "none", frozenset())
        for token in self._settings.tokens:
            if hmac.compare_digest(token.sha256, digest):
                found = (token.name, "token", token.permissions)
        return found


def _token(request: Any) -> str | None:
    token: str | None = request.getHeader("x-auth-token")
    if token is not None:
        return token
    authorization = request.getHeader("authorization") or ""
    return authorization[len(BEARER) :].strip() if authorization.lower().startswith(BEARER) else None


def _common_name(request: Any) -> str:
    """The common name of the client's certificate, which the listener has verified; empty if there is none."""
    certificate = getattr(request.transport, "getPeerCertificate", lambda: None)()
    return (certificate.get_subject().CN or "") if certificate is not None else ""


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def host_of(header: str | None) -> str:
    """The host name or address in a Host header, in small letters."""
    try:
        return urlsplit(f"//{header or ''}").hostname or ""
    except ValueError:
        return ""


def origin_with_account(request: Any, caller: Caller) -> str:
    """Where a request came from, with the account of this machine if the kernel knows it."""
    connection = getattr(request.transport, "socket", None)
    try:
        account = local_account(connection) if connection is not None else None
        return caller.origin if account is None else f"{caller.origin} ({pwd.getpwuid(account).pw_name})"
    except (OSError, LookupError, ValueError, AttributeError):
        return caller.origin
