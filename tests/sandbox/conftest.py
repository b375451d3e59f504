"""The sandbox over HTTP, with a receiver in the bot's place that the test can steer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import Options, Sandbox
from tests.chaos.processes import free_port


@dataclass
class Receiver:
    """Takes callbacks; answers what it is told to (200 when nothing is left to say)."""

    sandbox: Sandbox | None = None
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """One callback; kept with its query, opened by the sandbox's own seal."""
        assert self.sandbox is not None
        sealed = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", await request.text())
        assert sealed is not None
        self.got.append((dict(request.query), self.sandbox.pusher.seal.decrypt(sealed[1])))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def plains(self) -> list[str]:
        """What was told, in the order of arrival."""
        return [plain for _, plain in self.got]


@dataclass
class Desk:
    """The sandbox under test: its API as the bot calls it, its control plane as the page does."""

    sandbox: Sandbox
    client: TestClient[web.Request, web.Application]
    receiver: Receiver
    token: str = ""

    async def api(self, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """A call of WeCom's API with a good token (or the one in `query`)."""
        if not self.token:
            self.token = await self.new_token()
        params = {"access_token": self.token, **query}
        method = "GET" if body is None else "POST"
        async with self.client.request(method, f"/cgi-bin/{path}", params=params, json=body) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def code(self, path: str, body: Any = None, **query: str) -> int:
        """The errcode alone."""
        return int((await self.api(path, body, **query))["errcode"])

    async def new_token(self, secret: str | None = None) -> str:
        """A token as gettoken gives it."""
        options = self.sandbox.options
        query = {"corpid": options.corp_id, "corpsecret": secret or options.secret}
        async with self.client.get("/cgi-bin/gettoken", params=query) as response:
            return str((await response.json()).get("access_token", ""))

    async def do(self, path: str, body: Any = None, method: str = "POST", status: int = 200) -> Any:
        """A word on the control plane."""
        async with self.client.request(method, f"/__sandbox/{path}", json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def settle(self) -> None:
        """Wait until nothing is in the air."""
        await self.do("flush", {})

    async def joined(self, guide: str = "xiaomei", name: str = "小明🎉") -> tuple[str, str]:
        """A new customer of a guide: external_userid and welcome code."""
        customer = (await self.do("customers", {"name": name}))["external_userid"]
        await self.do(f"customers/{customer}/scan", {"userid": guide, "state": "live"})
        await self.settle()
        plain = next(plain for plain in reversed(self.receiver.plains) if customer in plain)
        found = re.search(r"<WelcomeCode><!\[CDATA\[(.*?)\]\]>", plain)
        return customer, found[1] if found else ""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A fresh sandbox and its receiver."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/wecom/app", receiver.receive)
    async with TestServer(app, port=free_port()) as server:
        sandbox = Sandbox(Options(bot=f"http://127.0.0.1:{server.port}"))
        sandbox.pusher._pauses = (0.0, 0.0, 0.0)
        receiver.sandbox = sandbox
        async with TestClient(TestServer(sandbox.app()), timeout=aiohttp.ClientTimeout(total=10)) as client:
            yield Desk(sandbox, client, receiver)
