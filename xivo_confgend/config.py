"""The merged configuration: where each value came from, and what the core makes of it.

Sources, highest priority first: command line, environment, the files of the extra directory in
ascending order of their names (the first name wins), the main file, built-in defaults
(docs/spec/30-daemon.md section 5). Whatever the core does not know passes through to the drivers.
A mistake is an error that names file and line or key: a daemon that starts with half of its
configuration would serve half of its files.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from xivo_confgend import endpoints, rest_api
from xivo_confgend.client.wording import near
from xivo_confgend.exceptions import ConfigurationError, one_line
from xivo_confgend.machine import machine_memory
from xivo_confgend.yaml_files import name_of, read_file

DEFAULT_CONFIG_FILE = "/etc/xivo-confgend/config.yml"
ENVIRONMENT = {"XIVO_CONFGEND_DB_URI": "db_uri"}
LONGEST_STATEMENT = 2_000_000.0
"""Seconds; PostgreSQL counts milliseconds in 31 bits."""
LEAST_MEMORY = 128 << 20
"""Bytes; with less, a worker process does not start."""
LEAST_DEFAULT_MEMORY = 2 * LEAST_MEMORY
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
MASK = "********"
SECRET_KEY = re.compile(r"passw|secret|token|sha256|credential|private_key", re.IGNORECASE)
URI_PASSWORD = re.compile(r"(\w+://[^:/@\s]*):(?:[^?\s]*|[^@\s]*)@|(?<=[?&])(\w*passw\w*)=[^&\s]*", re.IGNORECASE)
"""As SQLAlchemy reads it: a password may hold a slash or an @, and may come among the parameters."""
DATABASE_URL = re.compile(r"postgres(ql)?(\+\w+)?://([^:/]*(:[^@]*)?@)?(\[[^]]*\]|[^:/?@]*)(:\d+)?(/|\?|$)")
DEFAULTS = "default"
OTHER_KEYS = frozenset({"config_file", "extra_config_files", "templates"})
"""Keys at the top that mean something without being settings."""
RESEMBLING = 0.8
"""How much a key has to resemble one of ours to be taken for a slip: drivers have keys of their own."""


@dataclass(frozen=True)
class Kind:
    """What a value may be: `expected` says it in words, `accepts` decides."""

    expected: str
    types: tuple[type, ...]
    least: float = float("-inf")
    most: float = float("inf")
    or_zero: bool = False

    def accepts(self, value: object) -> bool:
        """Whether `value` is of this kind; a boolean is never a number."""
        if isinstance(value, bool):
            return bool in self.types
        if not isinstance(value, self.types):
            return False
        if self.or_zero and value == 0:
            return True
        return not isinstance(value, (int, float)) or (self.least <= value <= self.most and value != float("inf"))


TEXT = Kind("text", (str,))
OPTIONAL_TEXT = Kind("text or null", (str, type(None)))
BOOLEAN = Kind("true or false", (bool,))
PORT = Kind("a port number", (int,), 0)
COUNT = Kind("a whole number of at least 1", (int,), 1)
SECONDS = Kind("a number of seconds", (int, float), 0)
TIME_LIMIT = Kind("a number of seconds of at least 0.1", (int, float), 0.1)
PERCENTAGE = Kind("a percentage from 0 to 100", (int, float), 0, 100)
TEXTS = Kind("a list of texts", (list,))
OPTIONAL_TEXTS = Kind("a list of texts or null", (list, type(None)))
MAPPING = Kind("a mapping", (dict, type(None)))
MEMORY = Kind(f"at least {LEAST_MEMORY} bytes, 0, or null", (int, type(None)), LEAST_MEMORY, or_zero=True)


def key(kind: Kind, default: Any, meaning: str) -> Any:
    """One key of the core: its kind, its default and its line in the reference."""
    made = (
        {"default_factory": lambda: copy.deepcopy(default)}
        if isinstance(default, (dict, list))
        else {"default": default}
    )
    return field(**made, metadata={"kind": kind, "meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """The keys of the core, checked. The reference of the documentation is made from this class."""

    debug: bool = key(BOOLEAN, False, "log at level debug, whatever `log_level` says")
    log_level: str = key(TEXT, "info", "critical, error, warning, info or debug")
    log_filename: str | None = key(OPTIONAL_TEXT, None, "file to append the log to; null: standard error")
    cache: str = key(TEXT, "/var/cache/xivo-confgend", "directory of the last good contents")
    listen_address: str = key(TEXT, "127.0.0.1", "address of the TCP port; `*` means all, IPv6 too")
    listen_port: int = key(PORT, 8669, "TCP port; 0: any free one")
    listen: list[str] | None = key(
        OPTIONAL_TEXTS, None, "Twisted endpoint strings that take the place of `listen_address` and `listen_port`"
    )
    allowed_users: list[str] | None = key(
        OPTIONAL_TEXTS,
        ["root", "asterisk", "wazo-provd", "wazo-phoned"],
        "accounts of this machine that may ask, beside the daemon's own; null: every account",
    )
    db_uri: str = key(
        TEXT,
        "postgresql://asterisk:proformatique@localhost/asterisk?application_name=xivo-confgend",
        "SQLAlchemy URL of the database; better in the environment variable XIVO_CONFGEND_DB_URI",
    )
    plugins: dict[str, Any] | None = key(
        MAPPING, {}, "which driver serves a file: `asterisk.pjsip.conf: wazo`; null instead of a name: none"
    )
    workers: int = key(COUNT, 2, "worker processes; with two or more, one is kept for short generations")
    worker_jobs: int = key(COUNT, 500, "generations after which a worker process is replaced")
    worker_memory: int | None = key(
        MEMORY,
        None,
        "bytes of memory (address space) of a worker process; 0: no limit; null: half of the machine's memory divided"
        " by the number of workers, but at least 256 MiB",
    )
    generation_timeout: float = key(TIME_LIMIT, 60, "seconds after which a generation is killed")
    short_generation: float = key(SECONDS, 0.05, "seconds up to which a generation counts as short")
    quiet_time: float = key(SECONDS, 0.02, "seconds of silence that end a request without a newline")
    request_timeout: float = key(TIME_LIMIT, 10, "seconds in which a request has to arrive")
    answer_timeout: float = key(TIME_LIMIT, 300, "seconds in which a client has to read its answer")
    max_connections: int = key(COUNT, 1000, "connections at a time; more wait in the system's queue")
    check_at_start: bool = key(
        BOOLEAN, True, "log at start and after a reload what `--check --database` finds; files are served meanwhile"
    )
    shrink_warning: float = key(
        PERCENTAGE, 30, "percentage of lines whose loss at once is warned of, if at least 10 lines are gone; 0: none is"
    )
    stop_timeout: float = key(SECONDS, 30, "seconds that running answers get when the daemon stops")
    rest_api: dict[str, Any] | None = key(MAPPING, rest_api.DEFAULTS, "the HTTP API and console; null: none")
    enabled_plugins: dict[str, Any] | None = key(
        MAPPING, {}, "HTTP plugins by name, true or false; one that is not named is on; null: none of them"
    )

    @property
    def statement_timeout(self) -> float:
        """Seconds a database statement may take: just under `generation_timeout`, no more than PostgreSQL can count."""
        return min(max(self.generation_timeout * 0.95, self.generation_timeout - 2), LONGEST_STATEMENT)

    @property
    def memory_of_worker(self) -> int:
        """The bytes of memory that a worker process may have; 0 for no limit."""
        if self.worker_memory is not None:
            return self.worker_memory
        return max(LEAST_DEFAULT_MEMORY, machine_memory() // 2 // self.workers)

    @property
    def endpoints(self) -> list[str]:
        """The endpoint strings to listen on: see `listening`."""
        if self.listen is not None:
            return self.listen
        return [endpoints.tcp(self.listen_address, self.listen_port)]

    @property
    def logging_level(self) -> int:
        """The level of `logging`."""
        level: int = logging.DEBUG if self.debug else getattr(logging, self.log_level.upper())
        return level


KINDS: dict[str, Kind] = {f.name: f.metadata["kind"] for f in dataclasses.fields(Settings)}


@dataclass(frozen=True)
class Configuration:
    """The merged mapping, the core's `settings` made from it, and where each value came from.

    `origins`: dotted key → file name, `environment`, `command line` or `default`. `warnings`: lines for the operator;
    `errors`: those that keep no daemon from starting, but which `--check` and a reload refuse.
    """

    mapping: dict[str, Any]
    settings: Settings
    origins: dict[str, str]
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    def masked(self) -> dict[str, Any]:
        """The merged mapping with every secret replaced by asterisks."""
        masked: dict[str, Any] = mask(self.mapping)
        return masked

    def lines(self) -> Iterator[str]:
        """For each leaf `key: value  # origin`, secrets masked, sorted by key."""
        for parts, value, origin in self.values():
            written = yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()
            yield f"{SEPARATOR.join(parts)}: {written}  # {origin}"

    def values(self) -> Iterator[tuple[tuple[str, ...], Any, str]]:
        """For each leaf its keys from the top, its value and its origin, secrets masked, sorted by key."""
        for parts, value in sorted(_leaves(self.masked()), key=lambda leaf: leaf[0]):
            yield parts, value, self.origins[SEPARATOR.join(parts)]


SEPARATOR = " > "
"""Between the keys of a path: keys themselves hold dots."""


def mask(value: Any, name: str = "") -> Any:
    """`value` with secrets replaced: those under a telling key, and passwords inside URIs.

    A telling key tells of the whole mapping under it; of mappings in a list, such as tokens, their own keys tell.
    """
    if isinstance(value, dict):
        return {k: mask(v, f"{name} {k}") for k, v in value.items()}
    if isinstance(value, list):
        return [mask(v, "" if isinstance(v, dict) else name) for v in value]
    if value not in (None, "") and SECRET_KEY.search(name):
        return MASK
    return URI_PASSWORD.sub(_mask_match, value) if isinstance(value, str) else value


def _mask_match(match: re.Match[str]) -> str:
    before, parameter = match.groups()
    return f"{before}:{MASK}@" if parameter is None else f"{parameter}={MASK}"


def merge(high: Mapping[str, Any], low: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge: mappings are merged key by key, anything else of `high` stands, null included."""
    merged = dict(low)
    for name, value in high.items():
        below = low.get(name)
        merged[name] = merge(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _leaves(mapping: Mapping[Any, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value that is no mapping with its keys from the top, as text: in YAML a key may be a number."""
    for name, value in mapping.items():
        parts = (*above, str(name))
        if isinstance(value, dict) and value:
            yield from _leaves(value, parts)
        else:
            yield parts, value


def _paths(mapping: Mapping[str, Any]) -> set[str]:
    return {SEPARATOR.join(parts) for parts, _ in _leaves(mapping)}


def _extra_files(directory: Path, warnings: list[str]) -> list[Path]:
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except FileNotFoundError:
        warnings.append(f"{directory}: no such directory, no extra configuration files are read")
        return []
    except OSError as error:
        raise ConfigurationError(f"{directory}: cannot be read: {error.strerror}") from error
    files = []
    for name in names:
        if not name.endswith(".yml") or name.startswith("."):
            continue
        if (directory / name).is_dir():
            warnings.append(f"{directory / name}: is a directory, skipped")
        else:
            files.append(directory / name)
    return files


def load(
    config_file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Read, merge and check everything.

    `config_file`: path of the main file (default `DEFAULT_CONFIG_FILE`); `overrides`: keys given on
    the command line; `environment`: instead of that of the process. The extra directory is `extra_config_files` of
    the main file, else `conf.d` beside the main file. Raises ConfigurationError.
    """
    main_file = Path(config_file or DEFAULT_CONFIG_FILE)
    warnings: list[str] = []
    read = {str(main_file): read_file(main_file)}
    main = read[str(main_file)].mapping
    directory = main.get("extra_config_files", str(main_file.parent / "conf.d"))
    if not isinstance(directory, str):
        raise ConfigurationError(f"{main_file}: key extra_config_files: expected text, found {name_of(directory)}")
    extra = {str(path): read_file(path) for path in _extra_files(Path(directory), warnings)}
    environment = os.environ if environment is None else environment
    sources: list[tuple[str, Mapping[str, Any]]] = [
        ("command line", overrides or {}),
        ("environment", {name: environment[v] for v, name in ENVIRONMENT.items() if v in environment}),
        *((path, file.mapping) for path, file in extra.items()),
        (str(main_file), main),
        (DEFAULTS, dataclasses.asdict(Settings())),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, mapping in reversed(sources):
        merged = merge(mapping, merged)
        origins |= dict.fromkeys(_paths(mapping), name)
    leaves = _paths(merged)
    origins = {path: origin for path, origin in origins.items() if path in leaves}
    for path, file in (extra | read).items():
        warnings += _misspelt(path, file.mapping)
    errors = tuple(line for file in (extra | read).values() for line in file.duplicates)
    return Configuration(merged, _settings(merged, sources), origins, tuple(warnings), errors)


def _misspelt(path: str, mapping: Mapping[str, Any]) -> Iterator[str]:
    """A line for each key that is none of the core's and resembles one: it may be a driver's own, or a slip."""
    for name in mapping:
        meant = "" if name in KINDS or name in OTHER_KEYS else near(str(name), KINDS, RESEMBLING)
        if meant:
            yield f"{path}: key {one_line(str(name))} is not one of the daemon's: did you mean {meant}?"


def _origin(name: str, sources: list[tuple[str, Mapping[str, Any]]]) -> str:
    return next(source for source, mapping in sources if name in mapping)


def _settings(merged: Mapping[str, Any], sources: list[tuple[str, Mapping[str, Any]]]) -> Settings:
    for name, kind in KINDS.items():
        value = merged[name]
        where = f"{_origin(name, sources)}: key {name}"
        if not kind.accepts(value):
            raise ConfigurationError(f"{where}: expected {kind.expected}, found {name_of(value)}")
        if isinstance(value, list) and not all(isinstance(element, str) for element in value):
            raise ConfigurationError(f"{where}: expected {kind.expected}, found an element that is not text")
    if merged["listen"] == []:
        raise ConfigurationError(f"{_origin('listen', sources)}: key listen: expected at least one endpoint, or null")
    _check_endpoints(merged, sources)
    if merged["log_level"].lower() not in LOG_LEVELS:
        expected = ", ".join(LOG_LEVELS)
        raise ConfigurationError(f"{_origin('log_level', sources)}: key log_level: expected one of {expected}")
    if not DATABASE_URL.match(merged["db_uri"]):
        # The value may hold a password, so it is not shown.
        raise ConfigurationError(
            f"{_origin('db_uri', sources)}: key db_uri: expected postgresql://USER@HOST:PORT/DATABASE"
        )
    if merged["listen_port"] > 65535:
        raise ConfigurationError(f"{_origin('listen_port', sources)}: key listen_port: expected at most 65535")
    for file, driver in (merged["plugins"] or {}).items():
        if not isinstance(driver, (str, type(None))):
            source = _origin_of("plugins", file, sources)
            raise ConfigurationError(
                f"{source}: key plugins, {file}: expected a driver's name or null, found {name_of(driver)}"
            )
    for name, switch in (merged["enabled_plugins"] or {}).items():
        if not isinstance(switch, bool):
            where = _origin_of("enabled_plugins", name, sources)
            raise ConfigurationError(f"{where}: key enabled_plugins, {name}: expected true or false")
    try:
        rest_api.read_rest_api(merged["rest_api"])
    except rest_api.RestApiError as error:
        raise ConfigurationError(f"{_origin_of('rest_api', error.key, sources)}: key {error}") from error
    # Two spellings of one directory are one store.
    return Settings(**{name: merged[name] for name in KINDS} | {"cache": os.path.realpath(merged["cache"])})


def _check_endpoints(merged: Mapping[str, Any], sources: list[tuple[str, Mapping[str, Any]]]) -> None:
    """Raises ConfigurationError for what cannot be listened on, as far as the text tells."""
    found = [("listen_address", endpoints.address_problem(merged["listen_address"]))]
    found += [("listen", endpoints.problem(text)) for text in merged["listen"] or ()]
    for name, problem in found:
        if problem:
            raise ConfigurationError(f"{_origin(name, sources)}: key {name}: {problem}")


def _origin_of(name: str, part: str, sources: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Where the key `part` of the mapping `name` comes from."""
    inside = (source for source, m in sources if isinstance(m.get(name), dict) and part in m[name])
    return next(inside, None) or _origin(name, sources)
