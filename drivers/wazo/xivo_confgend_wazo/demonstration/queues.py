"""Who answers together: groups, queues, agents with their skills, call pickups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xivo_confgend_wazo.demonstration.company import Company, Tenant, User, identifier, pick
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import (
    agentfeatures,
    agentqueueskill,
    groupfeatures,
    pickup,
    pickupmember,
    queue,
    queuefeatures,
    queuemember,
    queueskill,
    queueskillrule,
)

USERS_PER_GROUP = 75
USERS_PER_QUEUE = 150
USERS_PER_PICKUP = 50
MEMBERS = 10
SKILLS = ("english", "french", "german", "sales", "support")
RULES = (
    "WT < 60, english > 50; WT >= 60, english > 10",
    "EWT < 30, support > 20 & sales > 5",
    None,
)
STRATEGIES = ("ringall", "leastrecent", "rrmemory", "linear", "wrandom")
GROUP_LABELS = ("Accueil", "Ventes", "Comptabilité", "Atelier", "Livraisons", "Direction")
QUEUE_LABELS = ("Service après-vente", "Commandes", "Urgences", "Renseignements")

QUEUE_COLUMNS = (
    "name category musicclass timeout monitor-type monitor-format queue-youarenext queue-thereare"
    " queue-callswaiting queue-holdtime announce-frequency announce-holdtime retry wrapuptime maxlen servicelevel"
    " strategy joinempty leavewhenempty ringinuse memberdelay weight autopause setinterfacevar commented"
)
MEMBER_COLUMNS = "queue_name interface penalty usertype userid channel category position"


@dataclass(frozen=True)
class Team:
    """A group or queue: `category` says which."""

    id: int
    category: str
    tenant: Tenant
    name: str
    label: str
    exten: str
    members: Sequence[User]


def groups(company: Company) -> list[Team]:
    """All groups: one for `USERS_PER_GROUP` users, at least one a tenant."""
    return _teams(company, "group", USERS_PER_GROUP, 2000, GROUP_LABELS)


def queues(company: Company) -> list[Team]:
    """All queues: one for `USERS_PER_QUEUE` users, at least one a tenant."""
    return _teams(company, "queue", USERS_PER_QUEUE, 3000, QUEUE_LABELS)


def agents(company: Company) -> list[User]:
    """The users who are agents."""
    return [user for user in company.users if user.agent is not None]


def _teams(company: Company, category: str, size: int, first: int, labels: Sequence[str]) -> list[Team]:
    teams: list[Team] = []
    for tenant in company.tenants:
        people = company.members(tenant)
        for place in range(1 + len(people) // size):
            number = len(teams) + 1
            start = place * size % max(len(people), 1)
            teams.append(
                Team(
                    id=number,
                    category=category,
                    tenant=tenant,
                    name=f"{category[:3]}-{tenant.slug}-{identifier(category, number)}",
                    label=f"{labels[place % len(labels)]} {place + 1}",
                    exten=str(first + place),
                    members=people[start : start + MEMBERS],
                )
            )
    return teams


def content(company: Company) -> Iterator[Rows]:
    """Groups, queues, agents, skills, pickups."""
    all_groups, all_queues = groups(company), queues(company)
    yield Rows(
        groupfeatures,
        "id uuid tenant_uuid name label timeout",
        ((one.id, identifier("group", one.id), one.tenant.uuid, one.name, one.label, 30) for one in all_groups),
    )
    yield Rows(
        queuefeatures,
        "id tenant_uuid name displayname number context timeout",
        ((one.id, one.tenant.uuid, one.name, one.label, one.exten, one.tenant.internal, 120) for one in all_queues),
    )
    yield Rows(queue, QUEUE_COLUMNS, map(_settings, [*all_groups, *all_queues]))
    yield Rows(queuemember, MEMBER_COLUMNS, _members([*all_groups, *all_queues]))
    yield from _agents(company)
    yield from _pickups(company, all_groups, all_queues)


def _settings(team: Team) -> Row:
    number = team.id
    is_queue = team.category == "queue"
    sounds = ["queue-youarenext", "queue-thereare", "queue-callswaiting", "queue-holdtime"]
    return (
        team.name,
        team.category,
        f"moh-{team.tenant.slug}-1" if number % 3 else "default",
        15 + number % 3 * 5,
        "mixmonitor" if is_queue and number % 4 == 1 else None,
        "wav" if is_queue and number % 4 == 1 else None,
        *(sounds if is_queue else [None] * 4),
        30 if is_queue else None,
        pick(("yes", "no", "once"), "announce", number) if is_queue else None,
        5,
        10 if is_queue else None,
        20 if is_queue else None,
        60 if is_queue else None,
        pick(STRATEGIES, "strategy", number),
        "unavailable,invalid" if is_queue else None,
        "unavailable,invalid" if is_queue and number % 2 else None,
        number % 2,
        0,
        number % 10 if is_queue else None,
        pick(("no", "yes", "all"), "autopause", number),
        1,
        1 if is_queue and number % 31 == 30 else 0,
    )


def _members(teams: Sequence[Team]) -> Iterator[Row]:
    for team in teams:
        for place, user in enumerate(team.members):
            if team.category == "queue" and user.agent is not None:
                interface = f"Agent/{user.agent}"
                yield team.name, interface, 0, "agent", user.agent, "Agent", "queue", place
            else:
                channel = {"sip": "SIP", "sccp": "SCCP", "custom": "Local"}[user.technology]
                interface = f"{channel}/{user.id}"
                yield team.name, interface, place % 3, "user", user.id, channel, team.category, place
        if team.category == "group" and team.id % 4 == 1:
            interface = f"Local/06{90000000 + team.id}@{team.tenant.internal}"
            yield team.name, interface, 5, "user", 0, "Local", "group", MEMBERS


def _agents(company: Company) -> Iterator[Rows]:
    people = agents(company)
    yield Rows(
        agentfeatures,
        "id tenant_uuid firstname lastname number passwd context language",
        (
            (one.agent, one.tenant.uuid, one.first, one.last, str(5000 + (one.agent or 0)), "", one.context, None)
            for one in people
        ),
    )
    number = len(SKILLS)
    yield Rows(
        queueskill,
        "id tenant_uuid name description",
        (
            ((tenant.number - 1) * number + place, tenant.uuid, skill, "")
            for tenant in company.tenants
            for place, skill in enumerate(SKILLS, start=1)
        ),
    )
    yield Rows(
        agentqueueskill,
        "agentid skillid weight",
        (
            (one.agent, (one.tenant.number - 1) * number + place, (one.id * place * 7) % 101)
            for one in people
            for place in (1 + one.id % 2, 3 + one.id % 3)
        ),
    )
    yield Rows(
        queueskillrule,
        "tenant_uuid name rule",
        (
            (tenant.uuid, f"rule {place}", rule)
            for tenant in company.tenants
            for place, rule in enumerate(RULES, start=1)
        ),
    )


def _pickups(company: Company, all_groups: Sequence[Team], all_queues: Sequence[Team]) -> Iterator[Rows]:
    numbers = range(1, len(company.users) // USERS_PER_PICKUP + 2)
    leaders = [company.users[min((number - 1) * USERS_PER_PICKUP, len(company.users) - 1)] for number in numbers]
    yield Rows(
        pickup,
        "id tenant_uuid name commented",
        (
            (number, leader.tenant.uuid, f"pickup {number}", int(number % 20 == 19))
            for number, leader in zip(numbers, leaders, strict=True)
        ),
    )
    members: list[Row] = []
    for number, leader in zip(numbers, leaders, strict=True):
        last = min(leader.id + 12, len(company.users))
        members += [(number, "member", "user", user) for user in range(leader.id, last + 1)]
        members += [(number, "pickup", "user", user) for user in range(leader.id, min(leader.id + 3, last) + 1)]
        members.append((number, "member", "group", (number - 1) % len(all_groups) + 1))
        members.append((number, "pickup", "queue", (number - 1) % len(all_queues) + 1))
    yield Rows(pickupmember, "pickupid category membertype memberid", members)
