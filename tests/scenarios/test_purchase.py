"""购买: what people type becomes a basket at its best price, held once, paid once, given up at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.order_events import AdminAsked
from bot.turn import Work
from scenarios.baskets import Order, Wish, read
from storage import shop
from storage.tables import Store
from tests.shop import Shop, start_shop

TEA, WELL, CUP = "TEA", "WELL", "CUP"
CASH = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30,
        "claimable": True, "stock": 100}  # fmt: skip
UNITS = "件 份 盒"


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A tea shop with two stores, one of a franchisee."""
    async with start_shop(database_url, {"purchase": {}, "coupons": {}, "points": {}}) as selling:
        await goods(selling, TEA, "茶叶礼盒🎁", 10_000, 5, "茶")
        await goods(selling, WELL, "西湖龙井", 6_000, None, "茶")
        await goods(selling, "WELL2", "狮峰龙井", 9_000, None, "茶")
        await goods(selling, CUP, "盖碗 15", 3_000, 1, "器")

        def put(work: Work) -> None:
            shop.stores.add(work.db, Store(code="SH01", name="徐汇店", franchise=""))
            shop.stores.add(work.db, Store(code="SH02", name="静安店", franchise="F1"))

        await selling.bot.writer.call(put)
        yield selling


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """An act of the API."""
    key, now = f"api:{next(mall.bot.numbers)}", mall.bot.clock.now()
    answer = json.loads(
        await mall.bot.writer.accept(AdminAsked(key=key, source="api", at=now, act=act, body=body)) or ""
    )
    return answer["status"], answer["body"]


async def goods(mall: Shop, sku: str, title: str, fen: int, stock: int | None, category: str = "") -> None:
    status, _ = await ask(mall, "products", sku=sku, title=title, price_fen=fen, stock=stock, category=category)
    assert status == 201


async def coupon(mall: Shop, who: str = "wm1", **more: Any) -> str:
    """A coupon of a template of its own in a member's hands; its code."""
    assert (await ask(mall, "coupon-templates", **{**CASH, **more}))[0] == 201
    offered = mall.one("SELECT count(*) FROM coupon_template")
    await mall.says(who, f"领券 {offered}")
    return str(mall.one("SELECT code FROM coupon ORDER BY id DESC LIMIT 1"))


def held(mall: Shop) -> tuple[int, int, str]:
    """List price, price and status of the latest checkout."""
    row = mall.bot.rows("SELECT list_fen, price_fen, status FROM checkout ORDER BY id DESC LIMIT 1")[0]
    return row[0], row[1], row[2]


def stock(mall: Shop, sku: str) -> tuple[int, int, int]:
    """Remaining, reserved, taken."""
    row = mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = :name", name=f"sku:{sku}")[0]
    return row[0], row[1], row[2]


def states(mall: Shop) -> dict[str, int]:
    """Coupons by status."""
    return {row[0]: row[1] for row in mall.bot.rows("SELECT status, count(*) FROM coupon GROUP BY status")}


@pytest.mark.parametrize(
    ("typed", "wishes", "store"),
    [
        ("茶叶礼盒", [("茶叶礼盒", 1)], ""),
        ("茶叶礼盒 x2 龙井 x1", [("茶叶礼盒", 2), ("龙井", 1)], ""),
        ("茶叶礼盒 × 2、龙井 3盒", [("茶叶礼盒", 2), ("龙井", 3)], ""),
        ("茶叶　礼盒　Ｘ２，龙井", [("茶叶 礼盒", 2), ("龙井", 1)], ""),
        ("2盒龙井", [("龙井", 2)], ""),
        ("龙井 x2 门店 徐汇店", [("龙井", 2)], "徐汇店"),
        ("门店：徐汇店 龙井", [("龙井", 1)], "徐汇店"),
        ("iPhone 15", [("iphone 15", 1)], ""),
        ("iPhone 15 x2", [("iphone 15", 2)], ""),
        ("x2", [("x2", 1)], ""),
        ("", [], ""),
    ],
)
def test_what_people_type_is_read(typed: str, wishes: list[tuple[str, int]], store: str) -> None:
    assert read(typed, UNITS, "门店") == Order(tuple(Wish(*wish) for wish in wishes), store)


