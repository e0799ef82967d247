"""A company that does not exist, in a XiVO database: what demonstrations, tests and benchmarks are run on.

Les Chaudronneries d'Ystrelle has as many users as one asks for, and everything that
asterisk/sip.conf can show: trunks, outbound authentication, voicemail, pickups by user, group and
queue, second lines, shared lines, disabled accounts. The same number of users gives the same rows
on every machine. Not for a database that holds anything: the tables must not exist yet.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from sqlalchemy import Integer, Table, create_engine, func, select, text
from sqlalchemy.engine import Connection

from xivo_confgend.database import psycopg2_url
from xivo_confgend_xivo import meta

FIRST_NAMES = (  # noqa: SIM905 - a sentence of names reads better than a list
    "Adèle Agathe Basile Benoît Céleste Clovis Daphné Édith Élie Fanny Gaëlle Gaspard Hélène Hugo Inès Jade"
    " Joël Léonie Loïc Maëlle Marius Noémie Odilon Pénélope Quentin Raphaël Salomé Théo Ursule Victoire Yaël"
    " Zoé"
).split()
LAST_NAMES = (  # noqa: SIM905 - a sentence of names reads better than a list
    "Aubrac Baudrin Cassoul Delmontel Escarpin Fauvette Gribelin Hautbois Ivrelle Jonquet Kerlouan Lambrequin"
    " Maillefer Noirval Ombredane Pastoureau Quinquet Rivoire Sauvageot Tourneboeuf Urbain Valcreuse Wimereau"
    " Ystrelle Zinguet"
).split()
CONTEXTS = ("ystrelle-siege", "ystrelle-siege", "ystrelle-siege", "ystrelle-ateliers", "ystrelle-depot")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
CODECS = ("alaw,ulaw", "alaw,g722", "g722,alaw,ulaw,opus")
OPTIONS = ([["parkinglot", "ystrelle"]], [["keepalive", "30"], ["cc_max_agents", "4"]], [["setvar", "FLOOR=3"]])

FIRST_NUMBER = 10001
GROUP_SIZE = 25
QUEUE_SIZE = 50
PICKUP_SIZE = 20
TRUNK_SIZE = 100
SECOND_LINE_EVERY = 20

GENERAL = (
    ("bindport", "5060"),
    ("udpbindaddr", "0.0.0.0"),  # noqa: S104 - a value of the demonstration, nothing listens here
    ("tcpenable", "no"),
    ("realm", "ystrelle"),
    ("useragent", "XiVO"),
    ("disallow", "all"),
    ("allow", "alaw,ulaw,g722"),
    ("language", "fr_FR"),
    ("context", "from-extern"),
    ("subscribecontext", None),
    ("dtmfmode", "rfc2833"),
    ("directmedia", "no"),
    ("callcounter", "no"),
    ("vmexten", "*98"),
    ("mohinterpret", "default"),
    ("prematuremedia", "no"),
    ("qualifyfreq", "60"),
    ("session-timers", "accept"),
    ("trustrpid", "no"),
    ("notifycid", "no"),
    ("localnet", "192.0.2.0/255.255.255.0"),
    ("localnet", "198.51.100.0/255.255.255.0"),
    ("externip", "203.0.113.5"),
    ("register", "ystrelle:q7hsm2@sip1.example.net/0973000000"),
    ("mwi", "ystrelle:q7hsm2@vm.example.net/8000"),
)
FEATURES = (
    ("*10", "phonestatus", 0),
    ("*20", "fwdundoall", 0),
    ("*34", "calllistening", 1),
    ("*40", "cctoggle", 0),
    ("*98", "vmusermsg", 0),
    ("_*8.", "pickup", 0),
)


@dataclass(frozen=True)
class User:
    """One user with his first line. `id` is also the id of his account, line, extension and voicemail."""

    id: int
    first_name: str
    last_name: str
    account: str
    secret: str
    uuid: UUID
    context: str

    @property
    def number(self) -> str:
        return str(FIRST_NUMBER + self.id - 1)

    @property
    def callerid(self) -> str:
        return f'"{self.first_name} {self.last_name}" <{self.number}>'

    @property
    def has_voicemail(self) -> bool:
        return self.id % 5 != 0


@dataclass(frozen=True)
class Rows:
    """Rows of one table, and the columns that they fill, as COPY names them."""

    table: Table
    columns: str
    rows: Iterable[Sequence[object]]


def fill(uri: str, users: int = 200) -> None:
    """Create the tables in the empty database at `uri` and fill them with a company of `users` users.

    All or nothing: raises `sqlalchemy.exc.ProgrammingError` if a table exists already, and leaves
    the database as it was. Raises ValueError on a company without users.
    """
    if users < 1:
        raise ValueError("a company has at least one user")
    engine = create_engine(psycopg2_url(uri), future=True)
    try:
        with engine.begin() as connection:
            meta.METADATA.create_all(connection, checkfirst=False)
            for rows in company(users):
                _copy(connection, rows)
            _continue_sequences(connection)
            connection.execute(text("ANALYZE"))
    finally:
        engine.dispose()


def company(size: int) -> Iterator[Rows]:
    """Everything that the company with `size` users has, table by table."""
    random = Random(1932)
    users = [_user(random, number) for number in range(1, size + 1)]
    yield Rows(meta.staticsip, "filename, category, var_name, var_val", _general())
    yield _trunks(random, size)
    yield _authentication(size)
    seconds = {size + user.id: user for user in users if user.id % SECOND_LINE_EVERY == 0}
    yield _accounts(users, seconds)
    yield from _lines(users, seconds)
    yield _extensions(users)
    yield _userfeatures(users)
    yield _voicemails(users)
    yield from _groups(users)
    yield from _queues(users)
    yield from _pickups(size)


def _user(random: Random, number: int) -> User:
    return User(
        id=number,
        first_name=random.choice(FIRST_NAMES),
        last_name=random.choice(LAST_NAMES),
        account=_word(random, 5) + f"{number:x}".rjust(3, "z"),
        secret=_word(random, 12),
        uuid=UUID(int=random.getrandbits(128), version=4),
        context=CONTEXTS[number % len(CONTEXTS)],
    )


def _word(random: Random, length: int) -> str:
    return "".join(random.choices(LETTERS, k=length))


def _general() -> Iterator[Sequence[object]]:
    return (("sip.conf", "general", name, value) for name, value in GENERAL)


def _trunk_ids(size: int) -> range:
    # after the accounts: those of the users, then those of the second lines
    return range(2 * size + 1, 2 * size + 5 + size // TRUNK_SIZE)


def _trunks(random: Random, size: int) -> Rows:
    columns = (
        "id, name, type, category, username, secret, context, fromuser, fromdomain, host, port, insecure, nat,"
        " dtmfmode, qualify, sendrpid, trustrpid, outboundproxy, callbackextension, allow, directmedia,"
        ' regseconds, lastms, "call-limit", commented'
    )
    rows = [
        (
            trunk, f"operateur-{number}", "peer", "trunk", f"ystrelle{number}", _word(random, 12), "from-extern",
            f"+3397300{number:04}", f"sip{number}.example.net", f"sip{number}.example.net", (None, 5060)[number % 2],
            ("port,invite", "invite", None)[number % 3], "no", "rfc2833", "yes", ("pai", None)[number % 2], number % 2,
            ("proxy.example.net", None, "")[number % 3], f"0973{number:06}", (None, "alaw", "alaw,g729")[number % 3],
            "no", 0, str(number % 90), (10, 0)[number % 2], int(number % 7 == 0),
        )
        for number, trunk in enumerate(_trunk_ids(size), 1)
    ]  # fmt: skip
    return Rows(meta.usersip, columns, rows)


def _authentication(size: int) -> Rows:
    rows = [
        (
            trunk if number % 2 else None,
            f"ystrelle{number}",
            ("clear", "md5")[number % 2],
            f"a8s{number}",
            "example.net",
        )
        for number, trunk in enumerate(_trunk_ids(size)[:5], 1)
    ]
    return Rows(meta.sipauthentication, 'usersip_id, "user", secretmode, secret, realm', rows)


def _accounts(users: Sequence[User], seconds: Mapping[int, User]) -> Rows:
    columns = (
        "id, name, type, category, secret, context, language, accountcode, callerid, username, nat, dtmfmode,"
        " qualify, allow, subscribemwi, subscribecontext, vmexten, transport, callcounter, busylevel, deny,"
        " permit, host, ipaddr, fullcontact, regseconds, lastms, commented, options"
    )
    firsts = (_account(user.id, user.account, user) for user in users)
    return Rows(
        meta.usersip, columns, [*firsts, *(_account(id_, user.account + "b", user) for id_, user in seconds.items())]
    )


def _account(id_: int, name: str, user: User) -> Sequence[object]:
    n = user.id
    fixed = n % 40 == 0
    return (
        id_, name, "friend", "user", user.secret, user.context, ("fr_FR", None, "en_US")[n % 3],
        (None, user.number)[n % 4 == 0], (user.callerid, None)[n % 97 == 0], ("", None, "poste")[n % 3],
        ("force_rport,comedia", None, "no")[n % 3], ("rfc2833", "info", None, None)[n % 4],
        (None, "yes", "2000", "no")[n % 4], CODECS[n % 3] if n % 4 == 0 else None, int(user.has_voicemail),
        user.context, "*98", ("udp", "udp,tcp", None)[n % 3], 1, (None, 1)[n % 10 == 0],
        "0.0.0.0/0.0.0.0" if fixed else None, "192.0.2.0/255.255.255.0" if fixed else None,
        f"192.0.2.{n % 250}" if fixed else "dynamic", f"192.0.2.{n % 250}", f"sip:{user.account}@192.0.2.{n % 250}",
        1469041426, "52", int(n % 53 == 0), OPTIONS[n // 12 % 3] if n % 12 == 0 else [],
    )  # fmt: skip


def _lines(users: Sequence[User], seconds: Mapping[int, User]) -> Iterator[Rows]:
    """First lines, second lines, lines of SCCP; every 30th first line is shared with the next user."""
    columns = "id, protocol, protocolid, device, name, number, context, provisioningid"
    lines = [
        *((u.id, "sip", u.id, f"{u.uuid.hex}", u.account, u.number, u.context, 100000 + u.id) for u in users),
        *((id_, "sip", id_, "", u.account + "b", None, u.context, 0) for id_, u in seconds.items()),
        *((10**6 + u.id, "sccp", u.id, "", f"sccp-{u.account}", u.number, u.context, 0) for u in users[::50]),
    ]
    yield Rows(meta.linefeatures, columns, lines)
    owners = [
        *((u.id, u.id, u.id, True, True) for u in users),
        *((u.id, id_, None, True, False) for id_, u in seconds.items()),
        *(
            (guest.id, owner.id, owner.id, False, False)
            for owner, guest in zip(users[::30], users[1::30], strict=False)
        ),
    ]
    yield Rows(meta.user_line, "user_id, line_id, extension_id, main_user, main_line", owners)


def _extensions(users: Sequence[User]) -> Rows:
    columns = "id, exten, context, type, typeval, commented"
    features = [
        (len(users) + place, exten, "xivo-features", "extenfeatures", name, commented)
        for place, (exten, name, commented) in enumerate(FEATURES, 1)
    ]
    return Rows(
        meta.extensions, columns, [*((u.id, u.number, u.context, "user", str(u.id), 0) for u in users), *features]
    )


def _userfeatures(users: Sequence[User]) -> Rows:
    columns = (
        "id, uuid, firstname, lastname, callerid, voicemailid, musiconhold, func_key_private_template_id, description"
    )
    rows = (
        (
            u.id, u.uuid, u.first_name, u.last_name, f'"{u.first_name} {u.last_name}"',
            u.id if u.has_voicemail else None, ("", "default", "calme")[u.id % 3], u.id, "",
        )
        for u in users
    )  # fmt: skip
    return Rows(meta.userfeatures, columns, rows)


def _voicemails(users: Sequence[User]) -> Rows:
    rows = [(u.id, u.number, u.context, f"{u.id % 10000:04}", u.first_name) for u in users if u.has_voicemail]
    return Rows(meta.voicemail, "uniqueid, mailbox, context, password, fullname", rows)


def _groups(users: Sequence[User]) -> Iterator[Rows]:
    """One group for every 25 users; it has one in five of the next 75."""
    names = [f"equipe-{number}" for number in range(1, len(users) // GROUP_SIZE + 2)]
    numbers = ((number, name, f"5{number:04}", CONTEXTS[0]) for number, name in enumerate(names, 1))
    yield Rows(meta.groupfeatures, "id, name, number, context", numbers)
    yield _members(
        "group", ((name, users[place * GROUP_SIZE :][: 3 * GROUP_SIZE : 5]) for place, name in enumerate(names))
    )


def _queues(users: Sequence[User]) -> Iterator[Rows]:
    names = [f"accueil-{number}" for number in range(1, len(users) // QUEUE_SIZE + 2)]
    numbers = ((number, name, name.title(), f"6{number:04}", CONTEXTS[0]) for number, name in enumerate(names, 1))
    yield Rows(meta.queuefeatures, "id, name, displayname, number, context", numbers)
    yield _members("queue", ((name, users[place * QUEUE_SIZE :][:QUEUE_SIZE:6]) for place, name in enumerate(names)))


def _members(category: str, teams: Iterable[tuple[str, Sequence[User]]]) -> Rows:
    columns = "queue_name, interface, usertype, userid, channel, category, position"
    rows = [
        (team, f"SIP/{member.account}", "user", member.id, "SIP", category, place)
        for team, members in teams
        for place, member in enumerate(members)
    ]
    return Rows(meta.queuemember, columns, rows)


def _pickups(size: int) -> Iterator[Rows]:
    """One pickup for every 20 users, whose members may pick up for a group and a queue; every 13th is disabled."""
    ids = range(1, size // PICKUP_SIZE + 2)
    names = ((number, 1, f"interception {number}", int(number % 13 == 0), "") for number in ids)
    yield Rows(meta.pickup, "id, entity_id, name, commented, description", names)
    members = [
        row
        for number in ids
        for row in (
            (number, "pickup", "group", (number - 1) * PICKUP_SIZE // GROUP_SIZE + 1),
            (number, "pickup", "queue", (number - 1) * PICKUP_SIZE // QUEUE_SIZE + 1),
            *((number, ("member", "pickup")[user % 3 == 0], "user", user) for user in _pickup_users(number, size)),
        )
    ]
    yield Rows(meta.pickupmember, "pickupid, category, membertype, memberid", members)


def _pickup_users(number: int, size: int) -> range:
    return range((number - 1) * PICKUP_SIZE + 1, min(number * PICKUP_SIZE + 5, size + 1))


def _copy(connection: Connection, rows: Rows) -> None:
    data = io.StringIO("".join("\t".join(map(_field, row)) + "\n" for row in rows.rows))
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {rows.table.name} ({rows.columns}) FROM STDIN", data)


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, list):
        return "{" + ",".join(map(_field, value)) + "}"
    return str(value)


def _continue_sequences(connection: Connection) -> None:
    """Let rows that somebody adds by hand continue the ids."""
    for table in meta.METADATA.sorted_tables:
        for column in (column for column in table.primary_key if isinstance(column.type, Integer)):
            last = select(func.greatest(func.max(column), 1)).scalar_subquery()
            # A column without sequence has none to set: setval(NULL, …) is NULL.
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, column.name), last)))
