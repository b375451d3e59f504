"""The wire of the sandbox's OneBot implementation: a reverse WebSocket that it dials, or signed HTTP pushes.

As clients do: what happens while nobody is connected is not told later; a lost connection is dialled again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.clock import VirtualClock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.onebot_actions import Actions
from sandbox.world import World

Frame = dict[str, Any]
MODES = ("", "ws", "post")
PUSH_PAUSES = (0.3, 0.6, 0.0)


def key_of(frame: Frame) -> str:
    """The key under which the bot's inbox knows this event."""
    if frame["post_type"] == "message":
        return f"onebot:msg:{frame['self_id']}:{frame['time']}:{frame['message_id']}"
    plain = json.dumps(frame, sort_keys=True, separators=(",", ":"))
    return f"onebot:sha256:{hashlib.sha256(plain.encode()).hexdigest()}"


class Wire:
    """Carries events to the bot and actions back."""

    def __init__(
        self, world: World, clock: VirtualClock, faults: Faults, journal: Journal, actions: Actions, *, bot: str,
        mode: str, secret: str, token: str, dial_every_s: float = 3.0, beat_every_s: float = 15.0,
    ) -> None:  # fmt: skip
        self.world, self._clock, self._faults, self._journal, self._actions = world, clock, faults, journal, actions
        self.push_url, self.ws_url = f"{bot}/onebot/v11", f"{bot}/onebot/v11/ws".replace("http", "ws", 1)
        self.mode, self._secret, self._token = mode, secret, token
        self.dial_every_s, self._beat_every_s = dial_every_s, beat_every_s
        self._push_pauses = PUSH_PAUSES
        self.asked: Frame = {}  # the latest action
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: list[Frame] = []
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to dial, where that is the mode."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        await self.switch(self.mode)

    async def switch(self, mode: str) -> None:
        """Another way to the bot from now on."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        self.mode = self.world.onebot.mode = mode
        if mode == "ws":
            self._running = asyncio.create_task(self._dial(), name="onebot")

    async def close(self) -> None:
        """End."""
        mode = self.mode
        await self.switch("")
        self.mode = mode
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- events --------------------------------------------------------------------------------------------------------

    def frame(self, post_type: str, **fields: Any) -> Frame:
        """An event's common fields."""
        there = self.world.onebot
        return {"time": int(self._clock.time()), "self_id": there.self_id, "post_type": post_type, **fields}

    def emit(self, frame: Frame) -> str:
        """An event happened; it leaves in the background, as the faults allow. Returns the bot's key for it."""
        faults = self._faults
        if faults.onebot_happens("drop"):
            self._journal.add("fault", fault="drop", title=_title(frame), plain=_dumps(frame), key=key_of(frame))
            return key_of(frame)
        window = int(faults.onebot["reorder"])
        self._held += [frame] * (2 if faults.onebot_happens("duplicate") else 1)
        if len(self._held) >= window:
            self._release()
        return key_of(frame)

    def _release(self) -> None:
        held, self._held = self._held, []
        if self._faults.onebot["reorder"] > 1:
            self._faults.dice.shuffle(held)
        for frame in held:
            task = asyncio.ensure_future(self._tell(frame))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        """Let go of what is held back; wait until nothing is in the air."""
        self._release()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _tell(self, frame: Frame) -> None:
        began, status, error = time.perf_counter(), None, None
        if self.mode == "post":
            status, error = await self._push(frame)
        elif self._socket is None or self._socket.closed:
            error = "没有连上机器人，这条事件没有人听到"
        else:
            try:
                await self._socket.send_str(_dumps(frame))
                status = 200
            except (ConnectionError, RuntimeError) as failed:
                error = type(failed).__name__
        ms = round((time.perf_counter() - began) * 1000, 2)
        way = {"way": self.mode or "off", "self_id": str(frame["self_id"])}
        self._journal.add("callback", title=_title(frame), plain=_dumps(frame), cipher="", query=way, status=status,
                          reply="", ms=ms, error=error, key=key_of(frame), attempt=1)  # fmt: skip

    async def _push(self, frame: Frame) -> tuple[int | None, str | None]:
        """By HTTP POST, three times at most; 204 and 200 are told as 200."""
        body = _dumps(frame).encode()
        headers = {
            "X-Self-ID": str(frame["self_id"]),
            "X-Signature": "sha1=" + hmac.new(self._secret.encode(), body, hashlib.sha1).hexdigest(),
            "Content-Type": "application/json",
        }
        status, error = None, None
        assert self._session is not None
        for pause_s in self._push_pauses:
            try:
                async with self._session.post(self.push_url, data=body, headers=headers) as response:
                    status, error = response.status, None
            except (aiohttp.ClientError, TimeoutError) as failed:
                status, error = None, type(failed).__name__
            if status in (200, 204):
                return 200, None
            await asyncio.sleep(pause_s)
        return status, error

    # -- the connection ------------------------------------------------------------------------------------------------

    async def _dial(self) -> None:
        headers = {"X-Self-ID": str(self.world.onebot.self_id), "X-Client-Role": "Universal",
                   "Authorization": f"Bearer {self._token}", "User-Agent": "OneBot/11 sandbox"}  # fmt: skip
        assert self._session is not None
        while True:
            try:
                async with self._session.ws_connect(self.ws_url, headers=headers, max_msg_size=1 << 22) as socket:
                    await self._serve(socket)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                pass  # dialled again below
            finally:
                self._show(None)
            await asyncio.sleep(self.dial_every_s)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_str(_dumps(self.frame("meta_event", meta_event_type="lifecycle", sub_type="connect")))
        self._show(socket)
        beating = asyncio.create_task(self._beat(socket))
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._answer(socket, message.data)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    def _show(self, socket: aiohttp.ClientWebSocketResponse | None) -> None:
        self._socket, self.world.onebot.connected = socket, socket is not None
        self._journal.changed()

    async def _beat(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(self._beat_every_s)
            await socket.send_str(_dumps(self.frame(
                "meta_event", meta_event_type="heartbeat", status={"online": True, "good": True},
                interval=int(self._beat_every_s * 1000),
            )))  # fmt: skip

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, data: str) -> None:
        """One action; the faults may cut the connection before or after it, or keep the answer."""
        asked = self.asked = json.loads(data)
        if self._faults.onebot_happens("cut_before"):
            self._note(asked.get("action"), asked.get("params"), {}, 0.0, "cut_before")
            await socket.close()
            return
        answer = self._act(asked.get("action"), asked.get("params"))
        if self._faults.onebot_happens("cut_after"):
            await socket.close()
        elif not self._faults.onebot_happens("silent"):
            await socket.send_str(_dumps({**answer, **({"echo": asked["echo"]} if "echo" in asked else {})}))

    def _act(self, action: Any, params: Any) -> Frame:
        began, fault = time.perf_counter(), None
        if self._faults.onebot_happens("fail"):
            fault = "fail"
            retcode = int(self._faults.onebot["retcode"])
            answer: Frame = {"status": "failed", "retcode": retcode, "data": None, "message": "故障"}
        else:
            answer = self._actions.do(str(action), params)
        self._note(action, params, answer, (time.perf_counter() - began) * 1000, fault)
        return answer

    def _note(self, action: Any, params: Any, answer: Frame, ms: float, fault: str | None) -> None:
        effect = "delivered" if answer.get("status") in ("ok", "async") else "none"
        reply = {"errcode": answer.get("retcode", -1), **answer}
        self._journal.add("call", path=f"onebot/{action}", query={}, body=params, status=200, fault=fault, reply=reply,
                          ms=round(ms, 2), effect=effect)  # fmt: skip
        self._journal.changed()

    async def cut(self) -> None:
        """The connection is lost now; it is dialled again after a while."""
        if self._socket is not None:
            await self._socket.close()

    async def api(self, request: web.Request) -> web.Response:
        """The HTTP API: POST /onebot/{action}, for a bot that is not dialled."""
        given = request.headers.get("Authorization", "")
        if given != f"Bearer {self._token}":
            return web.Response(status=403 if given else 401)
        try:
            params = await request.json() if request.can_read_body else {}
        except ValueError:
            return web.Response(status=400)
        answer = self._act(request.match_info["action"], params)
        return web.json_response(answer, status=404 if answer["retcode"] == 1404 else 200)


def _dumps(frame: Frame) -> str:
    return json.dumps(frame, ensure_ascii=False)


def _title(frame: Frame) -> str:
    kind = frame["post_type"]
    return " · ".join(filter(None, ["社群", kind, str(frame.get(f"{kind}_type") or ""), frame.get("raw_message", "")]))
