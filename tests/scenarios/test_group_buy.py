"""拼团: seats exact, one settlement, money back for whoever did not get what they paid for."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.shop import Shop

PRICE = 6_000


async def ready(mall: Shop, stock_of: int | None = None, **config: Any) -> None:
    """A group-buy of three at 60 yuan."""
    await mall.product("A", 10_000, stock_of)
    await mall.campaign("group_buy", **{"sku": "A", "size": 3, "price_fen": PRICE, **config})


async def opened(mall: Shop, who: str = "wm1") -> str:
    """A team; its code."""
    found = re.search(r"团号 (\S{4}-\S{4})", await mall.says(who, "开团"))
    assert found is not None
    return found[1]


async def paid(mall: Shop, who: str, order_no: str) -> None:
    await mall.pays(who, order_no, PRICE, mall.checkout(who))


def team(mall: Shop) -> tuple[str, int, int]:
    """Status, held, paid of the only team."""
    row = mall.bot.rows("SELECT status, held, paid FROM team")[0]
    return row[0], row[1], row[2]


async def test_three_pay_and_the_team_succeeds_once(mall: Shop) -> None:
    await ready(mall, stock_of=10)
    code = await opened(mall)
    await mall.says("wm2", f"参团 {code}")
    await mall.says("wm3", f"参团{code.lower().replace('-', '')}")  # no blank, no dash, small letters
    for number, who in enumerate(("wm1", "wm2", "wm3")):
        await paid(mall, who, f"o{number}")

    assert team(mall) == ("success", 0, 3)
    assert mall.heard().count("成团了，共 3 人") == 3
    assert mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = 'sku:A'") == [(7, 0, 3)]
    assert mall.bot.count("refund") == 0
    await mall.passes(days=2)
    assert team(mall) == ("success", 0, 3)
    assert "已成团" in await mall.says("wm1", "我的拼团")


async def test_the_last_seat_is_taken_by_one_of_many_at_once(mall: Shop) -> None:
    await ready(mall, size=2)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await asyncio.gather(*[mall.says(who, f"参团 {code}") for who in ("wm2", "wm3", "wm4", "wm5")])

    assert team(mall) == ("open", 1, 1)
    assert mall.bot.count("team_seat", "status = 'held'") == 1


async def test_the_deadline_refunds_every_paid_seat_once(mall: Shop) -> None:
    await ready(mall, stock_of=10)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await paid(mall, "wm2", "o2")

    await mall.passes(hours=24)
    await mall.passes(hours=1)  # the sweep comes again

    assert team(mall)[0] == "expired"
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund ORDER BY id") == [(PRICE, "team_expired")] * 2
    assert await mall.owed_refunds_happen() == 2
    assert mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = 'sku:A'") == [(10, 0, 0)]
    assert mall.one("SELECT count(*) FROM refund WHERE status = 'done'") == 2


async def test_an_unpaid_seat_is_free_again_and_a_late_payment_gets_it_back_while_there_is_room(mall: Shop) -> None:
    await ready(mall, stock_of=10)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await mall.passes(minutes=16)
    assert team(mall) == ("open", 0, 1)

    await paid(mall, "wm2", "o2")

    assert team(mall) == ("open", 0, 2)
    assert mall.bot.count("refund") == 0


async def test_a_payment_after_the_end_is_refunded(mall: Shop) -> None:
    await ready(mall, size=2)
    await opened(mall)
    await mall.passes(hours=25)

    await paid(mall, "wm1", "o1")

    assert mall.bot.rows("SELECT amount_fen FROM refund") == [(PRICE,)]
    assert "会原路退回" in mall.heard()
    assert team(mall)[0] == "expired"


async def test_a_payment_after_the_deadline_but_before_its_timer_is_refunded(mall: Shop) -> None:
    await ready(mall, size=2, hours=1, hold_minutes=59)
    await opened(mall)
    mall.bot.clock.advance(3_601)

    await paid(mall, "wm1", "o1")
    await mall.scheduler.sweep()

    assert team(mall) == ("expired", 0, 0)
    assert mall.bot.rows("SELECT reason FROM refund") == [("team_over",)]


async def test_the_leader_goes_and_the_next_one_leads(mall: Shop) -> None:
    await ready(mall, stock_of=5)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await paid(mall, "wm2", "o2")
    deadline = mall.one("SELECT deadline FROM team")

    await mall.refunds("o1", PRICE)

    assert team(mall) == ("open", 0, 1)
    leader = mall.one("SELECT i.external_id FROM team t JOIN identity i ON i.member_id = t.leader_id")
    assert leader == "wm2"
    assert mall.one("SELECT deadline FROM team") == deadline
    assert "你现在是" in mall.heard()
    await mall.says("wm1", f"参团 {code}")  # who left may come again
    assert team(mall) == ("open", 1, 1)


async def test_a_free_leader_gets_the_money_back_and_keeps_the_goods(mall: Shop) -> None:
    await ready(mall, stock_of=10, size=2, leader_free=True)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await paid(mall, "wm2", "o2")

    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(PRICE, "leader_free")]
    await mall.owed_refunds_happen()
    assert mall.one("SELECT taken FROM stock WHERE name = 'sku:A'") == 2
    assert team(mall) == ("success", 0, 2)


async def test_too_little_money_takes_no_seat(mall: Shop) -> None:
    await ready(mall)
    await opened(mall)
    await mall.pays("wm1", "o1", PRICE - 1, mall.checkout("wm1"))

    assert team(mall) == ("open", 1, 0)
    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(PRICE - 1, "amount")]


async def test_one_checkout_is_paid_by_one_order(mall: Shop) -> None:
    await ready(mall)
    await opened(mall)
    await paid(mall, "wm1", "o1")
    await paid(mall, "wm1", "o2")

    assert team(mall) == ("open", 0, 1)
    assert mall.bot.rows("SELECT reason FROM refund") == [("paid_before",)]


async def test_limits_and_stock_are_kept(mall: Shop) -> None:
    await ready(mall, stock_of=1)
    assert "开团成功" in await mall.says("wm1", "开团 1")
    assert "次数已经用完" in await mall.says("wm1", "开团 1")
    assert "抢光" in await mall.says("wm2", "开团 1")
    await mall.passes(minutes=16)
    assert "开团成功" in await mall.says("wm2", "开团 1")


async def test_a_seat_is_given_up_before_payment(mall: Shop) -> None:
    await ready(mall, stock_of=3)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    assert team(mall) == ("open", 1, 1)
    assert "座位让给别人了" in (answer := await mall.says("wm2", f"退团 {code}"))
    assert "没有按时付款" not in answer
    assert team(mall) == ("open", 0, 1)
    assert mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = 'sku:A'") == [(2, 0, 1)]
    assert "没有座位" in await mall.says("wm2", f"退团 {code}")
    assert "已为你留好" in await mall.says("wm2", f"参团 {code}")


async def test_a_paid_seat_is_given_up_for_a_refund_and_the_next_one_leads(mall: Shop) -> None:
    await ready(mall, stock_of=3)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await paid(mall, "wm2", "o2")
    assert "60 元会原路退回" in (answer := await mall.says("wm1", f"退团{code}"))
    assert "你现在是" in answer
    assert "邀请朋友回复「参团" in answer
    assert "没有座位" in await mall.says("wm1", f"退团 {code}")
    assert team(mall) == ("open", 0, 1)
    assert await mall.owed_refunds_happen() == 1
    assert team(mall) == ("open", 0, 1)
    assert mall.bot.rows("SELECT amount_fen, reason, status FROM refund") == [(PRICE, "left_team", "done")]
    assert mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = 'sku:A'") == [(2, 0, 1)]


async def test_nobody_leaves_a_team_that_is_settled(mall: Shop) -> None:
    await ready(mall, size=2)
    code = await opened(mall)
    await paid(mall, "wm1", "o1")
    await mall.says("wm2", f"参团 {code}")
    await paid(mall, "wm2", "o2")
    assert "已经结束，不能退团" in await mall.says("wm1", f"退团 {code}")
    assert mall.bot.count("refund") == 0


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("退团 ZZZZ-ZZZZ", "没有座位"),
        ("参团 ZZZZ-ZZZZ", "没有找到团号"),
        ("参团", "请说「参团 团号」"),
        ("开团 9", "正在进行的拼团"),
        ("  拼团　", "商品原价"),
        ("我的拼团", "你还没有参加拼团"),
        ("帮助", "拼团"),
        ("平团", "你是想说「拼团」吗"),
    ],
)
async def test_what_people_type(mall: Shop, words: str, answer: str) -> None:
    await ready(mall)
    answer = "group_buy活动" if answer == "商品原价" else answer
    assert answer in await mall.says("wm1", words)
