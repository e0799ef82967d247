"""Who works in the demonstration company: tenants, users and their lines, with all their numbers.

An invented group of firms that grows with its number of users. Nothing here knows a table; the other
modules turn these people into rows. All values come from the numbers alone, so two machines make the same
company, byte for byte.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid5

NAMESPACE = UUID("5d0c0b3e-6f3f-5b0e-9d53-3a8f5c3f7b11")
TENANT_SIZE = 500
"""Users a tenant, about; there are three tenants at least."""
SMALLEST_NUMBER_OF_TENANTS = 3
SHARE_OF_THE_FIRST = 4
"""The first tenant, the one with the contexts of a first installation, has a quarter of all users."""

FIRST_NAMES = (
    "Adèle",
    "Anouk",
    "Arthur",
    "Basile",
    "Béatrice",
    "Camille",
    "Célia",
    "Cyprien",
    "Damien",
    "Diane",
    "Éloïse",
    "Émile",
    "Fanny",
    "Félix",
    "Gaspard",
    "Inès",
    "Jonas",
    "Judith",
    "Léonie",
    "Loïc",
    "Lucie",
    "Maël",
    "Margot",
    "Mathis",
    "Nadège",
    "Nils",
    "Odile",
    "Oriane",
    "Pauline",
    "Quentin",
    "Raphaël",
    "Romy",
    "Sacha",
    "Salomé",
    "Théo",
    "Timéa",
    "Ulysse",
    "Valentine",
    "Wanda",
    "Yves",
    "Zélie",
)
LAST_NAMES = (
    "Abricotier",
    "Beaumoulin",
    "Belleforge",
    "Boisclair",
    "Brindavoine",
    "Chantepierre",
    "Clairsable",
    "Courtebranche",
    "Dorfontaine",
    "Duvallon",
    "Épinelle",
    "Feuillantin",
    "Grandpré",
    "Hautecour",
    "Jolivent",
    "Lamerclair",
    "Lapervenche",
    "Longrive",
    "Marbelle",
    "Merlefeuille",
    "Montrouet",
    "Neigeval",
    "Orgemont",
    "Pierrelune",
    "Quatrechamps",
    "Ravenelle",
    "Rochebrune",
    "Sablonnet",
    "Tournemire",
    "Valfleuri",
    "Verdoncourt",
    "Vignasse",
)
LANGUAGES = ("fr_FR", "fr_CA", "en_US", "de_DE", None, None)

T = TypeVar("T")


def identifier(kind: str, *parts: object) -> str:
    """The UUID of the thing of this `kind` that `parts` name."""
    return str(uuid5(NAMESPACE, "/".join([kind, *map(str, parts)])))


def token(length: int, kind: str, number: object) -> str:
    """A word of small letters and digits: what the product draws at random for names and passwords."""
    rest = int.from_bytes(hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=16).digest(), "big")
    letters = []
    for _ in range(length):
        rest, digit = divmod(rest, 36)
        letters.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    return "".join(letters)


def pick(options: Sequence[T], kind: str, number: object) -> T:
    """One of `options`: always the same for the same `kind` and `number`."""
    return options[zlib.crc32(f"{kind}/{number}".encode()) % len(options)]


@dataclass(frozen=True)
class Tenant:
    """One firm. `internal`, `site`, `incall`, `outcall`, `services`, `others` are the names of its contexts."""

    number: int
    uuid: str
    slug: str
    country: str | None
    start_sound: str | None
    stop_sound: str | None
    internal: str
    site: str
    incall: str
    outcall: str
    services: str
    others: str
    users: range


@dataclass(frozen=True)
class User:
    """One person. `technology` is that of the main line; `voicemail` and `agent` are ids or None."""

    id: int
    uuid: str
    tenant: Tenant
    first: str
    last: str
    exten: str
    context: str
    technology: str
    language: str | None
    voicemail: int | None
    agent: int | None

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Line:
    """One line of a user. `webrtc` and `name` are what its kind of phone and its endpoint are called."""

    id: int
    user: User
    technology: str
    name: str
    webrtc: bool
    main: bool


@dataclass(frozen=True)
class Company:
    """All of it."""

    tenants: Sequence[Tenant]
    users: Sequence[User]
    lines: Sequence[Line]

    def members(self, tenant: Tenant) -> Sequence[User]:
        """The users of `tenant`."""
        return self.users[tenant.users.start - 1 : tenant.users.stop - 1]


def found(users: int) -> Company:
    """The company with this number of users. Raises ValueError if there is none."""
    if users < 1:
        raise ValueError("a company needs at least one user")
    number = max(SMALLEST_NUMBER_OF_TENANTS, round(users / TENANT_SIZE))
    first = users // SHARE_OF_THE_FIRST
    ends = [1, *(first + (users - first) * part // (number - 1) + 1 for part in range(number))]
    tenants = [_tenant(part + 1, range(ends[part], ends[part + 1])) for part in range(number)]
    people = [_user(tenant, user) for tenant in tenants for user in tenant.users]
    return Company(tenants, people, _lines(people))


def _tenant(number: int, users: range) -> Tenant:
    slug = token(6, "tenant", number)

    def context(kind: str, part: int = 0) -> str:
        return f"ctx-{slug}-{kind}-{identifier('context', number, kind, part)}"

    first = number == 1
    return Tenant(
        number=number,
        uuid=identifier("tenant", number),
        slug=slug,
        country=pick(("FR", "CA", "DE", None), "country", number),
        start_sound="rec-on" if number % 4 == 1 else None,
        stop_sound="rec-off" if number % 4 < 2 else None,
        internal="default" if first else context("internal"),
        site=context("internal", 1),
        incall="from-extern" if first else context("incall"),
        outcall="to-extern" if first else context("outcall"),
        services=context("services"),
        others=context("others"),
        users=users,
    )


def _user(tenant: Tenant, number: int) -> User:
    return User(
        id=number,
        uuid=identifier("user", number),
        tenant=tenant,
        first=pick(FIRST_NAMES, "first name", number),
        last=pick(LAST_NAMES, "last name", number),
        exten=str(10_000 + number - tenant.users.start),
        context=tenant.site if number % 5 == 0 else tenant.internal,
        technology={3: "sccp", 6: "custom", 31: "custom"}.get(number % 50, "sip"),
        language=pick(LANGUAGES, "language", number),
        voicemail=None if number % 8 == 7 else number,
        agent=number // 20 + 1 if number % 20 == 1 else None,
    )


def _lines(users: Sequence[User]) -> list[Line]:
    lines = [
        Line(
            id=user.id,
            user=user,
            technology=user.technology,
            name=_line_name(user),
            webrtc=user.technology == "sip" and user.id % 4 == 0,
            main=True,
        )
        for user in users
    ]
    for user in users:
        if user.id % 100 == 2:
            number = len(lines) + 1
            lines.append(Line(number, user, "sip", token(8, "line", number), webrtc=True, main=False))
    return lines


def _line_name(user: User) -> str:
    if user.technology == "sccp":
        return f"{user.tenant.number}{user.exten}"
    if user.technology == "custom":
        return f"Local/06{user.id:08}@{user.tenant.outcall}"
    return token(8, "line", user.id)
