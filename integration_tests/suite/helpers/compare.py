#!/usr/bin/env python3
"""Say where two generated files differ in meaning.

    compare.py EXPECTED ACTUAL            one file against another
    compare.py EXPECTED_DIR ACTUAL_DIR    every file under EXPECTED_DIR against its namesake
    --exact                               compare bytes instead

Asterisk files: a file is a list of sections; a section is its header (name and template
modifiers), its label (a single comment line above the header) and its lines. Sections may stand in any
order; sections of one header and one `type` are taken together. Lines whose order Asterisk acts on (dialplan
steps, includes, allow/disallow, deny/permit, queue members, …) keep it; the specification leaves every other order to
the database, so the rest of a section's lines, the hints of a context, the members of a hint, the
numbers of a named group and the choices of an IVR may come in any order. Blank lines and other
comments are ignored.
YAML files: compared as data, lists in any order.
Exit status: 0 alike, 1 different (each difference on a line), 2 cannot compare.
"""

import argparse
import pathlib
import re
import sys
from collections import Counter, defaultdict

HINT = re.compile(r"^(exten\s*=>?\s*[^,]+,hint,)(.*)$")
NUMBER_LIST = re.compile(r"^(named_?(?:call|pickup)_?group)\s*=\s*(.*)$")
HEADER = re.compile(r"^\[([^\]]+)\](\(.*\))?\s*$")
ORDERED = re.compile(r"^(exten|same|include|allow|disallow|member|rule)\s*=")
BEFORE = [
    ("deny", "permit"),
    ("contactdeny", "contactpermit"),
    ("cid_number", "callerid"),
    ("callerid", "fullname"),
    ("call-limit", "callcounter"),
]
TYPE = re.compile(r"^type\s*=")
IVR_CHOICE = "CELGenUserEvent(WAZO_IVR_CHOICE"


def normalise(line):
    line = re.sub(r"\s+", " ", line)
    if hint := HINT.match(line):
        return hint[1] + "&".join(sorted(hint[2].split("&")))
    if numbers := NUMBER_LIST.match(line):
        return f"{numbers[1]} = {','.join(sorted(n.strip() for n in numbers[2].split(',')))}"
    return line


def sort_ivr_choices(lines):
    starts = [i for i, line in enumerate(lines) if IVR_CHOICE in line]
    if not starts:
        return lines
    choices = sorted(lines[i : i + 3] for i in starts)
    return lines[: starts[0]] + [line for choice in choices for line in choice] + lines[starts[-1] + 3 :]


def read_sections(text):
    """-> {(header, type): (labels, lines in order, Counter of lines in any order, orders kept)}"""
    written, comment, block = [("", None, [])], None, 0
    for raw in text.split("\n"):
        line = raw.strip()
        if match := HEADER.match(line):
            written.append((f"[{match[1]}]{match[2] or ''}", comment, []))
            comment, block = None, 0
        elif line.startswith(";"):
            block += 1
            comment = line if block == 1 else None  # a label is a single line; a block is prose
        else:
            comment, block = None, 0
            if line:
                written[-1][2].append(normalise(line))
    together = defaultdict(lambda: (Counter(), []))
    for header, label, lines in written:
        kind = next((line for line in lines if TYPE.match(line)), "")
        together[header, kind][0][label] += 1
        together[header, kind][1].extend(lines)
    sections = {}
    for key, (labels, lines) in together.items():
        if not labels.keys() - {None}:
            labels = Counter()  # how often an unlabelled header is repeated means nothing
        ordered = [line for line in lines if ORDERED.match(line) and not HINT.match(line)]
        free = Counter(line for line in lines if not ORDERED.match(line) or HINT.match(line))
        names = [re.split(r"\s*=", line, maxsplit=1)[0] for line in lines]
        kept = {
            f"{a} before {b}"
            for a, b in BEFORE
            if a in names and b in names and b not in names[: len(names) - names[::-1].index(a)]
        }
        sections[key] = (labels, tuple(sort_ivr_choices(ordered)), free, kept)
    return sections


def differences(kind, expected, actual):
    for line, times in (expected - actual).items():
        yield f"missing {kind}: {line}" + (f" ({times} times)" if times > 1 else "")
    for line, times in (actual - expected).items():
        yield f"extra {kind}: {line}" + (f" ({times} times)" if times > 1 else "")


def compare_sections(expected, actual):
    labels, ordered, free, kept = expected
    actual_labels, actual_ordered, actual_free, actual_kept = actual
    yield from differences("label", labels, actual_labels)
    yield from differences("line", free, actual_free)
    found = list(differences("line", Counter(ordered), Counter(actual_ordered)))
    yield from found
    for rule in sorted(kept - actual_kept):
        yield f"order differs: expected {rule}"
    if not found and ordered != actual_ordered:
        at = next(i for i, (a, b) in enumerate(zip(ordered, actual_ordered)) if a != b)
        yield f"order differs: expected {ordered[at]!r}, got {actual_ordered[at]!r}"


def compare_asterisk(expected, actual):
    left, right = read_sections(expected), read_sections(actual)
    for key in sorted(set(left) | set(right)):
        name = " ".join(part for part in key if part) or "before the first section"
        if key not in right:
            yield f"{name}: missing section"
        elif key not in left:
            yield f"{name}: extra section"
        else:
            yield from (f"{name}: {what}" for what in compare_sections(left[key], right[key]))


def sort_lists(data):
    if isinstance(data, dict):
        return {key: sort_lists(value) for key, value in data.items()}
    return sorted(map(sort_lists, data), key=repr) if isinstance(data, list) else data


def compare_texts(name, expected, actual, exact):
    if exact:
        if expected != actual:
            yield "bytes differ"
    elif name.endswith((".yml", ".yaml")):
        import yaml

        left, right = (sort_lists(yaml.safe_load(text)) for text in (expected, actual))
        if left != right:
            yield f"expected {left!r}, got {right!r}"
    else:
        yield from compare_asterisk(expected, actual)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("expected", type=pathlib.Path)
    parser.add_argument("actual", type=pathlib.Path)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--most", type=int, default=20, help="differences to print per file")
    args = parser.parse_args()
    if args.expected.is_dir():
        pairs = [
            (p, args.actual / p.relative_to(args.expected)) for p in sorted(args.expected.rglob("*")) if p.is_file()
        ]
    else:
        pairs = [(args.expected, args.actual)]
    if not pairs:
        print("nothing to compare", file=sys.stderr)
        return 2
    bad = 0
    for expected, actual in pairs:
        if not actual.is_file():
            print(f"{actual}: not there")
            bad += 1
            continue
        found = list(compare_texts(expected.name, expected.read_text("utf-8"), actual.read_text("utf-8"), args.exact))
        if found:
            bad += 1
            print(f"{expected.name}: {len(found)} differences")
            for line in found[: args.most]:
                print(f"  {line}")
    print(f"{len(pairs) - bad} of {len(pairs)} files alike")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
