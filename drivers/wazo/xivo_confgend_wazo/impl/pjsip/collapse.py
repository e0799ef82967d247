"""What is left of a long list of options: the collapse of docs/spec/10-pjsip.conf.md section 6.

The list of an endpoint repeats those of all its ancestors, so it is long, and nearly the same for thousands of
endpoints. Building it for each of them is what makes this file slow. But the collapse keeps of a key only the place
where it was first and the value that was last, and of a repeatable pair only its first place. So it does not matter
whether a stretch of the list was collapsed before: collapse(A + B + C) == collapse(A + collapse(B) + C). Ancestors
are therefore collapsed once, finished lines and all, and put before what comes later by `{**inherited, **own}`, which
is exactly the collapse, because a dictionary keeps the first place of a key and the last value too.

Not for transports and stored files, which repeat keys as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter

from xivo_confgend.plugin_helpers.asterisk import SPECIAL_START, SafeText, is_plain, key_as_read

TYPES = {
    "aor": "aor",
    "auth": "auth",
    "outbound_auth": "auth",
    "registration_outbound_auth": "auth",
    "identify": "identify",
    "registration": "registration",
}
"""What Asterisk calls each section but `endpoint`; it is part of a section that is not empty."""
SECTIONS = (*TYPES, "endpoint")
REPEATABLE = frozenset({"set_var", "match"})
"""Keys of which every distinct value is written."""
REMEMBERED = frozenset({"aors", "auth"})
"""Keys whose value is needed again, untrimmed: for names of sections."""
CALLERID = "callerid"
"""The same, for the original caller id; nearly every phone has one."""
CALLERID_IS = f"{CALLERID} = "
SEPARATOR = "\x1e"
"""What is between the keys of a stored section, and between its lines."""
Stored = tuple[str, str, str, str]
"""A stored section: endpoint, section, keys, and a line KEY = VALUE for each; of equal keys the last counts.

