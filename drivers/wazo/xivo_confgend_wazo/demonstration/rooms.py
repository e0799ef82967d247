"""Where people meet, wait or park a call: conferences, meetings, music on hold, parking lots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xivo_confgend_wazo.demonstration.company import Company, Tenant, identifier, token
from xivo_confgend_wazo.demonstration.sip import Endpoint, endpoint_rows, endpoint_uuid, template_uuid
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import conference, meeting, moh, parking_lot

USERS_PER_CONFERENCE = 100
USERS_PER_MEETING = 200
PARKING_LOTS = 2
"""In each tenant."""
MEETING_NAMES = ("Réunion", "Point d'équipe", "Entretien", "Atelier")
MUSIC = (
    # mode, application, sort
    ("files", None, "alphabetical"),
    ("files", None, None),
    ("custom", "/usr/bin/mpg123 -q -s --mono -r 8000 -f 8192 http://radio.example.net/", None),
    ("mp3", None, "random_start"),
)
CONFERENCE_COLUMNS = (
    "id tenant_uuid name max_users record pin quiet_join_leave announce_join_leave announce_user_count"
    " announce_only_user music_on_hold admin_pin"
)


@dataclass(frozen=True)
class Room:
    """A conference, meeting or parking lot: number `place` of its `tenant`."""

    id: int
    tenant: Tenant
    place: int


def conferences(company: Company) -> list[Room]:
    """All conferences, at least one a tenant."""
    return _rooms(company, USERS_PER_CONFERENCE)


def meetings(company: Company) -> list[Room]:
    """All meetings, at least one a tenant."""
    return _rooms(company, USERS_PER_MEETING)


def parking_lots(company: Company) -> list[Room]:
    """All parking lots."""
    places = [(tenant, place) for tenant in company.tenants for place in range(PARKING_LOTS)]
    return [Room(number, tenant, place) for number, (tenant, place) in enumerate(places, start=1)]


def _rooms(company: Company, size: int) -> list[Room]:
    places = [(tenant, place) for tenant in company.tenants for place in range(1 + len(tenant.users) // size)]
    return [Room(number, tenant, place) for number, (tenant, place) in enumerate(places, start=1)]


def content(company: Company) -> Iterator[Rows]:
    """Conferences, meetings with their guests' endpoints, music, parking lots."""
    yield Rows(conference, CONFERENCE_COLUMNS, map(_conference, conferences(company)))
    rooms = meetings(company)
    yield from endpoint_rows([_guest(room) for room in rooms])
    yield Rows(
        meeting,
        "uuid name guest_endpoint_sip_uuid tenant_uuid created_at persistent number",
        map(_meeting, rooms),
    )
    yield Rows(
        moh,
        "uuid tenant_uuid name label mode application sort",
        (
            (identifier("moh", one.number, place), one.uuid, f"moh-{one.slug}-{place}", f"Musique {place}", *music)
            for one in company.tenants
            for place, music in enumerate(MUSIC, start=1)
        ),
    )
    yield Rows(
        parking_lot,
        "id tenant_uuid name slots_start slots_end timeout music_on_hold",
        map(_parking_lot, parking_lots(company)),
    )


def _conference(room: Room) -> Row:
    number = room.id
    return (
        number,
        room.tenant.uuid,
        f"Salle {room.place + 1}",
        number % 3 * 25,
        number % 4 == 0,
        str(1000 + number % 9000) if number % 3 == 1 else None,
        number % 2 == 0,
        number % 3 != 0,
        number % 5 == 0,
        number % 7 != 0,
        f"moh-{room.tenant.slug}-1" if number % 2 else None,
        str(9000 + number % 1000) if number % 2 else None,
    )


def _guest(room: Room) -> Endpoint:
    name = token(8, "meeting", room.id)
    return Endpoint(
        uuid=endpoint_uuid("meeting", room.id),
        name=name,
        tenant=room.tenant,
        options=[("auth", "username", name), ("auth", "password", token(8, "guest", room.id))],
        parents=[template_uuid(room.tenant, "meeting_guest")],
        label=f"wazo-meeting-{_meeting_uuid(room)}-guest",
    )


def _meeting_uuid(room: Room) -> str:
    return identifier("meeting", room.id)


def _meeting(room: Room) -> Row:
    return (
        _meeting_uuid(room),
        f"{MEETING_NAMES[(room.id - 1) % len(MEETING_NAMES)]} {room.id}",
        endpoint_uuid("meeting", room.id),
        room.tenant.uuid,
        "2026-06-01 08:00:00+00",
        room.id % 2 == 0,
        f"{room.id:06}",
    )


def _parking_lot(room: Room) -> Row:
    start = 7001 + room.place * 100
    music = "default" if room.place else None
    return room.id, room.tenant.uuid, f"Parking {room.id}", str(start), str(start + 49), 45, music
