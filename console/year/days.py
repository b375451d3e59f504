"""一天天 days: what people do from morning to night, day after day."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bot.clock import ZONE
from bot.events import Event
from console.imports.entering import Importer
from console.year import seasons
from console.year.dealings import Dealings
from console.year.dice import Dice, Weighted
from console.year.people import Crowd, Someone
from console.year.world import World

# Local times of a day, and how much of the day's doings falls on each. Between them whatever is due happens.
NIGHT = time(3, 45)
MOMENTS = {
    time(8, 45): 0.04, time(9, 45): 0.08, time(11, 0): 0.12, time(12, 30): 0.14, time(14, 0): 0.1, time(16, 0): 0.1,
    time(18, 0): 0.12, time(19, 30): 0.12, time(20, 0): 0.1, time(21, 40): 0.08,
}  # fmt: skip
OPEN, SHUT = time(9, 45), time(20, 0)
BUYS, TALKS = 0.0075, 0.016  # of a member on an ordinary day
GOODS = (
    ("LONGJING", 16800, 4), ("PUER", 12800, 4), ("JASMINE", 5900, 6), ("OOLONG", 3900, 8), ("GIFTBOX", 29900, 2),
    ("TEAPOT", 39900, 1), ("CUP", 4900, 5), ("COOKIE", 2900, 8), ("VIPCARD", 19900, 0.15),
)  # fmt: skip
STORES = ("store-001", "store-002", "")
HEADER = "external_userid,手机号,生日,营销同意\n"


class Days:
    """A brand's days, one after the other."""

    def __init__(self, world: World, crowd: Crowd, dice: Dice, words: dict[str, Any]) -> None:
        self._world, self.crowd, self._dice, self._words = world, crowd, dice, words
        self._dealings = Dealings(world, crowd, dice)
        self._says, self._staff_says = Weighted(words["says"]), Weighted(words["staff_says"])
        self._goods = Weighted({f"{sku} {fen}": round(weight * 100) for sku, fen, weight in GOODS})
        self._returns: dict[date, list[tuple[str, int]]] = {}
        self._told: list[Someone] = []

    async def day(self, day: date, comers: int) -> None:
        """One local day of the shops."""
        await self._world.until(_at(day, NIGHT))
        shares = list(MOMENTS.values())
        come, level = seasons.shared(comers, shares), seasons.busy(day)
        people = len(self.crowd.all)
        for at, new, share in zip(MOMENTS, come, shares, strict=True):
            await self._world.until(_at(day, at))
            await self._moment(day, at, new, share * level * people)
        await self._evening(day)

    async def _moment(self, day: date, at: time, new: int, people: float) -> None:
        world, dice = self._world, self._dice
        await world.happen([world.joins(self._newcomer()) for _ in range(new)])
        await world.settle()
        said: list[Event] = [*self._talk(dice.many(TALKS * people))] if self.crowd.all else []
        if self.crowd.all:
            said += [*self._dealings.join_teams(), *self._dealings.cut_bargains(), *self._dealings.check_in()]
            if at in (OPEN, SHUT):
                said += [*self._dealings.salons(), *self._rush(day, at)]
        await world.happen(said)
        await world.settle()
        paid = await self._dealings.pay()
        await world.happen([*self._buy(day, dice.many(BUYS * people))] if self.crowd.buyers else [])
        await world.happen([*self._staff(at)])
        if paid or new:
            await world.settle()

    def _newcomer(self) -> Someone:
        someone = self.crowd.newcomer()
        if self._dice.coin(0.12):
            someone.state = self._dealings.invited() or someone.state
        return someone

    def _talk(self, count: int) -> Iterator[Event]:
        """What members write on a day like any other."""
        dice, words = self._dice, self._words
        for _ in range(count):
            someone, kind = self.crowd.someone(), dice.below(100)
            if kind < 72:
                said = self._says.pick(dice)
            elif kind < 80:
                said = dice.pick(words["questions"])
            elif kind < 90:
                said = dice.pick(words["asked_often"])
            elif kind < 98:
                said = dice.pick(words["small_talk"])
            else:
                said = "退订" if dice.coin(0.7) else "订阅"
            yield self._world.says(someone, said)

    def _rush(self, day: date, at: time) -> Iterator[Event]:
        """Those who begin teams and bargains; and, the first evenings of a month, those who want the few cheap ones."""
        dice, people = self._dice, len(self.crowd.all)
        for words, mean in (("开团 1", people / 900), ("开团 2", people / 1_800), ("发起砍价 1", people / 1_500)):
            for _ in range(dice.many(mean)):
                yield self._world.says(self.crowd.someone(), words)
        if at == SHUT and day.day <= 2:
            for someone in self.crowd.friends(30):
                yield self._world.says(someone, "抢 1")

    def _buy(self, day: date, count: int) -> Iterator[Event]:
        """Orders at the till and in the mall; some come back within days."""
        dice = self._dice
        for _ in range(count):
            buyer, items = self.crowd.buyer(), list[dict[str, Any]]()
            for _ in range(1 + dice.below(3)):
                sku, fen = self._goods.pick(dice).split()
                items.append({"sku": sku, "qty": 1 + dice.below(2), "price_fen": int(fen)})
            amount = sum(item["qty"] * item["price_fen"] for item in items)
            names = {"external_userid": buyer.external_userid, **({"unionid": buyer.unionid} if buyer.known else {})}
            order = self._world.pays(names, amount, items, store=dice.pick(STORES) or None)
            if dice.coin(0.06):
                share = amount if dice.coin(0.7) else amount // 2
                self._returns.setdefault(day + timedelta(days=1 + dice.below(9)), []).append((order.order_no, share))
            yield order

    def _staff(self, at: time) -> Iterator[Event]:
        """Guides at work: now one, now another; the counter takes coupons."""
        dice, guides = self._dice, self._words["guides"]
        for guide in guides:
            if self.crowd.all and dice.coin(0.35):
                said = self._staff_says.pick(dice)
                name, note = self.crowd.someone().name, dice.pick(self._words["notes"])
                yield self._world.staff_says(guide["userid"], said.replace("{name}", name).replace("{note}", note))
        if OPEN <= at <= SHUT:
            for code in self._dealings.coupons(1 + len(self.crowd.all) // 1_500):
                userid = dice.pick(guides)["userid"]
                yield self._world.staff_says(userid, f"核销 {code} 268")
                yield self._world.staff_says(userid, "1")

    async def _evening(self, day: date) -> None:
        """What came back today; who left; what the bot owes is paid back by the till."""
        world, dice = self._world, self._dice
        back = [world.refunds(number, f"back-{number}", fen) for number, fen in self._returns.pop(day, [])]
        await world.happen(back)
        here = dice.many(len(self.crowd.all) * 0.0004)
        leaving = [one for one in (self.crowd.someone() for _ in range(here)) if one.here]
        await world.happen([world.parts(one, by_guide=dice.coin(0.2)) for one in dict.fromkeys(leaving)])
        await self._dealings.pay_back()
        await world.settle()

    async def tell_birthdays(self) -> None:
        """Once a month the shop brings in what newcomers wrote on their cards: phone, birthday, consent."""
        new = self.crowd.all[len(self._told) :]
        self._told += new
        phones: dict[str, Someone] = {one.phone: one for one in reversed(new)}
        lines = [f"{one.external_userid},{one.phone},{one.born},{'同意' if one.takes > 2 else ''}\n"
                 for one in new if phones[one.phone] is one and not one.known]  # fmt: skip
        for one in new:
            one.known = True
        if lines:
            runtime = self._world.runtime
            importer = Importer(runtime.writer, runtime.database, runtime.clock)
            file = io.BytesIO((HEADER + "".join(lines)).encode())
            await importer.take("members", file, "year", lambda _stage, _rows: None)


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=ZONE).astimezone(UTC)
