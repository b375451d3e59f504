"""长连接 the AI bot's WebSocket (document 101463): subscribe, ping, frames both ways, one connection per bot."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.aibot import AiBot
from sandbox.journal import Journal
from sandbox.world import ApiError

SILENT_S = 90.0  # a client that says nothing for this long is dropped
LARGEST = 4 << 20

Frame = dict[str, Any]


class AiBotSocket:
    """The server's side. `line` is the connection that has subscribed."""

    def __init__(
        self,
        bot: AiBot,
        bot_id: str,
        secret: str,
        journal: Journal,
        dirty: Callable[[], None],
        silent_s: float = SILENT_S,
    ) -> None:
        self.bot, self._bot_id, self._secret = bot, bot_id, secret
        self._journal, self._dirty, self._silent_s = journal, dirty, silent_s
        self.line: web.WebSocketResponse | None = None
        self.open: dict[web.WebSocketResponse, web.Request] = {}

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One connection until its end."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST)
        await socket.prepare(request)
        self.open[socket] = request
        try:
            while True:
                message = await socket.receive(timeout=self._silent_s)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                await self._hear(socket, message.data)
        except (TimeoutError, ConnectionError):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)
        finally:
            self.open.pop(socket, None)
            if self.line is socket:
                self.line = None
        return socket

    async def tell(self, frame: Frame) -> bool:
        """A callback to whoever has subscribed; False when nobody has."""
        line = self.line
        if line is None or line.closed:
            return False
        try:
            await line.send_str(json.dumps(frame, ensure_ascii=False))
        except (ConnectionError, RuntimeError):
            return False
        self._note("out", frame)
        return True

    async def hang_up(self) -> None:
        """The server goes away: every connection ends."""
        self.line = None
        for socket in list(self.open):
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.5):
                    await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    def abort(self) -> None:
        """The server dies: every connection breaks without a word."""
        self.line = None
        for request in self.open.values():
            if request.transport is not None:
                request.transport.abort()

    # -- frames -------------------------------------------------------------------------------------------------------

    async def _hear(self, socket: web.WebSocketResponse, raw: str) -> None:
        try:
            frame = json.loads(raw)
            cmd, req_id = frame["cmd"], frame["headers"]["req_id"]
            body = frame.get("body") or {}
            if not all(isinstance(name, str) for name in (cmd, req_id)) or not isinstance(body, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            await self._answer(socket, {"headers": {"req_id": ""}, "errcode": 40058, "errmsg": "wrong frame"})
            return
        self._note("in", {**frame, "body": {**body, "secret": "…"} if "secret" in body else body})
        answer: Frame = {"headers": {"req_id": req_id}, "errcode": 0, "errmsg": "ok"}
        try:
            await self._do(socket, cmd, req_id, body)
        except ApiError as error:
            answer |= {"errcode": error.errcode, "errmsg": error.errmsg}
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            answer |= {"errcode": 40058, "errmsg": f"invalid Request Parameter: {error}"}
        self._dirty()
        await self._answer(socket, answer)

    async def _do(self, socket: web.WebSocketResponse, cmd: str, req_id: str, body: Frame) -> None:
        if cmd == "aibot_subscribe":
            await self._subscribe(socket, body)
            return
        if self.line is not socket:
            raise ApiError(846609, "aibot websocket not subscribed")
        if cmd == "aibot_send_msg":
            self.bot.push(body)
        elif cmd in ("aibot_respond_msg", "aibot_respond_welcome_msg", "aibot_respond_update_msg"):
            answers = {"aibot_respond_msg": self.bot.reply, "aibot_respond_welcome_msg": self.bot.welcome}
            answers.get(cmd, self.bot.update)(req_id, body)
        elif cmd != "ping":
            raise ApiError(40058, f"invalid cmd: {cmd}")

    async def _subscribe(self, socket: web.WebSocketResponse, body: Frame) -> None:
        if (body.get("bot_id"), body.get("secret")) != (self._bot_id, self._secret):
            raise ApiError(853000, "invalid bot_id or secret")
        older, self.line = self.line, socket
        if older is not None and older is not socket:
            event = {"msgtype": "event", "event": {"eventtype": "disconnected_event"}, "aibotid": self._bot_id}
            told = {"cmd": "aibot_event_callback", "headers": {"req_id": f"bye{id(older)}"}, "body": event}
            with contextlib.suppress(ConnectionError, RuntimeError):
                await older.send_str(json.dumps(told))
                await older.close()

    async def _answer(self, socket: web.WebSocketResponse, answer: Frame) -> None:
        self._note("out", answer)
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.send_str(json.dumps(answer, ensure_ascii=False))

    def _note(self, way: str, frame: Frame) -> None:
        if frame.get("cmd") != "ping":
            cmd = frame.get("cmd", "")
            title = f"{'机器人 →' if way == 'in' else '→ 机器人'} {cmd or '回执'}"
            self._journal.add(
                "frame", way=way, cmd=cmd, frame=frame, title=title, path=cmd, body=frame, status=101, ms=0
            )
