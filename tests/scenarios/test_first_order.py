"""首单立减: by itself, once per person, proven when it is paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.order_events import AdminAsked
from tests.conftest import NOON
from tests.shop import Shop, start_shop

FIRST: dict[str, Any] = {"off_fen": 3_000, "threshold_fen": 9_900, "total": 5}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Goods at 100 and 40 yuan."""
    async with start_shop(database_url, {"purchase": {}, "first_order": {}, "coupons": {}}) as selling:
        await selling.product("A", 10_000, 10)
        await selling.product("B", 4_000)
        yield selling


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """An act of the API."""
    key, now = f"api:{next(mall.bot.numbers)}", mall.bot.clock.now()
    answer = json.loads(
        await mall.bot.writer.accept(AdminAsked(key=key, source="api", at=now, act=act, body=body)) or ""
    )
    return answer["status"], answer["body"]


def quota(mall: Shop) -> tuple[int, int, int]:
    """Remaining, reserved, taken of the campaign."""
    row = mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name LIKE 'campaign:%'")[0]
    return row[0], row[1], row[2]


async def test_the_first_order_is_cheaper_and_the_second_is_not(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    assert "满 99 元减 30 元，还剩 5 份" in await mall.says("wm1", "首单")
    answer = await mall.says("wm1", "买 商品A")
    assert "「first_order活动」减 30 元" in answer
    assert "应付 70 元" in answer
    assert "待付款的单里" in await mall.says("wm1", "首单")
    await mall.pays("wm1", "o1", 7_000, mall.checkout("wm1"))
    assert quota(mall) == (4, 0, 1)
    assert "你已经买过" in await mall.says("wm1", "首单")
    assert "应付 100 元" in await mall.says("wm1", "买 商品A")
    await mall.refunds("o1", 7_000)
    mall.bot.clock.advance(61)
    assert "应付 100 元" in await mall.says("wm1", "买 商品A")  # a first purchase happens once
    assert quota(mall) == (5, 0, 0)


async def test_below_the_threshold_it_says_what_is_missing(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    answer = await mall.says("wm1", "买 商品B")
    assert "应付 40 元" in answer
    assert "再买 59 元就可以用「first_order活动」" in answer


async def test_two_open_checkouts_have_one_discount_and_giving_up_frees_it(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    await asyncio.gather(*[mall.says("wm1", f"买 商品A x{n}") for n in (1, 2, 3)])
    prices = [row[0] for row in mall.bot.rows("SELECT list_fen - price_fen FROM checkout ORDER BY id")]
    assert sorted(prices) == [0, 0, 3_000]
    assert "首单优惠在另一张待付款的单里" in mall.heard()
    code = mall.one("SELECT code FROM checkout WHERE list_fen > price_fen")
    await mall.says("wm1", f"取消 {code}")
    assert quota(mall) == (5, 0, 0)
    assert "应付 70 元" in await mall.says("wm1", "买 商品A")


async def test_two_accounts_of_one_person_get_one_first_order(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    await mall.says("wm1", "买 商品A")
    await mall.says("wm2", "买 商品A")
    one, two = mall.checkout("wm1"), mall.checkout("wm2")
    await mall.pays("wm1", "o1", 7_000, one, buyer={"unionid": "u1", "external_userid": "wm1"})
    await mall.pays("wm2", "o2", 7_000, two, buyer={"unionid": "u1", "external_userid": "wm2"})
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(7_000, "not_first")]
    assert "已经下过首单" in mall.heard()
    ids = mall.bot.rows("SELECT DISTINCT member_id FROM identity WHERE external_id IN ('wm1', 'wm2', 'u1')")
    assert len(ids) == 1
    await mall.passes(minutes=16)
    assert quota(mall) == (4, 0, 1)
    assert "应付 100 元" in await mall.says("wm2", "买 商品A")


async def test_whoever_buys_elsewhere_meanwhile_has_had_a_first_order(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    await mall.says("wm1", "买 商品A")
    code = mall.checkout("wm1")
    await mall.pays("wm1", "o0", 500)
    await mall.pays("wm1", "o1", 7_000, code)
    assert mall.bot.rows("SELECT reason FROM refund") == [("not_first",)]


async def test_too_little_paid_by_mistake_is_no_first_order(mall: Shop) -> None:
    await mall.campaign("first_order", **FIRST)
    await mall.says("wm1", "买 商品A")
    code = mall.checkout("wm1")
    await mall.pays("wm1", "o1", 6_999, code)
    await mall.pays("wm1", "o2", 7_000, code)
    assert mall.bot.rows("SELECT reason FROM refund") == [("amount",)]
    assert mall.one("SELECT status FROM checkout") == "paid"


async def test_a_quota_of_one_among_many(mall: Shop) -> None:
    await mall.campaign("first_order", **{**FIRST, "total": 1})
    await asyncio.gather(*[mall.says(f"wm{n}", "买 商品A") for n in (1, 2, 3, 4, 5)])
    assert [row[0] for row in mall.bot.rows("SELECT price_fen FROM checkout ORDER BY price_fen")] == [7_000] + [
        10_000
    ] * 4
    await mall.passes(minutes=16)
    late = mall.one("SELECT i.external_id FROM checkout c JOIN identity i ON i.member_id = c.member_id "
                    "WHERE c.price_fen = 7000")  # fmt: skip
    await mall.pays(late, "o1", 7_000, mall.checkout(late))
    assert quota(mall) == (0, 0, 1)


async def test_the_budget_ends_it(mall: Shop) -> None:
    await mall.campaign("first_order", **{**FIRST, "budget_fen": 5_000})
    assert "应付 70 元" in await mall.says("wm1", "买 商品A")
    assert "应付 100 元" in await mall.says("wm2", "买 商品A")


async def test_one_piece_at_a_price_and_a_coupon_on_top(mall: Shop) -> None:
    await mall.campaign("first_order", skus=["A"], price_fen=1_000, total=5, with_coupons=True)
    status, _ = await ask(mall, "coupon-templates", name="券", kind="cash", value=500, threshold_fen=2_000,
                          valid_days=3, per_member=1, claimable=True, stackable=True)  # fmt: skip
    assert status == 201
    await mall.says("wm1", "领券 1")
    answer = await mall.says("wm1", "买 商品A x2")
    assert "减 90 元" in answer
    assert "应付 105 元" in answer
    items = json.loads(mall.one("SELECT items FROM checkout"))
    assert sum(item["paid_fen"] for item in items) == 10_500


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"off_fen": 0}, "config.off_fen"),
        ({"price_fen": 100}, "config.off_fen"),
        ({"off_fen": 30, "threshold_fen": 99}, "config.off_fen"),
        ({"threshold_fen": 3_000}, "config.threshold_fen"),
        ({"budget_fen": 2_999}, "config.budget_fen"),
        ({"skus": ["Z"]}, "config.skus.0"),
        ({"skus": ["B"], "off_fen": 4_000, "threshold_fen": 0}, "config.off_fen"),
        ({"skus": ["C"], "off_fen": 3_000, "threshold_fen": 0}, "config.skus.0"),
        ({"skus": ["A"], "off_fen": 0, "price_fen": 100}, "config.price_fen"),
        ({"skus": ["A"], "off_fen": 0, "price_fen": 10_001}, "config.price_fen"),
        ({"skus": ["A", "B"], "off_fen": 0, "price_fen": 1_000}, "config.skus"),
        ({"total": 0}, "config.total"),
    ],
)
async def test_a_wrong_campaign_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str) -> None:
    assert (await ask(mall, "products", sku="C", title="亏", price_fen=5_000, cost_fen=4_000))[0] == 201
    dates = {"starts_at": NOON.isoformat(), "ends_at": (NOON + timedelta(days=3)).isoformat()}
    status, body = await ask(mall, "campaigns", kind="first_order", name="首单", config={**FIRST, **change}, **dates)
    assert (status, body["error"]["field"]) == (422, field)
    assert (await ask(mall, "campaigns", kind="first_order", name="首单", config=FIRST, **dates))[1][
        "worst_fen"
    ] == 15_000
