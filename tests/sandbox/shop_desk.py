"""A bot in the shop's eyes: takes order pushes, answers what a checkout costs; the test says what it answers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import Options, Sandbox
from tests.chaos.processes import MALL_SECRET, free_port


@dataclass
class Told:
    """One push as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """What it says."""
        return json.loads(self.raw)


@dataclass
class Bot:
    """Takes what comes; answers what it is told to (200 when nothing is left to say)."""

    answers: list[int] = field(default_factory=list)
    got: list[Told] = field(default_factory=list)
    checkouts: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def hook(self, request: web.Request) -> web.Response:
        """An order push."""
        self.got.append(Told(dict(request.headers), await request.read()))
        return web.json_response({"ok": True}, status=self.answers.pop(0) if self.answers else 200)

    async def checkout(self, request: web.Request) -> web.Response:
        """What the bot knows of a code."""
        found = self.checkouts.get(request.query["code"])
        return web.json_response({"items": [found] if found else [], "next": None})

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.add_routes([web.post("/hooks/orders/mall", self.hook), web.get("/api/v1/checkouts", self.checkout)])
        return app

    @property
    def ids(self) -> list[str]:
        """The event ids, as they arrived."""
        return [told.body["id"] for told in self.got]


@dataclass
class Mall:
    """The sandbox with its shop, and the bot it speaks to."""

    sandbox: Sandbox
    client: TestClient[web.Request, web.Application]
    bot: Bot

    async def do(self, path: str, body: Any = None, method: str = "POST", status: int = 200) -> Any:
        """A word on the control plane."""
        async with self.client.request(method, f"/__sandbox/{path}", json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def buys(self, status: int = 200, **body: Any) -> Any:
        """The first customer buys for 99 yuan, unless told otherwise."""
        if "checkout" not in body and "items" not in body:
            body.setdefault("amount_fen", 9_900)
        return await self.do("shop/orders", {"external_userid": self.customer, **body}, status=status)

    async def returns(self, order: Any, status: int = 200, **body: Any) -> Any:
        """Money goes back at the till."""
        return await self.do(f"shop/orders/{order['order_no']}/refund", body, status=status)

    async def asked(self, told: dict[str, Any] | bytes, secret: str = MALL_SECRET, ago_s: int = 0) -> tuple[int, Any]:
        """The bot asks for a refund; status and answer. Signed here anew: nobody checks themselves."""
        raw = told if isinstance(told, bytes) else json.dumps({"shop": "mall", "reason": "late", **told}).encode()
        stamp = str(int(self.sandbox.clock.time()) - ago_s)
        sign = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        headers = {"X-Timestamp": stamp, "X-Signature": f"sha256={sign}"}
        async with self.client.post("/shop/refunds", data=raw, headers=headers) as response:
            return response.status, await response.json()

    async def settle(self) -> int:
        """Wait until nothing is in the air; how many still wait."""
        return int((await self.do("flush", {}))["in_flight"])

    async def order(self, order_no: str) -> Any:
        """An order as the state shows it."""
        orders = (await self.do("state", method="GET"))["orders"]
        return next(one for one in orders if one["order_no"] == order_no)

    def entries(self, event: str = "") -> list[dict[str, Any]]:
        """What the journal says of orders."""
        there = [entry for entry in self.sandbox.journal.entries if entry["type"] == "order"]
        return [entry for entry in there if event in ("", entry["event"])]

    @property
    def customer(self) -> str:
        """The first customer of the world."""
        return next(iter(self.sandbox.world.customers))


@contextlib.asynccontextmanager
async def open_mall(state: Path | None = None, bot: Bot | None = None) -> AsyncIterator[Mall]:
    """A sandbox and a bot, from start to stop; `bot` None = one that takes everything."""
    there = bot or Bot()
    async with TestServer(there.app(), port=free_port()) as server:
        sandbox = Sandbox(Options(bot=f"http://127.0.0.1:{server.port}", state=state))
        sandbox.pusher._pauses = ()
        async with TestClient(TestServer(sandbox.app()), timeout=aiohttp.ClientTimeout(total=10)) as client:
            yield Mall(sandbox, client, there)


async def within(seconds: float, enough: Any) -> None:
    """Wait until `enough()`; fail when it takes longer."""
    deadline = time.monotonic() + seconds
    while not enough():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
