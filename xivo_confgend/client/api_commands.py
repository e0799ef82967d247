"""`confgen list|show|diff|status|pin|unpin`: what the HTTP API tells, for people at a terminal and for scripts.

Reached from the `confgen` command when its first word is one of these; fetching a file never loads it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from xivo_confgend.client import advice, wording
from xivo_confgend.client.arguments import parse_command
from xivo_confgend.client.wire import ConfgenError, printable, reason

TIMEOUT = 120
PIECE = 1 << 20
REFUSED = (401, 403)
MOST_WARNINGS = 10
"""Lines that `confgen status` prints of each file."""
HEALTH = {"ok": 0, "degraded": 3, "failing": 1}
"""The exit status of `confgen status`."""
FAILURES = (OSError, ValueError, http.client.HTTPException)
"""What asking and reading raise when what answers is away, breaks off or is no HTTP API."""


class ApiError(ConfgenError):
    """The API did not do what was asked; the text is one line, `document` the problem document if there was one."""

    def __init__(self, text: str, document: Mapping[str, Any] | None = None) -> None:
        super().__init__(printable(" ".join(text.split())))
        self.document = document or {}


class Api:
    """The HTTP API at `address`, asked with `token` if there is one. Raises ApiError, in which neither is a secret."""

    def __init__(self, address: str, token: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise ApiError("expected an address that begins with http:// or https:// in --api or XIVO_CONFGEND_API")
        if "@" in address:
            raise ApiError("the address of the API may not hold a user name: who asks is said by XIVO_CONFGEND_TOKEN")
        if not (token.isascii() and token.isprintable()):
            raise ApiError("XIVO_CONFGEND_TOKEN holds characters that cannot be sent")
        self._address = address.rstrip("/")
        self._token = token

    def open(self, path: str, method: str = "GET", body: object = None) -> BinaryIO:
        """The body of the answer, to be read and closed. Raises ApiError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Auth-Token": self._token} if self._token else {}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = urllib.request.Request(self._address + path, data, headers, method=method)  # noqa: S310 - checked
            answer: BinaryIO = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - checked
        except urllib.error.HTTPError as error:
            raise self._problem(error) from error
        except FAILURES as error:
            raise self._failure(error) from error
        return answer

    def pieces(self, path: str) -> Iterator[bytes]:
        """The body of the answer, piece by piece. Raises ApiError."""
        with self.open(path) as answer:
            while True:
                try:
                    piece = answer.read(PIECE)
                except FAILURES as error:
                    raise self._failure(error) from error
                if not piece:
                    return
                yield piece

    def json(self, path: str, method: str = "GET", body: object = None) -> Any:
        """The answer as data; None if it is empty. Raises ApiError."""
        with self.open(path, method, body) as answer:
            try:
                text = answer.read()
                return json.loads(text) if text else None
            except FAILURES as error:
                raise self._failure(error) from error

    def _failure(self, error: Exception) -> ApiError:
        cause = getattr(error, "reason", error)
        cause = cause if isinstance(cause, Exception) else error
        return ApiError(f"{self._address} cannot be asked: {reason(cause)}; {advice.on_api(cause)}")

    def _problem(self, error: urllib.error.HTTPError) -> ApiError:
        try:
            document = json.loads(error.read())
            text = str(document.get("detail") or document["title"])
        except (*FAILURES, LookupError, TypeError, AttributeError):
            document, text = {}, f"{self._address} answers with HTTP status {error.code}"
        if error.code in REFUSED:
            text = f"{text}; {advice.on_refusal(bool(self._token))}"
        return ApiError(text, document)


def _file_path(name: str, rest: str = "") -> str:
    resource, slash, filename = name.partition("/")
    if not (resource and slash and filename):
        raise ApiError(f"{name!r} is not RESOURCE/FILENAME")
    return f"/1.0/files/{urllib.parse.quote(resource, '')}/{urllib.parse.quote(filename, '')}{rest}"


def _size(value: float | None) -> str:
    return "-" if value is None else wording.size(value)


