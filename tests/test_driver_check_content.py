"""What `check-driver` says of generated texts, one kind of mistake each."""

from __future__ import annotations

import pytest

from xivo_confgend.driver_check.content import check
from xivo_confgend.driver_check.findings import Level
from xivo_confgend.names import FileName

ASTERISK = FileName("asterisk", "foo.conf")
PJSIP, HEP = FileName("asterisk", "pjsip.conf"), FileName("asterisk", "hep.conf")
YAML = FileName("provd", "foo.yml")

MISTAKES = [
    (ASTERISK, "a = 1\n", Level.ERROR, "option outside of a section (line 1)"),
    (ASTERISK, "[x]\na = b\x07\n", Level.ERROR, "control character (line 2)"),
    (
        ASTERISK,
        "[x]\nfree text\nmore\n",
        Level.ERROR,
        "neither option nor section, comment or directive (line 2 and 1 more)",
    ),
    (ASTERISK, "[x\n", Level.ERROR, "section header without ] (line 1)"),
    (ASTERISK, "[x]\n[y](z)\n", Level.ERROR, "template that is not above the section (line 2): Asterisk refuses"),
    (ASTERISK, "[x]\n\\ a = 1\n", Level.ERROR, "backslash in front of what cannot be escaped (line 2)"),
    (ASTERISK, f"[x]\na = {'v' * 9000}\n", Level.ERROR, "line of more than 8,190 bytes, which is not read (line 2)"),
    (ASTERISK, f"[{'n' * 80}]\n", Level.WARNING, "section name of more than 79 bytes, which is cut (line 1)"),
    (ASTERISK, "[x]\na = b ;-- c\n", Level.ERROR, "comment block without an end (line 2)"),
    (ASTERISK, "[x]\na = b--;\n", Level.ERROR, "end of a comment block that has no beginning"),
    (ASTERISK, "[x]\n= 1\n", Level.ERROR, "option without a name (line 2)"),
    (ASTERISK, "[x]\n#import y\n", Level.ERROR, "unknown directive (line 2)"),
    (PJSIP, "[x]\ntype=aor\n[x]\ntype=aor\n", Level.ERROR, "two objects of type aor with this name ([x])"),
    (HEP, "[y]\n[general]\nz = 1\nz = 2\n", Level.WARNING, "unknown option ([general] z = 1 and 1 more)"),
    (ASTERISK, "[x]\n[y]\n[x]\n", Level.WARNING, "section [x] is there more than once (line 1 and 1 more)"),
    (ASTERISK, "[x]\na = \\q\n", Level.WARNING, "unknown escape \\q (line 2)"),
    (ASTERISK, "[x]\na = b;c\n", Level.WARNING, "a value is cut off at its ; (line 2)"),
    (YAML, "a: [1\n", Level.ERROR, "not valid YAML: expected ',' or ']', but got '<stream end>' (line 2)"),
    (YAML, "a: 1\na: 2\n", Level.ERROR, "not valid YAML: the key a is there twice (line 1)"),
    (YAML, "a: b\x07\n", Level.ERROR, "control character (line 1)"),
    (FileName("web", "foo.json"), "{", Level.ERROR, "not valid JSON"),
]

HARMLESS = [
    (ASTERISK, ""),
    (ASTERISK, "; comment; more\n[x] ; why\na = 1\n\n[y](x)\nb => 2\n"),
    (ASTERISK, "[x]\ntype = endpoint\n\n[x]\ntype = aor\n"),
    (PJSIP, "[x]\ntype = endpoint\n\n[x]\ntype = aor\n"),
    (HEP, "[general]\nenabled = yes\n"),
    (ASTERISK, "[x]\na = 1\n[x](+)\nb = 2\n"),
    (ASTERISK, '[x]\na = semi\\;colon, quote \\" and \\n\n'),
    (YAML, "a: 1\nb: {a: 2}\nc:\n- a\n"),
    (YAML, "{}\n"),
    (FileName("web", "foo.json"), '{"a": 1}'),
    (FileName("other", "foo.conf"), "no section here\n"),
]


@pytest.mark.parametrize(("file", "text", "level", "message"), MISTAKES, ids=[mistake[3] for mistake in MISTAKES])
def test_a_mistake_is_one_finding(file: FileName, text: str, level: Level, message: str):
    found = [(finding.level, finding.text) for finding in check(file, text)]

    assert any(one[0] == level and one[1].startswith(message) for one in found), found


@pytest.mark.parametrize(("file", "text"), HARMLESS, ids=range(len(HARMLESS)))
def test_what_its_reader_understands_is_no_finding(file: FileName, text: str):
    assert list(check(file, text)) == []


def test_a_finding_is_one_line_with_its_remedy():
    (finding,) = check(ASTERISK, "a = 1\n")

    assert str(finding) == (
        "error: asterisk/foo.conf: option outside of a section (line 1): Asterisk refuses the whole file;"
        " write a [section] above it"
    )
