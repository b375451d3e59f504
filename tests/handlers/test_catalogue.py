"""商品与门店: what a shop changes, and what is held or sold stays so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.turn import Work
from storage import shop as goods
from storage import stock
from tests.handlers.test_admin import PRODUCT, ask
from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with one product: 50 pieces, 10 held, 5 sold."""
    async with start_shop(database_url) as shop:
        assert (await ask(shop, "products", PRODUCT))[0] == 201

        def use(work: Work) -> None:
            assert stock.reserve(work.db, goods.sku_stock("A"), 10)
            assert stock.take(work.db, goods.sku_stock("A"), 5)

        await shop.bot.writer.call(use)
        yield shop


async def change(mall: Shop, **body: Any) -> tuple[int, dict[str, Any]]:
    """A change of product A."""
    return await ask(mall, "products/change", {"sku": "A", **body})


def shelf(mall: Shop) -> tuple[int, ...]:
    """Total, remaining, reserved, taken."""
    return tuple(mall.bot.rows("SELECT total, remaining, reserved, taken FROM stock WHERE name = 'sku:A'")[0])


async def test_what_is_given_changes_and_is_recorded(mall: Shop) -> None:
    status, told = await change(mall, price_fen=12_000, title="新茶🍵", status="off", by="小王")
    assert (status, told["stock"]) == (200, 35)
    assert mall.bot.rows("SELECT title, price_fen, cost_fen, status FROM product")[0] == (
        "新茶🍵",
        12_000,
        4_000,
        "off",
    )
    actor, data = mall.bot.rows("SELECT actor, data FROM audit_log WHERE action = 'product.changed'")[0]
    assert actor == "小王"
    assert json.loads(data)["before"] == {"title": PRODUCT["title"], "price_fen": 10_000, "status": "active"}

    await change(mall, price_fen=12_000)  # nothing new: nothing recorded
    assert mall.bot.count("audit_log", "action = 'product.changed'") == 1


async def test_stock_grows_and_shrinks_never_below_what_is_held_or_sold(mall: Shop) -> None:
    assert (await change(mall, restock=20))[1]["stock"] == 55
    assert shelf(mall) == (70, 55, 10, 5)
    assert (await change(mall, restock=-55))[1]["stock"] == 0
    assert shelf(mall) == (15, 0, 10, 5)

    status, refused = await change(mall, restock=-1)

    assert (status, refused["error"]["code"], refused["error"]["field"]) == (409, "short_stock", "restock")
    assert "10 件已留给待支付，5 件已卖出" in refused["error"]["message"]
    assert shelf(mall) == (15, 0, 10, 5)
    assert mall.bot.count("audit_log", "action = 'stock.grown'") == 2


async def test_nothing_of_a_change_stays_when_a_part_is_refused(mall: Shop) -> None:
    assert (await change(mall, restock=-36, title="别的"))[0] == 409
    assert mall.one("SELECT title FROM product") == PRODUCT["title"]


async def test_what_never_ran_out_begins_to_be_counted(mall: Shop) -> None:
    await ask(mall, "products", {"sku": "B", "title": "不计库存", "price_fen": 100})
    status, refused = await ask(mall, "products/change", {"sku": "B", "restock": -1})
    assert (status, refused["error"]["field"]) == (422, "restock")
    assert (await ask(mall, "products/change", {"sku": "B", "restock": 7}))[1]["stock"] == 7
    assert mall.one("SELECT counted FROM product WHERE sku = 'B'") == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"sku": "Z", "title": "x"}, 404, "sku"),
        ({}, 422, ""),
        ({"price_fen": 100}, 422, "price_fen"),
        ({"price_fen": 1_000_000}, 422, "price_fen"),
        ({"cost_fen": 600_000}, 422, "price_fen"),
        ({"status": "gone"}, 422, "status"),
        ({"title": ""}, 422, "title"),
        ({"restock": 1.5}, 422, "restock"),
        ({"colour": "red"}, 422, "colour"),
    ],
)
async def test_a_wrong_change_is_refused(mall: Shop, body: dict[str, Any], status: int, field: str) -> None:
    got, refused = await change(mall, **body)
    assert (got, refused["error"]["field"]) == (status, field)
    assert refused["error"]["message"]


async def test_who_is_sure_may_change_a_price_a_hundredfold(mall: Shop) -> None:
    status, told = await change(mall, price_fen=100, cost_fen=200, sure=True)
    assert (status, [w["level"] for w in told["warnings"]]) == (200, ["hint"])  # below its cost


async def test_a_store_is_made_once_and_changed(mall: Shop) -> None:
    store = {"code": "S1", "name": "一店", "franchise": "老王", "type": "商场店"}
    assert await ask(mall, "stores", store) == (201, store)
    assert (await ask(mall, "stores", store))[0] == 409
    assert await ask(mall, "stores/change", {"code": "S1", "franchise": ""}) == (200, {**store, "franchise": ""})
    assert (await ask(mall, "stores/change", {"code": "S1"}))[0] == 422
    assert (await ask(mall, "stores/change", {"code": "S9", "name": "x"}))[0] == 404
    assert (await ask(mall, "stores", {"code": "", "name": "x"}))[1]["error"]["field"] == "code"


async def test_an_order_keeps_a_store_that_nobody_knows_and_says_so_once(mall: Shop) -> None:
    await ask(mall, "stores", {"code": "S1", "name": "一店"})
    for number, store in enumerate(["S1", "S9", "S9", None]):
        await mall.pays("wm1", f"n{number}", 1_000, store=store)
    assert [row[0] for row in mall.bot.rows("SELECT store FROM shop_order ORDER BY id")] == ["S1", "S9", "S9", ""]
    assert mall.bot.rows("SELECT subject FROM audit_log WHERE action = 'store.unknown'") == [("store:S9",)]
