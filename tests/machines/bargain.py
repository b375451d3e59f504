"""砍价: cuts to the floor exactly, each helper once, a locked price, and a right that comes back when nobody pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.machines.base import Machine, who_does
from tests.machines.till import Paper

START, FLOOR, CUTS, LEAST = 10_000, 1_000, 3, 50


@dataclass
class Deal:
    """A bargain: its cuts as they came."""

    owner: str
    deadline: datetime
    helpers: list[str] = field(default_factory=list)
    price: int = START
    state: str = "open"
    paper: str = ""


class Bargain(Machine):
    """A few launches, everybody's help, one shelf."""

    plays: ClassVar = {"bargain": {}}
    deals = Bundle("deals")
    sales = Bundle("sales")

    @initialize(
        shelf=st.integers(1, 3), launches=st.integers(1, 2), helps=st.integers(1, 2), must=st.booleans(),
        hours=st.integers(1, 2),
    )  # fmt: skip
    def the_drive_begins(self, shelf: int, launches: int, helps: int, must: bool, hours: int) -> None:
        """Three cuts from 100 yuan to 10."""
        self.must, self.hours, self.launches, self.helps = must, hours, launches, helps
        self.known: dict[str, Deal] = {}
        self.launched = dict.fromkeys(self.ids, 0)
        self.helped = dict.fromkeys(self.ids, 0)
        self.house.product("A", START, shelf)
        self.campaign = self.house.campaign(
            "bargain", sku="A", start_fen=START, floor_fen=FLOOR, cuts=CUTS, least_fen=LEAST, hours=hours,
            per_member=launches, helps_per_member=helps, must_reach_floor=must,
        )  # fmt: skip
        self.till.stock("sku:A", shelf)

    def cut_was_made(self, code: str, who: str) -> None:
        """One more cut, of a size that the rules allow; the last one takes all that is left."""
        deal, place = self.known[code], len(self.known[code].helpers)
        rows = self.house.rows(
            "SELECT c.place, c.helper_id, c.cut_fen FROM bargain_cut c JOIN bargain b ON b.id = c.bargain_id "
            f"WHERE b.code = '{code}' ORDER BY c.place"
        )
        assert len(rows) == place + 1, "a cut was lost, or made twice"
        assert rows[-1][:2] == (place, self.ids[who])
        fen, left, missing = rows[-1][2], deal.price - FLOOR, CUTS - place - 1
        assert LEAST <= fen <= left - LEAST * missing
        assert missing or fen == left
        deal.helpers.append(who)
        deal.price -= fen

    @rule(target=deals, who=who_does)
    def launches_one(self, who: str) -> Any:
        """Somebody starts a bargain and makes its first cut."""
        self.house.says(who, "发起砍价 1")
        fresh = [row[0] for row in self.house.rows("SELECT code FROM bargain") if row[0] not in self.known]
        assert len(fresh) == (self.launched[who] < self.launches)
        if not fresh:
            return multiple()
        self.launched[who] += 1
        self.known[fresh[0]] = Deal(who, self.house.now + timedelta(hours=self.hours))
        self.cut_was_made(fresh[0], who)
        return fresh[0]

    @rule(code=deals, who=who_does, taps=st.integers(1, 2))
    def helps_out(self, code: str, who: str, taps: int) -> None:
        """Somebody cuts, perhaps by two taps in one batch: once for each bargain, so often in a campaign."""
        deal = self.known[code]
        may = (
            deal.state == "open" and self.house.now < deal.deadline and len(deal.helpers) < CUTS
            and who not in deal.helpers and self.helped[who] < self.helps
        )  # fmt: skip
        self.house.take(*[self.house.words(who, f"帮砍 {code}") for _ in range(taps)])
        if may:
            self.helped[who] += 1
            self.cut_was_made(code, who)

    @rule(code=deals)
    def buys(self, code: str) -> None:
        """The owner locks the price: at the floor, or at any price where that is allowed."""
        deal = self.known[code]
        names = self.till.stock(f"limit:bargain:{self._id(code)}", 1), "sku:A"
        may = (
            deal.state == "open" and self.house.now < deal.deadline and self.till.there(names)
            and (deal.price == FLOOR or not self.must)
        )  # fmt: skip
        self.house.says(deal.owner, f"砍价下单 {code}")
        fresh = self.new_checkout()
        assert (fresh is not None) == may
        if fresh is not None:
            assert fresh[1] == deal.price
            paper = Paper(deal.owner, deal.price, names, self.house.now + timedelta(minutes=15), code)
            self.till.hold(fresh[0], paper)
            deal.state, deal.paper = "locked", fresh[0]

    @rule(code=deals, who=who_does)
    def somebody_else_buys(self, code: str, who: str) -> None:
        """Only the owner may."""
        if who != self.known[code].owner:
            self.house.says(who, f"砍价下单 {code}")

    @rule(target=sales, code=deals, off=st.sampled_from([0, 0, 0, -1, 500]), old=st.booleans())
    def pays(self, code: str, off: int, old: bool) -> Any:
        """A lock is paid: in time, late, again, too little or more; `old`: an earlier lock."""
        mine = [one for one, paper in self.till.papers.items() if paper.about == code]
        if not mine:
            return multiple()
        paper_code, order_no, deal = mine[0 if old else -1], self.next_order(), self.known[code]
        fen = self.till.papers[paper_code].price + off
        self.house.pays(deal.owner, order_no, fen, paper_code)
        if self.till.pay(order_no, deal.owner, fen, paper_code) is not None:
            deal.state, deal.paper = "bought", paper_code
        return order_no

    @rule(order_no=sales, fen=st.sampled_from([FLOOR // 2, START]))
    def shop_refunds(self, order_no: str, fen: int) -> None:
        """The money goes back: the goods are to be had again, the bargain stays over."""
        number = f"{order_no}:{fen}"
        self.house.refunds(order_no, fen, number)
        self.till.give_back(order_no, number, fen)

    @rule()
    def owed_refunds_happen(self) -> None:
        """The shop carries out what we owe."""
        for order_no, fen, key, _ in self.owed():
            self.house.refunds(order_no, fen, key)
            self.till.give_back(order_no, key, fen, ours=True)

    def due(self, now: datetime) -> None:
        """An unpaid lock opens again until the deadline; what nobody bought is over."""
        for paper in self.till.tick(now):
            deal = self.known[paper.about]
            if deal.state == "locked" and self.till.papers[deal.paper] is paper:
                deal.state, deal.paper = "open", ""
        for deal in self.known.values():
            if deal.state == "open" and deal.deadline <= now:
                deal.state = "expired"

    def _id(self, code: str) -> int:
        return int(self.house.one(f"SELECT id FROM bargain WHERE code = '{code}'"))

    def compare(self) -> None:
        """Prices, cuts and states, and the till."""
        found = {row[0]: row[1:] for row in self.house.rows("SELECT code, status, price_fen, cuts FROM bargain")}
        assert found == {code: (d.state, d.price, len(d.helpers)) for code, d in getattr(self, "known", {}).items()}
        for name, used in (("campaign", "launched"), ("help", "helped")):
            for who, count in getattr(self, used, {}).items():
                rows = self.house.rows(
                    f"SELECT taken FROM stock WHERE name = 'limit:{name}:{self.campaign}:{self.ids[who]}'"
                )
                assert (rows[0][0] if rows else 0) == count
        super().compare()
