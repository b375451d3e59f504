"""订单与退款: paid and refunded in any order, in part, twice, too much; what we owe is owed once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.turn import Work
from scenarios import checkout
from storage import shop
from tests.machines.base import Machine, who_does
from tests.machines.till import Sale

numbers = st.sampled_from(["n1", "n2", "n3"])
shops = st.sampled_from(["mall", "kiosk"])
amounts = st.sampled_from([0, 3_333, 10_000, 30_000])


class Orders(Machine):
    """Two shops that number alike; refunds that come before their order; our own refunds beside them."""

    plays: ClassVar = {"points": {"per_yuan": 1, "refund_days": 7, "valid_days": 0}}
    minutes: ClassVar = (1, 60, 60 * 24, 60 * 24 * 7, 60 * 24 * 8)

    def __init__(self) -> None:
        super().__init__()
        self.sold: dict[tuple[str, str], Sale] = {}
        self.told: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.due_keys: dict[str, int] = {}

    @rule(of=shops, number=numbers, who=who_does, fen=amounts, unknown=st.sampled_from([False, False, True]))
    def is_paid(self, of: str, number: str, who: str, fen: int, unknown: bool) -> None:
        """An order, perhaps told before with other words; perhaps for a checkout that is none: then owed back."""
        key = (of, number)
        self.house.pays(who, number, fen, "NONE-NONE" if unknown else None, shop=of)
        if key not in self.sold:
            sale = self.sold[key] = Sale(who, fen)
            sale.owed = fen if unknown else 0
            sale.refunded = min(fen, sum(self.told[key].values()))

    @rule(of=shops, number=numbers, which=st.sampled_from("abc"), fen=st.sampled_from([1, 500, 3_333, 20_000]))
    def is_refunded(self, of: str, number: str, which: str, fen: int) -> None:
        """A refund, in part or of more than there is (a chargeback after a part); one number counts once."""
        key, refund_no = (of, number), f"{of}:{number}:{which}"
        self.house.refunds(number, fen, refund_no, of)
        self.told[key].setdefault(refund_no, fen)
        if key in self.sold:
            self.sold[key].refunded = min(self.sold[key].fen, sum(self.told[key].values()))

    @rule(of=shops, number=numbers, fen=st.sampled_from([700, 1_000, 10_000]), why=st.sampled_from(["x", "y"]))
    def we_owe(self, of: str, number: str, fen: int, why: str) -> None:
        """A play owes money back for a reason: once for each key, and never more than is left."""
        sale, key = self.sold.get((of, number)), f"{of}:{number}:{why}"
        if sale is None:
            return

        def owe(work: Work) -> bool:
            turn: Any = work
            order = shop.orders.one(work.db, source=of, order_no=number)
            assert order is not None
            return checkout.refund(turn, order, fen, "test", key)

        part = min(fen, sale.fen - sale.refunded - sale.owed)
        fresh = key not in self.due_keys and part > 0
        assert self.house.act(owe) is fresh
        if fresh:
            self.due_keys[key] = part
            sale.owed += part

    def compare(self) -> None:
        """Each order, what is owed, and that its points are what its refunds leave."""
        rows = self.house.rows(
            "SELECT o.source, o.order_no, o.amount_fen, o.refunded_fen, "
            "(SELECT coalesce(sum(r.amount_fen), 0) FROM refund r WHERE r.order_id = o.id), "
            "(SELECT coalesce(sum(w.kept), 0) FROM reward w WHERE w.order_id = o.id) FROM shop_order o"
        )
        found = {(row[0], row[1]): (row[2], row[3], int(row[4]), int(row[5])) for row in rows}
        assert found == {
            key: (sale.fen, sale.refunded, sale.owed, sale.fen // 100 * sale.kept // sale.fen if sale.fen else 0)
            for key, sale in self.sold.items()
        }
        calls = self.house.one("SELECT count(*) FROM outbox WHERE call = 'order/refund'")
        assert calls == self.house.one("SELECT count(*) FROM refund")
