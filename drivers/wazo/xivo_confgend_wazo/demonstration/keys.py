"""Function keys of every kind that gives a hint, and the filters between bosses and their secretaries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Table

from xivo_confgend_wazo.demonstration.company import Company, User
from xivo_confgend_wazo.demonstration.installation import feature_uuid, service_key
from xivo_confgend_wazo.demonstration.people import shared_key_template
from xivo_confgend_wazo.demonstration.queues import Team, agents, groups
from xivo_confgend_wazo.demonstration.rooms import conferences
from xivo_confgend_wazo.demonstration.settings import SERVICE_KEYS
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import (
    callfilter,
    callfiltermember,
    func_key,
    func_key_dest_agent,
    func_key_dest_bsfilter,
    func_key_dest_conference,
    func_key_dest_custom,
    func_key_dest_forward,
    func_key_dest_groupmember,
    func_key_dest_service,
    func_key_mapping,
)

SPEED_DIAL = 1
CONFERENCE, SERVICE, FORWARD, CUSTOM, AGENT, BSFILTER, GROUPMEMBER = 4, 5, 6, 10, 11, 12, 13
"""`destination_type_id` of the kinds of keys."""

AGENT_FEATURES = ("agentstaticlogin", "agentstaticlogoff", "agentstaticlogtoggle")
GROUP_FEATURES = ("groupmembertoggle", "groupmemberjoin", "groupmemberleave")
USERS_PER_FILTER = 100


@dataclass
class Keys:
    """The keys made so far: rows of `func_key`, of each destination table, and of the mapping."""

    keys: list[Row] = field(default_factory=list)
    destinations: dict[str, list[Row]] = field(default_factory=dict)
    mapping: list[Row] = field(default_factory=list)

    def add(self, kind: int, table: Table, *destination: str | int | None) -> int:
        """Make one more key and return its id."""
        number = len(self.keys) + 1
        self.keys.append((number, SPEED_DIAL, kind))
        self.destinations.setdefault(table.name, []).append((number, kind, *destination))
        return number

    def put(self, template: int, position: int, key: int, label: str | None = None, blf: bool = True) -> None:
        """Put a key on a template."""
        kind = self.keys[key - 1][2]
        self.mapping.append((template, key, kind, label, position, blf))


def content(company: Company) -> Iterator[Rows]:
    """Filters, keys, destinations, and who has which key."""
    filters, members = _filters(company)
    yield Rows(callfilter, "id tenant_uuid name type bosssecretary callfrom", filters)
    yield Rows(callfiltermember, "id callfilterid type typeval priority bstype active", members)
    keys = _keys(company, len(members))
    yield Rows(func_key, "id type_id destination_type_id", keys.keys)
    destinations = {
        func_key_dest_service: "feature_extension_uuid",
        func_key_dest_forward: "feature_extension_uuid number",
        func_key_dest_groupmember: "group_id feature_extension_uuid",
        func_key_dest_agent: "agent_id feature_extension_uuid",
        func_key_dest_conference: "conference_id",
        func_key_dest_bsfilter: "filtermember_id",
        func_key_dest_custom: "exten",
    }
    for table, columns in destinations.items():
        yield Rows(table, f"func_key_id destination_type_id {columns}", keys.destinations.get(table.name, []))
    columns = "template_id func_key_id destination_type_id label position blf"
    yield Rows(func_key_mapping, columns, keys.mapping)


def _filters(company: Company) -> tuple[list[Row], list[Row]]:
    """One boss with two secretaries in every `USERS_PER_FILTER` users."""
    filters: list[Row] = []
    members: list[Row] = []
    for start in range(0, len(company.users), USERS_PER_FILTER):
        people = company.users[start : start + 3]
        number = len(filters) + 1
        filters.append((number, people[0].tenant.uuid, f"filtre {number}", "bosssecretary", "bossfirst-serial", "all"))
        for place, user in enumerate(people):
            role = "secretary" if place else "boss"
            members.append((len(members) + 1, number, "user", str(user.id), place, role, 1))
    return filters, members


def _keys(company: Company, filter_members: int) -> Keys:
    keys = Keys()
    for feature in SERVICE_KEYS:
        keys.add(SERVICE, func_key_dest_service, feature_uuid(feature))
    for room in conferences(company):
        if room.place < 3:  # nobody ever asked for a key to the others
            keys.add(CONFERENCE, func_key_dest_conference, room.id)
    for member in range(1, filter_members + 1):
        keys.add(BSFILTER, func_key_dest_bsfilter, member)
    _give_agent_keys(keys, company)
    _give_group_keys(keys, groups(company))
    for user in company.users:
        _give_personal_keys(keys, company, user)
    for tenant in company.tenants:
        template = shared_key_template(company, tenant.number)
        keys.put(template, 1, keys.add(CUSTOM, func_key_dest_custom, "*4711"), "Porte")
    return keys


def _give_agent_keys(keys: Keys, company: Company) -> None:
    for user in agents(company):
        for position, feature in enumerate(AGENT_FEATURES, start=1):
            key = keys.add(AGENT, func_key_dest_agent, user.agent, feature_uuid(feature))
            keys.put(user.id, position, key, blf=position != 2)


def _give_group_keys(keys: Keys, all_groups: list[Team]) -> None:
    for team in all_groups:
        made = [keys.add(GROUPMEMBER, func_key_dest_groupmember, team.id, feature_uuid(f)) for f in GROUP_FEATURES]
        for user in team.members[:2]:
            keys.put(user.id, 10 + len(all_groups) + team.id, made[team.id % 3], team.label)


def _give_personal_keys(keys: Keys, company: Company, user: User) -> None:
    """One user in five has keys of his own; SCCP phones always have speed dials."""
    if user.technology == "sccp":
        neighbour = company.users[user.id % len(company.users)]
        keys.put(user.id, 21, keys.add(CUSTOM, func_key_dest_custom, neighbour.exten), neighbour.name)
        keys.put(user.id, 22, keys.add(CUSTOM, func_key_dest_custom, f"06{user.id:08}"), None, blf=False)
    if user.id % 5 != 2:
        return
    keys.put(user.id, 4, service_key("enablednd"))
    number = None if user.id % 2 else f"06{user.id:08}"
    keys.put(user.id, 5, keys.add(FORWARD, func_key_dest_forward, feature_uuid("fwdunc"), number), "Renvoi")
    if user.id % 15 == 2:
        feature = feature_uuid("fwdbusy" if user.id % 2 else "fwdrna")
        keys.put(user.id, 6, keys.add(FORWARD, func_key_dest_forward, feature, "9999"))
        keys.put(user.id, 7, keys.add(CUSTOM, func_key_dest_custom, f"*87{user.id}"), "Lampe")
