"""asterisk/sip.conf of the XiVO schema: Asterisk reads what is stored, whatever that is, and no account twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example as with_example
from hypothesis import given, settings
from hypothesis import strategies as st

from integration_tests.suite.helpers.sip_example import Database, example_database
from xivo_confgend.plugin_helpers.asterisk import CONTROL
from xivo_confgend.plugin_helpers.asterisk_reader import BLANKS, read
from xivo_confgend.testing.generation import Generated
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_xivo import meta

Pairs = list[tuple[str, str]]

TRUNK = 4
"""The account t-two of the example, which nothing else refers to."""
OTHERS = ("general", "authentication", "t-one", "u-one", "u-two")
COLUMNS = ("callerid", "regexten", "secret", "accountcode", "fullname", "permit")
"""Some of its texts."""
PEDANTIC, BOB = 11, 1
"""Rows of `staticsip` and `sipauthentication`."""
TEXT_COLUMNS = {
    "usersip": ("name", *COLUMNS),
    "staticsip": ("var_name", "var_val"),
    "sipauthentication": ("user", "secret", "realm"),
}
FIXED = {
    "call-limit": "10",
    "subscribemwi": "no",
    "amaflags": "default",
    "regseconds": "0",
    "type": "peer",
    "host": "gw2.example",
}


@pytest.fixture(scope="module")
def shared(postgresql: PostgreSQL) -> Iterator[Database]:
    """The rows of section 9.1, with room for longer texts; changed row by row."""
    with example_database(postgresql) as database:
        for table, columns in TEXT_COLUMNS.items():
            database.execute(f"ALTER TABLE {table} " + ", ".join(f'ALTER "{name}" TYPE text' for name in columns))
        yield database


@pytest.fixture(scope="module")
def unchanged(shared: Database) -> Mapping[str, Pairs]:
    """What Asterisk reads of the example."""
    reset(shared)
    return held(shared.generate())


@pytest.fixture
def example(shared: Database) -> Iterator[Database]:
    """The same for one test: its rows as they are in the example."""
    reset(shared)
    yield shared
    reset(shared)


def reset(database: Database) -> None:
    for table, least in (("user_line", 7), ("linefeatures", 22), ("usersip", 5)):
        database.execute(f"DELETE FROM {table} WHERE id > {least}")
    database.update(meta.usersip, TRUNK, **dict.fromkeys(COLUMNS, ""), options=[], name="t-two")
    database.update(meta.staticsip, PEDANTIC, var_name="pedantic", var_val="yes")
    database.update(meta.sipauthentication, BOB, user="bob", secret="s1", realm="r.example")


def storable(alphabet: str) -> st.SearchStrategy[str]:
    special = st.text(alphabet, max_size=8)
    return special | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


TOO_LONG = "a" * 9000
TEXTS = storable(";-[]()#!+=>\\,\"' \t\n\x01\x85\xa0\u2028é") | st.sampled_from(["x;--", "--;", ";-- y --;"])
KEYS = st.text(";-[]#=\\ \t\n\x01\x85éaK", max_size=6) | st.sampled_from(["allow", "[evil](!)", "#exec", "\\é", "k+"])
NAMES = st.text(";-[(!\\ \n\x01éaK", max_size=6) | st.sampled_from(["General", "é" * 60])


def as_read(text: str) -> str:
    """What Asterisk is to read where `text` is stored, but for blanks at its ends."""
    return CONTROL.sub(" ", text).replace("\\;", ";")


def held(made: Generated) -> dict[str, Pairs]:
    file = read(made.content)
    assert file.refused is None
    sections = file.resolved()
    assert len({name.encode("utf-8", "surrogateescape").lower() for name, _ in sections}) == len(sections)
    return dict(sections)


def by_key(columns: Mapping[str, str]) -> Pairs:
    """What is to be read of `columns`, by key: their order has its own tests."""
    read_columns = {key: as_read(value).strip(BLANKS) for key, value in columns.items() if value}
    return sorted({**FIXED, **read_columns}.items())


def options_as_read(options: list[list[str]]) -> Pairs:
    keys = [(as_read(key).strip(BLANKS), value) for key, value in options if "=" not in key]
    return [(key, as_read(value).strip(BLANKS)) for key, value in keys if key]


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.sampled_from(COLUMNS), TEXTS),
    st.lists(st.tuples(KEYS, TEXTS | st.just(TOO_LONG)).map(list), max_size=4),
    NAMES,
)
@with_example({"secret": "abc;def", "callerid": '"Bob ;-- x" <10014>'}, [["k;--", "v;--"], ["allow", "a;b"]], "a;b")
@with_example({"secret": "\\;"}, [["\\", "x"], ["long", TOO_LONG], ["", "x"]], "a\\;b")
def test_asterisk_reads_what_is_stored_and_nothing_of_others_changes(
    shared: Database,
    unchanged: Mapping[str, Pairs],
    columns: dict[str, str],
    options: list[list[str]],
    name: str,
) -> None:
    reset(shared)
    others = {other: pairs for other, pairs in unchanged.items() if other != "t-two"}
    shared.update(meta.usersip, TRUNK, **columns, options=options, name=name)

    after = held(shared.generate())

    written = options_as_read(options)
    disallow = [("disallow", "all")] if any(key == "allow" for key, _ in written) else []
    written = [(key, value) for key, value in written if value != TOO_LONG]
    if name in {"", "General"} or "]" in name:
        assert after == others
    else:
        pairs = after.pop(as_read(name).encode()[:79].decode("utf-8", "surrogateescape"))
        behind = len(pairs) - len(written)
        assert pairs[: len(disallow)] == disallow
        assert sorted(pairs[len(disallow) : behind]) == by_key(columns)
        assert pairs[behind:] == written
        assert after == others


@settings(deadline=None, max_examples=20)
@given(KEYS.filter(lambda key: key not in {"allow", "register", "mwi", "disallow", "prematuremedia"}), TEXTS)
def test_a_general_option_is_read_as_it_is_stored(
    shared: Database, unchanged: Mapping[str, Pairs], key: str, value: str
) -> None:
    reset(shared)
    shared.update(meta.staticsip, PEDANTIC, var_name=key, var_val=value)

    after = held(shared.generate())

    general = [*unchanged["general"]]
    place = general.index(("pedantic", "yes"))
    general[place : place + 1] = options_as_read([[key, value]])
    assert after == {**unchanged, "general": general}


@settings(deadline=None, max_examples=20)
@given(TEXTS, TEXTS, TEXTS)
def test_an_authentication_is_read_as_it_is_stored(
    shared: Database, unchanged: Mapping[str, Pairs], user: str, secret: str, realm: str
) -> None:
    reset(shared)
    shared.update(meta.sipauthentication, BOB, user=user, secret=secret, realm=realm)

    after = held(shared.generate())

    line = ("auth", f"{as_read(user)}#{as_read(secret)}@{as_read(realm)}".strip(BLANKS))
    assert after == {**unchanged, "authentication": [line, *unchanged["authentication"][1:]]}


def account(database: Database, row: int, name: str, line: bool = True, **values: str) -> None:
    database.insert(
        {meta.usersip: [{"id": row, "name": name, "type": "friend", "category": "user", "secret": str(row), **values}]}
    )
    if line:
        of_line = {"id": row + 100, "protocol": "sip", "protocolid": row, "context": "c", "provisioningid": 0}
        database.insert({meta.linefeatures: [of_line]})


def secrets(made: Generated, name: str) -> list[str]:
    return [dict(pairs)["secret"] for other, pairs in held(made).items() if other == name]


def test_of_names_that_differ_in_case_the_first_stays(example: Database) -> None:
    for row, name in ((6, "ann"), (7, "Ann"), (8, "ANN")):
        account(example, row, name)

    made = example.generate()

    assert secrets(made, "ANN") == ["8"]
    assert [f"usersip row {row} is left out" in "\n".join(made.warnings) for row in (6, 7, 8)] == [True, True, False]
    assert len(made.warnings) == 2


def test_case_is_that_of_ascii_only(example: Database) -> None:
    for row, name in ((6, "é"), (7, "É")):
        account(example, row, name)

    made = example.generate()

    assert secrets(made, "é") == ["6"]
    assert secrets(made, "É") == ["7"]
    assert made.warnings == []


def test_of_names_that_asterisk_cuts_to_one_the_first_stays(example: Database) -> None:
    for row, end in ((6, "z"), (7, "a")):
        account(example, row, "n" * 79 + end)

    made = example.generate()

    assert secrets(made, "n" * 79) == ["7"]
    assert made.warnings == [
        "usersip row 6 is left out: column name is, to Asterisk, the same name as usersip row 7 column name"
    ]


@pytest.mark.parametrize("values", [{}, {"commented": 1}])
def test_an_account_that_is_not_written_takes_no_name(example: Database, values: dict[str, str]) -> None:
    account(example, 6, "Ann", line=bool(values), **values)
    account(example, 7, "ann")

    made = example.generate()

    assert secrets(made, "ann") == ["7"]
    assert made.warnings == []


def test_an_account_with_two_main_users_keeps_both_sections(example: Database) -> None:
    account(example, 6, "Two;")
    row = {"line_id": 106, "main_user": True, "main_line": True}
    example.insert({meta.user_line: [{**row, "id": 8}, {**row, "id": 9, "extension_id": 31}]})

    made = example.generate()

    assert [name for name, _ in read(made.content).resolved()].count("Two;") == 2
    assert made.warnings == []
    example.execute("DELETE FROM user_line WHERE id > 7")
