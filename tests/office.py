"""The JSON API over a bot without a network: people with tokens of their own ask it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.sections import StaffSection
from console.api import Api
from console.callers import Callers
from console.imports.entering import Importer
from console.imports.http import Imports
from console.knowledge.taking import Library
from console.writes import Writes
from tests.fakes import Bot

TOKEN = "the-owners-token"
Answer = tuple[int, Any]


@dataclass
class Office:
    """A bot, and its API."""

    bot: Bot
    client: TestClient[web.Request, web.Application]

    async def get(self, path: str, token: str = TOKEN) -> Answer:
        """What is shown to whoever holds a token."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.get(f"/api/v1/{path}", headers=headers) as response:
            return response.status, await response.json()

    async def post(self, path: str, body: Any = None, token: str = TOKEN, key: str = "") -> Answer:
        """What becomes of it when they ask for it."""
        headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
        async with self.client.post(f"/api/v1/{path}", json=body or {}, headers=headers) as response:
            return response.status, await response.json()

    async def token_of(self, userid: str, role: str = "", store_id: str = "") -> str:
        """A token of somebody's, who is written down first when a role is given."""
        if role:
            await self.bot.employs(userid, role, store_id)
        status, body = await self.post("tokens", {"userid": userid})
        assert status == 201, body
        return str(body["token"])


@contextlib.asynccontextmanager
async def office_of(bot: Bot, section: StaffSection | None = None) -> AsyncIterator[Office]:
    """The API of a running bot."""
    callers = Callers(bot.database, bot.writer, bot.clock, TOKEN, section or StaffSection())
    imports = Imports(Importer(bot.writer, bot.database, bot.clock), Library(bot.writer, bot.database, bot.clock))
    app = web.Application()
    app.add_routes(Api(bot.database, callers, Writes(bot.writer, bot.clock), imports).routes())
    async with TestClient(TestServer(app)) as client:
        yield Office(bot, client)
