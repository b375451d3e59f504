"""The bot and the sandbox as programs, as a deployer runs them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.chaos.processes import API_TOKEN, MALL_SECRET, Hands, World


class Reply(NamedTuple):
    """What came back: status, body as text, and as JSON where it is JSON."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.text)


class Shop:
    """Both programs, and ways to speak to them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ask(self, path: str, token: str | None = API_TOKEN, method: str = "GET") -> Reply:
        """A request to the bot."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self._send(f"http://127.0.0.1:{self.world.bot_port}{path}", method, headers, None)

    def sandbox(self, path: str, body: Any, method: str = "POST") -> Any:
        """A word on the sandbox's control plane."""
        url = f"http://127.0.0.1:{self.world.sandbox_port}/__sandbox/{path}"
        reply = self._send(url, method, {"Content-Type": "application/json"}, json.dumps(body).encode())
        assert reply.status == 200, reply.text
        return reply.json

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        """A POST to the bot's API."""
        sent = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json", **headers}
        return self._send(f"http://127.0.0.1:{self.world.bot_port}{path}", "POST", sent, json.dumps(body).encode())

    def order(self, told: dict[str, Any], secret: str = MALL_SECRET) -> Reply:
        """A push of the shop called mall."""
        body, stamp = json.dumps(told).encode(), str(int(time.time()))
        sign = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Timestamp": stamp, "X-Signature": f"sha256={sign}", "Content-Type": "application/json"}
        return self._send(f"http://127.0.0.1:{self.world.bot_port}/hooks/orders/mall", "POST", headers, body)

    def until(self, path: str, enough: Any, within_s: float = 15) -> Any:
        """The bot's answer once it is `enough`."""
        deadline = time.monotonic() + within_s
        while True:
            answer = self.ask(path).json
            if enough(answer):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    @staticmethod
    def _send(url: str, method: str, headers: dict[str, str], body: bytes | None) -> Reply:
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - loopback
                return Reply(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode())


async def _start(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        hands = Hands(world, session)
        await hands.open_sandbox()
        await hands.boot()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Both running on SQLite, three customers signed up by the guide whom the sandbox starts with."""
    home = tmp_path_factory.mktemp("world")
    world = World(home, f"sqlite:///{home / 'siyu.db'}", cards=True)
    try:
        asyncio.run(_start(world))
        made = Shop(world)
        guide = made._send(
            f"http://127.0.0.1:{world.sandbox_port}/__sandbox/state", "GET", {}, None
        ).json["guides"][0]["userid"]  # fmt: skip
        for name in ("小明🎉", "王芳", "阿Ken"):
            customer = made.sandbox("customers", {"name": name})["external_userid"]
            made.sandbox(f"customers/{customer}/scan", {"userid": guide, "state": "live"})
        made.until("/api/v1/outbox?status=pending", lambda answer: not answer["items"])
        made.until("/api/v1/members", lambda answer: sum(bool(item["name"]) for item in answer["items"]) == 3)
        yield made
    finally:
        world.end()


@pytest.fixture
def world_alone(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Settings and an empty database; nothing runs."""
    home = tmp_path_factory.mktemp("alone")
    return World(home, f"sqlite:///{home / 'siyu.db'}")
