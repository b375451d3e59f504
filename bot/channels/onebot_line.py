"""反向 WebSocket the connections of OneBot clients: they dial us; events come in, actions go out on the same one.

A newer connection of the same account takes over its part: the older one is most likely half dead, and the client
that came back must not be locked out. Lost connections are no loss: what is owed waits in the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from aiohttp import WSMsgType, web
from loguru import logger

from bot.channels.gate import GateError
from bot.channels.onebot_frame import Frame, load

Role = Literal["API", "Event", "Universal"]
ROLES: dict[str, Role] = {"api": "API", "event": "Event", "universal": "Universal"}
CLOSE_WITHIN_S = 1.0
REMEMBERED = 5_000  # message ids of our own, by which a reply to us is known


class NotSent(Exception):
    """The action did not leave: it can be made again without a second thought."""


class NoAnswer(Exception):
    """The action left and nothing came back: it may have been carried out."""


class Line:
    """One connection."""

    def __init__(self, socket: web.WebSocketResponse, self_id: str, role: Role) -> None:
        self._socket, self.self_id, self.role = socket, self_id, role
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Frame]] = {}
        self._turn = asyncio.Lock()
        self.stats: Counter[str] = Counter()

    @property
    def speaks(self) -> bool:
        """Whether actions may be sent over it now."""
        return self.role != "Event" and not self._socket.closed

    async def listen(self, take: Callable[[Frame], Awaitable[None]]) -> None:
        """Hand over frames until the connection ends; whoever waits for an answer then hears that none comes."""
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._frame(message.data, take)
        finally:
            self.drop()

    async def _frame(self, data: bytes | str, take: Callable[[Frame], Awaitable[None]]) -> None:
        try:
            frame = load(data)
        except GateError:
            self.stats["bad_frames"] += 1
            return
        if "post_type" in frame:
            if str(frame.get("self_id")) != self.self_id or self.role == "API":
                self.stats["misplaced_frames"] += 1
            else:
                await take(frame)
            return
        future = self._waiting.pop(str(frame.get("echo")), None)
        if future is None:
            self.stats["unasked_answers"] += 1
        elif not future.done():
            future.set_result(frame)

    async def ask(self, action: str, params: dict[str, Any], within_s: float) -> Frame:
        """An action's answer, found by its echo. Raises NotSent or NoAnswer.

        One action is under way at a time: a connection that breaks leaves one message in doubt, not all of them.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._turn.acquire()
        except TimeoutError as error:
            raise NotSent("busy") from error
        try:
            return await self._ask(action, params, within_s)
        finally:
            self._turn.release()

    async def _ask(self, action: str, params: dict[str, Any], within_s: float) -> Frame:
        if not self.speaks:
            raise NotSent("closed")
        echo = f"{id(self):x}-{next(self._numbers)}"
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[echo] = future
        text = json.dumps({"action": action, "params": params, "echo": echo}, ensure_ascii=False)
        try:
            async with asyncio.timeout(within_s):
                await self._socket.send_str(text)
                return await future
        except (TimeoutError, ConnectionError, RuntimeError) as error:
            raise NoAnswer(type(error).__name__) from error
        finally:
            self._waiting.pop(echo, None)

    def drop(self) -> None:
        """No answer comes any more."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the connection ended"))
                future.exception()  # whoever stopped waiting has not forgotten it

    async def close(self, why: str) -> None:
        """Say goodbye, not for long."""
        self.drop()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._socket.close(code=1001, message=why.encode())


class Lines:
    """Who is connected. Only the leading process is `open`: the one that sends must be the one that is dialled."""

    def __init__(self) -> None:
        self.open = False
        self._lines: list[Line] = []
        self._news = asyncio.Event()
        self._ours: OrderedDict[tuple[str, str], None] = OrderedDict()

    @property
    def connected(self) -> list[str]:
        """The accounts that can speak now."""
        return sorted({line.self_id for line in self._lines if line.speaks})

    async def enter(self, line: Line) -> None:
        """A client connected: it takes over from an older connection of the same account and part."""
        taken = [one for one in self._lines if one.self_id == line.self_id and _overlap(one.role, line.role)]
        self._lines = [*[one for one in self._lines if one not in taken], line]
        self._news.set()
        self._news = asyncio.Event()
        for one in taken:
            logger.bind(action="onebot_taken_over").warning("self_id={} role={}", line.self_id, line.role)
            await one.close("a newer connection took over")

    def leave(self, line: Line) -> None:
        """A connection ended."""
        self._lines = [one for one in self._lines if one is not line]

    def speaker(self, self_id: str) -> Line | None:
        """The connection over which an account speaks."""
        return next((line for line in self._lines if line.self_id == self_id and line.speaks), None)

    async def await_speaker(self, self_id: str, within_s: float) -> Line | None:
        """`speaker`, after a short break too: clients dial again within seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.speaker(self_id) is None:
                    await self._news.wait()
        return self.speaker(self_id)

    async def close(self, why: str) -> None:
        """This process leads no more: clients dial again and find the next."""
        self.open = False
        lines, self._lines = self._lines, []
        await asyncio.gather(*[line.close(why) for line in lines])

    def remember(self, self_id: str, message_id: str) -> None:
        """A message of ours."""
        self._ours[self_id, message_id] = None
        while len(self._ours) > REMEMBERED:
            self._ours.popitem(last=False)

    def ours(self, self_id: str, message_id: str) -> bool:
        """Whether a message was ours, as far as this process remembers."""
        return (self_id, message_id) in self._ours


def _overlap(one: Role, other: Role) -> bool:
    return "Universal" in (one, other) or one == other