Keys are as they are stored, values as they are written.
"""
STORED_IN = "endpoint_sip_section_option of endpoint"
"""Table of the options, for warnings that name the endpoint."""

NO_LINES: Mapping[str, str] = {}


class Fragment:
    """The collapsed form of a list of options. Shared between endpoints, so never changed.

    `keys`, `lines`: of those that are written once, finished lines; in sections of `TYPES` not empty where there is
    any option, because then there is a `type`. `repeated`: finished line by untrimmed line, for repeatable keys.
    `values`: value by key, for remembered keys only. `callerid`: the value of that key, None where it is not stored.
    """

    __slots__ = ("_single", "callerid", "keys", "lines", "repeated", "values")

    def __init__(
        self,
        keys: tuple[str, ...],
        lines: Sequence[str],
        repeated: Mapping[str, str],
        values: Mapping[str, str],
        callerid: str | None,
    ) -> None:
        self.keys = keys
        self.lines = lines
        self.repeated = repeated
        self.values = values
        self.callerid = callerid
        self._single: dict[str, str] | None = None

    @classmethod
    def of(
        cls,
        single: Mapping[str, str],
        repeated: Mapping[str, str] = NO_LINES,
        values: Mapping[str, str] = NO_LINES,
        callerid: str | None = None,
    ) -> Fragment:
        """A fragment of the lines `single` by key."""
        return cls(tuple(single), list(single.values()), repeated, values, callerid)

    def __add__(self, later: Fragment) -> Fragment:
        """The collapse of both lists, one behind the other."""
        return Fragment.of(
            {**self.single, **later.single},
            {**self.repeated, **later.repeated},
            {**self.values, **later.values},
            self.callerid if later.callerid is None else later.callerid,
        )

    @property
    def single(self) -> dict[str, str]:
        """The lines that are written once, by key."""
        if self._single is None:
            self._single = dict(zip(self.keys, self.lines, strict=True))
        return self._single

    def all_lines(self) -> Iterable[str]:
        """The lines of the section, without line ends."""
        return chain(self.lines, self.repeated.values())


NOTHING = Fragment.of({})


class _Pattern:
    """A section with certain keys. Thousands of endpoints have the same, so what follows from keys is found once.

    `names`: the keys as they are stored. `keys`: with the type. `end`: the line of the type. `plain`: every key is
    there once and written as it is. `remembered`: place, key and length of the key in its line. `callerid`: the place
    of that key.
    """

    __slots__ = ("callerid", "end", "keys", "names", "plain", "remembered")

    def __init__(self, section: str, keys: str) -> None:
        self.names = tuple(keys.split(SEPARATOR))
        self.end = [f"type = {TYPES[section]}"] if section in TYPES else []
        self.keys = (*self.names, "type") if self.end else self.names
        self.plain = len({*self.keys}) == len(self.keys) and all(map(_is_plain_key, self.names))
        self.remembered = [(at, name, len(f"{name} = ")) for at, name in enumerate(self.names) if name in REMEMBERED]
        self.callerid = self.names.index(CALLERID) if CALLERID in self.names else None


def _is_plain_key(key: str) -> bool:
    """Whether `key` is one of those that are written once, and as they are."""
    return (
        is_plain(key)
        and "=" not in key
        and key.strip() != ""
        and not key.lstrip().startswith(SPECIAL_START)
        and key not in REPEATABLE
        and (key == "type" or key_as_read(key) != "type")
    )


def _written_key(key: str, endpoint: str, safe: SafeText) -> str | None:
    """`key` as it is written, None if the option is left out.

    The type of an object is the first thing that Asterisk reads as `type`, so only the computed line may be that.
    """
    written = safe.key(key, STORED_IN, endpoint, "key")
    if written is not None and key != "type" and key_as_read(written) == "type":
        safe.left_out(STORED_IN, endpoint, "key", "is read as `type`, which is computed", what="an option of ")
        return None
    return written


def _collapse(endpoint: str, pattern: _Pattern, lines: Sequence[str], safe: SafeText) -> Fragment:
    """What is not plain, line by line."""
    single: dict[str, str] = {}
    repeated: dict[str, str] = {}
    values: dict[str, str] = {}
    callerid = None
    for name, line in zip(pattern.names, lines, strict=True):
        if name in REPEATABLE:
            repeated[line] = line.strip()
            continue
        key = _written_key(name, endpoint, safe)
        if key is None:
            continue
        value = line[len(f"{name} = ") :]
        single[name] = f"{key} = {value}".strip()
        if name in REMEMBERED:
            values[name] = value
        elif name == CALLERID:
            callerid = value
    if pattern.end:
        (single["type"],) = pattern.end
    return Fragment.of(single, repeated, values, callerid)


def collapse_stored(rows: Sequence[Stored], safe: SafeText) -> Mapping[str, dict[str, Fragment]]:
    """What is stored, by section and endpoint; sections that nobody has are empty. Those in `TYPES` get their type.

    `rows` have each endpoint and section once. There are tens of thousands:
    texts are taken apart and trimmed all at once, and no function of ours is called for a section that is plain.
    """
    stored: defaultdict[str, dict[str, Fragment]] = defaultdict(dict)
    known: dict[tuple[str, str], _Pattern] = {}
    lines = SEPARATOR.join(map(itemgetter(3), rows)).split(SEPARATOR)
    finished = list(map(str.strip, lines))
    begin = 0
    for endpoint, section, keys, _ in rows:
        pattern = known.get((section, keys))
        if pattern is None:
            pattern = known[section, keys] = _Pattern(section, keys)
        end = begin + len(pattern.names)
        if pattern.plain:
            values = NO_LINES
            if pattern.remembered:
                values = {name: lines[begin + at][length:] for at, name, length in pattern.remembered}
            callerid = None
            if pattern.callerid is not None:
                callerid = lines[begin + pattern.callerid][len(CALLERID_IS) :]
            fragment = Fragment(pattern.keys, finished[begin:end] + pattern.end, NO_LINES, values, callerid)
        else:
            fragment = _collapse(endpoint, pattern, lines[begin:end], safe)
        stored[section][endpoint] = fragment
        begin = end
    return stored
