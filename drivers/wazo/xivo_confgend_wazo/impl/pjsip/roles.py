"""What an endpoint is for, and the defaults of its endpoint section that follow (docs/spec/10-pjsip.conf.md 5.9).

A role belongs to the row that makes an endpoint a line, a trunk or the guest of a meeting; it is None for an
endpoint that is only inherited from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from xivo_confgend_wazo.impl.trimming import trimmed

FROM_WAZO = "set_var = WAZO_CHANNEL_DIRECTION=from-wazo"
DTMF_RECORD = "\nset_var = WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1"
COMPUTED = (
    "set_var = WAZO_",
    "set_var = XIVO_USERID=",
    "set_var = XIVO_USERUUID=",
    "set_var = TRANSFER_CONTEXT=",
    "set_var = PICKUPMARK=",
)
"""How the repeatable lines of all kinds of items begin."""
SINGLE = frozenset({"context", "named_pickup_group", "named_call_group", "mailboxes"})
"""Keys of the other lines."""


class Item(Protocol):
    """A line, trunk or guest. All its texts are safe to write."""

    def single(self) -> dict[str, str]:
        """Its defaults that are written once: finished lines by key, of `SINGLE`."""
        ...

    def repeatable(self) -> str:
        """Its repeatable lines, untrimmed, each once, between those of the tenant."""
        ...


class Role:
    """The role that `item` gives. `text`: its repeatable lines, which do not change any more, untrimmed at first."""

    __slots__ = ("item", "text")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.text = item.repeatable()


def trim(roles: Sequence[Role]) -> None:
    """Trim the texts of `roles`. They are looked at together, because there is hardly ever anything to trim."""
    together = "\n".join([role.text for role in roles])
    if trimmed(together) is not together:
        for role in roles:
            role.text = trimmed(role.text)


User = tuple[int, str, int, int]
"""A user of a line: id, UUID, `enableonlinerec`, `simultcalls`."""


@dataclass(slots=True)
class Line:
    """A row of `linefeatures`. `pickupmark` is `EXTEN%CONTEXT`; `users` and `mailboxes` begin with the main user's."""

    id: int
    context: str
    application_uuid: str | None = None
    pickupmark: str | None = None
    users: tuple[User, ...] = ()
    mailboxes: tuple[str, ...] = ()
    pickup_groups: str | None = None
    call_groups: str | None = None

    def single(self) -> dict[str, str]:
        """See `Item`."""
        single = {}
        if self.application_uuid:
            single["context"] = f"context = stasis-wazo-app-{self.application_uuid}".strip()
        elif self.context:
            single["context"] = f"context = {self.context}".strip()
        if self.pickup_groups:
            single["named_pickup_group"] = f"named_pickup_group = {self.pickup_groups}"
        if self.call_groups:
            single["named_call_group"] = f"named_call_group = {self.call_groups}"
        if self.mailboxes:
            single["mailboxes"] = f"mailboxes = {','.join(self.mailboxes)}".strip()
        return single

    def repeatable(self) -> str:
        """See `Item`."""
        lines = f"{FROM_WAZO}\nset_var = WAZO_LINE_ID={self.id}"
        if self.context:
            lines += f"\nset_var = TRANSFER_CONTEXT={self.context}"
        for user_id, uuid, enableonlinerec, simultcalls in self.users:
            lines += (
                f"\nset_var = XIVO_USERID={user_id}\nset_var = WAZO_USERID={user_id}"
                f"\nset_var = XIVO_USERUUID={uuid}\nset_var = WAZO_USERUUID={uuid}"
                f"{DTMF_RECORD if enableonlinerec else ''}\nset_var = WAZO_CALLER_SIMULTCALLS={simultcalls}"
            )
        if len(self.users) > 1:
            lines = "\n".join(dict.fromkeys(lines.split("\n")))
        if self.pickupmark:
            lines += f"\nset_var = PICKUPMARK={self.pickupmark}"
        return lines


@dataclass(slots=True)
class Trunk:
    """A row of `trunkfeatures`."""

    context: str | None

    def single(self) -> dict[str, str]:
        """See `Item`."""
        return {"context": f"context = {self.context}".strip()} if self.context else {}

    def repeatable(self) -> str:
        """See `Item`."""
        return "set_var = WAZO_PAI_FORMAT="


@dataclass(slots=True)
class Guest:
    """A row of `meeting`."""

    uuid: str
    name: str | None

    def single(self) -> dict[str, str]:
        """See `Item`."""
        return {}

    def repeatable(self) -> str:
        """See `Item`. A meeting without name is called None (quirk 14)."""
        name = f"set_var = WAZO_MEETING_NAME={self.name}"
        return f"{FROM_WAZO}\nset_var = WAZO_MEETING_UUID={self.uuid}\n{name}"
