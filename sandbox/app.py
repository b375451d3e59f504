"""Putting the sandbox together: world, callbacks, API, control plane, page."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox import (
    api_broadcast,
    api_contact,
    api_contact_way,
    api_group,
    api_kf,
    api_kf_account,
    api_kf_state,
    api_menu,
    api_message,
    webhook,
)
from sandbox.aibot_door import AiBotDoor
from sandbox.api import MAX_BODY, Api
from sandbox.bot_reads import BotReads
from sandbox.broadcast_control import BroadcastControl
from sandbox.broadcast_story import BroadcastStory
from sandbox.callbacks import Pusher
from sandbox.clock import VirtualClock
from sandbox.control import Control
from sandbox.crypto import Seal
from sandbox.faults import Faults
from sandbox.group_control import GroupControl
from sandbox.journal import Journal
from sandbox.kf_control import KfControl
from sandbox.kf_story import KfStory
from sandbox.model_door import ModelDoor
from sandbox.onebot_actions import Actions
from sandbox.onebot_control import OneBotControl
from sandbox.onebot_story import OneBotStory
from sandbox.onebot_wire import Wire
from sandbox.order_pushes import OrderPusher
from sandbox.shop import Shop
from sandbox.story import Story
from sandbox.tag_story import TagControl, TagStory
from sandbox.world import World

PAGE = Path(__file__).parent / "page"
# Importing them registers their paths.
HANDLERS = (
    *(api_contact, api_contact_way, api_group, api_menu, api_message),
    *(api_kf, api_kf_account, api_kf_state, webhook, api_broadcast),
)
SAVE_EVERY_S = 0.5
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"
)


@dataclass
class Options:
    """What the command line decides."""

    port: int = 9100
    host: str = "127.0.0.1"
    bot: str = "http://127.0.0.1:8080"
    callback_path: str = "/wecom/app"
    bot_api_token: str = "sandbox-api-token"  # noqa: S105 - the demo's own, valid nowhere else
    corp_id: str = "ww0sandbox000001"
    agent_id: int = 1000002
    secret: str = "sandbox-secret"  # noqa: S105 - as above
    token: str = "sandboxToken"  # noqa: S105 - as above
    aes_key: str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    shop_source: str = "mall"
    shop_secret: str = "mall-secret"  # noqa: S105 - as above
    aibot_path: str = "/wecom/aibot"
    aibot_id: str = "aib0sandbox"
    aibot_secret: str = "sandbox-aibot-secret"  # noqa: S105 - as above
    aibot_token: str = "sandboxAibotToken"  # noqa: S105 - as above
    aibot_key: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
    aibot_mode: str = "websocket"
    log: Path | None = None
    state: Path | None = None
    seed: int = 1
    expires_in: int = 7200
    onebot: str = ""  # ws, post or off
    onebot_secret: str = "sandbox-onebot-secret"  # noqa: S105 - as above
    onebot_token: str = "sandbox-onebot-token"  # noqa: S105 - as above


def refuse_outside(host: str) -> None:
    """Loopback only: this program hands out tokens to anyone who asks."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise SystemExit("沙盒只监听本机：--host 只能是 127.0.0.1 / The sandbox binds to loopback only.")


