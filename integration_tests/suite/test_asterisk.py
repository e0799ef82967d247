"""What a real Asterisk reads and loads of our files. Only where an `asterisk` is on the PATH; CI has none.

Best run in a network namespace, because the files open the ports that they name; `-s` shows the counts:

    unshare -n sh -c "ip link set lo up; pytest -s -m asterisk integration_tests/suite/test_asterisk.py"
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.suite.helpers.asterisk import Asterisk, Lines, installed
from integration_tests.suite.helpers.base import ASSETS
from tests.asterisk_examples import ACCEPTED, REFUSED
from tests.test_asterisk_grammar import PIECES
from xivo_confgend.plugin_helpers.asterisk_modules import MODULE, Resolved, problems
from xivo_confgend.plugin_helpers.asterisk_reader import read

pytestmark = [pytest.mark.asterisk, pytest.mark.skipif(not installed(), reason="there is no asterisk on the PATH")]

FILES = sorted(ASSETS.glob("*/expected*/asterisk/*.conf"))
WAZO = ("fresh", "small", "tricky")
SEED = 22101
RANDOM_FILES = 1000

MODULES = {
    "res_parking.conf": "res_parking",
    "confbridge.conf": "app_confbridge",
    "hep.conf": "res_hep",
    "musiconhold.conf": "res_musiconhold",
    "iax.conf": "chan_iax2",
    "extensions.conf": "pbx_config",
}
DIRECTORY = re.compile(rb"(?m)^directory = .*$")
FOUND = re.compile(r"Objects found: (\d+)")
REFUSED_OBJECT = re.compile(r"Could not create an object of type '(\w+)' with id '(.*)' from configuration file")
KINDS = {
    "endpoints": "endpoint",
    "aors": "aor",
    "auths": "auth",
    "transports": "transport",
    "identifies": "identify",
    "registrations": "registration",
}
GENERAL = {"general", "default"}
NEEDED = ("res_timing_timerfd", "res_crypto", "bridge_softmix", "bridge_holding", "bridge_simple", "res_sorcery_config")
OTHERS = ("res_musiconhold", "res_parking", "app_queue", "app_voicemail", "app_confbridge", "chan_iax2")
PJSIP = (
    "res_pjproject", "res_sorcery_memory", "res_sorcery_astdb", "res_statsd", "res_geolocation", "res_pjsip",
    "res_http_websocket", "res_pjsip_transport_websocket", "res_pjsip_session", "res_pjsip_pubsub",
    "res_pjsip_outbound_registration", "res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_user",
    "res_pjsip_acl", "res_pjsip_messaging", "res_rtp_asterisk", "res_srtp", "chan_pjsip",
)  # fmt: skip
SHOWN = {
    "confbridge.conf": ("confbridge show profile users", r"^(?!---|default_user$|No such command).+$"),
    "iax.conf": ("iax2 show peers", r"^\S.* \([SD]\) .*$"),
    "musiconhold.conf": ("moh show classes", r"^Class: (?!default$)"),
    "queues.conf": ("queue show", r" has \d+ calls "),
    "res_parking.conf": ("parking show", r"^Parking Lot: (?!default$)"),
    "voicemail.conf": ("voicemail show users", r"^.*\D\d+ *$"),
}
"""How Asterisk lists the objects of a file, one line each."""
NOT_PJSIP = [(name, text) for name, text, _ in REFUSED if name != "pjsip.conf"]
COMPLAINTS = (
    r"lacks type|Unknown type|must be specified|do a mode|No music on hold classes|Unable to register|pbx_config"
    r"|Could not find|not found|Error parsing|non-existent|Extension registration failed"
)


def held(content: str | bytes) -> Lines | None:
    """What the reader says that Asterisk reads, as the helper gives it."""
    file = read(content)
    lines = [(name, [f"{key}={value}" for key, value in pairs]) for name, pairs in file.resolved()]
    return None if file.refused else lines


@pytest.fixture(scope="module")
def bare() -> Iterator[Asterisk]:
    """An Asterisk with nothing loaded but what other modules need."""
    with Asterisk(modules=NEEDED) as running:
        yield running


@pytest.mark.parametrize("path", FILES, ids=["-".join(path.parts[-4:]) for path in FILES])
def test_a_golden_file_is_read_as_by_asterisk(bare: Asterisk, path: Path):
    assert held(path.read_bytes()) == bare.reads(path.read_bytes()) is not None


def test_random_files_are_read_as_by_asterisk(bare: Asterisk):
    numbers = random.Random(SEED)
    pieces = [piece for piece in PIECES if not piece.startswith(("#include", "#exec"))]
    texts = [
        "[a]\n" * numbers.randint(0, 1) + "".join(numbers.choices(pieces, k=numbers.randint(1, 40))) + "\n"
        for _ in range(RANDOM_FILES)
    ]

    assert [text for text in texts if held(text) != bare.reads(text)] == []


@pytest.mark.parametrize(("filename", "text"), NOT_PJSIP, ids=[f"{name} {text!r}"[:60] for name, text in NOT_PJSIP])
def test_what_is_called_refused_is_refused(bare: Asterisk, filename: str, text: str):
    loaded, log = load(bare, filename, text)

    (problem,) = problems(filename, read(text).resolved())
    assert loaded == (problem.effect != MODULE)
    assert re.search(COMPLAINTS, log), log


@pytest.mark.parametrize(("filename", "text"), ACCEPTED, ids=[one[0] for one in ACCEPTED])
def test_what_is_called_accepted_is_accepted(bare: Asterisk, filename: str, text: str):
    loaded, log = load(bare, filename, text)

    assert loaded
    assert not re.search(COMPLAINTS, log), log


def test_two_objects_of_one_name_cost_all_of_their_type():
    objects = {"[a]": "aor", "[b]": "aor", "[a] ": "aor", "[c]": "endpoint"}
    content = "".join(f"{header}\ntype = {kind}\n" for header, kind in objects.items())

    with Asterisk({"pjsip.conf": content}, (*NEEDED, *PJSIP)) as running:
        assert not FOUND.search(running.command("pjsip show aors"))
        assert FOUND.search(running.command("pjsip show endpoints"))


@pytest.mark.parametrize("case", WAZO)
def test_the_whole_dialplan_of_a_golden_database_is_loaded(case: str):
    content = (ASSETS / case / "expected/asterisk/extensions.conf").read_bytes()
    numbers = {
        (name, _number(value))
        for name, pairs in read(content).resolved()
        for key, value in pairs
        if key == "exten" and _number(value)
    }
    contexts = {name for name, _ in read(content).resolved()}

    with Asterisk({"extensions.conf": content}, ("pbx_config",)) as running:
        counted = running.command("dialplan show").splitlines()[-1]

    assert re.match(rf"-= {len(numbers)} extensions \(\d+ priorities\) in {len(contexts)} contexts\. =-", counted)


def _number(value: str) -> str:
    return value.partition(",")[0].strip()


@pytest.mark.parametrize("case", WAZO)
def test_every_pjsip_object_is_loaded_or_refused_alone(case: str):
    content = (ASSETS / case / "expected/asterisk/pjsip.conf").read_bytes()
    written = Counter(dict(pairs).get("type") for _, pairs in read(content).resolved())

    with Asterisk({"pjsip.conf": content}, (*NEEDED, *PJSIP)) as running:
        found = {kind: FOUND.search(running.command(f"pjsip show {command}")) for command, kind in KINDS.items()}
        refused = Counter(kind for kind, _ in {*REFUSED_OBJECT.findall(running.log())})

    loaded = {kind: int(match[1]) if match else 0 for kind, match in found.items()}
    print(case, "loaded", loaded, "refused", dict(refused))
    assert {kind: count + refused[kind] for kind, count in loaded.items()} == {kind: written[kind] for kind in loaded}


@pytest.mark.parametrize("case", WAZO)
def test_the_objects_of_the_other_modules_are_loaded(case: str, tmp_path: Path):
    files = {path.name: path.read_bytes() for path in (ASSETS / case / "expected/asterisk").glob("*.conf")}
    (tmp_path / "music.wav").touch()
    files["musiconhold.conf"] = DIRECTORY.sub(f"directory = {tmp_path}".encode(), files["musiconhold.conf"])
    del files["modules.conf"]

    with Asterisk(files, (*NEEDED, *OTHERS)) as running:
        found = {
            name: len(re.findall(pattern, running.command(command), re.MULTILINE))
            for name, (command, pattern) in SHOWN.items()
        }

    print(case, found)
    assert found == {name: expected(name, read(files[name]).resolved()) for name in SHOWN}


def expected(name: str, sections: Resolved) -> int:
    """How many objects the module of the file loads: none if something in it makes the module refuse it."""
    if any(problem.effect == MODULE for problem in problems(name, sections)):
        return 0
    types = Counter(dict(pairs).get("type", "") for _, pairs in sections)
    if name == "voicemail.conf":
        return sum(len(pairs) for section, pairs in sections if section not in {"general", "zonemessages"})
    if name == "confbridge.conf":
        return types["user"] - ("default_user" in dict(sections))
    return types["peer"] + types["friend"] if name == "iax.conf" else len([s for s, _ in sections if s not in GENERAL])


def load(asterisk: Asterisk, filename: str, text: str) -> tuple[bool, str]:
    """Whether the module that reads the file can be loaded with it, and what is logged meanwhile."""
    logged = len(asterisk.log())
    asterisk.write(filename, text)
    if filename not in MODULES:
        asterisk.command("module reload features")
        return True, asterisk.log()[logged:]
    loaded = asterisk.loads(MODULES[filename])
    if loaded:
        asterisk.unload(MODULES[filename])
    return loaded, asterisk.log()[logged:]
