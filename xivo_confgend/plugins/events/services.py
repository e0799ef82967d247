"""What happens to the files, told to everyone who listens.

Each listener has a queue that is bounded: who reads too slowly is told to ask for everything anew, and
costs no more memory. The last events are kept for listeners who come back.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from xivo_confgend.generation import Observer
from xivo_confgend.http_problems import Problem
from xivo_confgend.names import FileName
from xivo_confgend.notices import Shrinkage
from xivo_confgend.services import FileFacts, written_time
from xivo_confgend.store import Facts, now

KEEP_ALIVE = 15.0
MOST_WAITING = 256
MOST_KEPT = 256
MOST_LISTENERS = 100
EVENT_ID = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})")
SIGN_OF_LIFE = b": keep-alive\n\n"


@dataclass(frozen=True)
class Event:
    """One event, written for those who may read secrets and for those who may not."""

    number: int
    open: bytes
    masked: bytes

    def shown(self, secrets: bool) -> bytes:
        """As it is sent."""
        return self.open if secrets else self.masked


class Listening:
    """One listener's queue."""

    def __init__(self, reactor: Any, secrets: bool) -> None:
        self.secrets = secrets
        self._reactor = reactor
        self._queue: deque[bytes] = deque()
        self._ended = False
        self._wake: Deferred[None] | None = None

    def put(self, data: bytes, reset: bytes) -> None:
        """Append `data`; `reset` takes the place of everything if that is too much."""
        if len(self._queue) >= MOST_WAITING:
            self._queue.clear()
            data = reset
        self._queue.append(data)
        self._stir()

    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        self._stir()

    def _stir(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.callback(None)

    async def next(self) -> bytes:
        """What is to be sent next; a sign of life if nothing happens; empty at the end."""
        if not self._queue and not self._ended:
            wake: Deferred[None] = Deferred()
            self._wake = wake
            timer = self._reactor.callLater(KEEP_ALIVE, self._stir)
            await wake
            if timer.active():
                timer.cancel()
        waiting = b"".join(self._queue)
        self._queue.clear()
        return waiting or (b"" if self._ended else SIGN_OF_LIFE)


class EventStream(Observer):
    """All events and listeners; `facts` describe the files."""

    def __init__(self, reactor: Any, facts: FileFacts) -> None:
        self.reactor = reactor
        self._facts = facts
        # Numbers begin anew with each daemon, so a listener of an earlier one is told apart by this.
        self._run = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[Event] = deque(maxlen=MOST_KEPT)
        self._listeners: set[Listening] = set()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self, last_id: str, secrets: bool) -> Listening:
        """A new listener, who has seen everything up to `last_id`. Raises Problem if too many listen."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Problem("too-many-listeners", f"at most {MOST_LISTENERS} can listen")
        listening = Listening(self.reactor, secrets)
        missed = self._missed(last_id)
        first = self._written("reset" if missed is None else "hello", None, {})
        for event in (first, *(missed or ())):
            listening.put(event.shown(secrets), b"")
        self._listeners.add(listening)
        return listening

    def leave(self, listening: Listening) -> None:
        """A listener is gone."""
        self._listeners.discard(listening)

    def _missed(self, last_id: str) -> list[Event] | None:
        """What came after `last_id`; None if that is not known any more; nothing for one who comes first."""
        if not last_id:
            return []
        match = EVENT_ID.fullmatch(last_id)
        if match is None or match[1] != self._run or int(match[2]) > self._number:
            return None
        seen = int(match[2])
        missed = [event for event in self._kept if event.number > seen]
        return missed if len(missed) == self._number - seen else None

    def started(self, name: FileName) -> None:
        """A generation starts."""
        self._tell("started", name)

    def generated(self, name: FileName, facts: Facts, changed: bool) -> None:
        """A generation succeeded."""
        # Told a moment later, when the file does not count as being generated any more.
        self.reactor.callLater(0, self._tell, "generated", name, changed=changed)

    def shrunk(self, name: FileName, shrinkage: Shrinkage) -> None:
        """A content is drastically smaller than the one before it."""
        self.reactor.callLater(0, self._tell, "shrunk", name)

    def failed(self, name: FileName, reason: str, stale: bool) -> None:
        """A generation failed."""
        self.reactor.callLater(0, self._tell, "stale" if stale else "failed", name, reason=reason)

    def recovered(self, name: FileName) -> None:
        """A stored content is up to date again."""
        self._tell("recovered", name)

    def invalidated(self, name: FileName) -> None:
        """A stored content was forgotten."""
        self._tell("invalidated", name)

    def happened(self, what: str, name: FileName) -> None:
        """Pins and versions."""
        self._tell(what, name)

    def reload(self) -> None:
        """Another configuration is in force: listeners come back with the rights that it gives them."""
        self._tell("reloaded", None)
        self.end()

    def end(self) -> None:
        """End all streams."""
        for listening in list(self._listeners):
            listening.end()

    def _tell(self, kind: str, name: FileName | None, **rest: Any) -> None:
        self._number += 1
        event = self._written(kind, name, rest)
        self._kept.append(event)
        if self._listeners:
            reset = self._written("reset", None, {})
            for listening in list(self._listeners):
                listening.put(event.shown(listening.secrets), reset.open)

    def _written(self, kind: str, name: FileName | None, rest: dict[str, Any]) -> Event:
        head = f"id: {self._run}-{self._number}\nevent: {kind}\ndata: "
        at = written_time(now())
        both = []
        for secret in (True, False):
            file = None if name is None else self._facts.describe(name, secret)
            data = json.dumps({"event": kind, "at": at, "file": file, **rest}, ensure_ascii=False)
            both.append(f"{head}{data}\n\n".encode())
        return Event(self._number, *both)
