"""Path of the events."""

from __future__ import annotations

from dataclasses import dataclass

from xivo_confgend.http import Routes
from xivo_confgend.http_content import Taker
from xivo_confgend.http_replies import Exchange, Reply
from xivo_confgend.plugins.events.services import EventStream, Listening
from xivo_confgend.rest_api import READ

HEAD = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The last one keeps a proxy from collecting events before it passes them on."""


def add_routes(api: Routes, events: EventStream) -> None:
    """Register /1.0/events."""

    @api.route("/1.0/events", "GET", READ)
    async def listen(exchange: Exchange) -> Reply:
        listening = events.listen(exchange.header("last-event-id") or "", exchange.caller.reads_secrets)
        return Stream(events, listening)


@dataclass(frozen=True)
class Stream:
    """Sends events until the client goes or the stream ends."""

    events: EventStream
    listening: Listening

    async def send(self, exchange: Exchange) -> None:
        """Send what comes, at the client's pace; a sign of life if nothing does."""
        exchange.start(200, HEAD)
        taker = None
        try:
            if exchange.method == "HEAD":
                return
            taker = Taker(exchange, self.events.reactor)
            exchange.request.notifyFinish().addBoth(lambda _: self.listening.end())
            while (waiting := await self.listening.next()) and not exchange.gone:
                exchange.write(waiting)
                await taker.ready()
        finally:
            self.events.leave(self.listening)
            if taker is not None:
                taker.end()