async def test_the_shelf_page_by_page_and_by_number(mall: Shop) -> None:
    for at in range(9):
        await goods(mall, f"N{at}", f"挂件{at}", 100, None, "配饰")
    first = await mall.says("wm1", "商城")
    assert "茶叶礼盒🎁：100 元，还剩 5 件" in first
    assert "10. " in first
    assert "11. 更多" in first
    second = await mall.says("wm1", "更多")
    assert "1. " in second
    assert "4. " not in second
    assert "挂件" in await mall.says("wm1", "商城 配饰")
    assert "现在有：" in await mall.says("wm1", "商城 手机")
    assert "没有更多商品" in await mall.says("wm1", "商城 9")
    shelf = await mall.says("wm2", "商品 茶")
    number = next(line.split(".")[0] for line in shelf.splitlines() if "西湖龙井" in line)
    assert "西湖龙井 ×3，180 元" in await mall.says("wm2", f"买 {number} x3")
    assert "西湖龙井 ×1，60 元" in await mall.says("wm2", number)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("买 茶叶礼盒 x2", "应付 200 元"),
        ("买tea", "应付 100 元"),
        ("买 茶叶礼盒 西湖龙井", "应付 160 元"),
        ("买 西湖龙井 2 茶叶礼盒", "应付 220 元"),
        ("买 西湖龙井x2", "应付 120 元"),
        ("买 盖碗 15", "应付 30 元"),
        ("买 茶叶礼盒 x6", "茶叶礼盒🎁 只剩 5 件"),
        ("买 茶叶礼盒 x3 茶叶礼盒 x3", "只剩 5 件"),
        ("买 茶叶礼盒 x0", "每样 1 到 99 件"),
        ("买 红茶", "没有找到「红茶」"),
        ("买", "商城在卖"),
        ("买 龙井 x2", "「龙井」有好几样"),
        ("买 茶叶礼盒 门店 浦东店", "没有认出门店「浦东店」。可以写：徐汇店、静安店"),
        ("用券 ZZZZ 茶叶礼盒", "没有券码 zzzz"),
        ("取消", "没有待付款的订单"),
        ("取消 ABCD-EFGH", "你没有下单码"),
        ("我的订单", "你还没有订单"),
    ],
)
async def test_what_people_type_is_answered(mall: Shop, words: str, answer: str) -> None:
    assert answer in await mall.says("wm1", words)


async def test_several_of_a_name_are_chosen_by_number_with_everything_else_kept(mall: Shop) -> None:
    await mall.says("wm1", "买 茶叶礼盒 x2 龙井 x3 门店 徐汇店")
    answer = await mall.says("wm1", "2")
    assert "狮峰龙井 ×3，270 元" in answer
    assert "茶叶礼盒🎁 ×2，200 元" in answer
    assert mall.one("SELECT store FROM checkout") == "SH01"


async def test_the_best_coupon_comes_off_by_itself_and_is_explained(mall: Shop) -> None:
    await coupon(mall)
    await coupon(mall, name="满300减80", value=8_000, threshold_fen=30_000)
    answer = await mall.says("wm1", "买 茶叶礼盒 x2")
    assert "「满100减20」减 20 元" in answer
    assert "再买 100 元就可以用「满300减80」" in answer
    assert held(mall) == (20_000, 18_000, "held")
    assert states(mall) == {"reserved": 1, "active": 1}
    await mall.pays("wm1", "o1", 18_000, mall.checkout("wm1"))
    assert states(mall) == {"redeemed": 1, "active": 1}
    assert stock(mall, TEA) == (3, 0, 2)
    assert "茶叶礼盒🎁 ×2，180 元，已付款" in await mall.says("wm1", "我的订单")


