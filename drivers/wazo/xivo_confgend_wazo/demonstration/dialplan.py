"""What can be dialled: contexts, extensions of everybody and everything, incoming calls, voice menus."""

from __future__ import annotations

from collections.abc import Iterator

from xivo_confgend_wazo.demonstration.company import Company, Tenant, User, identifier, pick
from xivo_confgend_wazo.demonstration.people import is_disabled
from xivo_confgend_wazo.demonstration.queues import groups, queues
from xivo_confgend_wazo.demonstration.rooms import conferences, parking_lots
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import context, contextinclude, dialaction, extensions, ivr, ivr_choice

USERS_PER_INCALL = 5
OUTCALL_PATTERNS = ("112", "_0ZXXXXXXXX", "_00.", "_[1-9]XXXXXXX")
IVR_CHOICES = ("1", "2", "3", "9", "0", "*")
EXTENSION_COLUMNS = "id commented context exten type typeval"
IVR_COLUMNS = "id tenant_uuid name greeting_sound menu_sound invalid_sound abort_sound timeout max_tries"
DIALACTION_COLUMNS = "event category categoryval action actionarg1 actionarg2"

Destination = tuple[str, str | None, str | None]


def content(company: Company) -> Iterator[Rows]:
    """Contexts with their includes, extensions, destinations, voice menus."""
    yield Rows(
        context,
        "id uuid tenant_uuid name displayname contexttype commented",
        ((number, identifier("context id", number), *row) for number, row in enumerate(_contexts(company), start=1)),
    )
    yield Rows(contextinclude, "context include priority", _includes(company))
    yield Rows(
        extensions,
        EXTENSION_COLUMNS,
        ((number, *row) for number, row in enumerate(_extensions(company), start=1)),
    )
    yield Rows(ivr, IVR_COLUMNS, map(_ivr, company.tenants))
    yield Rows(
        ivr_choice,
        "id ivr_id exten",
        (
            (_choice_id(tenant, place), tenant.number, choice)
            for tenant in company.tenants
            for place, choice in enumerate(IVR_CHOICES)
        ),
    )
    yield Rows(dialaction, DIALACTION_COLUMNS, _destinations(company))


def _contexts(company: Company) -> Iterator[Row]:
    for tenant in company.tenants:
        yield tenant.uuid, tenant.internal, "Interne", "internal", 0
        yield tenant.uuid, tenant.site, "Succursale", "internal", 0
        yield tenant.uuid, tenant.incall, "Appels entrants", "incall", 0
        yield tenant.uuid, tenant.outcall, "Appels sortants", "outcall", 0
        yield tenant.uuid, tenant.services, "Services", "services", 0
        yield tenant.uuid, tenant.others, "Autres", "others", 0
    yield company.tenants[0].uuid, "ancienne-maison", "Fermé", "internal", 1


def _includes(company: Company) -> Iterator[Row]:
    for tenant in company.tenants:
        yield tenant.internal, tenant.outcall, 0
        yield tenant.internal, tenant.services, 1
        yield tenant.internal, tenant.site, 2
        yield tenant.site, tenant.internal, 0
        yield tenant.others, tenant.outcall, 0


def _extensions(company: Company) -> Iterator[Row]:
    """Without their ids; those of users come first, so that the extension of user N has the id N."""
    for user in company.users:
        yield int(is_disabled(user)), user.context, user.exten, "user", str(user.id)
    for team in [*groups(company), *queues(company)]:
        yield 0, team.tenant.internal, team.exten, team.category, str(team.id)
    for room in conferences(company):
        yield 0, room.tenant.internal, str(4000 + room.place), "conference", str(room.id)
    for lot in parking_lots(company):
        yield 0, lot.tenant.internal, str(700 + lot.place * 10), "parking", str(lot.id)
    for number, user in enumerate(incall_owners(company), start=1):
        yield 0, user.tenant.incall, _direct_number(number), "incall", str(number)
    for tenant in company.tenants:
        for place, pattern in enumerate(OUTCALL_PATTERNS):
            number = (tenant.number - 1) * len(OUTCALL_PATTERNS) + place + 1
            yield 0, tenant.outcall, pattern, "outcall", str(number)


def incall_owners(company: Company) -> list[User]:
    """Those who have a number of their own, in the order of the ids of their incalls."""
    return [user for user in company.users if user.id % USERS_PER_INCALL == 1]


def _direct_number(incall: int) -> str:
    return f"0{140_000_000 + incall * 7:09}"


def _ivr(tenant: Tenant) -> Row:
    number = tenant.number
    return (
        number,
        tenant.uuid,
        f"Menu {number}",
        f"/var/lib/wazo/sounds/tenants/{tenant.uuid}/ivr/bonjour" if number % 2 else None,
        f"/var/lib/wazo/sounds/tenants/{tenant.uuid}/ivr/menu",
        "invalid" if number % 2 else None,
        "goodbye" if number % 2 else None,
        0 if number % 3 == 0 else 5,
        3,
    )


def _choice_id(tenant: Tenant, place: int) -> int:
    return (tenant.number - 1) * len(IVR_CHOICES) + place + 1


def _any_destination(company: Company, tenant: Tenant, kind: str, number: int) -> Destination:
    """Somewhere to send a call: every action that the product offers comes up sooner or later."""
    user = company.users[number * 13 % len(company.users)]
    choices: list[Destination] = [
        ("user", str(user.id), "30"),
        ("group", str(tenant.number), "20"),
        ("queue", str(tenant.number), None),
        ("voicemail", str(user.voicemail or 1), "b;u"),
        ("extension", user.exten, user.context),
        ("conference", str(tenant.number), None),
        ("ivr", str(tenant.number), None),
        ("sound", f"/var/lib/wazo/sounds/tenants/{tenant.uuid}/playback/ferme", "skip;noanswer"),
        ("application:directory", tenant.internal, None),
        ("application:voicemailmain", tenant.internal, None),
        ("application:custom", identifier("application", tenant.number), None),
        ("switchboard", identifier("switchboard", tenant.number), None),
        ("custom", "Dial(Local/s@entree;1,20,tT)", None),
        ("endcall:busy", "10", None),
        ("endcall:hangup", None, None),
        ("none", None, None),
    ]
    return pick(choices, kind, number)


def _destinations(company: Company) -> Iterator[Row]:
    for number, user in enumerate(incall_owners(company), start=1):
        mine: Destination = ("user", str(user.id), "30")
        other = _any_destination(company, user.tenant, "incall", number)
        yield "answer", "incall", str(number), *(other if number % 5 == 0 else mine)
    for tenant in company.tenants:
        for place, event in enumerate(("timeout", "invalid", "abort")):
            number = tenant.number * 3 + place
            if (tenant.number + place) % 3:
                destination = _any_destination(company, tenant, event, number)
                yield event, "ivr", str(tenant.number), *destination
        for place in range(len(IVR_CHOICES) - 1):  # the last one leads nowhere yet
            number = _choice_id(tenant, place)
            destination = _any_destination(company, tenant, "choice", number)
            yield "ivr_choice", "ivr_choice", str(number), *destination