def _age(time: str | None) -> str:
    if time is None:
        return "never"
    return wording.age((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns; those whose head ends in `>` are aligned right."""
    lines = [[head.rstrip(">") for head in heads], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (
            cell.rjust(width) if head.endswith(">") else cell.ljust(width)
            for cell, width, head in zip(line, widths, heads, strict=True)
        )
        print(printable("  ".join(cells).rstrip()))


def list_files(api: Api, options: argparse.Namespace) -> int:
    """The table of files."""
    files = api.json("/1.0/files")
    if options.json:
        return _print_json(files)
    heads = ("FILE", "STATE", "LINES>", "SIZE>", "GENERATED>", "TOOK>", "DRIVER", "LAST ERROR")
    print_table(heads, [_file_row(file) for file in files["items"]])
    return 0


def _file_row(file: Mapping[str, Any]) -> tuple[str, ...]:
    state = "generating" if file["generating"] else "pinned" if file["pin"] else file["state"]
    return (
        file["name"],
        state,
        "-" if file["lines"] is None else f"{file['lines']:,}",
        _size(file["size"]),
        _age(file["generated_at"]),
        "-" if file["duration"] is None else f"{file['duration']:.3f} s",
        file["driver"]["name"] if file["driver"] else "-",
        file["last_error"] or "-",
    )


def show(api: Api, options: argparse.Namespace) -> int:
    """The facts and versions of a file, or its content, masked as the permissions say."""
    if options.content:
        return _copy(api.pieces(_file_path(options.file, "?cached=true")))
    facts = api.json(_file_path(options.file, "/info"))
    versions = api.json(_file_path(options.file, "/versions"))
    if options.json:
        return _print_json({**facts, "versions": versions["items"]})
    row = _file_row(facts)
    for head, cell in zip(("file", "state", "lines", "size", "generated", "took", "driver", "error"), row, strict=True):
        print(printable(f"{head + ':':11}{cell}"))
    if facts["pin"]:
        pin = facts["pin"]
        print(printable(f"pinned:    {pin['digest'][:12]} by {pin['pinned_by']}: {pin['reason']}"))
    if facts["shrunk"]:
        print(printable(f"shrunk:    {_loss(facts['shrunk'])}"))
    _print_warnings(facts["warnings"])
    print()
    print_table(
        ("VERSION", "GENERATED>", "LINES>", "SIZE>", "WARNINGS>", ""),
        [
            (
                one["digest"][:12],
                _age(one["generated_at"]),
                f"{one['lines']:,}",
                _size(one["size"]),
                f"{one['warnings']['count']:,}",
                " ".join(mark for mark in ("current", "pinned") if one[mark]),
            )
            for one in versions["items"]
        ],
    )
    return 0


def _loss(shrunk: Mapping[str, Any]) -> str:
    sizes = f"{wording.size(shrunk['size_before'])} to {wording.size(shrunk['size'])}"
    return f"from {shrunk['lines_before']:,} to {wording.counted(shrunk['lines'], 'line')} ({sizes})"


def _print_warnings(warnings: Mapping[str, Any]) -> None:
    for line in warnings["lines"]:
        print(printable(f"warning:   {line}"))
    if more := warnings["count"] - len(warnings["lines"]):
        print(f"warning:   … and {more:,} more")


def diff(api: Api, options: argparse.Namespace) -> int:
    """Unified diff between two versions: the last two, or those whose digests begin with A and B."""
    chosen = {
        name: _find_version(api, options.file, given)
        for name, given in (("from", options.older), ("to", options.newer))
        if given
    }
    query = f"?{urllib.parse.urlencode(chosen)}" if chosen else ""
    pieces = api.pieces(_file_path(options.file, f"/diff{query}"))
    if options.json:
        return _print_json({"file": options.file, **chosen, "diff": b"".join(pieces).decode("utf-8", "replace")})
    return _copy(pieces)


def status(api: Api, options: argparse.Namespace) -> int:
    """The health of the daemon, its checks, and the files that need a look.

    Exit status: 0 if everything is well, 3 if something is degraded, 1 if files cannot be answered.
    """
    try:
        told = api.json("/1.0/status")
    except ApiError as error:
        if "checks" not in error.document:
            raise
        told = error.document
    if options.json:
        _print_json(told)
    else:
        _print_health(told)
    return HEALTH[told["health"]]


def _print_health(told: Mapping[str, Any]) -> None:
    print(printable(f"health: {told['health']}"), end="\n\n")
    print_table(
        ("CHECK", "STATE", "DETAIL"),
        [(one["name"], "ok" if one["ok"] else "failed", one["detail"] or "-") for one in told["checks"]],
    )
    if files := told.get("files"):
        print()
        print_table(("FILE", "STATE", "SINCE>", "REMARKS"), [_remarks(file) for file in files])
        for file in filter(lambda file: file["warnings"]["lines"], files):
            print()
            print(printable(f"Warnings of {file['name']}:"))
            _print_some_warnings(file)
    if freshness := told.get("freshness"):
        print()
        heads = ("FILE", "LAST ANSWER", "REUSED BY", "CHANGED LAST", "TABLES")
        print_table(heads, [_freshness(file["name"], file["freshness"]) for file in freshness])


def _print_some_warnings(file: Mapping[str, Any]) -> None:
    shown = file["warnings"]["lines"][:MOST_WARNINGS]
    for line in shown:
        print(printable(f"  {line}"))
    if more := file["warnings"]["count"] - len(shown):
        print(printable(f"  … and {more:,} more: confgen show {file['name']}"))


def _remarks(file: Mapping[str, Any]) -> tuple[str, ...]:
    """What there is to say of a file of the status."""
    said = [
        file["reason"] or "",
        f"pinned {_age(file['pinned_at'])}" if file["pinned"] else "",
        f"shrank {_loss(file['shrunk'])}" if file["shrunk"] else "",
        wording.counted(file["warnings"]["count"], "warning") if file["warnings"]["count"] else "",
    ]
    return file["name"], file["state"], _age(file["since"]) if file["since"] else "-", "; ".join(filter(None, said))


def _freshness(name: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """What of the status tells how a file is kept fresh."""
    reason = f" ({told['reason']})" if told["reason"] else ""
    changed = f"{told['changed']}, {_age(told['changed_at'])}" if told["changed"] else "-"
    return (name, told["why"] or "-", f"{told['mode'] or '-'}{reason}", changed, ", ".join(told["tables"]) or "-")


def pin(api: Api, options: argparse.Namespace) -> int:
    """Serve one version until it is unpinned: the current one, or the one whose digest begins with VERSION."""
    digest = _find_version(api, options.file, options.version)
    told = api.json(_file_path(options.file, "/pin"), "PUT", {"digest": digest, "reason": options.reason})
    if options.json:
        return _print_json(told)
    print(f"{options.file} is pinned to {told['digest'][:12]}")
    return 0


def unpin(api: Api, options: argparse.Namespace) -> int:
    """Serve what the database says again."""
    api.json(_file_path(options.file, "/pin"), "DELETE")
    if options.json:
        return _print_json({"file": options.file, "pin": None})
    print(f"{options.file} is not pinned")
    return 0


def _find_version(api: Api, name: str, given: str | None) -> str:
    versions = api.json(_file_path(name, "/versions"))["items"]
    if given is None:
        found = [one["digest"] for one in versions if one["current"]]
    else:
        found = [one["digest"] for one in versions if one["digest"].startswith(given.lower())]
    if len(found) != 1:
        count = f"{len(found)} kept versions" if found else "no kept version"
        what = "is current" if given is None else f"{'begin' if found else 'begins'} with {given}"
        raise ApiError(f"{name}: {count} {what}; confgen show {name} lists them")
    return str(found[0])


def _print_json(data: object) -> int:
    print(json.dumps(data, indent=2, ensure_ascii=False))
    return 0


def _copy(pieces: Iterator[bytes]) -> int:
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    return 0


COMMANDS: dict[str, Callable[[Api, argparse.Namespace], int]] = {
    "list": list_files,
    "show": show,
    "diff": diff,
    "status": status,
    "pin": pin,
    "unpin": unpin,
}


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status. Raises ConfgenError, and OSError if printing fails."""
    try:
        options = parse_command(arguments)
    except SystemExit:
        # help was asked for, and printed
        return 0
    if sys.stdout is None:
        raise ApiError("standard output is closed")
    api = Api(options.api, os.environ.get("XIVO_CONFGEND_TOKEN", "").strip())
    try:
        return COMMANDS[options.command](api, options)
    except (LookupError, TypeError, AttributeError) as error:
        raise ApiError(
            f"the answer of {options.api} is not that of this version: {type(error).__name__} {error}"
        ) from error
