"""A whole bot and a whole sandbox in one process, on real ports: what one says the other hears."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import text

from bot.channels.wecom_aibot_ws import Backoff
from bot.router import load_plays
from bot.runtime import Runtime
from bot.settings import Settings
from bot.texts import Texts
from console.server import build_app
from handlers.dispatch import Dispatcher
from sandbox.app import Options, Sandbox
from tests.chaos.processes import free_port

PATIENCE_S = 15.0


@dataclass
class House:
    """Both, and the page's words for the sandbox."""

    sandbox: Sandbox
    runtime: Runtime
    session: aiohttp.ClientSession
    base: str
    coupon: str = ""

    async def do(self, path: str, body: Any = None, status: int = 200) -> Any:
        """A word on the sandbox's control plane."""
        data = io.BytesIO(json.dumps(body or {}).encode())  # a file in it may be large
        async with self.session.post(f"{self.base}/__sandbox/{path}", data=data) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def say(self, words: str, userid: str = "xiaomei", **more: Any) -> Any:
        """Somebody writes to the AI bot."""
        return await self.do("aibot/say", {"userid": userid, "text": words, **more})

    def chat(self, chatid: str = "xiaomei") -> list[dict[str, Any]]:
        """What a chat with the AI bot shows."""
        found = self.sandbox.world.aibot.chats.get(chatid)
        return found["messages"] if found else []

    def answers(self, chatid: str = "xiaomei") -> list[dict[str, Any]]:
        """What the bot said there."""
        return [message for message in self.chat(chatid) if message["from"] == "bot"]

    async def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """The bot's database as it is."""
        with self.runtime.database.engine.connect() as connection:
            return list(connection.execute(text(sql), values).all())


def settings_for(
    database_url: str, sandbox: Sandbox, base: str, mode: str, media: Path | None = None, **wecom: Any
) -> Settings:
    """What a deployer would set, with the sandbox in WeCom's place."""
    options = sandbox.options
    app = {"agent_id": options.agent_id, "secret": options.secret, "token": options.token}
    aibot = {"mode": mode, "bot_id": options.aibot_id, "secret": options.aibot_secret, "token": options.aibot_token}
    aibot |= {"encoding_aes_key": options.aibot_key, "ws_url": base.replace("http", "ws") + "/aibot/ws"}
    return Settings.model_validate({
        **Settings().model_dump(),
        "database": {"url": database_url},
        **({"media": {"folder": str(media)}} if media else {}),
        "wecom": {
            "corp_id": options.corp_id, "api_base": base,
            "app": {**app, "encoding_aes_key": options.aes_key}, "aibot": aibot, **wecom,
        },
    })  # fmt: skip


@contextlib.asynccontextmanager
async def sandbox_on(port: int, bot_port: int, mode: str, state: Path | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox on its port."""
    sandbox = Sandbox(
        Options(port=port, bot=f"http://127.0.0.1:{bot_port}", aibot_mode=mode or "callback", state=state)
    )
    sandbox.aibot.caller.pauses, sandbox.aibot.caller.ask_every_s = (0.0, 0.0, 0.0), 0.01
    async with serving(sandbox.app(), port):
        yield sandbox


@contextlib.asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[None]:
    """An application on a port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def bot_on(
    settings: Settings, port: int, backoff: Backoff | None = None, *, cards: bool = False
) -> AsyncIterator[Runtime]:
    """A bot as run.py wires it."""
    texts = Texts()
    runtime = Runtime(settings, Dispatcher(load_plays(settings.plays, settings.play_tables), cards=cards), texts)
    if runtime.doors.line is not None:
        runtime.doors.line._backoff = backoff or Backoff(0.02, 0.1)
    await asyncio.to_thread(runtime.database.migrate)
    await runtime.start()
    try:
        async with serving(build_app(runtime), port):
            yield runtime
    finally:
        await runtime.stop()


@contextlib.asynccontextmanager
async def standing(database_url: str, mode: str, *, cards: bool = False, **wecom: Any) -> AsyncIterator[House]:
    """A bot and a sandbox that know each other; over the WebSocket they are connected."""
    port, bot_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        media = Path(folder) / "media"
        async with sandbox_on(port, bot_port, mode) as sandbox:
            settings = settings_for(database_url, sandbox, base, mode, media, **wecom)
            async with bot_on(settings, bot_port, cards=cards) as runtime, aiohttp.ClientSession() as session:
                house = House(sandbox, runtime, session, base)
                if runtime.doors.line is not None:
                    await house.until(lambda: sandbox.aibot.socket.line is not None)
                yield house
