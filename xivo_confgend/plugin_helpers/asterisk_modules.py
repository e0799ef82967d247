"""What makes a module of Asterisk refuse more than one line, once the grammar of its file is right.

Takes what `asterisk_reader` has read. For examining a driver before it is shipped, and for a driver that
writes what administrators keep in the database: it warns of these rows and writes them all the same. The rules
are those of Asterisk 22; docs/spec/43-asterisk-fetching.md, "What one bad object does", has the measurements.

This module imports nothing outside of the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Pairs = Sequence[tuple[str, str]]
"""Keys and values of a section, in their order."""
Resolved = Sequence[tuple[str, Pairs]]
"""Sections with their options, as `AsteriskFile.resolved()` gives them."""
Accepts = Callable[[str], bool]
Refused = tuple[str, str, str]
"""Key, value and what is wrong with them."""

ALL_OF_TYPE = "Asterisk loads no object of this type, or keeps the old ones at a reload"
MODULE = "Asterisk does not load the module"
DEFAULTS = "Asterisk ignores the whole file and uses its defaults"
SECTION = "Asterisk ignores the section"
LINE = "Asterisk ignores the line"


@dataclass(frozen=True)
class ModuleProblem:
    """What is wrong in a section, and what Asterisk does about it: one of the constants of this module.

    `option`: the one that is wrong, as `key = value`; empty where it is the section.
    """

    section: str
    text: str
    effect: str
    option: str = ""

    def __str__(self) -> str:
        return f"[{self.section}]{self.option and ' '}{self.option}: {self.text}: {self.effect}"


def problems(filename: str, sections: Resolved) -> Iterator[ModuleProblem]:
    """What the module that reads `filename`, for example `pjsip.conf`, refuses in `sections`.

    Nothing for a file whose module is not known here.
    """
    check = CHECKS.get(filename)
    if check is not None:
        yield from check(sections)


# What values are accepted


def _anything(_: str) -> bool:
    return True


UNSIGNED = re.compile(r"\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
SIGNED = re.compile(rf"-?{UNSIGNED.pattern}")
LEADING_NUMBER = re.compile(r"\s*\+?(\d+)")
TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
FALSE = frozenset({"no", "false", "n", "f", "0", "off"})


def _unsigned(value: str) -> bool:
    return bool(UNSIGNED.fullmatch(value)) and _as_number(value) < 2**32


def _signed(value: str) -> bool:
    return bool(SIGNED.fullmatch(value)) and -(2**31) <= _as_number(value) < 2**31


def _as_number(value: str) -> int:
    """The number that C reads, where a leading zero means octal."""
    digits = value.lstrip("+-")
    number = int(digits, 8) if digits.isdigit() and digits.startswith("0") else int(digits, 0)
    return -number if value.startswith("-") else number


def _words(*words: str) -> Accepts:
    return lambda value: value.lower() in words


def _either(*accepted: Accepts) -> Accepts:
    return lambda value: any(accepts(value) for accepts in accepted)


def _rate(value: str) -> bool:
    return _unsigned(value) and 8000 <= _as_number(value) <= 192000


def _interval(value: str) -> bool:
    number = LEADING_NUMBER.match(value)
    return number is not None and int(number[1]) in {10, 20, 40, 80}


def _range(value: str) -> tuple[int, int] | None:
    """The first and the last place, or None where Asterisk reads no range."""
    match = RANGE.match(value)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if 0 < first <= last else None


RANGE = re.compile(r"\s*\+?(\d{1,30})-\s*\+?(\d{1,30})")
FEATURE = _words(*FALSE, "both", "caller", "callee")

# Which options a section may have; keys are compared without case


@dataclass(frozen=True)
class Kind:
    """The options of one kind of section. `patterns`: of further keys, whose value may be anything."""

    options: Mapping[str, Accepts]
    patterns: tuple[re.Pattern[str], ...] = ()

    def refused(self, pairs: Pairs) -> Iterator[Refused]:
        """What is wrong with each option that the module refuses."""
        for key, value in pairs:
            accepts = self.options.get(key.lower())
            if accepts is None and not any(pattern.match(key) for pattern in self.patterns):
                yield key, value, "unknown option"
            elif accepts is not None and not accepts(value):
                yield key, value, "a value that the module refuses"


def _kind(text: str, *patterns: str, **special: Accepts) -> Kind:
    """Options that take anything, by name, and those that do not."""
    compiled = tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    return Kind({**dict.fromkeys(text.split(), _anything), **special}, compiled)


HEP = {
    "general": _kind(
        "enabled capture_address capture_password capture_name",
        capture_id=_unsigned,
        uuid_type=_words("call-id", "channel"),
    )
}
PARKING_LOT = _kind(
    "parkext context comebacktoorigin comebackcontext parkedmusicclass parkext_exclusive parkinghints courtesytone",
    parkingtime=_unsigned,
    comebackdialtime=_unsigned,
    parkpos=lambda value: _range(value) is not None,
    findslot=lambda value: value in {"first", "next"},
    parkedplay=FEATURE,
    parkedcalltransfers=FEATURE,
    parkedcallreparking=FEATURE,
    parkedcallhangup=FEATURE,
    parkedcallrecording=FEATURE,
)
PARKING_GENERAL = _kind("parkeddynamic")
FEATURES = {
    "general": _kind(
        "recordingfailsound courtesytone atxferdropcall xfersound xferfailsound atxferabort atxfercomplete"
        " atxferthreeway atxferswap transferretrysound transferinvalidsound transferannouncesound pickupexten"
        " pickupsound pickupfailsound context parkext parkext_exclusive parkinghints parkedmusicclass parkingtime"
        " parkpos findslot parkedcalltransfers parkedcallreparking parkedcallhangup parkedcallrecording"
        " comebackcontext comebacktoorigin comebackdialtime parkeddynamic adsipark",
        featuredigittimeout=_signed,
        transferdigittimeout=_signed,
        atxfernoanswertimeout=_signed,
        atxferloopdelay=_signed,
        atxfercallbackretries=_signed,
        transferdialattempts=_signed,
    ),
    "featuremap": _kind("blindxfer disconnect atxfer parkcall automixmon"),
}
CONFBRIDGE = {
    "user": _kind(
        "type admin send_events echo_events marked startmuted music_on_hold_when_empty quiet hear_own_join_sound"
        " announce_user_count announce_only_user wait_marked end_marked end_marked_any talk_detection_events"
        " dtmf_passthrough announce_join_leave announce_join_leave_review pin music_on_hold_class announcement"
        " denoise dsp_drop_silence jitterbuffer text_messaging answer_channel template",
        announce_user_count_all=_either(_words(*TRUE, *FALSE), lambda value: bool(LEADING_NUMBER.match(value))),
        dsp_silence_threshold=_unsigned,
        dsp_talking_threshold=_unsigned,
        timeout=_unsigned,
    ),
    "bridge": _kind(
        "type jitterbuffer binaural_active record_conference record_file_append record_file_timestamp record_file"
        " record_options record_command regcontext language enable_events template",
        "sound_",
        internal_sample_rate=_either(_words("auto"), _rate),
        maximum_sample_rate=_either(_words("none"), _rate),
        mixing_interval=_interval,
        video_mode=_words("none", "first_marked", "last_marked", "follow_talker", "sfu"),
        max_members=_unsigned,
        video_update_discard=_unsigned,
        remb_send_interval=_unsigned,
        remb_estimated_bitrate=_unsigned,
        remb_behavior=_words("average", "lowest", "highest", "average_all", "lowest_all", "highest_all", "force"),
    ),
    "menu": _kind("type template", "[0-9A-D*#]+$"),
}
APPLICATION_MAP = re.compile(r"\s*[^,\s][^,]*,\s*(self|peer|caller|callee)\s*(/[^,]*)?,\s*[^,(\s]", re.IGNORECASE)
MOH_MODES = frozenset({"files", "playlist", "mp3", "mp3nb", "quietmp3", "quietmp3nb", "httpmp3", "custom"})
MOH_WITHOUT_DIRECTORY = frozenset({"playlist", "custom"})
IAX_TYPES = frozenset({"user", "peer", "friend"})
ONLY_ONCE = frozenset({"global", "system"})
"""Types of pjsip.conf of which there may be one object, whose type its name may say."""
CONTEXT_KEYS = frozenset({"exten", "include", "ignorepat", "switch", "lswitch", "eswitch", "autohints"})


def _value(pairs: Pairs, key: str) -> str:
    """The first value of `key`, empty without one."""
    return next((value for name, value in pairs if name.lower() == key), "")


def _pjsip(sections: Resolved) -> Iterator[ModuleProblem]:
    seen: set[tuple[str, str]] = set()
    once: set[str] = set()
    for name, pairs in sections:
        kind = _value(pairs, "type") or (name if name in ONLY_ONCE else "")
        if not kind:
            continue
        if (kind, name) in seen:
            yield ModuleProblem(name, f"two objects of type {kind} with this name", ALL_OF_TYPE)
        elif kind in once:
            yield ModuleProblem(name, f"more than one object of type {kind}", ALL_OF_TYPE)
        seen.add((kind, name))
        once.update(ONLY_ONCE & {kind})


def _of_options(section: str, effect: str, refused: Iterable[Refused]) -> Iterator[ModuleProblem]:
    for key, value, text in refused:
        yield ModuleProblem(section, text, effect, f"{key} = {value}")


def _hep(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        kind = HEP.get(name.lower())
        if kind is None:
            yield ModuleProblem(name, "unknown section", MODULE)
        else:
            yield from _of_options(name, MODULE, kind.refused(pairs))


def _features(sections: Resolved) -> Iterator[ModuleProblem]:
    applications = {key for name, pairs in sections if name.lower() == "applicationmap" for key, _ in pairs}
    for name, pairs in sections:
        yield from _of_options(name, DEFAULTS, _refused_features(name, pairs, applications))


def _refused_features(name: str, pairs: Pairs, applications: set[str]) -> Iterator[Refused]:
    kind = FEATURES.get(name.lower())
    if kind is not None:
        yield from kind.refused(pairs)
    elif name.lower() == "applicationmap":
        yield from ((key, value, "no application map") for key, value in pairs if not APPLICATION_MAP.match(value))
    elif not name.startswith("parkinglot_"):
        yield from ((key, value, "not in [applicationmap]") for key, value in pairs if key not in applications)


def _confbridge(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        kind = Kind({}) if name.lower() == "general" else CONFBRIDGE.get(_value(pairs, "type").lower())
        if kind is None:
            yield ModuleProblem(name, "no type, or an unknown one", MODULE)
        else:
            yield from _of_options(name, MODULE, kind.refused(pairs))


@dataclass(frozen=True)
class _Lot:
    """What a parking lot adds to a context."""

    name: str
    context: str
    extension: str
    exclusive: bool
    places: tuple[int, int]

    def clashes(self, other: _Lot) -> str:
        """Why the two cannot be there together; empty if they can."""
        if self.context != other.context:
            return ""
        if self.extension == other.extension:
            if self.exclusive or other.exclusive:
                return f"parkext {self.extension} is also that of [{other.name}]"
        elif self.has(other.extension) or other.has(self.extension):
            return f"parkext is one of the parking spaces of [{other.name}], or the other way round"
        if self.places[0] <= other.places[1] and other.places[0] <= self.places[1]:
            return f"its parking spaces are also those of [{other.name}]"
        return ""

    def has(self, extension: str) -> bool:
        return extension.isdecimal() and self.places[0] <= int(extension) <= self.places[1]


DEFAULT_LOT = _Lot("default", "parkedcalls", "700", False, (701, 750))
"""What Asterisk adds if there is no section of that name."""


def _parking(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        kind = PARKING_GENERAL if name.lower() == "general" else PARKING_LOT
        yield from _of_options(name, MODULE, kind.refused(pairs))
    lots = list(_lots(sections))
    for lot in lots:
        if lot.has(lot.extension):
            yield ModuleProblem(lot.name, "parkext is one of its own parking spaces", MODULE)
    for one, other in combinations(lots, 2):
        if text := other.clashes(one):
            yield ModuleProblem(other.name, text, MODULE)


def _lots(sections: Resolved) -> Iterator[_Lot]:
    """The lots that have extensions."""
    if not any(name.lower() == DEFAULT_LOT.name for name, _ in sections):
        yield DEFAULT_LOT
    for name, pairs in sections:
        places = _range(_value(pairs, "parkpos") or "701-750")
        extension = _value(pairs, "parkext")
        if name.lower() != "general" and extension and places:
            exclusive = _value(pairs, "parkext_exclusive").lower() in TRUE
            yield _Lot(name, _value(pairs, "context") or DEFAULT_LOT.context, extension, exclusive, places)


def _iax(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        if name.lower() not in {"general", "callnumberlimits"} and _value(pairs, "type").lower() not in IAX_TYPES:
            yield ModuleProblem(name, "no type, or an unknown one", SECTION)


def _moh(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        mode = _value(pairs, "mode").lower()
        if name.lower() == "general":
            continue
        if mode not in MOH_MODES:
            yield ModuleProblem(name, "no mode, or an unknown one", SECTION)
        elif mode not in MOH_WITHOUT_DIRECTORY and not _value(pairs, "directory"):
            yield ModuleProblem(name, "no directory", SECTION)
        elif mode == "custom" and not _value(pairs, "application"):
            yield ModuleProblem(name, "no application", SECTION)
        elif mode == "playlist" and not _value(pairs, "entry"):
            yield ModuleProblem(name, "no entry", SECTION)


def _dialplan(sections: Resolved) -> Iterator[ModuleProblem]:
    for name, pairs in sections:
        if name.lower() not in {"general", "globals"}:
            yield from _of_options(name, LINE, _Context().refused(pairs))


NUMBER = re.compile(r"(?:\[[^\]]*(?:\]|$)|\\.?|[^,\[\\])*", re.DOTALL)
"""What `exten` is about: a comma in brackets or behind a backslash does not end it."""


def _cut_number(value: str) -> tuple[str, str]:
    """The number of an `exten` line, and what follows its comma."""
    match = NUMBER.match(value)
    end = match.end() if match else 0
    return value[:end].strip(), value[end + 1 :].strip()


class _Context:
    """Follows the lines of a context, as `same` and `n` continue what is above them."""

    def __init__(self) -> None:
        self._number = ""
        self._has_priority = False
        self._labels: set[tuple[str, str]] = set()

    def refused(self, pairs: Pairs) -> Iterator[Refused]:
        for name, value in pairs:
            key = name.lower()
            if key.startswith("same"):
                text = self._priority(value) if self._number else "there is no exten above it"
            elif key == "exten":
                self._number, rest = _cut_number(value)
                text = self._priority(rest) or ("" if self._number else "exten without a number")
            else:
                text = "" if key in CONTEXT_KEYS else "unknown directive"
            if text:
                yield name, value, text

    def _priority(self, rest: str) -> str:
        """What is wrong with the priority that `rest` begins with; empty if nothing is."""
        priority, bracket, label = rest.partition(",")[0].strip().partition("(")
        priority = priority.partition("+")[0]
        if bracket and ")" not in label:
            return "label without )"
        if priority in {"n", "next", "s", "same"}:
            if not self._has_priority:
                return "there is no priority to go on from"
        elif LEADING_NUMBER.match(priority):
            if not int(LEADING_NUMBER.match(priority)[1]):  # type: ignore[index]
                return "the priority is less than 1"
        elif priority != "hint" and (self._number, priority) not in self._labels:
            return "the priority is no number"
        self._has_priority = True
        self._labels.add((self._number, label.partition(")")[0]))
        return ""


CHECKS: Mapping[str, Callable[[Resolved], Iterator[ModuleProblem]]] = {
    "confbridge.conf": _confbridge,
    "extensions.conf": _dialplan,
    "features.conf": _features,
    "hep.conf": _hep,
    "iax.conf": _iax,
    "musiconhold.conf": _moh,
    "pjsip.conf": _pjsip,
    "res_parking.conf": _parking,
}
