"""套餐: everything or nothing, and a price that is parted to the fen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.order_events import AdminAsked
from scenarios.checkout import Goods, parted
from tests.conftest import NOON
from tests.shop import Shop, start_shop

SET: dict[str, Any] = {"items": [{"sku": "A", "qty": 2}, {"sku": "B"}], "price_fen": 19_999, "total": 3}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Two goods, of one there are few."""
    async with start_shop(database_url, {"bundle": {}, "purchase": {}}) as selling:
        await selling.product("A", 10_000, 5)
        await selling.product("B", 4_000, 9)
        await selling.campaign("bundle", **SET)
        yield selling


def stocks(mall: Shop) -> list[tuple[int, int, int]]:
    """(remaining, reserved, taken) of the quota and of the goods."""
    return [tuple(row) for row in mall.bot.rows(
        "SELECT remaining, reserved, taken FROM stock WHERE name LIKE 'campaign:%' OR name LIKE 'sku:%' ORDER BY name"
    )]  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 10_000_000)), min_size=1, max_size=20), st.data())
def test_shares_sum_to_the_price_and_none_passes_its_goods(lines: list[tuple[int, int]], data: st.DataObject) -> None:
    wanted = [Goods(str(at), "", qty, fen) for at, (qty, fen) in enumerate(lines)]
    price = data.draw(st.integers(0, sum(qty * fen for qty, fen in lines)))
    shares = [item.paid_fen for item in parted(wanted, price)]
    assert sum(shares) == price
    assert all(0 <= share <= qty * fen for share, (qty, fen) in zip(shares, lines, strict=True))


async def test_a_bundle_is_held_paid_and_refunded_whole(mall: Shop) -> None:
    assert "商品A ×2、商品B ×1，一共 199.99 元，省 40.01 元，还剩 3 套" in await mall.says("wm1", "套餐")
    assert "请在 11-11 12:15 前付款" in await mall.says("wm1", "1")
    assert "下单码" in await mall.says("wm1", "买套餐 1")  # the second tap
    assert mall.bot.count("checkout") == 1
    assert stocks(mall) == [(2, 1, 0), (3, 2, 0), (8, 1, 0)]
    shares = [item["paid_fen"] for item in json.loads(mall.one("SELECT items FROM checkout"))]
    assert shares == [16_666, 3_333]
    await mall.pays("wm1", "o1", 19_999, mall.checkout("wm1"))
    assert stocks(mall) == [(2, 0, 1), (3, 0, 2), (8, 0, 1)]
    assert "限购" in await mall.says("wm1", "买套餐")
    await mall.refunds("o1", 19_999)
    assert stocks(mall) == [(3, 0, 0), (5, 0, 0), (9, 0, 0)]


async def test_when_one_of_the_goods_is_short_nothing_is_held(mall: Shop) -> None:
    answers = await asyncio.gather(*[mall.says(f"wm{n}", "买套餐 1") for n in (1, 2, 3, 4, 5)])
    assert sum("已为你留好" in answer for answer in answers) >= 1
    assert mall.bot.count("checkout") == 2  # four of five pieces
    assert stocks(mall) == [(1, 2, 0), (1, 4, 0), (7, 2, 0)]
    await mall.passes(minutes=16)
    assert stocks(mall) == [(3, 0, 0), (5, 0, 0), (9, 0, 0)]
    assert "没有按时付款" in mall.heard()


async def test_given_up_and_bought_again(mall: Shop) -> None:
    await mall.says("wm1", "买套餐")
    assert "已取消" in await mall.says("wm1", f"取消 {mall.checkout('wm1')}")
    assert "已为你留好" in await mall.says("wm1", "买套餐")
    assert mall.bot.count("checkout") == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": []}, "config.items"),
        ({"items": [{"sku": "A"}]}, "config.items"),
        ({"items": [{"sku": "A"}, {"sku": "A"}]}, "config.items"),
        ({"items": [{"sku": "A"}, {"sku": "Z"}]}, "config.items.1.sku"),
        ({"price_fen": 24_001}, "config.price_fen"),
        ({"price_fen": 200}, "config.price_fen"),
        ({"price_fen": 199.99}, "config.price_fen"),
        ({"items": [{"sku": "C", "qty": 2}], "price_fen": 7_999}, "config.price_fen"),
    ],
)
async def test_a_wrong_bundle_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str) -> None:
    async def ask(act: str, **body: Any) -> tuple[int, dict[str, Any]]:
        key = f"api:{next(mall.bot.numbers)}"
        event = AdminAsked(key=key, source="api", at=mall.bot.clock.now(), act=act, body=body)
        answer = json.loads(await mall.bot.writer.accept(event) or "")
        return answer["status"], answer["body"]

    await ask("products", sku="C", title="亏", price_fen=5_000, cost_fen=4_000)
    dates = {"starts_at": NOON.isoformat(), "ends_at": (NOON + timedelta(days=3)).isoformat()}
    status, body = await ask("campaigns", kind="bundle", name="套", config={**SET, **change}, **dates)
    assert (status, body["error"]["field"]) == (422, field)
    right = await ask("campaigns", kind="bundle", name="套", config=SET, **dates)
    assert right[1]["worst_fen"] == 4_001 * 2  # five pieces of A make two bundles
