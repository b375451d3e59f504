"""智能机器人 the AI bot's callback mode: GET and POST of /wecom/aibot. The app's strict door, with JSON inside and an
empty receiver (document 101033)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from bot.channels.gate import Gate, GateError
from bot.channels.inlet import Inlet
from bot.channels.wecom_aibot_translate import Arrival, read, translate
from bot.channels.wecom_app import BODY_TIMEOUT_S, WeComApp
from bot.clock import Clock
from bot.events import Event

PATH = "/wecom/aibot"


def routes(gate: Gate, inlet: Inlet, clock: Clock, *, name: str = "", path: str = PATH) -> list[web.RouteDef]:
    """GET verifies the URL, POST receives callbacks. `name` is the bot's own, which mentions in groups carry."""
    channel = WeComAiBot(gate, inlet, clock, name)
    return [web.get(path, channel.verify), web.post(path, channel.receive)]


class WeComAiBot(WeComApp):
    """The app's two requests as the AI bot makes them."""

    def __init__(self, gate: Gate, inlet: Inlet, clock: Clock, name: str) -> None:
        super().__init__(gate, inlet, clock, BODY_TIMEOUT_S)
        self._name = name

    def _open(self, body: bytes, query: Mapping[str, str], now: datetime) -> tuple[Event, int | None]:
        plain = self._gate.open(find_encrypt(body), query)
        stale_s = self._stale_s(query, now)
        try:
            doc = read(plain)
        except ValueError as error:  # UnicodeDecodeError is one
            raise GateError(400, "json") from error
        return translate(doc, Arrival("callback", now, name=self._name)), stale_s

    def _reply(self, event: Event, reply: str, now: datetime, query: Mapping[str, str]) -> web.Response:
        """`reply` is the answer's JSON, made by the turn."""
        timestamp, nonce = int(now.timestamp()), query["nonce"]
        encrypted, signature = self._gate.sealed(reply, str(timestamp), nonce)
        body = {"encrypt": encrypted, "msgsignature": signature, "timestamp": timestamp, "nonce": nonce}
        return web.json_response(body)


def find_encrypt(body: bytes) -> bytes:
    """The base64 text of `{"encrypt": ..}`. Raises GateError."""
    try:
        encrypted = read(body).get("encrypt")
    except ValueError as error:
        raise GateError(400, "no_encrypt") from error
    if type(encrypted) is not str or not encrypted.isascii():
        raise GateError(400, "no_encrypt")
    return encrypted.encode()
