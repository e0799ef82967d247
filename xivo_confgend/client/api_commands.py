"""`confgen list|show|diff|status|pin|unpin`: what the HTTP API tells, for people at a terminal and for scripts.

Reached from the `confgen` command when its first word is one of these; fetching a file never loads it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

DEFAULT_API = "http://127.0.0.1:8670"
TIMEOUT = 120
PIECE = 1 << 20
UNITS = ("B", "kB", "MB", "GB")


class ApiError(Exception):
    """The API did not do what was asked; the text is one line, `document` the problem document if there was one."""

    def __init__(self, text: str, document: Mapping[str, Any] | None = None) -> None:
        super().__init__(" ".join(text.split()))
        self.document = document or {}


class Api:
    """The HTTP API at `address`, asked with `token` if there is one."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address.rstrip("/")
        self._token = token

    def open(self, path: str, method: str = "GET", body: object = None) -> BinaryIO:
        """The body of the answer, to be read and closed. Raises ApiError."""
        if not self._address.startswith(("http://", "https://")):
            raise ApiError(f"{self._address}: expected an address that begins with http:// or https://")
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Auth-Token": self._token} if self._token else {}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self._address + path, data, headers, method=method)  # noqa: S310 - checked
        try:
            answer: BinaryIO = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - checked
        except urllib.error.HTTPError as error:
            raise _problem(error) from error
        except (OSError, ValueError) as error:
            raise ApiError(f"{self._address} cannot be asked: {getattr(error, 'reason', error)}") from error
        return answer

    def json(self, path: str, method: str = "GET", body: object = None) -> Any:
        """The answer as data; None if it is empty. Raises ApiError."""
        with self.open(path, method, body) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def _problem(error: urllib.error.HTTPError) -> ApiError:
    try:
        document = json.loads(error.read())
        return ApiError(str(document.get("detail") or document["title"]), document)
    except (ValueError, KeyError, AttributeError):
        return ApiError(f"HTTP {error.code}")


def _file_path(name: str, rest: str = "") -> str:
    resource, slash, filename = name.partition("/")
    if not (resource and slash and filename):
        raise ApiError(f"{name!r} is not RESOURCE/FILENAME")
    return f"/1.0/files/{urllib.parse.quote(resource, '')}/{urllib.parse.quote(filename, '')}{rest}"


def _size(value: float | None) -> str:
    if value is None:
        return "-"
    unit = 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{value:.0f} B"


def _age(time: str | None) -> str:
    if time is None:
        return "never"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {name} ago"
    return f"{max(0, seconds):.0f} s ago"


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns; those whose head ends in `>` are aligned right."""
    lines = [[head.rstrip(">") for head in heads], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (
            cell.rjust(width) if head.endswith(">") else cell.ljust(width)
            for cell, width, head in zip(line, widths, heads, strict=True)
        )
        print("  ".join(cells).rstrip())


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
        return _copy(api.open(_file_path(options.file, "?cached=true")))
    facts = api.json(_file_path(options.file, "/info"))
    versions = api.json(_file_path(options.file, "/versions"))
    if options.json:
        return _print_json({**facts, "versions": versions["items"]})
    row = _file_row(facts)
    for head, cell in zip(("file", "state", "lines", "size", "generated", "took", "driver", "error"), row, strict=True):
        print(f"{head + ':':11}{cell}")
    if facts["pin"]:
        print(f"pinned:    {facts['pin']['digest'][:12]} by {facts['pin']['pinned_by']}: {facts['pin']['reason']}")
    print()
    print_table(
        ("VERSION", "GENERATED>", "LINES>", "SIZE>", ""),
        [
            (
                one["digest"][:12],
                _age(one["generated_at"]),
                f"{one['lines']:,}",
                _size(one["size"]),
                " ".join(mark for mark in ("current", "pinned") if one[mark]),
            )
            for one in versions["items"]
        ],
    )
    return 0


def diff(api: Api, options: argparse.Namespace) -> int:
    """Unified diff between two versions: the last two, or those whose digests begin with A and B."""
    chosen = {
        name: _find_version(api, options.file, given)
        for name, given in (("from", options.older), ("to", options.newer))
        if given
    }
    query = f"?{urllib.parse.urlencode(chosen)}" if chosen else ""
    answer = api.open(_file_path(options.file, f"/diff{query}"))
    if options.json:
        with answer:
            return _print_json({"file": options.file, **chosen, "diff": answer.read().decode("utf-8")})
    return _copy(answer)


def status(api: Api, options: argparse.Namespace) -> int:
    """The checks of the daemon; 1 if something is wrong."""
    try:
        told = api.json("/1.0/status")
    except ApiError as error:
        if "checks" not in error.document:
            raise
        told = error.document
    if options.json:
        _print_json(told)
    else:
        print_table(
            ("CHECK", "STATE", "DETAIL"),
            [(one["name"], "ok" if one["ok"] else "failed", one["detail"] or "-") for one in told["checks"]],
        )
    return 0 if told["health"] == "ok" else 1


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
        problem = "no kept version" if not found else f"{len(found)} kept versions"
        raise ApiError(f"{name}: {problem} {'is current' if given is None else f'begin with {given}'}")
    return str(found[0])


def _print_json(data: object) -> int:
    print(json.dumps(data, indent=2, ensure_ascii=False))
    return 0


def _copy(answer: BinaryIO) -> int:
    sys.stdout.flush()
    with answer:
        shutil.copyfileobj(answer, sys.stdout.buffer, PIECE)
    sys.stdout.buffer.flush()
    return 0


COMMANDS: dict[str, Callable[[Api, argparse.Namespace], int]] = {
    "list": list_files,
    "show": show,
    "diff": diff,
    "status": status,
    "pin": pin,
    "unpin": unpin,
}


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print data instead of text")
    address = os.environ.get("XIVO_CONFGEND_API", DEFAULT_API)
    common.add_argument("--api", default=address, help="address of the HTTP API, also XIVO_CONFGEND_API (%(default)s)")
    made = argparse.ArgumentParser(
        prog="confgen",
        description=__doc__,
        epilog="A token is taken from the environment variable XIVO_CONFGEND_TOKEN.",
    )
    commands = made.add_subparsers(dest="command", required=True)
    made_commands = {
        name: commands.add_parser(name, parents=[common], help=(run.__doc__ or "").strip(), description=run.__doc__)
        for name, run in COMMANDS.items()
    }
    for name in ("show", "diff", "pin", "unpin"):
        made_commands[name].add_argument("file", metavar="FILE", help="RESOURCE/FILENAME")
    made_commands["show"].add_argument("--content", action="store_true", help="print the stored content instead")
    made_commands["diff"].add_argument("older", metavar="A", nargs="?", help="beginning of the older version's digest")
    made_commands["diff"].add_argument("newer", metavar="B", nargs="?", help="beginning of the newer version's digest")
    made_commands["pin"].add_argument("version", metavar="VERSION", nargs="?", help="beginning of a version's digest")
    made_commands["pin"].add_argument("--reason", default="", help="for the colleagues")
    return made


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status: 0, 1 on failure, 2 for wrong usage."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as wrong:
        return int(wrong.code or 0)
    api = Api(options.api, os.environ.get("XIVO_CONFGEND_TOKEN", ""))
    try:
        return COMMANDS[options.command](api, options)
    except ApiError as error:
        print(f"confgen: {error}", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
