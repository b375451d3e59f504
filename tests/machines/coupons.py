"""优惠券: issued within stock, budget and limits, held, used, verified, ended, given back as the template says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from bot.clock import end_of_day, local_day
from bot.turn import Work
from scenarios import checkout
from scenarios.checkout import Goods, Want
from storage import coupons, members
from tests.machines.base import Machine, who_does
from tests.machines.till import Paper

VALUE, LIST = 2_000, 10_000


@dataclass
class Slip:
    """A coupon in somebody's hand. `cost` is what it may cost while it lives and did cost when used."""

    who: str
    day: str
    ends: datetime
    state: str = "active"
    cost: int = VALUE
    paper: str = ""


class Coupons(Machine):
    """One template, several who claim, buy with it, or have it verified."""

    plays: ClassVar = {"coupons": {}}
    minutes: ClassVar = (5, 16, 60 * 11, 60 * 24, 60 * 48 - 5)
    slips = Bundle("slips")
    sales = Bundle("sales")

    @initialize(
        stock=st.sampled_from([0, 1, 3]), budget=st.sampled_from([0, 5_000, 7_000]), limit=st.integers(0, 2),
        daily=st.integers(0, 1), back=st.sampled_from(["never", "full", "always"]), remind=st.integers(0, 1),
    )  # fmt: skip
    def a_template_is_made(self, stock: int, budget: int, limit: int, daily: int, back: str, remind: int) -> None:
        """20 off 100, for two days; 0 = without that bound. It is late: holds reach over midnight."""
        self.house.passes(60 * (60 * 11 + 50))
        self.stock, self.budget, self.limit, self.daily, self.back = stock, budget, limit, daily, back
        self.hand: dict[str, Slip] = {}
        self.price: dict[str, int] = {}
        self.template = self.house.template(
            name="满100减20", kind="cash", value=VALUE, threshold_fen=LIST, valid_days=2, stock=stock,
            budget_fen=budget, per_member=limit, per_day=daily, give_back=back, remind_days=remind, claimable=True,
        )  # fmt: skip

    def set_aside(self) -> int:
        """What the budget has given: nothing for what expired."""
        return sum(slip.cost for slip in self.hand.values())

    def may_claim(self, who: str) -> bool:
        """Within every bound that there is."""
        mine, today = [slip for slip in self.hand.values() if slip.who == who], local_day(self.house.now)
        return not (
            (self.limit and len(mine) >= self.limit)
            or (self.daily and sum(slip.day == today for slip in mine) >= self.daily)
            or (self.stock and len(self.hand) >= self.stock)
            or (self.budget and self.set_aside() + VALUE > self.budget)
        )

    @rule(target=slips, who=who_does, taps=st.integers(1, 2))
    def claims(self, who: str, taps: int) -> Any:
        """Somebody claims, perhaps by two taps in one batch."""
        self.house.take(*[self.house.words(who, "领券 1") for _ in range(taps)])
        fresh, got = [row[0] for row in self.house.rows("SELECT code FROM coupon ORDER BY id")], []
        for code in [code for code in fresh if code not in self.hand]:
            assert self.may_claim(who), "more was given than the bounds allow"
            self.hand[code] = Slip(who, local_day(self.house.now), self.house.now + timedelta(days=2))
            got.append(code)
        assert len(got) == taps or not self.may_claim(who), "there was one, and it was refused"
        return multiple(*got)

    def usable(self, code: str) -> bool:
        """Nobody holds it, nobody used it, its time is not over."""
        return self.hand[code].state == "active" and self.house.now < self.hand[code].ends

    @rule(code=slips, off=st.sampled_from([VALUE, 700]))
    def buys_with_it(self, code: str, off: int) -> None:
        """A checkout takes the coupon, for all or a part of its value; only one can."""
        slip = self.hand[code]

        def act(work: Work) -> str:
            turn: Any = work
            person, voucher = (
                members.of(work.db, [("wecom", slip.who)])["wecom", slip.who],
                coupons.by_code(work.db, code),
            )
            assert voucher is not None
            goods = (Goods("B", "商品", 1, LIST),)
            made = checkout.open_checkout(turn, person, Want("x", 0, goods, LIST - off, savings=((voucher.id, off),)))
            return made if isinstance(made, str) else made.code

        may, answer = self.usable(code), self.house.act(act)
        assert (answer != "coupon_gone") == may
        if may:
            self.till.hold(answer, Paper(slip.who, LIST - off, (), self.house.now + timedelta(minutes=15), code))
            slip.state, slip.paper, self.price[answer] = "reserved", answer, off

    @rule(target=sales, code=slips, off=st.sampled_from([0, 0, -1]), old=st.booleans())
    def pays(self, code: str, off: int, old: bool) -> Any:
        """The checkout is paid: in time, late (the coupon must be free still), too little; `old`: an earlier one."""
        mine = [one for one, paper in self.till.papers.items() if paper.about == code]
        if not mine:
            return multiple()
        paper_code, slip, order_no = mine[0 if old else -1], self.hand[code], self.next_order()
        paper = self.till.papers[paper_code]
        self.house.pays(slip.who, order_no, paper.price + off, paper_code)
        gone = paper.state == "released" and not self.usable(code)
        if gone:  # too late for the coupon: then for the checkout as well
            paper.state = "gone"
        if self.till.pay(order_no, slip.who, paper.price + off, paper_code) is not None:
            slip.state, slip.paper, slip.cost = "redeemed", paper_code, self.price[paper_code]
        if gone:
            paper.state = "released"
        return order_no

    @rule(order_no=sales, part=st.sampled_from([1_000, LIST]))
    def shop_refunds(self, order_no: str, part: int) -> None:
        """The money goes back, and the coupon as its template says: if it has time left and the budget has room."""
        number, sale = f"{order_no}:{part}", self.till.sales[order_no]
        counted = number not in self.till.numbers and sale.kept > 0
        self.house.refunds(order_no, part, number)
        whole = self.till.give_back(order_no, number, part)
        slips = [slip for slip in self.hand.values() if sale.paper and self.till.papers.get(slip.paper) is sale.paper]
        for slip in slips:
            room = not self.budget or self.set_aside() - slip.cost + VALUE <= self.budget
            back = self.back == "always" or (self.back == "full" and whole)
            if counted and back and slip.state == "redeemed" and self.house.now < slip.ends and room:
                slip.state, slip.cost, slip.paper = "active", VALUE, ""

    @rule(code=slips, times=st.integers(1, 2))
    def is_verified(self, code: str, times: int) -> None:
        """A guide takes it at the counter, for all it may cost; a second time it is refused."""
        may = self.usable(code)
        self.house.take(*[self.house.words("staff:lina", f"核销 {code}") for _ in range(times)])
        if may:
            self.hand[code].state, self.hand[code].paper = "redeemed", ""

    def due(self, now: datetime) -> None:
        """Unpaid checkouts let their coupons go."""
        for paper in self.till.tick(now):
            slip = self.hand[paper.about]
            if slip.state == "reserved" and self.till.papers[slip.paper] is paper:
                slip.state, slip.paper = "active", ""

    def compare(self) -> None:
        """Every coupon, the bounds, the till. What is over is closed at the end of its day at the latest."""
        hand = getattr(self, "hand", {})
        for code, status in self.house.rows("SELECT code, status FROM coupon"):
            slip = hand[code]
            over = slip.state == "active" and slip.ends <= self.house.now
            if over and (status == "expired" or end_of_day(slip.ends) <= self.house.now):
                slip.state, slip.cost = "expired", 0
            assert status == slip.state, code
        if hand and self.budget:
            taken = self.house.one(f"SELECT taken FROM stock WHERE name = 'budget:coupon:{self.template}'")
            assert taken == self.set_aside()
        told = self.house.rows("SELECT occurrence FROM \"grant\" WHERE campaign = 'coupon_reminder'")
        assert len(told) == len(set(told))
        super().compare()
