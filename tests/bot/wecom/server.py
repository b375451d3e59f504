"""A small real HTTP server in WeCom's place: scripted answers in, recorded calls out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clock import Clock
from bot.ids import SeededChance
from bot.wecom.client import WeCom

SECRET = "sandbox-secret"
Scripted = dict[str, Any] | Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Wire:
    """What the server saw and what it shall answer. A script of a path is used up answer by answer; after it, and
    without one, the answer is {"errcode": 0}."""

    counts: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    queries: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    raw: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    script: dict[str, deque[Scripted]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Scripted] = field(default_factory=dict)
    valid: set[str] = field(default_factory=set)
    expires_in: float = 7200
    slow_s: float = 0.0
    inside: Counter[str] = field(default_factory=Counter)
    most_inside: Counter[str] = field(default_factory=Counter)
    base: str = ""

    def says(self, path: str, *answers: Scripted) -> None:
        """Queue answers."""
        self.script[path].extend(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any path under /cgi-bin/."""
        path = request.match_info["path"]
        self.counts[path] += 1
        self.queries[path].append(dict(request.query))
        self.inside[path] += 1
        self.most_inside[path] = max(self.most_inside[path], self.inside[path])
        try:
            await asyncio.sleep(self.slow_s)
            return await self._answer(path, request)
        finally:
            self.inside[path] -= 1

    async def _answer(self, path: str, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.raw[path].append(raw)
        if raw and request.content_type == "application/json":
            self.bodies[path].append(json.loads(raw))
        scripted = self.script[path].popleft() if self.script[path] else self.always.get(path)
        if scripted is None and path == "gettoken":
            token = f"TOKEN-{self.counts[path]}"
            self.valid.add(token)
            scripted = {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": self.expires_in}
        if scripted is None and path != "gettoken" and request.query.get("access_token") not in self.valid:
            scripted = {"errcode": 40014, "errmsg": "invalid access_token"}
        if callable(scripted):
            return await scripted(request)
        return web.json_response(scripted if scripted is not None else {"errcode": 0, "errmsg": "ok"})


def plain(text: str | bytes, status: int = 200, content_type: str = "text/html") -> Scripted:
    """An answer that is not WeCom's."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(
            body=text.encode() if isinstance(text, str) else text, status=status, content_type=content_type
        )

    return answer


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Wire]:
    """The server on a free port of the loopback."""
    wire = Wire()
    app = web.Application(client_max_size=32 << 20)
    app.router.add_route("*", "/cgi-bin/{path:.+}", wire.handle)
    async with TestServer(app, skip_url_asserts=True) as server:
        wire.base = str(server.make_url("")).rstrip("/")
        yield wire


@contextlib.asynccontextmanager
async def client_of(base: str, clock: Clock, **settings: Any) -> AsyncIterator[WeCom]:
    """A client of it."""
    ours = {"corp_id": "ww0sandbox000001", "secret": SECRET, "agent_id": 1000002, "chance": SeededChance(1)}
    wecom = WeCom(api_base=base, clock=clock, **{**ours, **settings})
    try:
        yield wecom
    finally:
        await wecom.close()
