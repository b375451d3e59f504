"""线 line: one subscribed WebSocket connection of the AI bot: frames out in order, answers matched, pings (101463)."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bot.channels.wecom_aibot_translate import read
from bot.errors import WeComUnreachable
from bot.wecom.answers import refusal

ANSWER_S = 5.0
PING_S = 30.0
MISSED_PINGS = 2
LARGEST_FRAME = 1 << 20

Frame = dict[str, Any]
Take = Callable[[Frame], Awaitable[None]]
_numbers = itertools.count(1)


def new_req_id(cmd: str) -> str:
    """An id for a request of our own."""
    return f"{cmd}_{next(_numbers)}_{secrets.token_hex(4)}"


class Line:
    """A connection. Answers carry no cmd and are matched by req_id: one frame per req_id is under way at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, take: Take, ping_s: float = PING_S) -> None:
        self._socket, self._take, self._ping_s = socket, take, ping_s
        self._waiting: dict[str, asyncio.Future[Frame]] = {}

    async def ask(self, cmd: str, body: Frame | None = None, req_id: str = "") -> Frame:
        """Send a request and wait for its answer. Raises WeComError when it is refused, WeComUnreachable when none
        comes within five seconds: it may have been carried out."""
        req_id = req_id or new_req_id(cmd)
        while (before := self._waiting.get(req_id)) is not None:
            await asyncio.wait({before})
        answer = await self._exchange(cmd, req_id, body)
        errcode = answer.get("errcode")
        if type(errcode) is not int:
            raise WeComUnreachable(cmd, "an answer without errcode", ambiguous=True)
        if errcode != 0:
            raise refusal(cmd, errcode, str(answer.get("errmsg", "")))
        return answer

    async def _exchange(self, cmd: str, req_id: str, body: Frame | None) -> Frame:
        frame: Frame = {"cmd": cmd, "headers": {"req_id": req_id}}
        if body is not None:
            frame["body"] = body
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[req_id] = future
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._socket.send_str(json.dumps(frame, ensure_ascii=False))
                return await future
        except TimeoutError:
            raise WeComUnreachable(cmd, f"no answer within {ANSWER_S:g} s", ambiguous=True) from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise WeComUnreachable(cmd, type(error).__name__, ambiguous=True) from None
        finally:
            self._waiting.pop(req_id, None)

    async def listen(self) -> None:
        """Take what comes until the connection ends."""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._sort(message.data)
        finally:
            self.drop()

    async def _sort(self, raw: str) -> None:
        try:
            frame = read(raw)
        except ValueError:
            return  # not JSON: nothing of WeCom's, and nothing to answer
        headers = frame.get("headers")
        req_id = str(headers.get("req_id", "")) if type(headers) is dict else ""
        if frame.get("cmd"):
            await self._take({**frame, "req_id": req_id})
        elif (future := self._waiting.get(req_id)) is not None and not future.done():
            future.set_result(frame)

    async def keep_alive(self) -> None:
        """Ping until two in a row are not answered; then the other side is gone, whatever the socket believes."""
        missed = 0
        while missed < MISSED_PINGS:
            await asyncio.sleep(self._ping_s)
            try:
                await self.ask("ping")
                missed = 0
            except WeComUnreachable:
                missed += 1

    def drop(self) -> None:
        """Nobody will answer any more."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the connection ended"))
