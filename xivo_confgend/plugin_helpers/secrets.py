"""Masking the values of secret options in contents: the one list of what is secret, and how it is found line by line.

For whoever shows contents to people who may not read secrets. It works on any text made of lines and errs on
the side of masking: an option whose name looks secret is masked in any file, wherever on a line it stands.
Drivers extend the list by an entry point in the group `xivo_confgend.secret_options`: its name is the file
(`asterisk.foo.conf`, or `*` for all), its object an iterable of option names, in which `*` stands for anything:

    "xivo_confgend.secret_options": ["asterisk.foo.conf = my_package.secrets:OPTIONS"]

The object is loaded in the daemon, so its module should import nothing else.
"""

from __future__ import annotations

import importlib.metadata
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

logger = logging.getLogger(__name__)

MASK = b"********"
GROUP = "xivo_confgend.secret_options"
ALL_FILES = "*"
SECRET_OPTIONS = (
    "*password*",
    "*passwd*",
    "*passphrase*",
    "pass",
    "*_pass",
    "*secret*",
    "md5_cred",
    "credential*",
    "*_credentials",
    "token",
    "*_token",
    "api_key",
    "apikey",
    "*_api_key",
    "pin",
    "*_pin",
    "pincode",
    "adminpin",
    "register",
    "mwi",
)
"""Options whose whole value is secret, in any file and whatever the case; `register` and `mwi` hold a login."""

NOT_SECRET = ("*secretar*", "minpassword", "vm-*password")
"""What only looks like it: bosses' secretaries, and voicemail's sound names."""

MOST_KNOWN = 1000
"""Names of options that a masker remembers; a file has few, but a database may be hostile."""

LONGEST_LINE = 1 << 16
"""A longer line is masked as a whole, so that what is held in memory stays small."""

OPTION = re.compile(rb"(?<![\w.+-])([\w.+-]++)[\"']?[ \t]*+(?:\+?=>?|:)[ \t]*+(?=\S)")
"""A name and what stands between it and its value. This and all other patterns take linear time on any line."""

WORD_WITH_AT = re.compile(rb"[^\s<>\"]++")
LOGIN = re.compile(rb"(?:(?<!\w)\w++://|(?<!\w)sips?:|/)[^\s:@/;,<>\"]*+:", re.IGNORECASE)
"""What stands before the password in `sip:user:password@host`, `https://user:password@host`, `IAX2/user:…@host`."""

Substitution = tuple[re.Pattern[bytes], bytes]

AUTH_LINE: Substitution = (re.compile(rb"(?i)^([ \t]*auth[ \t]*=>?[ \t]*)(?=[^@]*[:#])(?=.*@).+"), rb"\1" + MASK)
"""`auth = user:secret@realm` and `auth = user#md5@realm` of sip.conf; a reference to a section stays."""

DIALPLAN_CODE: Substitution = (re.compile(rb"(?i)\b(Authenticate|DISA)\(([^,)]+)"), rb"\1(" + MASK)

MAILBOX = re.compile(rb"^([ \t]*[^\s;\[=][^=]*=>[ \t]*+|[ \t]*\d+[ \t]*=(?!>)(?=.*,)[ \t]*+)[^,]+")
FILE_RULES: Mapping[str, tuple[Substitution, ...]] = {
    "voicemail.conf": ((MAILBOX, rb"\1" + MASK),),
    "agents.conf": ((re.compile(rb"(?i)^([ \t]*agent[ \t]*=>?[^,]*,)[^,]+"), rb"\1" + MASK),),
    "meetme.conf": ((re.compile(rb"(?i)^([ \t]*conf[ \t]*=>?[^,]*,).+"), rb"\1" + MASK),),
}
"""Lines of one file whose meaning depends on their place: codes of mailboxes, agents and conferences."""

WORDS = (b"@", b"auth", b"disa(")
"""What the rules beside the names of options need on a line."""

YAML_SECRET = re.compile(rb"(?<![\w.+-])([\w.+-]++)[\"']?[ \t]*+:")
YAML_KEY = re.compile(rb"[ \t]*(?:-[ \t]+)*[\"']?[^\s\"':{}\[\],]+[\"']?[ \t]*:(?:[ \t]|$)")


def _glob(name: str) -> str:
    return r"[\w.+-]*".join(re.escape(part) for part in name.lower().split("*"))


def _one_of(names: Iterable[str]) -> re.Pattern[bytes]:
    return re.compile("|".join(map(_glob, names)).encode(), re.IGNORECASE)


def _core(name: str) -> bytes:
    """The longest literal part of a name: a line without it cannot hold the option."""
    return max(name.lower().split("*"), key=len).encode()


@dataclass(frozen=True)
class MaskingRules:
    """Which options are secret: `options` everywhere, `by_file` (`resource.filename`) in one file only."""

    options: tuple[str, ...] = SECRET_OPTIONS
    by_file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    """Files (or `*`) whose secret options could not be learnt: nobody but those who may read secrets gets them."""

    @property
    def version(self) -> str:
        """Tells two sets of rules apart: the same content is masked differently by them."""
        return sha256(repr((self.options, sorted(self.by_file.items()), FILE_RULES.keys())).encode()).hexdigest()[:8]

    def knows(self, key: str) -> bool:
        """Whether the secret options of the file `key` (`resource.filename`) are known."""
        return not self.broken & {ALL_FILES, key}

    def options_of(self, key: str) -> tuple[str, ...]:
        """The secret options of the file `key` (`resource.filename`)."""
        return (*self.options, *self.by_file.get(key, ()))

    def masker(self, key: str, filename: str) -> Masker:
        """What masks the contents of the file `filename` whose key is `key` (`resource.filename`)."""
        return Masker(self.options_of(key), filename)


