"""运行时 runtime: the parts of one process, started and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import aiohttp
from loguru import logger

from bot import onebot_reach
from bot.broadcast_polls import Polls
from bot.broadcasts import BroadcastSenders
from bot.channels.gate import Gate
from bot.channels.orders import OrderHooks
from bot.clock import SystemClock
from bot.delivery import LANES, Delivery, Lane
from bot.doors import Doors
from bot.events import Event
from bot.ids import Chance, SystemChance
from bot.kf import Kf, owe_pulls
from bot.leader import Leader
from bot.limits import HOUR, MINUTE, Rate
from bot.media_upload import MediaUploads
from bot.model.gateway import LLMGateway
from bot.model.sender import ModelSender
from bot.onebot import OneBotChannel
from bot.reconcile import Reconcile
from bot.rfm_sender import RfmSender
from bot.scheduler import Scheduler
from bot.senders import Sender, WeComSenders
from bot.settings import Settings
from bot.shops import Shops, order_kinds
from bot.texts import Texts
from bot.turn import Turn, Work
from bot.wecom.client import WeCom
from bot.writer import Writer
from storage.engine import Database

FOLLOW_EVERY_S = 0.3


def _nothing(_: Work) -> None:
    """The door is shut."""


def _gate(settings: Settings) -> Gate:
    """The strict gate of the app's callbacks."""
    app = settings.wecom.app
    return Gate(
        token=app.token.get_secret_value(),
        encoding_aes_key=app.encoding_aes_key.get_secret_value(),
        receive_id=settings.wecom.corp_id,
        replay_window_s=app.replay_window_s,
    )


@dataclass(frozen=True)
class Edges:
    """Where time, chance and WeCom come in when they are not the real ones: a year on a virtual clock brings its own.
    `lanes` is how many calls go out at once, `writer` who writes."""

    clock: SystemClock
    chance: Chance
    wecom: WeCom
    lanes: tuple[Lane, ...] = LANES
    writer: type[Writer] = Writer


def _edges(settings: Settings) -> Edges:
    """The machine's clock, real chance, the WeCom of the settings."""
    clock, chance, app = SystemClock(), SystemChance(), settings.wecom.app
    wecom = WeCom(
        api_base=settings.wecom.api_base,
        corp_id=settings.wecom.corp_id,
        secret=app.secret.get_secret_value(),
        agent_id=app.agent_id,
        clock=clock,
        chance=chance,
    )
    return Edges(clock, chance, wecom)


class Runtime:
    """Writer, client, delivery, scheduler and leader of one process, wired from settings."""

    def __init__(
        self,
        settings: Settings,
        dispatch: Callable[[Turn, Event], None],
        texts: Texts,
        dailies: Mapping[str, tuple[int, int]] | None = None,
        starts: Sequence[str] = (),
        edges: Edges | None = None,
    ) -> None:
        """`dailies`: the plays' timers of every day, `starts`: of every start."""
        edges = edges or _edges(settings)
        self.settings, self.clock, self.wecom, chance = settings, edges.clock, edges.wecom, edges.chance
        self.database = Database(settings.database.url)
        self.gate = _gate(settings)
        self.writer = edges.writer(self.database, dispatch, self.clock, chance, texts)
        door = settings.wecom.kf
        self._pulls = partial(owe_pulls, door.accounts) if door.enabled else _nothing
        self.reconcile = Reconcile(self.wecom, self.writer, self.clock, self._pulls)
        self.shops = Shops(settings.orders, self.clock)
        app_senders = WeComSenders(self.wecom, settings.wecom.app.agent_id, self.clock)
        self.doors = Doors(settings, self.writer, self.clock, chance, app_senders)
        self.model = LLMGateway(settings.llm, self.clock, chance, texts)
        self.onebot = OneBotChannel(settings.onebot, self.writer, self.clock)
        rates = (Rate(settings.delivery.member_per_minute, MINUTE), Rate(settings.delivery.member_per_hour, HOUR))
        self.delivery = Delivery(
            self.writer, self._senders(app_senders), self.clock, chance, edges.lanes, rates, self.doors.rates
        )
        self.order_hooks = OrderHooks(order_kinds(settings.orders), self.writer, self.clock)
        self.scheduler = Scheduler(self.writer, self.clock, dailies={**self.doors.dailies, **(dailies or {})},
                                   starts=starts)  # fmt: skip
        self.leader = Leader(self.database, self._lead, self._follow)
        self._following: asyncio.Task[None] | None = None

    def _senders(self, app_senders: WeComSenders) -> dict[str, Sender]:
        """Every call that may be owed to the outside, and who makes it."""
        uploads = MediaUploads(self.wecom, self.writer, self.clock, self.settings.media.folder)
        return {
            **app_senders.table(),
            **Kf(self.wecom, self.writer, self.clock).table(),
            **self.doors.senders,
            **BroadcastSenders(self.wecom, self.writer, self.clock, app_senders.message, uploads).table(),
            **Polls(self.wecom, self.writer, self.clock).table(),
            **ModelSender(self.settings.llm, self.model, self.writer).table(),
            **RfmSender(self.database, self.clock).table(),
            "reconcile": self.reconcile.run,
            "order/refund": self.shops.refund,
            onebot_reach.SEND: self.onebot.sender.send,
        }

    async def start(self) -> None:
        """Take events, then lead if nobody else does."""
        if self.settings.server.clock_url:
            await self._set_clock()
            self._following = asyncio.create_task(self._follow_clock(), name="clock")
        self.writer.start()
        await self.leader.start()

    async def stop(self) -> None:
        """Send no more, write what is waiting, close."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.leader.stop()
        await self.onebot.close()
        await self.writer.stop()
        await self.wecom.close()
        await self.shops.close()
        await self.doors.close()
        await self.model.close()
        self.database.close()

    async def _lead(self) -> None:
        await self.doors.start()
        self.onebot.lead()
        await self.delivery.start()
        await self.writer.call(self._pulls)
        await self.scheduler.start()

    async def _follow(self) -> None:
        await self.scheduler.stop()
        await self.delivery.stop()
        await self.doors.stop()
        await self.onebot.follow()

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            await self._set_clock()

    async def _set_clock(self) -> None:
        """The demo's clock is the sandbox's."""
        timeout = aiohttp.ClientTimeout(total=1)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.settings.server.clock_url) as response,
            ):
                offset = timedelta(seconds=float((await response.json())["offset_s"]))
                if offset != self.clock.offset:
                    logger.bind(action="clock_moved").info("offset={}", offset)
                self.clock.offset = offset
