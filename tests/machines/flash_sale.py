"""秒杀: quota, a person's limit and the goods, held together, paid, released, paid late, given back."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.machines.base import Machine, who_does
from tests.machines.till import Paper

PRICE = 5_000


class FlashSale(Machine):
    """A few pieces and many who want them."""

    plays: ClassVar = {"flash_sale": {}}
    papers = Bundle("papers")
    sales = Bundle("sales")

    @initialize(total=st.integers(1, 3), shelf=st.integers(1, 4), limit=st.integers(1, 2))
    def the_sale_begins(self, total: int, shelf: int, limit: int) -> None:
        """So many at the price, so many on the shelf, so many a person."""
        self.limit, self.total = limit, total
        self.house.product("A", 10_000, shelf)
        self.campaign = self.house.campaign("flash_sale", sku="A", price_fen=PRICE, total=total, per_member=limit)
        self.till.stock("sku:A", shelf)

    def names(self, who: str) -> tuple[str, ...]:
        """The three stocks of a piece."""
        quota = self.till.stock(f"campaign:{self.campaign}", self.total)
        return quota, self.till.stock(f"limit:campaign:{self.campaign}:{self.ids[who]}", self.limit), "sku:A"

    @rule(target=papers, who=who_does, taps=st.integers(1, 3))
    def grabs(self, who: str, taps: int):
        """Somebody taps, perhaps faster than the answer comes: all taps arrive in one batch."""
        self.house.take(*[self.house.words(who, "抢 1") for _ in range(taps)])
        names, got = self.names(who), []
        fresh = self.house.rows("SELECT code FROM checkout ORDER BY id")
        for code in [row[0] for row in fresh if row[0] not in self.till.papers]:
            assert self.till.there(names), "more was held than there is"
            self.till.hold(code, Paper(who, PRICE, names, self.house.now + timedelta(minutes=15)))
            got.append(code)
        assert len(got) == taps or not self.till.there(names), "there was some, and it was refused"
        return multiple(*got)

    @rule(target=sales, code=papers, off=st.sampled_from([0, 0, 0, -1, 500]))
    def pays(self, code: str, off: int) -> str:
        """Somebody pays: in time, late, again, too little or more."""
        who, order_no = self.till.papers[code].who, self.next_order()
        self.house.pays(who, order_no, PRICE + off, code)
        self.till.pay(order_no, who, PRICE + off, code)
        return order_no

    @rule(order_no=sales)
    def order_is_told_again(self, order_no: str) -> None:
        """The same order under another event id."""
        self.house.pays("wm1", order_no, PRICE, None)

    @rule(order_no=sales, number=st.sampled_from("ab"), fen=st.sampled_from([PRICE // 3, PRICE, 3 * PRICE]))
    def shop_refunds(self, order_no: str, number: str, fen: int) -> None:
        """The shop gives money back: in part, whole, more than there was, or the same refund told twice."""
        self.house.refunds(order_no, fen, f"{order_no}:{number}")
        self.till.give_back(order_no, f"{order_no}:{number}", fen)

    @rule()
    def owed_refunds_happen(self) -> None:
        """The shop carries out what we owe."""
        for order_no, fen, key, _ in self.owed():
            self.house.refunds(order_no, fen, key)
            self.till.give_back(order_no, key, fen, ours=True)
