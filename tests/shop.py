"""A shop for tests: a bot with the promotion plays, goods on the shelf, members who speak, orders that arrive."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any

from bot.events import Address, TextReceived
from bot.order_events import OrderPaid, OrderRefunded
from bot.scheduler import Scheduler
from bot.turn import Work
from storage import drives, shop, stock
from storage.tables import Campaign, Product
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

PLAYS = {"points": {"per_yuan": 1, "refund_days": 7, "valid_days": 30}, "group_buy": {}, "bargain": {}}


@dataclass
class Shop:
    """A bot that sells."""

    bot: Bot
    scheduler: Scheduler
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def product(self, sku: str = "A", price_fen: int = 10_000, stock_of: int | None = None) -> None:
        """Goods on the shelf; `stock_of` None = they never run out."""

        def put(work: Work) -> None:
            counted = int(stock_of is not None)
            row = Product(id=work.ids.next(), sku=sku, title=f"商品{sku}", category="", price_fen=price_fen,
                          cost_fen=1, counted=counted, status="active", created_at=work.now)  # fmt: skip
            shop.products.add(work.db, row)
            if stock_of is not None:
                stock.open_stock(work.db, shop.sku_stock(sku), stock_of)

        await self.bot.writer.call(put)

    async def campaign(self, kind: str, days: int = 7, **config: Any) -> None:
        """A published campaign."""

        def put(work: Work) -> None:
            row = Campaign(id=work.ids.next(), kind=kind, name=f"{kind}活动", status="published", starts_at=work.now,
                           ends_at=work.now + timedelta(days=days), config=json.dumps(config), worst_fen=0,
                           made_by="test", approved_by="", created_at=work.now)  # fmt: skip
            drives.campaigns.add(work.db, row)

        await self.bot.writer.call(put)

    async def says(self, who: str, words: str) -> str:
        """A member writes; what was answered (and told to others by the same turn)."""
        before = self.bot.rows("SELECT coalesce(max(id), 0) FROM outbox")[0][0]
        number = next(self.bot.numbers)
        await self.bot.writer.accept(TextReceived(
            key=f"wecom_kf:msg:{number}", source="wecom_kf", at=self.bot.clock.now(), sender=Address("wecom", who),
            text=words, msg_id=str(number),
        ))  # fmt: skip
        return self.heard(before)

    def heard(self, since: int = 0) -> str:
        """Everything said to guides since an outbox row."""
        rows = self.bot.rows(
            "SELECT payload FROM outbox WHERE call = 'message/send' AND id > :id ORDER BY id", id=since
        )
        return "\n".join(json.loads(row[0])["text"]["content"] for row in rows)

    async def pays(self, who: str, order_no: str, fen: int, checkout: str | None = None, **more: Any) -> None:
        """A shop tells of a paid order."""
        await self.bot.writer.accept(OrderPaid(**{
            "key": f"orders:{order_no}:paid", "source": "orders", "at": self.bot.clock.now(), "shop": "mall",
            "order_no": order_no, "buyer": {"external_userid": who}, "amount_fen": fen, "items": [],
            "checkout": checkout, **more,
        }))  # fmt: skip

    async def refunds(self, order_no: str, fen: int, refund_no: str = "", **more: Any) -> None:
        """A shop tells of a refund."""
        number = refund_no or f"{order_no}:{next(self.bot.numbers)}"
        await self.bot.writer.accept(OrderRefunded(**{
            "key": f"orders:{number}:refunded", "source": "orders", "at": self.bot.clock.now(), "shop": "mall",
            "order_no": order_no, "refund_no": number, "amount_fen": fen, **more,
        }))  # fmt: skip

    async def owed_refunds_happen(self) -> int:
        """The shop carries out every refund that we owe, and tells of it; how many."""
        owed = self.bot.rows(
            "SELECT o.order_no, r.amount_fen, r.key FROM refund r JOIN shop_order o ON o.id = r.order_id "
            "WHERE r.status = 'owed' ORDER BY r.id"
        )
        for order_no, fen, key in owed:
            await self.refunds(order_no, fen, key)
        return len(owed)

    async def passes(self, **time: float) -> None:
        """Time goes by, and what is due happens."""
        self.bot.clock.advance(timedelta(**time).total_seconds())
        await self.scheduler.sweep()

    def checkout(self, who: str) -> str:
        """The code of a member's latest checkout."""
        rows = self.bot.rows(
            "SELECT c.code FROM checkout c JOIN identity i ON i.member_id = c.member_id "
            "WHERE i.external_id = :who ORDER BY c.id DESC LIMIT 1", who=who,
        )  # fmt: skip
        return str(rows[0][0])

    def one(self, sql: str, **values: Any) -> Any:
        """A single value of the database."""
        return self.bot.rows(sql, **values)[0][0]


@contextlib.asynccontextmanager
async def start_shop(
    url: str, plays: dict[str, dict[str, Any]] | None = None, pack: dict[str, Any] | None = None
) -> AsyncIterator[Shop]:
    """A bot with the promotion plays and five members whom lina follows."""
    enabled = PLAYS if plays is None else plays
    dailies = {k: at for name in enabled for k, at in import_module(f"scenarios.{name}").router.dailies.items()}
    async with start_bot(url, NOON, pack or {"points": 0}, enabled) as bot:
        selling = Shop(bot, Scheduler(bot.writer, bot.clock, dailies=dailies))
        for who in ("wm1", "wm2", "wm3", "wm4", "wm5"):
            bot.wecom.names[who] = f"会员{who[-1]}"
            await bot.joins(who)
        await bot.deliver()
        yield selling
