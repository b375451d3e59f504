"""The AI bot's parts of a sandbox, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox import webhook
from sandbox.aibot import AiBot
from sandbox.aibot_callback import AiBotCaller
from sandbox.aibot_media import AiBotMedia
from sandbox.aibot_story import AiBotStory
from sandbox.aibot_ws import AiBotSocket
from sandbox.clock import VirtualClock
from sandbox.crypto import Seal
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.story import Story
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.app import Options

PATH = "/aibot/ws"


class AiBotDoor:
    """Both modes of one bot, and what people do with it."""

    def __init__(
        self,
        options: Options,
        world: World,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        story: Story,
        dirty: Callable[[], None],
    ) -> None:
        self._world, self._dirty = world, dirty
        self.bot = AiBot(world.aibot, clock)
        self.socket = AiBotSocket(self.bot, options.aibot_id, options.aibot_secret, journal, dirty)
        seal = Seal(options.aibot_token, options.aibot_key, "")
        url = options.bot + options.aibot_path
        self.caller = AiBotCaller(self.bot, seal, url, clock, faults, journal)
        base = f"http://{options.host}:{options.port}"
        self.media = AiBotMedia(seal, clock, base)
        self.story = AiBotStory(
            self.bot, self.socket, self.caller, story, clock,
            bot_id=options.aibot_id, mode=options.aibot_mode, base=base, media=self.media,
        )  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        """The WebSocket at a path of its own (also at `/`), and the control plane."""
        return [web.get(PATH, self.socket.handle), self.media.route(), *self.story.routes(self._dirty)]

    def renew(self) -> None:
        """The world was made anew or read from a file."""
        self.bot.world = self._world.aibot
        self._world.robots = self._world.robots or webhook.robots()

    async def hang_up(self, app: web.Application) -> None:
        """The server is about to end: so do its connections."""
        await self.socket.hang_up()

    async def close(self) -> None:
        """The sandbox ends."""
        await self.caller.close()
