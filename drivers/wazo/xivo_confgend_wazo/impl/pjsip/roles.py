"""What an endpoint is for, and the defaults of its endpoint section that follow (docs/spec/10-pjsip.conf.md 5.9).

A role belongs to the row that makes an endpoint a line, a trunk or the guest of a meeting; it is None for an
endpoint that is only inherited from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

FROM_WAZO = "set_var = WAZO_CHANNEL_DIRECTION=from-wazo"
COMPUTED = (
    "set_var = WAZO_",
    "set_var = XIVO_USERID=",
    "set_var = XIVO_USERUUID=",
    "set_var = TRANSFER_CONTEXT=",
    "set_var = PICKUPMARK=",
)
"""How the repeatable lines of all kinds of items begin."""


Defaults = tuple[dict[str, str], list[str]]
"""Lines: the single ones finished and by key; the repeatable ones untrimmed, each once, between those of the tenant."""


class Item(Protocol):
    """A line, trunk or guest. All its texts are safe to write."""

    def defaults(self) -> Defaults:
        """Its defaults."""
        ...


class Role:
    """The role that `item` gives, with its defaults: `single` lines by key, `text` of the repeatable ones.

    `item` is complete and does not change any more.
    """

    __slots__ = ("item", "single", "text")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.single, repeated = item.defaults()
        self.text = "\n".join(map(str.strip, repeated))


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

    def defaults(self) -> Defaults:
        """See `Item`."""
        context = self.context
        single = {}
        repeated = [FROM_WAZO, f"set_var = WAZO_LINE_ID={self.id}"]
        if self.application_uuid:
            single["context"] = f"context = stasis-wazo-app-{self.application_uuid}".strip()
        elif context:
            single["context"] = f"context = {context}".strip()
        if context:
            repeated.append(f"set_var = TRANSFER_CONTEXT={context}")
        users = self.users
        for user_id, uuid, enableonlinerec, simultcalls in users:
            repeated += (
                f"set_var = XIVO_USERID={user_id}",
                f"set_var = WAZO_USERID={user_id}",
                f"set_var = XIVO_USERUUID={uuid}",
                f"set_var = WAZO_USERUUID={uuid}",
            )
            if enableonlinerec:
                repeated.append("set_var = WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1")
            repeated.append(f"set_var = WAZO_CALLER_SIMULTCALLS={simultcalls}")
        if len(users) > 1:
            repeated = list(dict.fromkeys(repeated))
        if self.pickupmark:
            repeated.append(f"set_var = PICKUPMARK={self.pickupmark}")
        if self.pickup_groups:
            single["named_pickup_group"] = f"named_pickup_group = {self.pickup_groups}"
        if self.call_groups:
            single["named_call_group"] = f"named_call_group = {self.call_groups}"
        if self.mailboxes:
            single["mailboxes"] = f"mailboxes = {','.join(self.mailboxes)}".strip()
        return single, repeated


@dataclass(slots=True)
class Trunk:
    """A row of `trunkfeatures`."""

    context: str | None

    def defaults(self) -> Defaults:
        """See `Item`."""
        single = {"context": f"context = {self.context}".strip()} if self.context else {}
        return single, ["set_var = WAZO_PAI_FORMAT="]


@dataclass(slots=True)
class Guest:
    """A row of `meeting`."""

    uuid: str
    name: str | None

    def defaults(self) -> Defaults:
        """See `Item`. A meeting without name is called None (quirk 14)."""
        uuid, name = f"set_var = WAZO_MEETING_UUID={self.uuid}", f"set_var = WAZO_MEETING_NAME={self.name}"
        return {}, [FROM_WAZO, uuid, name]