class Sandbox:
    """A running sandbox."""

    def __init__(self, options: Options) -> None:
        refuse_outside(options.host)
        self.options, self.clock, self.faults = options, VirtualClock(), Faults(seed=options.seed)
        self.journal = Journal(self.clock, options.log)
        self.world = World(options.corp_id, options.agent_id, options.secret, options.expires_in, options.seed)
        seal = Seal(options.token, options.aes_key, options.corp_id)
        self.pusher = Pusher(
            seal, options.bot + options.callback_path, options.agent_id, self.clock, self.faults, self.journal
        )
        self.story = Story(self.world, self.clock, self.faults, self.pusher)
        self.broadcasts = BroadcastStory(self.story)
        self.kf = KfStory(self.world, self.clock, self.pusher, self.story)
        self.shop = self._open_shop()
        self.aibot = AiBotDoor(options, self.world, self.clock, self.faults, self.journal, self.story, self.touch)
        wire = Wire(
            self.world, self.clock, self.faults, self.journal, Actions(self.world, self.clock), bot=options.bot,
            mode=options.onebot, secret=options.onebot_secret, token=options.onebot_token,
        )  # fmt: skip
        self.onebot = OneBotStory(self.world, self.clock, wire)
        self._dirty = False
        self._restore()

    def _open_shop(self) -> Shop:
        options, parts = self.options, (self.clock, self.faults, self.journal)
        self._bot = BotReads(options.bot, options.bot_api_token)
        url = f"{options.bot}/hooks/orders/{options.shop_source}"
        pusher = OrderPusher(url, options.shop_source, options.shop_secret, *parts, self.touch)
        return Shop(self.world, *parts, pusher, self._bot, options.shop_secret, self.touch)

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY)
        api = Api(self.world, self.clock, self.faults, self.journal, self.touch, self.pusher.emit)
        control = Control(
            self.world,
            self.clock,
            self.faults,
            self.journal,
            self.story,
            self.shop,
            self._bot,
            self.reset,
            self.touch,
        )
        app.add_routes([web.route("*", "/cgi-bin/{path:.+}", api.handle), web.get("/", self.page), *control.routes()])
        app.add_routes(KfControl(self.kf, self.touch).routes())
        app.add_routes(GroupControl(self.story.groups, self.touch).routes())
        app.add_routes(TagControl(TagStory(self.story), self.touch).routes())
        app.add_routes(BroadcastControl(self.broadcasts, self.touch).routes())
        app.add_routes(ModelDoor(self.world, self.clock, self.touch).routes())
        app.add_routes(self.shop.routes())
        app.add_routes(self.aibot.routes())
        app.add_routes(OneBotControl(self.onebot, self.touch).routes())
        app.router.add_static("/__sandbox/static/", PAGE)
        app.on_response_prepare.append(_say_what_it_is)
        app.on_shutdown.append(self.aibot.hang_up)  # a server that waits for an open WebSocket waits for ever
        app.cleanup_ctx.append(self._run)
        return app

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page where people play; AI bots connect to the same address, as to WeCom's."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.aibot.socket.handle(request)
        return web.FileResponse(
            PAGE / "page.html", headers={"Content-Security-Policy": CSP, "Cache-Control": "no-cache"}
        )

    async def _run(self, app: web.Application) -> AsyncIterator[None]:
        await self.pusher.open()
        await self.shop.pusher.open(self.world.orders.values())
        await self.onebot.wire.open()
        saver = asyncio.create_task(self._save_often())
        yield
        saver.cancel()
        await asyncio.gather(saver, return_exceptions=True)
        self._save()
        await self.aibot.close()
        await self.onebot.wire.close()
        await self.pusher.close()
        await self.shop.pusher.close()

    # -- memory --------------------------------------------------------------------------------------------------------

    def touch(self) -> None:
        """The world changed: save soon, tell the page."""
        self._dirty = True
        self.journal.changed()

    def reset(self) -> None:
        """A new world; the bot's database keeps what it has."""
        fresh = World(
            self.options.corp_id, self.options.agent_id, self.options.secret, self.options.expires_in, self.options.seed
        )
        tokens = self.world.tokens
        vars(self.world).update(vars(fresh))
        self.world.tokens = tokens
        self.world.dice.seed(f"{self.options.seed}:{self.clock.time()}")  # the same ids again would be the same people
        self.shop.pusher.forget()
        self.faults.put(Faults().shown())
        self.faults.scripted.clear()
        self.clock.offset_s = 0.0
        self._furnish()

    def _furnish(self) -> None:
        self.story.furnish()
        self.kf.furnish()
        self.aibot.renew()
        self.onebot.furnish()

    def _restore(self) -> None:
        file = self.options.state
        if file is not None and file.exists():
            try:
                saved = json.loads(file.read_text(encoding="utf-8"))
                self.world.load(saved["world"])
                self.clock.offset_s = float(saved["offset_s"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SystemExit(
                    f"--state：{file} 读不出来（{error!r}）；删掉它会得到一个新世界，或换一个文件"
                ) from None
            if "kf" not in saved["world"]:  # saved before there were any
                self.kf.furnish()
            if "onebot" not in saved["world"]:
                self.onebot.furnish()
        else:
            self._furnish()
            return
        self.aibot.renew()

    async def _save_often(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._dirty:
                self._save()

    def _save(self) -> None:
        if self.options.state is None:
            return
        self._dirty = False
        text = json.dumps({"world": self.world.dump(), "offset_s": self.clock.offset_s}, ensure_ascii=False)
        fresh = self.options.state.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.options.state)


async def _say_what_it_is(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Sandbox"] = "not WeCom"


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[Sandbox]:
    """A sandbox on its port, for the command line and for tests."""
    sandbox = Sandbox(options)
    runner = web.AppRunner(sandbox.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    try:
        yield sandbox
    finally:
        await runner.cleanup()
