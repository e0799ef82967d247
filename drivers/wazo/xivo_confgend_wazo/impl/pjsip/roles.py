"""What an endpoint is for, and the defaults of its endpoint section that follow (docs/spec/10-pjsip.conf.md 5.9).

A role knows the row that makes an endpoint a line, a trunk or the guest of a meeting; it is None for an
endpoint that is only inherited from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

FROM_WAZO = "set_var = WAZO_CHANNEL_DIRECTION=from-wazo"


class Defaults(NamedTuple):
    """Finished lines: `single` by key, `repeated` untrimmed and in order."""

    single: dict[str, str]
    repeated: list[str]


class Role(Protocol):
    """A line, trunk or guest. All its texts are safe to write."""

    @property
    def mailboxes(self) -> Sequence[str]:
        """`MAILBOX@CONTEXT` of each of its users; none but a line has any."""
        ...

    def defaults(self, announcements: Sequence[str]) -> Defaults:
        """Its defaults without that of the tenant; `announcements` are the lines of the tenant's recordings."""
        ...


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

    def defaults(self, announcements: Sequence[str]) -> Defaults:
        """See `Role`."""
        context = self.context
        single = {}
        repeated = [FROM_WAZO, f"set_var = WAZO_LINE_ID={self.id}"]
        if self.application_uuid:
            single["context"] = f"context = stasis-wazo-app-{self.application_uuid}".strip()
        elif context:
            single["context"] = f"context = {context}".strip()
        if context:
            repeated.append(f"set_var = TRANSFER_CONTEXT={context}")
        for user_id, uuid, enableonlinerec, simultcalls in self.users:
            repeated += (
                f"set_var = XIVO_USERID={user_id}",
                f"set_var = WAZO_USERID={user_id}",
                f"set_var = XIVO_USERUUID={uuid}",
                f"set_var = WAZO_USERUUID={uuid}",
            )
            if enableonlinerec:
                repeated.append("set_var = WAZO_USER_DTMF_RECORD_TOGGLE_ENABLED=1")
            repeated.append(f"set_var = WAZO_CALLER_SIMULTCALLS={simultcalls}")
        if self.pickupmark:
            repeated.append(f"set_var = PICKUPMARK={self.pickupmark}")
        if self.pickup_groups:
            single["named_pickup_group"] = f"named_pickup_group = {self.pickup_groups}"
        if self.call_groups:
            single["named_call_group"] = f"named_call_group = {self.call_groups}"
        if self.mailboxes:
            single["mailboxes"] = f"mailboxes = {','.join(self.mailboxes)}".strip()
        repeated += announcements
        return Defaults(single, repeated)


@dataclass(slots=True)
class Trunk:
    """A row of `trunkfeatures`."""

    context: str | None
    mailboxes: Sequence[str] = field(default=(), init=False)

    def defaults(self, announcements: Sequence[str]) -> Defaults:
        """See `Role`."""
        single = {"context": f"context = {self.context}".strip()} if self.context else {}
        return Defaults(single, ["set_var = WAZO_PAI_FORMAT=", *announcements])


@dataclass(slots=True)
class Guest:
    """A row of `meeting`."""

    uuid: str
    name: str | None
    mailboxes: Sequence[str] = field(default=(), init=False)

    def defaults(self, announcements: Sequence[str]) -> Defaults:
        """See `Role`. A meeting without name is called None (quirk 14)."""
        uuid, name = f"set_var = WAZO_MEETING_UUID={self.uuid}", f"set_var = WAZO_MEETING_NAME={self.name}"
        return Defaults({}, [FROM_WAZO, uuid, name, *announcements])
