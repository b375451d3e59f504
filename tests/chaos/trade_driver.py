"""买卖导演: furnishes the brand, lets members speak to customer service, plays the shop's till, lets nine days pass."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.chaos import market
from tests.chaos.driver import AHEAD_S, Driver
from tests.chaos.evidence import reader
from tests.chaos.story import Step
from tests.chaos.trade_checker import TRADE_RULES
from tests.chaos.trade_story import Trader

SHOP_FAULTS = {"duplicate": 0.3, "copies": 3, "reorder": 6, "unheard": 0.05, "late": 0.02, "late_s": 3,
               "refund_500": 0.05, "refund_drop": 0.05}  # fmt: skip
LATER_S = 9 * 86_400  # past every team's and bargain's end, past the refund window, before coupons end
LATEST = 30  # people act on what is new

CODES = {
    "team": "SELECT code FROM team WHERE status = 'open'",
    "bargain": "SELECT code FROM bargain WHERE status = 'open'",
    "referral_code": "SELECT code FROM referral_code",
}
OWNED = {
    "bargain": ("SELECT i.external_id, b.code FROM bargain b JOIN identity i ON i.member_id = b.member_id "
                "WHERE i.channel = 'wecom' AND b.status = 'open'", "b.id"),
    "checkout": ("SELECT i.external_id, c.code FROM checkout c JOIN identity i ON i.member_id = c.member_id "
                 "WHERE i.channel = 'wecom' AND c.status = 'held'", "c.id"),
    "till": ("SELECT i.external_id, c.code, c.price_fen FROM checkout c JOIN identity i ON i.member_id = c.member_id "
             "WHERE i.channel = 'wecom' AND c.price_fen > 0", "c.id"),
}  # fmt: skip


class TradeDriver(Driver):
    """A run in which members also trade."""

    author = Trader
    faults: ClassVar[dict[str, Any]] = {"shop": SHOP_FAULTS}
    templates = tuple(market.COUPONS)
    rules = TRADE_RULES

    async def _furnish(self) -> None:
        """Goods, coupons and drives, set up by the API as a shop would; a second person publishes."""
        self._rows = reader(self._world.database_url)
        self._orders: list[tuple[str, int]] = []
        self._kf = (await self._hands.sandbox("GET", "state"))["kf_accounts"][0]["open_kfid"]
        now = datetime.now(UTC)
        dates = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=8)).isoformat()}
        for path, body in market.catalogue():
            await self._hands.bot_post(path, body)
        for campaign in market.campaigns():
            made = await self._hands.bot_post("campaigns", {**campaign, **dates, "made_by": "chaos"})
            await self._hands.bot_post(f"campaigns/{made['id']}/publish", {"by": "second"})

    async def _look(self, sql: str) -> list[Any]:
        return await asyncio.to_thread(self._rows, sql)

    async def _latest(self, sql: str, order: str, pick: int) -> Any:
        found = await self._look(f"{sql} ORDER BY {order} DESC LIMIT {LATEST}")
        return found[pick % len(found)] if found else None

    async def _talk(self, step: Step) -> None:
        """Only who is in the world can write; a story may be ahead of a slow join."""
        if step["customer"] in self._known:
            body = {"external_userid": step["customer"], "text": step["text"]}
            await self._hands.sandbox("POST", f"kf/{self._kf}/say", body)

    async def _code(self, step: Step) -> None:
        row = await self._latest(CODES[step["of"]], "made_at" if step["of"] == "referral_code" else "id", step["pick"])
        if row is not None:
            await self._talk({"customer": step["customer"], "text": f"{step['word']} {row[0]}"})

    async def _own(self, step: Step) -> None:
        row = await self._latest(*OWNED[step["of"]], step["pick"])
        if row is not None:
            await self._talk({"customer": row[0], "text": f"{step['word']} {row[1]}"})

    async def _pay(self, step: Step) -> None:
        row = await self._latest(*OWNED["till"], step["pick"])
        if row is None:
            return
        buyer, code, price_fen = row
        fen = max(1, price_fen - 1) if step["short"] else price_fen
        await self._book(f"P{step['n']}", {"external_userid": buyer, "checkout": code, "amount_fen": fen})

    async def _order(self, step: Step) -> None:
        if step["customer"] in self._known:
            await self._book(f"F{step['n']}", {"external_userid": step["customer"], "amount_fen": step["fen"]})

    async def _book(self, order_no: str, body: dict[str, Any]) -> None:
        await self._hands.sandbox("POST", "shop/orders", {"order_no": order_no, **body})
        self._orders.append((order_no, body["amount_fen"]))

    async def _refund(self, step: Step) -> None:
        """The shop pays back; what is refunded already, or asked for by the bot meanwhile, it refuses itself."""
        if not self._orders:
            return
        latest = self._orders[-LATEST:]
        order_no, fen = latest[step["pick"] % len(latest)]
        part = max(1, fen * step["permille"] // 1000)
        await self._hands.sandbox("POST", f"shop/orders/{order_no}/refund", {"amount_fen": part}, may_refuse=True)

    async def _later(self) -> None:
        """Nine days pass: what is due comes due while the bot is killed once more in the middle of it."""
        await self._hands.sandbox("POST", "clock", {"advance_s": LATER_S})
        for last in (False, True):
            self._world.bot.end()
            self.played.kills += 1
            self._world.bot.command = self._world.bot_command("serve", ahead_s=AHEAD_S + LATER_S)
            await self._hands.boot()
            if not last:
                await asyncio.sleep(1 + self._dice.random() * 2)
        self.ahead_s = AHEAD_S + LATER_S
        while True:  # a refund that we ask for comes back as a push of the shop's
            await self._drain()
            await self._hands.sandbox("POST", "flush")
            orders = (await self._hands.sandbox("GET", "state"))["orders"]
            if all(push["state"] == "stored" for order in orders for push in order["pushes"]):
                break
        await self._drain()
