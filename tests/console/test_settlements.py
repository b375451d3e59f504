"""结算: who bears which discount, and who owes whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.turn import Work
from console import reads, settlements
from console.refusals import Refused
from storage import coupons, grants, members, shop
from storage.coupons import Voucher
from storage.tables import Checkout, Order, Store
from tests.conftest import NOON
from tests.console.conftest import Shop
from tests.fakes import Bot

SALES = [  # (bearer, store, discount)
    ("brand", "F1", 1_000), ("brand", "F1", 500), ("franchisee", "F1", 300), ("store", "F1", 200),
    ("brand", "OWN", 700), ("store", "OWN", 250), ("franchisee", "OWN", 90), ("brand", "", 40), ("store", "", 60),
    ("brand", "S9", 11), ("brand", "F2", 2_000),
]  # fmt: skip


def sell(work: Work) -> None:
    """A coupon used for each sale, one that came back, one used before."""
    for code, franchise in (("F1", "老王"), ("F2", "老李"), ("OWN", "")):
        shop.stores.add(work.db, Store(code=code, name=f"{code}店", franchise=franchise))
    for number, (bearer, store, fen) in enumerate(SALES):
        order = work.ids.next()
        shop.enter(work.db, Order(
            id=order, source="mall", order_no=f"n{number}", member_id=1, amount_fen=9_000, refunded_fen=0, items="[]",
            store=store, checkout_id=order, paid_at=NOON, created_at=NOON,
        ))  # fmt: skip
        shop.checkouts.add(work.db, Checkout(
            id=order, code=f"K{number}", member_id=1, kind="purchase", subject_id=0, items="[]", list_fen=9_000 + fen,
            price_fen=9_000, holds="[]", coupons="[]", discounts="[]", store=store, status="paid", hold_until=NOON,
            order_id=order, created_at=NOON,
        ))  # fmt: skip
        use(work, bearer, fen, order_id=order, checkout_id=order)
    use(work, "brand", 5, used_at=NOON - timedelta(days=9), closed_at=NOON)
    use(work, "brand", 0, status="active", used_at=None, closed_at=None)
    use(work, "store", 17)  # at a counter: no order


def use(work: Work, bearer: str, fen: int, **more: Any) -> None:
    """A coupon that was used now."""
    number = work.ids.next()
    person = members.create(work.db, work.ids, ("wecom", f"wm{number}"), "test", NOON)
    grant = grants.claim(work.db, work.ids, person, "test", "", "", "test", NOON)
    assert grant is not None
    of = {"status": "redeemed", "used_at": NOON, "closed_at": NOON, **more}
    coupons.issue(work.db, Voucher(
        number, f"C{number}", "券", person.id, grant, of.pop("status"), NOON, NOON + timedelta(days=30), bearer=bearer,
        liability_fen=fen, discount_fen=fen, **of,
    ))  # fmt: skip


def ask(bot: Bot, **query: str) -> dict[str, Any]:
    """The answer of the API."""
    with bot.database.engine.connect() as connection:
        return settlements.settlements(connection, query)


async def test_who_owes_whom(bot: Bot) -> None:
    await bot.writer.call(sell)

    told = ask(bot, **{"from": "2026-11-11", "to": "2026-11-12"})

    lines = {(i["bearer"], i["store"]): (i["coupons"], i["discount_fen"], i["from"], i["to"]) for i in told["items"]}
    assert lines == {
        ("brand", "F1"): (2, 1_500, "brand", "franchise:老王"),
        ("franchisee", "F1"): (1, 300, "franchise:老王", "franchise:老王"),
        ("store", "F1"): (1, 200, "franchise:老王", "franchise:老王"),
        ("brand", "F2"): (1, 2_000, "brand", "franchise:老李"),
        ("brand", "OWN"): (1, 700, "brand", "brand"),
        ("store", "OWN"): (1, 250, "store:OWN", "brand"),
        ("franchisee", "OWN"): (1, 90, "unknown", "brand"),
        ("brand", ""): (1, 40, "brand", "brand"),
        ("store", ""): (2, 77, "unknown", "brand"),
        ("brand", "S9"): (1, 11, "brand", "brand"),
    }
    assert told["owed"] == [
        {"from": "brand", "to": "franchise:老李", "fen": 2_000, "yuan": "20"},
        {"from": "brand", "to": "franchise:老王", "fen": 1_500, "yuan": "15"},
        {"from": "store:OWN", "to": "brand", "fen": 250, "yuan": "2.5"},
        {"from": "unknown", "to": "brand", "fen": 167, "yuan": "1.67"},
    ]
    assert sum(i["discount_fen"] for i in told["items"]) == sum(fen for _, _, fen in SALES) + 17


async def test_a_window_has_a_beginning_and_no_end(bot: Bot) -> None:
    await bot.writer.call(sell)
    moment = "2026-11-11T04:00:00+00:00"
    assert ask(bot, **{"from": moment, "to": "2026-11-12"})["items"]
    assert ask(bot, **{"from": "2026-11-10", "to": moment})["items"] == []
    assert ask(bot, **{"from": "2026-11-02", "to": "2026-11-03"})["owed"] == []
    assert ask(bot, **{"from": "2026-11-11T12:00:00 08:00", "to": "2026-11-12"})["items"]  # + became a blank


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "from"),
        ({"from": "2026-11-11"}, "to"),
        ({"from": "11/11", "to": "2026-11-12"}, "from"),
        ({"from": "2026-11-11T00:00:00", "to": "2026-11-12"}, "from"),
        ({"from": "2026-11-12", "to": "2026-11-11"}, "to"),
        ({"from": "2024-11-12", "to": "2026-11-11"}, "to"),
    ],
)
async def test_a_wrong_window_is_refused(bot: Bot, query: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(bot, **query)
    assert refused.value.field == field


async def test_stores_are_listed_page_by_page(bot: Bot) -> None:
    await bot.writer.call(sell)

    def stores(**query: str) -> dict[str, Any]:
        with bot.database.engine.connect() as connection:
            return reads.stores(connection, query)

    first = stores(limit="2")
    assert ([s["code"] for s in first["items"]], first["next"]) == (["F1", "F2"], "F2")
    assert [s["code"] for s in stores(limit="2", after="F2")["items"]] == ["OWN"]
    assert stores(franchise="老王")["items"] == [{"code": "F1", "name": "F1店", "franchise": "老王", "type": ""}]


@pytest.fixture(scope="module")
def store(shop: Shop) -> Shop:
    """A running bot that knows one store."""
    made = shop.post("/api/v1/stores", {"code": "一/店", "name": "一店"})
    assert made.status == 201, made.text
    return shop


def test_stores_over_http(store: Shop) -> None:
    assert store.post("/api/v1/stores/%E4%B8%80%2F%E5%BA%97", {"franchise": "老王"}).json["franchise"] == "老王"
    assert store.ask("/api/v1/stores").json["items"] == [
        {"code": "一/店", "name": "一店", "franchise": "老王", "type": ""}
    ]
    empty = store.ask("/api/v1/settlements?from=2024-11-01&to=2024-11-30").json
    assert (empty["items"], empty["owed"]) == ([], [])
    assert store.ask("/api/v1/settlements").status == 400


def test_a_product_changes_over_http(store: Shop) -> None:
    assert store.post("/api/v1/products", {"sku": "红茶 1", "title": "红茶", "price_fen": 100}).status == 201
    changed = store.post("/api/v1/products/%E7%BA%A2%E8%8C%B6%201", {"restock": 3, "price_fen": 200})
    assert (changed.status, changed.json["stock"]) == (200, 3)
    assert store.post("/api/v1/products/none", {"restock": 3}).status == 404
