"""A guide's desk for tests: a bot with the plays for guides, contacts with names, coupons that may be handed out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.events import Address, CardClicked
from bot.order_events import AdminAsked, OrderPaid, OrderRefunded
from bot.scheduler import Scheduler
from bot.turn import Work
from scenarios.tasks import router as tasks_router
from storage import names
from storage.members import phone_hash
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

PLAYS: dict[str, dict[str, Any]] = {
    "tasks": {}, "profile": {}, "handout": {}, "tagging": {"group": "自定义"}, "results": {},
    "points": {}, "coupons": {}, "purchase": {},
}  # fmt: skip
CASH: dict[str, Any] = {
    "name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 100,
    "for_guides": True,
}  # fmt: skip
PEOPLE = {"wm1": "王女士🎉", "wm2": "王晓明", "wm3": "李雷 Lei"}


@dataclass
class Desk:
    """A bot whose guide lina follows wm1 and wm2, aqiang wm3."""

    bot: Bot
    scheduler: Scheduler

    async def says(self, words: str, userid: str = "lina") -> str:
        """Somebody of the staff writes; what they and others are told."""
        return await self.bot.says(words, userid)

    async def ask(self, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """An act of the API."""
        event = AdminAsked(
            key=f"api:{next(self.bot.numbers)}", source="api", at=self.bot.clock.now(), act=act, body=body
        )
        answer = json.loads(await self.bot.writer.accept(event) or "")
        return answer["status"], answer["body"]

    async def template(self, **more: Any) -> int:
        """A coupon template that guides may hand out."""
        status, body = await self.ask("coupon-templates", **{**CASH, **more})
        assert status == 201, body
        return int(body["id"])

    async def joins(self, who: str, name: str, userid: str = "lina", **more: Any) -> None:
        """A contact with a name."""
        self.bot.wecom.names[who] = name
        await self.bot.joins(who, userid, **more)
        await self.bot.deliver()

    def member(self, who: str) -> int:
        """A contact's member id."""
        row = self.bot.rows("SELECT member_id FROM identity WHERE channel = 'wecom' AND external_id = :w", w=who)
        return int(row[0][0])

    async def has_phone(self, who: str, number: str) -> None:
        """An import told the phone of a member: its hash and its tail."""
        member_id = self.member(who)

        def write(work: Work) -> None:
            from storage import members

            members.add_identity(work.db, work.ids, member_id, ("phone", phone_hash(number)), "import", work.now)
            names.learn_tail(work.db, member_id, number[-4:], "import", work.now)

        await self.bot.writer.call(write)

    async def remarks(self, who: str, remark: str, userid: str = "lina") -> None:
        """A guide calls a contact by a name of their own."""
        from storage import follows

        def write(work: Work) -> None:
            link = follows.find(work.db, who, userid)
            assert link is not None
            follows.change(work.db, link, link.status, link.changed_at, remark=remark)

        await self.bot.writer.call(write)

    async def pays(self, who: str, order_no: str, fen: int, **more: Any) -> None:
        """A shop tells of a paid order."""
        await self.bot.writer.accept(OrderPaid(**{
            "key": f"orders:{order_no}:paid", "source": "orders", "at": self.bot.clock.now(), "shop": "mall",
            "order_no": order_no, "buyer": {"external_userid": who}, "amount_fen": fen, "items": [], **more,
        }))  # fmt: skip

    async def refunds(self, order_no: str, fen: int) -> None:
        """A shop tells of a refund."""
        await self.bot.writer.accept(OrderRefunded(
            key=f"orders:{order_no}:refunded", source="orders", at=self.bot.clock.now(), shop="mall",
            order_no=order_no, refund_no=f"{order_no}-1", amount_fen=fen,
        ))  # fmt: skip

    async def passes(self, **time: float) -> None:
        """Time goes by, and what is due happens, to its end."""
        self.bot.clock.advance(timedelta(**time).total_seconds())
        for _ in range(4):
            await self.scheduler.sweep()
            self.bot.clock.advance(1)

    async def card(self, words: str, userid: str = "lina") -> dict[str, Any]:
        """The card that answers."""
        await self.says(words, userid)
        return await self.shown(userid)

    async def shown(self, userid: str = "lina") -> dict[str, Any]:
        """The last card that somebody got."""
        await self.bot.deliver()
        return self.bot.wecom.cards_of(userid)[-1]

    async def tap(self, card: dict[str, Any], place: int, userid: str = "lina") -> None:
        """Somebody taps a button of a card."""
        number = next(self.bot.numbers)
        await self.bot.writer.accept(CardClicked(
            key=f"wecom_app:sha256:tap{number}", source="wecom_app", at=self.bot.clock.now(),
            sender=Address("wecom_staff", userid), task_id=card["task_id"],
            event_key=card["button_list"][place]["key"], response_code=f"RC{number}",
        ))  # fmt: skip
        await self.bot.deliver()

    def one(self, sql: str, **values: Any) -> Any:
        """A single value of the database."""
        return self.bot.rows(sql, **values)[0][0]


@contextlib.asynccontextmanager
async def start_desk(
    url: str, more: dict[str, dict[str, Any]] | None = None, *, cards: bool = False
) -> AsyncIterator[Desk]:
    """A bot with the plays for guides; `more` are rules of theirs."""
    plays = {**PLAYS, **(more or {})}
    async with start_bot(url, NOON, None, plays, cards=cards) as bot:
        desk = Desk(bot, Scheduler(bot.writer, bot.clock, dailies=tasks_router.dailies))
        for who, name in PEOPLE.items():
            await desk.joins(who, name, "aqiang" if who == "wm3" else "lina")
        bot.wecom.calls.clear()
        yield desk
