"""What can go wrong in an HTTP request, as clients are told: problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from xivo_confgend.exceptions import ConfgendError, DriverError, GenerationError, NoSuchFile, StoreError
from xivo_confgend.history import HistoryError, NoSuchVersion

PROBLEMS: Mapping[str, tuple[int, str]] = {
    "invalid-request": (400, "The request is not valid"),
    "invalid-parameter": (400, "A parameter is not valid"),
    "invalid-body": (400, "The body is not valid"),
    "unauthorized": (401, "A valid token or client certificate is needed"),
    "forbidden": (403, "This is not permitted"),
    "no-such-path": (404, "There is nothing at this path"),
    "no-such-file": (404, "There is no such file"),
    "no-such-version": (404, "There is no such version"),
    "not-pinned": (404, "No version is pinned"),
    "method-not-allowed": (405, "This path does not know this method"),
    "not-acceptable": (406, "No acceptable encoding"),
    "body-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body has to be JSON"),
    "range-not-satisfiable": (416, "The range lies outside of the content"),
    "misdirected": (421, "The request is meant for another host"),
    "too-large": (422, "The contents are too large to be compared"),
    "internal-error": (500, "The daemon made a mistake"),
    "driver-unusable": (503, "The driver cannot be used"),
    "generation-failed": (503, "The file cannot be had now"),
    "history-unavailable": (503, "The history cannot be used now"),
    "too-many-listeners": (503, "Too many listen already"),
    "unhealthy": (503, "The daemon is not well"),
}
"""Every type of problem with its status and title."""

ERRORS: tuple[tuple[type[ConfgendError], str], ...] = (
    (NoSuchFile, "no-such-file"),
    (NoSuchVersion, "no-such-version"),
    (HistoryError, "history-unavailable"),
    (GenerationError, "generation-failed"),
    (StoreError, "generation-failed"),
    (DriverError, "driver-unusable"),
)


class Problem(Exception):
    """An answer that is a problem document: `kind` is a key of `PROBLEMS`, `extra` further members of the document."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return PROBLEMS[self.kind][0]

    @classmethod
    def of(cls, error: BaseException) -> Problem:
        """The problem that `error` is to a client; what we do not know is a mistake of ours."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, MethodNotAllowed):
            return cls("method-not-allowed", headers={"Allow": ", ".join(sorted(error.valid_methods or ()))})
        if isinstance(error, HTTPException):
            return cls("no-such-path")
        kind = next((kind for known, kind in ERRORS if isinstance(error, known)), "internal-error")
        return cls(kind, "" if kind == "internal-error" else str(error))

    @classmethod
    def invalid(cls, where: str, messages: Mapping[str, Any]) -> Problem:
        """The problem of what a schema says about the part `where` of the request."""
        errors = [{"in": where, "name": name, "detail": detail} for name, detail in _flat(messages)]
        detail = "; ".join(f"{where} parameter {e['name']}: {e['detail']}" for e in errors)
        return cls("invalid-body" if where == "body" else "invalid-parameter", detail, {"errors": errors})

    def document(self, instance: str) -> dict[str, Any]:
        """The members of the problem document of a request to `instance`."""
        status, title = PROBLEMS[self.kind]
        document = {"type": f"urn:xivo-confgend:problem:{self.kind}", "title": title, "status": status}
        if self.detail:
            document["detail"] = self.detail
        return {**document, "instance": instance, **self.extra}


def _flat(messages: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, said in messages.items():
        if isinstance(said, Mapping):
            yield from _flat(said, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", " ".join(map(str, said)) if isinstance(said, list) else str(said)
