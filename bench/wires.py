"""The other side of the doors that are not simply posted to, as a process of its own that starts before the bot.

python -m bench.wires kf|aibot_ws|onebot_ws PORT BOT_PORT URL COUNT: lets everybody speak once, then measures the second
time from the first frame until the last is committed; prints one JSON line. `kf` and `aibot_ws` are what the bot calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import text

from bench.doors import KINDS, SECRET, SELF_ID, aibot_bodies, bell, kf_messages, onebot_frames
from bot.channels.onebot import WS_PATH
from bot.kf import PAGE
from storage.engine import Database

READY_WITHIN_S, DONE_WITHIN_S, LOOK_EVERY_S = 60.0, 300.0, 0.02


class Store:
    """The bot's database, looked at to see when all of it is there."""

    def __init__(self, url: str, kind: str) -> None:
        self._engine, self._kind = Database(url).engine, kind

    def count(self) -> int:
        """How many of the door's events are done."""
        asked = text("SELECT count(*) FROM inbox WHERE kind = :kind AND status = 'done'")
        with self._engine.connect() as connection:
            return int(connection.execute(asked, {"kind": self._kind}).scalar_one())

    async def holds(self, wanted: int) -> None:
        """Wait until so many are committed. Nobody tells, so it is asked."""
        async with asyncio.timeout(DONE_WITHIN_S):
            while await asyncio.to_thread(self.count) < wanted:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def serving(port: int, *routes: web.RouteDef) -> AsyncIterator[None]:
    """The other side's address."""
    app = web.Application(client_max_size=1 << 24)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


class Pages:
    """微信客服: sync_msg's log. That the bot asks behind a page says that the page is committed."""

    def __init__(self, bot_port: int, messages: list[dict[str, Any]]) -> None:
        self._bot_port = bot_port
        self._pages = [
            json.dumps({
                "errcode": 0, "errmsg": "ok", "next_cursor": str(at + PAGE), "has_more": 1,
                "msg_list": messages[at : at + PAGE],
            }, ensure_ascii=False).encode()
            for at in range(0, len(messages), PAGE)
        ]  # fmt: skip
        self._until = 0
        self._began, self.ended = math.nan, asyncio.Event()

    async def token(self, _request: web.Request) -> web.Response:
        """gettoken."""
        return web.json_response({"errcode": 0, "errmsg": "ok", "access_token": "bench", "expires_in": 7200})

    async def page(self, request: web.Request) -> web.Response:
        """sync_msg: from a cursor on, up to where people have written."""
        asked = await request.json()
        number = int(asked["cursor"] or 0) // PAGE
        if math.isnan(self._began):
            self._began = time.perf_counter()
        if number < self._until:
            return web.Response(body=self._pages[number], content_type="application/json")
        self.took_s = time.perf_counter() - self._began
        self.ended.set()
        told = {"errcode": 0, "errmsg": "ok", "next_cursor": asked["cursor"], "has_more": 0, "msg_list": []}
        return web.json_response(told)

    async def pulled(self, until: int, store: Store, wanted: int) -> float:
        """Ring, and let the bot pull up to a page; seconds from its first question to the one behind the last page."""
        self._until, self._began = until, math.nan
        self.ended.clear()
        _, writer = await asyncio.open_connection("127.0.0.1", self._bot_port)
        writer.write(bell(f"bell{until}"))
        await writer.drain()
        async with asyncio.timeout(DONE_WITHIN_S):
            await self.ended.wait()
        writer.close()
        await store.holds(wanted)
        await asyncio.sleep(0.2)  # the pull itself is settled
        return self.took_s


async def kf(port: int, bot_port: int, store: Store, count: int) -> float:
    """Messages a second, pulled page by page."""
    pages = Pages(bot_port, kf_messages("a", count) + kf_messages("b", count))
    half = count // PAGE
    routes = (web.get("/cgi-bin/gettoken", pages.token), web.post("/cgi-bin/kf/sync_msg", pages.page))
    async with serving(port, *routes):
        await ready(bot_port)
        await pages.pulled(half, store, count)
        return await pages.pulled(half * 2, store, 2 * count)


Tell = Callable[[list[str]], Awaitable[None]]


async def _told(tell: Tell, store: Store, runs: list[list[str]]) -> float:
    """Seconds from the first frame of the second run until its last is committed."""
    wanted, began = 0, 0.0
    for frames in runs:
        wanted += len(frames)
        began = time.perf_counter()
        await tell(frames)
        await store.holds(wanted)
    return time.perf_counter() - began


async def aibot_ws(port: int, bot_port: int, store: Store, count: int) -> float:
    """The AI bot's long connection: the bot dials, frames go down one after the other."""
    runs = [
        [json.dumps({"cmd": "aibot_msg_callback", "headers": {"req_id": body["msgid"]}, "body": body},
                    ensure_ascii=False) for body in aibot_bodies(run, count)]
        for run in ("a", "b")
    ]  # fmt: skip
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        asked = json.loads((await socket.receive()).data)
        assert asked["cmd"] == "aibot_subscribe"
        assert asked["body"]["secret"] == SECRET
        await socket.send_json({"headers": asked["headers"], "errcode": 0, "errmsg": "ok"})

        async def tell(frames: list[str]) -> None:
            for frame in frames:
                await socket.send_str(frame)

        done.set_result(await _told(tell, store, runs))
        return socket

    async with serving(port, web.get("/ws", accept)):
        await ready(bot_port)
        return await done


async def onebot_ws(port: int, bot_port: int, store: Store, count: int) -> float:
    """OneBot's reverse WebSocket: the client dials the bot."""
    runs = [[json.dumps(frame, ensure_ascii=False) for frame in onebot_frames(run, count)] for run in ("a", "b")]
    headers = {"X-Self-ID": str(SELF_ID), "X-Client-Role": "Universal", "Authorization": f"Bearer {SECRET}"}
    await ready(bot_port)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{bot_port}{WS_PATH}", headers=headers) as socket,
    ):

        async def tell(frames: list[str]) -> None:
            for frame in frames:
                await socket.send_str(frame)

        return await _told(tell, store, runs)


async def ready(bot_port: int) -> None:
    """Wait until the bot listens."""
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", bot_port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


WIRES = {"kf": kf, "aibot_ws": aibot_ws, "onebot_ws": onebot_ws}


def main() -> None:
    """Measure one door."""
    name, port, bot_port, url, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    gc.disable()
    took_s = asyncio.run(WIRES[name](port, bot_port, Store(url, KINDS[name]), count))
    print(json.dumps({"per_second": count / took_s}))


if __name__ == "__main__":
    main()