async def test_one_coupon_is_in_one_basket(mall: Shop) -> None:
    code = await coupon(mall)
    await mall.says("wm1", "买 茶叶礼盒")
    assert "现在不能用" in await mall.says("wm1", f"用券 {code} 西湖龙井 x2")
    assert "应付 120 元" in await mall.says("wm1", "买 西湖龙井 x2")
    assert mall.bot.rows("SELECT price_fen FROM checkout ORDER BY id") == [(8_000,), (12_000,)]


async def test_many_baskets_at_once_share_one_coupon_and_the_last_cup(mall: Shop) -> None:
    await coupon(mall)
    wanted = [f"买 西湖龙井 x{n}" for n in range(2, 7)] + [f"买 盖碗 茶叶礼盒 x{n}" for n in (1, 2, 3)]
    await asyncio.gather(*[mall.says("wm1", words) for words in wanted], mall.says("wm2", "买 盖碗"))
    assert states(mall) == {"reserved": 1}
    assert stock(mall, CUP)[1] <= 1
    assert mall.one("SELECT count(*) FROM checkout WHERE member_id = (SELECT member_id FROM coupon)") == 3


async def test_chosen_coupons_and_none(mall: Shop) -> None:
    small = await coupon(mall, name="满50减5", value=500, threshold_fen=5_000)
    big = await coupon(mall)
    assert "应付 95 元" in await mall.says("wm1", f"用券 {small} 茶叶礼盒")
    await mall.says("wm1", f"取消 {mall.checkout('wm1')}")
    assert "应付 100 元" in await mall.says("wm1", "不用券 茶叶礼盒")
    await mall.says("wm1", f"取消 {mall.checkout('wm1')}")
    assert "不能一起用" in await mall.says("wm1", f"用券 {small} {big} 茶叶礼盒")
    assert "还差 70 元" in await mall.says("wm1", f"用券 {big} 盖碗")
    assert "想用这张券买什么" in await mall.says("wm1", f"用券 {big}")


async def test_store_and_franchise_coupons_need_their_store(mall: Shop) -> None:
    await coupon(mall, scope="store", scope_items=["SH01"])
    franchise = await coupon(mall, name="加盟店券", scope="franchise", scope_items=["F1"], value=1_000)
    assert "应付 100 元" in await mall.says("wm1", "买 茶叶礼盒")
    assert "应付 80 元" in await mall.says("wm1", "买 茶叶礼盒 门店 徐汇")
    assert "不适用于" in await mall.says("wm1", f"用券 {franchise} 茶叶礼盒")
    assert "应付 90 元" in await mall.says("wm1", f"用券 {franchise} 茶叶礼盒 门店静安店")

    await mall.pays("wm1", "o1", 9_000, mall.checkout("wm1"), store="徐汇店")
    assert mall.bot.rows("SELECT reason FROM refund") == [("wrong_store",)]
    await mall.pays("wm1", "o2", 9_000, mall.checkout("wm1"), store="sh02")
    assert held(mall)[2] == "paid"


async def test_given_up_is_free_at_once_and_can_be_bought_again(mall: Shop) -> None:
    await coupon(mall)
    await mall.says("wm1", "买 茶叶礼盒 x5")
    assert "只剩 0 件" in await mall.says("wm2", "买 茶叶礼盒")
    code = mall.checkout("wm1")
    assert "你没有下单码" in await mall.says("wm2", f"取消 {code}")
    assert "要取消哪一张" in await mall.says("wm1", "取消")
    assert "已取消" in await mall.says("wm1", "1")
    assert "之前已经取消" in await mall.says("wm1", f"取消{code.lower()}")
    assert (stock(mall, TEA), states(mall)) == ((5, 0, 0), {"active": 1})
    assert "应付 480 元" in await mall.says("wm1", "买 茶叶礼盒 x5")
    await mall.pays("wm1", "o1", 48_000, mall.checkout("wm1"))
    assert "已经付款，不能取消" in await mall.says("wm1", f"取消 {mall.checkout('wm1')}")
    assert "没有按时付款" not in mall.heard()


