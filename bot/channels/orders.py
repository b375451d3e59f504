"""订单 webhooks of shops: POST /hooks/orders/{source}. Each source has a kind, which knows how that shop signs and
speaks.

Answered with success only after the event is stored. What is well signed but of no interest (a test push, another
kind of event) is answered with success too, so that the shop does not send it for ever.
"""

from __future__ import annotations

from collections import Counter

from aiohttp import web
from loguru import logger

from bot.channels.gate import GateError
from bot.channels.inlet import Inlet
from bot.channels.order_kinds import Kind, Said
from bot.channels.wecom_app import read_body
from bot.clock import Clock
from bot.errors import NotStored


class OrderHooks:
    """The sources that config.toml names, each with its kind."""

    def __init__(self, kinds: dict[str, Kind], inlet: Inlet, clock: Clock) -> None:
        self._kinds, self._inlet, self._clock = kinds, inlet, clock
        self.stats: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        """The one path."""
        return [web.post("/hooks/orders/{source}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """One push, from the socket to the inlet and back."""
        source = request.match_info["source"]
        kind = self._kinds.get(source)
        if kind is None:
            return web.json_response({"error": {"code": "unknown_source", "message": source}}, status=404)
        try:
            body = await read_body(request)
            said = kind.read(request.headers, body, self._clock.now())
        except GateError as error:
            self.stats[f"{source}.refused.{error.reason}"] += 1
            logger.bind(action="order_refused", source=source, reason=error.reason).warning("a push was refused")
            return kind.refuse(error)
        return await self._take(source, kind, said)

    async def _take(self, source: str, kind: Kind, said: Said) -> web.Response:
        """Store every event, then say so."""
        try:
            for event in said.events(source):
                await self._inlet.accept(event)
                self.stats[f"{source}.{event.kind}"] += 1
        except NotStored:
            return kind.refuse(GateError(503, "not_stored"))
        if said.ignored:
            self.stats[f"{source}.ignored.{said.ignored}"] += 1
        return kind.thank()
