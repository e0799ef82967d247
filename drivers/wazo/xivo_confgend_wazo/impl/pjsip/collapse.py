"""What is left of a long list of options: the collapse of docs/spec/10-pjsip.conf.md section 6.

The list of an endpoint repeats those of all its ancestors, so it is long, and nearly the same for thousands of
endpoints. Building it for each of them is what makes this file slow. But the collapse keeps of a key only the place
where it was first and the value that was last, and of a repeatable pair only its first place. So it does not matter
whether a stretch of the list was collapsed before: collapse(A + B + C) == collapse(A + collapse(B) + C). Ancestors
are therefore collapsed once, finished lines and all, and what is done per endpoint is to put one small dictionary
behind another: `{**inherited, **own}` is exactly the collapse, because a dictionary keeps the first place of a
key and the last value too.

Not for transports and stored files, which repeat keys as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from xivo_confgend.plugin_helpers.asterisk import NO_OPTION, SafeText

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
REMEMBERED = frozenset({"callerid", "aors", "auth"})
"""Keys whose value is needed again, untrimmed: for the original caller id and for names of sections."""


class Fragment:
    """The collapsed form of a list of options. Shared between endpoints, so never changed once it is in use.

    `single`: finished line by key; not empty where there is any option, because then there is a `type`.
    `repeated`: finished line by untrimmed line, for repeatable keys.
    `values`: value by key, for remembered keys only.
    """

    __slots__ = ("repeated", "single", "values")

    def __init__(self, single: dict[str, str], repeated: dict[str, str], values: dict[str, str]) -> None:
        self.single = single
        self.repeated = repeated
        self.values = values

    def __add__(self, later: Fragment) -> Fragment:
        """The collapse of both lists, one behind the other."""
        return Fragment(
            {**self.single, **later.single}, {**self.repeated, **later.repeated}, {**self.values, **later.values}
        )

    def lines(self) -> Iterable[str]:
        """The lines of the section, without line ends."""
        return chain(self.single.values(), self.repeated.values())


NOTHING = Fragment({}, {}, {})


def collapse_stored(rows: Iterable[tuple[str, str, str, str]], safe: SafeText) -> Mapping[str, dict[str, Fragment]]:
    """What is stored, by section and endpoint; sections that nobody has are empty. Those in `TYPES` get their type.

    `rows`: endpoint, section, key and value, without control characters; later ones win. Tens of thousands of
    them: no function of ours is called for one.
    """
    stored: defaultdict[str, dict[str, Fragment]] = defaultdict(dict)
    for endpoint, section, key, value in rows:
        fragments = stored[section]
        fragment = fragments.get(endpoint)
        if fragment is None:
            fragment = fragments[endpoint] = Fragment({}, {}, {})
        line = f"{key} = {value}"
        finished = line.strip()
        if key in REPEATABLE:
            fragment.repeated[line] = finished
            continue
        if finished[0] in NO_OPTION:
            finished = safe.named_line(finished, "endpoint_sip_section_option of endpoint", endpoint, "key")
        fragment.single[key] = finished
        if key in REMEMBERED:
            fragment.values[key] = value
    for section, kind in TYPES.items():
        for fragment in stored[section].values():
            fragment.single["type"] = f"type = {kind}"
    return stored