class Masker:
    """Masks contents of files called `filename`; `options` are the secret ones.

    Lines keep their number and order, so what comes out can be compared line by line with what went in.
    """

    def __init__(self, options: Iterable[str], filename: str) -> None:
        names = [name for name in options if name.strip("*")]
        cores = {_core(name) for name in names} | set(WORDS)
        cores = {core for core in cores if not any(other in core for other in cores - {core})}
        self._substitutions = (*FILE_RULES.get(filename, ()), AUTH_LINE, DIALPLAN_CODE)
        every = filename in FILE_RULES
        self._suspect = re.compile(b"[^\n]+" if every else b"(?:" + b"|".join(map(re.escape, cores)) + b")[^\n]*+")
        self._secret, self._harmless = _one_of(names), _one_of(NOT_SECRET)
        self._known: dict[bytes, bool] = {}
        self._lines = _YAML(self).lines if filename.endswith((".yml", ".yaml")) else self.lines

    def pieces(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """The masked content of `content`, which may be cut anywhere; at most `LONGEST_LINE` bytes are kept back."""
        kept, overlong = b"", False
        for whole_piece in content:
            piece = whole_piece
            if overlong:
                _, newline, piece = piece.partition(b"\n")
                if not newline:
                    continue
                overlong = False
                yield MASK + newline
            lines, newline, kept = (kept + piece).rpartition(b"\n")
            if newline:
                yield self._lines(lines + newline)
            if len(kept) > LONGEST_LINE:
                kept, overlong = b"", True
        if kept or overlong:
            yield MASK if overlong else self._lines(kept)

    def mask(self, content: bytes) -> bytes:
        """The whole `content` masked."""
        return b"".join(self.pieces([content]))

    def lines(self, text: bytes) -> bytes:
        """Mask a text of whole lines. Only those that hold a word of a rule are looked at closely."""
        lower = text.lower()
        done = 0
        parts = []
        for suspect in self._suspect.finditer(lower):
            start, end = lower.rfind(b"\n", 0, suspect.start()) + 1, suspect.end()
            line = text[start:end]
            masked = self.line(line)
            if masked != line:
                parts += [text[done:start], masked]
                done = end
        parts.append(text[done:])
        return b"".join(parts)

    def line(self, line: bytes) -> bytes:
        """Mask one line without its newline."""
        for option in OPTION.finditer(line):
            if self.is_secret(option[1]):
                line = line[: option.end()] + MASK
                break
        for pattern, replacement in self._substitutions:
            line = pattern.sub(replacement, line)
        return WORD_WITH_AT.sub(_without_password, line) if b"@" in line else line

    def is_secret(self, name: bytes) -> bool:
        """Whether an option of that name is secret."""
        known = self._known.get(name)
        if known is None:
            plain = name.rstrip(b"+")
            known = bool(self._secret.fullmatch(plain) and not self._harmless.fullmatch(plain))
            if len(self._known) < MOST_KNOWN:
                self._known[name] = known
        return known


def _without_password(word: re.Match[bytes]) -> bytes:
    """A word without what stands between the login in it and its last `@`."""
    text = word[0]
    login = LOGIN.search(text)
    at = text.rfind(b"@")
    return text if login is None or at < login.end() else text[: login.end()] + MASK + text[at:]


class _YAML:
    """Masks YAML: what is indented under a secret key, or follows it where its value is missing, is its value."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._under: int | None = None
        self._value_missing = False

    def lines(self, text: bytes) -> bytes:
        """Mask whole lines; a block may go on in the next call."""
        return b"\n".join(map(self._line, text.split(b"\n")))

    def _line(self, line: bytes) -> bytes:
        indent = len(line) - len(line.lstrip(b" \t"))
        if self._under is not None and self._belongs(line, indent):
            self._value_missing = self._value_missing and not line.strip()
            return line[:indent] + MASK if line.strip() else line
        self._under = None
        masked = self._masker.line(line)
        for key in YAML_SECRET.finditer(line):
            if self._masker.is_secret(key[1]):
                self._under, self._value_missing = indent, not line[key.end() :].strip()
                break
        return masked

    def _belongs(self, line: bytes, indent: int) -> bool:
        assert self._under is not None
        if not line.strip() or indent > self._under:
            return True
        sequence = indent == self._under and line.lstrip(b" \t").startswith(b"-")
        return sequence or (self._value_missing and not YAML_KEY.match(line))


def load_rules(extra: Iterable[str] = ()) -> MaskingRules:
    """The rules of the installed drivers and the option names `extra` of the operator."""
    by_file: dict[str, tuple[str, ...]] = {}
    everywhere = (*SECRET_OPTIONS, *extra)
    broken = set()
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            names = _names(entry.load)
        except Exception as error:
            problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
            logger.error("%s: its secret options cannot be read, it is not shown any more: %s", entry.name, problem)
            broken.add(entry.name)
            continue
        if entry.name == ALL_FILES:
            everywhere += names
        else:
            by_file[entry.name] = (*by_file.get(entry.name, ()), *names)
    return MaskingRules(everywhere, by_file, frozenset(broken))


def _names(load: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    names = load()
    found = tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) and name.strip("*") for name in found):
        raise TypeError("expected an iterable of option names")
    return found
