"""OneBot v11 the door for community groups of other platforms: POST /onebot/v11 and GET /onebot/v11/ws.

HTTP POST is signed (`X-Signature: sha1=…` over the raw body); a WebSocket client names the access token. A way whose
secret is not set is shut. Source: github.com/botuniverse/onebot-11, communication/.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter

from aiohttp import web
from loguru import logger

from bot.channels.gate import GateError
from bot.channels.inlet import Inlet
from bot.channels.intake import Intake
from bot.channels.onebot_frame import Frame, load
from bot.channels.onebot_line import ROLES, Line, Lines, Role
from bot.channels.onebot_translate import Ear, translate
from bot.channels.wecom_app import read_body
from bot.clock import Clock
from bot.errors import NotStored
from bot.events import Event, UnknownReceived

SELF_ID = re.compile(r"[\w.@-]{1,64}")
PATH, WS_PATH = "/onebot/v11", "/onebot/v11/ws"
LARGEST_FRAME = 1024 * 1024  # answers to actions may be long; events over 64 KiB are not messages to us
HEARTBEAT_S = 20.0  # a client that answers no ping for half of it is gone


class OneBotDoor:
    """The two ways in. An empty `secret` shuts HTTP POST, an empty `access_token` the WebSocket."""

    def __init__(self, *, secret: str, access_token: str, ear: Ear, inlet: Inlet, clock: Clock, lines: Lines) -> None:
        self._secret, self._token = secret.encode(), access_token.encode()
        self._ear, self._inlet, self._clock, self._lines = ear, inlet, clock, lines
        self.stats: Counter[str] = Counter()
        self._intake = Intake(inlet, self.stats, "onebot")

    def routes(self) -> list[web.RouteDef]:
        """Both paths."""
        return [web.post(PATH, self.receive), web.get(WS_PATH, self.connect)]

    # -- HTTP POST -----------------------------------------------------------------------------------------------------

    async def receive(self, request: web.Request) -> web.Response:
        """One push; 204 after it is stored. What is of no interest is answered so too, or it would come again."""
        try:
            body = await read_body(request)
            self._check_signature(request.headers.get("X-Signature", ""), body)
            event = self._read(load(body))
        except GateError as error:
            return self._refuse(error)
        if event is not None:
            try:
                await self._inlet.accept(event)
            except NotStored:
                self.stats["not_stored"] += 1
                return web.Response(status=503)
            self.stats["accepted"] += 1
        return web.Response(status=204)

    def _check_signature(self, given: str, body: bytes) -> None:
        mine = "sha1=" + hmac.new(self._secret, body, hashlib.sha1).hexdigest()
        right = hmac.compare_digest(mine.encode(), given.encode("utf-8", "surrogatepass"))
        if not self._secret or not right:
            raise GateError(401, "signature")

    def _read(self, frame: Frame) -> Event | None:
        """The event to store, None when it is only counted."""
        event = translate(frame, self._ear, self._clock.now())
        if isinstance(event, str):
            self.stats[f"ignored.{event}"] += 1
            return None
        if type(event) is UnknownReceived:
            self.stats["unknown"] += 1
        return event

    # -- WebSocket -----------------------------------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One client, from its handshake to its end. 503: another process leads; clients dial again by themselves."""
        try:
            self._check_token(request)
            self_id, role = self._who(request)
        except GateError as error:
            return self._refuse(error)
        if not self._lines.open:
            self.stats["ws_not_leading"] += 1
            return web.Response(status=503, headers={"Retry-After": "3"})
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_FRAME, compress=False)
        await socket.prepare(request)
        line = Line(socket, self_id, role)
        await self._lines.enter(line)
        self.stats["ws_connected"] += 1
        logger.bind(action="onebot_connected").info("self_id={} role={}", self_id, role)
        try:
            await line.listen(self._take)
        finally:
            self._lines.leave(line)
            self.stats["ws_disconnected"] += 1
            self.stats.update(line.stats)
            logger.bind(action="onebot_disconnected").info("self_id={} role={}", self_id, role)
        return socket

    def _check_token(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:  # browsers and some clients cannot set headers
            scheme, token = "Bearer", request.query.get("access_token", "")
        right = hmac.compare_digest(self._token, token.strip().encode("utf-8", "surrogatepass"))
        # go-cqhttp says Token, an early draft of the standard, where it means Bearer.
        if not self._token or not right or scheme.lower() not in ("bearer", "token"):
            raise GateError(401, "token")

    def _who(self, request: web.Request) -> tuple[str, Role]:
        """(self_id, role) of a client. One that names no role means both, as old clients do."""
        self_id = request.headers.get("X-Self-ID", "").strip()
        role = ROLES.get(request.headers.get("X-Client-Role", "universal").strip().lower())
        if not SELF_ID.fullmatch(self_id) or role is None:
            raise GateError(400, "client")
        if self._ear.self_id and self_id != self._ear.self_id:
            raise GateError(403, "other_self")
        return self_id, role

    async def _take(self, frame: Frame) -> None:
        """An event of the WebSocket, in the order of arrival; too many waiting make the client wait."""
        event = self._read(frame)
        if event is None:
            return
        await self._intake.take(event)

    async def settle(self, within_s: float = 5.0) -> None:
        """The process ends: store what has come."""
        await self._intake.settle(within_s)

    def _refuse(self, error: GateError) -> web.Response:
        """Counted; logged at the 1st, 10th, 100th .. time of a reason, so that a flood cannot fill the disk."""
        name = f"refused.{error.reason}"
        self.stats[name] += 1
        if str(self.stats[name]).strip("0") == "1":
            logger.bind(action="onebot_refused", reason=error.reason, status=error.status).warning(
                "a request at the door of OneBot was refused"
            )
        response = web.Response(status=error.status)
        if error.reason in ("size", "slow_body", "body"):
            response.force_close()  # the rest of the body is not worth reading
        return response
