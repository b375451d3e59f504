"""办公室 the office: a bot and the sandbox under one clock that stands still, staff who press send when told to."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestServer

from bot.broadcast_polls import Polls
from bot.broadcasts import BroadcastSenders
from bot.clock import FrozenClock
from bot.delivery import Delivery
from bot.events import Address, TextReceived
from bot.ids import SeededChance
from bot.kf import Kf
from bot.media_upload import MediaUploads
from bot.order_events import AdminAsked
from bot.router import load_plays
from bot.scheduler import Scheduler
from bot.sections import Broadcasts, Cap, Outreach
from bot.senders import WeComSenders
from bot.texts import Texts
from bot.wecom.client import WeCom
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from sandbox.app import Options, Sandbox
from sandbox.world import Relation
from storage.engine import Database
from tests.conftest import NOON
from tests.fakes import Bot, FakeWeCom

ADD = "externalcontact/add_msg_template"
FREE = Outreach(quiet="", caps=[])
PLAYS = ["sign_up", "broadcasts", "consent"]


@dataclass
class Office:
    """The bot with WeCom's stand-in behind it."""

    bot: Bot
    sandbox: Sandbox
    scheduler: Scheduler
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    # -- people -------------------------------------------------------------------------------------------------------

    async def customers(self, count: int, userid: str = "xiaomei", *, only: str = "both") -> list[str]:
        """New friends of a guide, known to both sides (or to `bot`, to `sandbox` alone)."""
        names = [f"wm{userid}{next(self.numbers):04d}" for _ in range(count)]
        for name in names:
            if only != "bot":
                customer = self.sandbox.story.new_customer(f"客户{name}", external_userid=name)
                customer.relations[userid] = Relation(userid, "live", 0)
            if only != "sandbox":
                await self.bot.joins(name, userid)
        return names

    def habit(self, kind: str, userid: str = "*", **more: Any) -> None:
        """How staff treat broadcasts from now on."""
        self.sandbox.broadcasts.habit(userid, {"kind": kind, **more})

    def press(self, userid: str = "xiaomei", percent: int = 100) -> int:
        """A guide sends everything that waits; how many tasks."""
        waiting = [task for task in self.sandbox.world.broadcasts.open_tasks() if userid in task.shares]
        mine = [task for task in waiting if task.shares[userid].status == 0]
        for task in mine:
            self.sandbox.broadcasts.press(userid, task.msgid, percent, send=True)
        return len(mine)

    async def says(self, words: str, userid: str) -> str:
        """What staff hear when they say something in the app's chat."""
        before = self.bot.count("outbox")
        event = TextReceived(
            key=f"wecom_app:msg:{next(self.numbers)}", source="wecom_app", at=self.bot.clock.now(),
            sender=Address("wecom_staff", userid), text=words, msg_id="1",
        )  # fmt: skip
        await self.bot.writer.accept(event)
        rows = self.bot.rows("SELECT call, payload FROM outbox ORDER BY id")[before:]
        told = [json.loads(row[1]) for row in rows if row[0] == "message/send"]
        return "\n".join(message["text"]["content"] for message in told if message["touser"] == userid)

    # -- acts ---------------------------------------------------------------------------------------------------------

    async def asks(self, act: str, **body: Any) -> dict[str, Any]:
        """Ask through the JSON API's events; the answer with its status."""
        event = AdminAsked(
            key=f"api:{next(self.numbers)}", source="api", at=self.bot.clock.now(), act=act, body=body
        )  # fmt: skip
        answer = json.loads(await self.bot.writer.accept(event) or "{}")
        return {"status_code": answer["status"], **answer["body"]}

    async def composed(self, **body: Any) -> int:
        """A draft's id."""
        told = await self.asks("broadcasts", **{"name": "双11", "channel": "contact", "text": "今晚 8 点见", **body})
        assert told["status_code"] == 201, told
        return int(told["id"])

    async def launched(self, **body: Any) -> int:
        """Composed, approved, and gone as far as it goes by itself."""
        broadcast_id = await self.composed(**body)
        told = await self.asks("broadcasts/approve", id=broadcast_id, by="boss")
        assert told["status_code"] == 200, told
        await self.settle()
        return broadcast_id

    # -- time ---------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Everything due is done, over and over, until nothing is."""
        while await self.scheduler.sweep() + await self.bot.delivery.drain():
            pass

    async def passes(self, seconds: float = 0, **more: float) -> None:
        """Time passes on both sides; what comes due is done."""
        self.bot.clock.advance(seconds + timedelta(**more).total_seconds())
        await self.settle()

    # -- what is ------------------------------------------------------------------------------------------------------

    def standing(self, broadcast_id: int) -> dict[str, Any]:
        """The broadcast's own row."""
        names = ("status", "total", "left", "suppressed", "tasked", "sent", "failed")
        columns = ", ".join(f'"{name}"' for name in names)
        row = self.bot.rows(f"SELECT {columns} FROM broadcast WHERE id = :id", id=broadcast_id)[0]
        return dict(zip(names, row, strict=True))

    def numbers_of(self, broadcast_id: int) -> tuple[int, ...]:
        """left, suppressed, tasked, sent, failed."""
        row = self.standing(broadcast_id)
        return tuple(row[name] for name in ("left", "suppressed", "tasked", "sent", "failed"))

    def reasons(self, broadcast_id: int) -> dict[tuple[str, str], int]:
        """(status, reason) -> how many, of what was not sent."""
        rows = self.bot.rows(
            "SELECT status, reason, count(*) FROM audience WHERE broadcast_id = :id AND reason <> '' "
            "GROUP BY status, reason", id=broadcast_id,
        )  # fmt: skip
        return {(row[0], row[1]): row[2] for row in rows}

    def tasks(self) -> list[list[str]]:
        """Every task that WeCom has, as its receivers."""
        return [
            share.receivers
            for task in self.sandbox.world.broadcasts.tasks.values()
            for share in task.shares.values()
        ]  # fmt: skip

    def got(self, external_userid: str) -> list[str]:
        """Broadcasts on a customer's phone."""
        chats = self.sandbox.world.customers[external_userid].chats
        return [chat["text"] for chat in chats if chat.get("broadcast")]