async def test_not_paid_in_time_and_paid_late(mall: Shop) -> None:
    await coupon(mall)
    await mall.says("wm1", "买 盖碗 茶叶礼盒")
    assert "待付款" in (waiting := await mall.says("wm1", "我的订单"))
    assert "还有 15 分钟" in waiting
    first = mall.checkout("wm1")
    await mall.passes(minutes=16)
    assert (stock(mall, CUP), states(mall)) == ((1, 0, 0), {"active": 1})
    assert "没有按时付款" in mall.heard()
    await mall.says("wm2", "买 盖碗")
    await mall.pays("wm1", "o1", 11_000, first)
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(11_000, "late")]
    assert "已经过时" in mall.heard()


@pytest.mark.parametrize(("fen", "reason"), [(9_999, "amount"), (10_000, None), (10_001, None)])
async def test_the_order_pays_the_price_or_is_refunded_whole(mall: Shop, fen: int, reason: str | None) -> None:
    await mall.says("wm1", "买 茶叶礼盒")
    await mall.pays("wm1", "o1", fen, mall.checkout("wm1"))
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == ([(fen, reason)] if reason else [])
    assert held(mall)[2] == ("held" if reason else "paid")


async def test_a_second_tap_shows_the_first_checkout(mall: Shop) -> None:
    await mall.says("wm1", "买 茶叶礼盒")
    assert "刚才已经留好了" in await mall.says("wm1", "买 tea x1")
    assert "应付 100 元" in await mall.says("wm1", "不用券 茶叶礼盒")
    assert mall.bot.count("checkout") == 1
    mall.bot.clock.advance(61)
    await mall.says("wm1", "买 茶叶礼盒")
    assert mall.bot.count("checkout") == 2


async def test_nobody_holds_the_whole_shelf(mall: Shop) -> None:
    for n in (1, 2, 3):
        await mall.says("wm1", f"买 西湖龙井 x{n}")
    assert "3 张单还没付款" in await mall.says("wm1", "买 茶叶礼盒")


async def test_what_costs_nothing_is_taken_at_once_and_undone_by_the_shop(mall: Shop) -> None:
    await coupon(mall, name="免单券", kind="free_order", value=20_000, threshold_fen=0, give_back="full")
    answer = await mall.says("wm1", "买 茶叶礼盒")
    assert "不用付款" in answer
    assert held(mall) == (10_000, 0, "paid")
    assert (stock(mall, TEA), states(mall)) == ((4, 0, 1), {"redeemed": 1})
    code = mall.checkout("wm1")
    assert "无需付款" in await mall.says("wm1", "我的订单")
    await mall.pays("wm1", "o1", 100, code)  # somebody pays all the same
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(100, "paid_before")]
    await mall.passes(hours=1)

    assert (await ask(mall, "checkouts/undo", code=code, by="小王"))[0] == 200
    assert (stock(mall, TEA), states(mall)) == ((5, 0, 0), {"active": 1})
    assert "被商家撤销" in mall.heard()
    assert (await ask(mall, "checkouts/undo", code=code, by="小王"))[0] == 409


async def test_a_paid_checkout_is_undone_by_its_refund_only(mall: Shop) -> None:
    await mall.says("wm1", "买 茶叶礼盒")
    code = mall.checkout("wm1")
    assert (await ask(mall, "checkouts/undo", code=code, by="小王"))[0] == 409
    await mall.pays("wm1", "o1", 10_000, code)
    assert (await ask(mall, "checkouts/undo", code=code, by="小王"))[1]["error"]["code"] == "wrong_state"
    assert (await ask(mall, "checkouts/undo", code="AAAA-BBBB", by="小王"))[0] == 404
    await mall.refunds("o1", 10_000)
    assert stock(mall, TEA) == (5, 0, 0)
    assert "已退款" in await mall.says("wm1", "我的订单")
