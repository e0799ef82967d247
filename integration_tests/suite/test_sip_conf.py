"""asterisk/sip.conf of the XiVO schema: what docs/spec/19-sip.conf-xivo.md says, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from integration_tests.suite.helpers.base import asset, differences
from integration_tests.suite.helpers.sip_example import (
    EXAMPLE,
    Database,
    empty_database,
    example_database,
    section,
    sections,
    worked_example,
)
from xivo_confgend.testing.generation import generate
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_xivo import meta
from xivo_confgend_xivo.demonstration import fill
from xivo_confgend_xivo.impl.sip import SIPConf

CASES = [("xivo-small", "expected"), ("xivo-small", "expected-nova")]
CASES += [("xivo-tricky", "expected"), ("xivo-tricky", "expected-nova")]
NOVA = {"asterisk": {"nova_compatibility": True}}


@pytest.fixture
def empty(postgresql: PostgreSQL) -> Iterator[Database]:
    """The schema without a row."""
    with empty_database(postgresql) as database:
        yield database


@pytest.fixture
def example(postgresql: PostgreSQL) -> Iterator[Database]:
    """The rows of section 9.1."""
    with example_database(postgresql) as database:
        yield database


@pytest.fixture(scope="module")
def company(postgresql: PostgreSQL) -> Callable[[int], str]:
    """URL of the demonstration company with so many users; filled once, only to be read."""

    def uri(users: int) -> str:
        name = f"sip_company_{users}"
        if not postgresql.has_database(name):
            fill(postgresql.create_database(name), users)
        return postgresql.uri(name)

    return uri


def with_free_orders_sorted(content: str) -> tuple[list[str], list[str]]:
    """General lines, then blocks, with what the specification lets stand in any order in one order."""
    general, _, rest = content.partition("\n\n")
    ids = re.compile(r"^(named(?:pickup|call)group) = (.*)$", re.M)
    ascending = ids.sub(lambda found: f"{found[1]} = {','.join(sorted(found[2].split(','), key=int))}", rest)
    return sorted(general.split("\n")), sorted(ascending.split("\n\n"))


@pytest.mark.parametrize(("case", "flavour"), CASES)
def test_a_golden_database_gives_a_file_that_means_the_same(
    golden_uri: Callable[[str], str], case: str, flavour: str
) -> None:
    content = generate(SIPConf, golden_uri(case), NOVA if "nova" in flavour else {}).content

    assert differences(asset(case) / flavour / "asterisk" / "sip.conf", content) == []


@pytest.mark.parametrize(("case", "flavour"), CASES)
def test_a_golden_database_gives_the_same_bytes_but_for_free_orders(
    golden_uri: Callable[[str], str], case: str, flavour: str
) -> None:
    expected = (asset(case) / flavour / "asterisk" / "sip.conf").read_text("utf-8")

    content = generate(SIPConf, golden_uri(case), NOVA if "nova" in flavour else {}).content

    assert with_free_orders_sorted(content) == with_free_orders_sorted(expected)


def test_worked_example_full_file(example: Database) -> None:
    assert example.generate().content == worked_example("9.1")


def test_worked_example_nova_compatibility(example: Database) -> None:
    described = 'description = "Ann" <100>\n'

    content = example.generate(NOVA).content

    assert content == worked_example("9.1").replace(described, described + "accountcode = 100\n")


def test_worked_example_disabled_call_completion(example: Database) -> None:
    completion = re.compile(r"ccnr_available_timer.*?cc_monitor_policy = generic\n", re.S)
    example.update(meta.extensions, 32, commented=1)

    content = example.generate().content

    assert content == completion.sub(worked_example("9.3").replace("\\", ""), worked_example("9.1"))


def test_worked_example_empty_database(empty: Database) -> None:
    assert empty.generate().content == worked_example("9.4")


@pytest.mark.parametrize("asterisk", [None, [], "yes", {}, {"nova_compatibility": None}])
def test_a_configuration_without_the_switch_leaves_it_off(example: Database, asterisk: object) -> None:
    assert example.generate({"asterisk": asterisk}).content == worked_example("9.1")


def test_the_first_call_completion_extension_decides(example: Database) -> None:
    later = {"exten": "*2", "context": "xivo-features", "type": "extenfeatures", "typeval": "cctoggle", "commented": 1}
    example.insert({meta.extensions: [later]})

    assert "cc_offer_timer = 30" in section(example.generate().content, "u-one")


def test_an_account_without_line_is_not_written(example: Database) -> None:
    example.execute("DELETE FROM linefeatures WHERE id = 22")

    assert "[u-two]" not in example.generate().content


def test_a_line_of_another_protocol_does_not_write_the_account(example: Database) -> None:
    example.execute("UPDATE linefeatures SET protocol = 'sccp' WHERE id = 22")

    assert "[u-two]" not in example.generate().content


def test_a_disabled_account_is_not_written(example: Database) -> None:
    example.update(meta.usersip, 1, commented=1)

    assert "[u-one]" not in example.generate().content


def test_a_disabled_line_user_voicemail_and_extension_are_written(example: Database) -> None:
    for table, row in ((meta.linefeatures, 21), (meta.userfeatures, 7), (meta.voicemail, 41), (meta.extensions, 31)):
        example.update(table, row, commented=1)

    assert example.generate().content == worked_example("9.1")


def test_a_line_with_two_main_users_gives_two_sections(example: Database) -> None:
    example.insert(
        {meta.user_line: [{"id": 8, "line_id": 21, "extension_id": 32, "main_user": True, "main_line": True}]}
    )

    content = example.generate().content

    assert sections(content).count("[u-one]") == 2
    assert "setvar = PICKUPMARK=*1%ctx-l\n" in content


def test_equal_rows_of_one_account_give_one_section(example: Database) -> None:
    without_user = {"line_id": 22, "main_user": True, "main_line": True}
    example.insert({meta.user_line: [{**without_user, "id": 8}, {**without_user, "id": 9}]})

    assert sections(example.generate().content).count("[u-two]") == 1


def test_equal_rows_are_one_though_another_stands_between(example: Database) -> None:
    row = {"line_id": 22, "main_user": True, "main_line": True}
    between = {**row, "id": 8, "extension_id": 31}
    example.insert({meta.user_line: [{**row, "id": 7}, between, {**row, "id": 9}]})

    assert sections(example.generate().content).count("[u-two]") == 2


def test_an_extra_allow_alone_brings_a_disallow_in_front(example: Database) -> None:
    example.update(meta.usersip, 4, options=[["allow", ""], ["keepalive", "30"]])

    lines = section(example.generate().content, "t-two")

    assert lines[0] == "disallow = all"
    assert lines[-2:] == ["allow = ", "keepalive = 30"]


def test_an_empty_allow_brings_no_disallow(example: Database) -> None:
    example.update(meta.usersip, 3, allow="")

    assert "disallow = all" not in section(example.generate().content, "t-one")


def test_null_in_a_pair_is_written_as_none(example: Database) -> None:
    example.update(meta.usersip, 4, options=[["keepalive", None]])

    assert section(example.generate().content, "t-two")[-1] == "keepalive = None"


TEAM_MEMBERS = {
    "group": (meta.groupfeatures, {"id": 5, "name": "team", "context": "c"}),
    "queue": (meta.queuefeatures, {"id": 5, "name": "team", "displayname": "Team"}),
}


@pytest.mark.parametrize("membertype", TEAM_MEMBERS)
def test_a_pickup_reaches_the_members_of_a_team(example: Database, membertype: str) -> None:
    table, row = TEAM_MEMBERS[membertype]
    member = {"queue_name": "team", "interface": "SIP/u-one", "usertype": "user", "userid": 7, "channel": "SIP"}
    example.insert(
        {
            table: [row],
            meta.queuemember: [{**member, "category": "group"}],
            meta.pickup: [{"id": 12, "name": "twelve"}],
            meta.pickupmember: [{"pickupid": 12, "category": "pickup", "membertype": membertype, "memberid": 5}],
        }
    )

    assert "namedcallgroup = 4,12" in section(example.generate().content, "u-one")


def test_a_disabled_pickup_counts_for_nobody(example: Database) -> None:
    example.update(meta.pickup, 4, commented=1)

    lines = section(example.generate().content, "u-one")

    assert "namedpickupgroup = 3" in lines
    assert not any(line.startswith("namedcallgroup") for line in lines)


def test_nothing_is_trimmed(example: Database) -> None:
    example.update(meta.usersip, 1, secret=" a ")

    assert "secret =  a " in section(example.generate().content, "u-one")


def test_statements_do_not_depend_on_the_number_of_users(company: Callable[[int], str]) -> None:
    few, many = (generate(SIPConf, company(users)).statements for users in (10, 1000))

    assert few == many <= 6


def test_the_same_database_gives_the_same_bytes(company: Callable[[int], str]) -> None:
    first, second = (generate(SIPConf, company(1000)).content for _ in range(2))

    assert first == second


def test_where_rows_lie_in_the_table_does_not_matter(example: Database) -> None:
    before = example.generate().content
    for table in EXAMPLE:
        key = next(iter(table.primary_key)).name
        # an update writes the row anew, at the end of the table
        example.execute(f"UPDATE {table.name} SET {key} = {key} WHERE {key} = (SELECT min({key}) FROM {table.name})")

    assert example.generate().content == before


def test_content_comes_in_large_chunks(company: Callable[[int], str]) -> None:
    chunks: list[str] = []

    class Recorded(SIPConf):
        def generate(self) -> Iterator[str]:
            for chunk in super().generate():
                chunks.append(chunk)
                yield chunk

    content = generate(Recorded, company(1000)).content

    assert len(content) / len(chunks) > 65536


def test_the_demonstration_company_has_every_kind_of_line(company: Callable[[int], str]) -> None:
    content = generate(SIPConf, company(200)).content

    prefixes = ["auth = ", "register => ", "mwi => ", "namedpickupgroup = ", "namedcallgroup = ", "mohsuggest = "]
    prefixes += ["mailbox = ", "setvar = PICKUPMARK=", "disallow = all", "cc_offer_timer = ", "regseconds = "]
    assert [prefix for prefix in prefixes if f"\n{prefix}" not in content] == []


def test_the_demonstration_company_has_an_account_for_every_line(company: Callable[[int], str]) -> None:
    content = generate(SIPConf, company(200)).content

    # 200 first lines and 10 second ones; the accounts of users 53, 106 and 159 are disabled
    assert content.count("hangup_handler_push") == 207