@contextlib.asynccontextmanager
async def opened(
    database_url: str, broadcasts: Broadcasts | None = None, outreach: Outreach | None = None, kept: str = "nowhere"
) -> AsyncIterator[Office]:
    """An office whose media lie in `kept`; when it closes the invariants are checked, and nobody was in two tasks that
    could be sent."""
    clock = FrozenClock(NOON)
    sandbox = Sandbox(Options())
    sandbox.clock.time = lambda: clock.now().timestamp()  # type: ignore[method-assign]
    database = Database(database_url)
    database.migrate()
    plays = load_plays(list(PLAYS), {"sign_up": {}})
    dispatch = Dispatcher(plays, broadcasts=broadcasts, outreach=outreach or FREE)
    writer = Writer(database, dispatch, clock, SeededChance(7), Texts())
    async with TestServer(sandbox.app()) as server:
        writer.start()
        options = sandbox.options
        client = WeCom(
            api_base=str(server.make_url("/")), corp_id=options.corp_id, secret=options.secret,
            agent_id=options.agent_id, clock=clock, chance=SeededChance(9),
        )  # fmt: skip
        app = WeComSenders(client, options.agent_id, clock)
        uploads = MediaUploads(client, writer, clock, kept)
        senders = {
            **app.table(), **Kf(client, writer, clock).table(), **Polls(client, writer, clock).table(),
            **BroadcastSenders(client, writer, clock, app.message, uploads, settle_s=0.0).table(),
        }  # fmt: skip
        delivery = Delivery(writer, senders, clock, SeededChance(8))
        bot = Bot(database, writer, clock, FakeWeCom(), delivery)
        try:
            office = Office(bot, sandbox, Scheduler(writer, clock))
            office.scheduler._planned = clock.now().date()  # the nightly comparison is not what is tried here
            yield office
            assert bot.violations() == []
        finally:
            await client.close()
            await writer.stop()
            database.close()


QUICK = Broadcasts(poll_s=1.0)
CAPS = [Cap(days=1, most=1)]
