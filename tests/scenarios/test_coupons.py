"""优惠券: stock, budget and limits exact; used once; ended by time, with a reminder; undone by refunds as the template
says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.order_events import AdminAsked
from bot.router import load_plays
from bot.turn import Work
from scenarios import vouchers
from scenarios.checkout import Goods, Want, open_checkout, release
from storage import members, shop
from storage.tables import Store
from tests.shop import Shop, start_shop

CASH = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30,
        "claimable": True}  # fmt: skip


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with coupons."""
    async with start_shop(database_url, {"coupons": {}, "points": {}}) as selling:
        yield selling


async def template(mall: Shop, **more: Any) -> None:
    """A coupon template that anyone may claim from."""
    key, now = f"api:{next(mall.bot.numbers)}", mall.bot.clock.now()
    event = AdminAsked(key=key, source="api", at=now, act="coupon-templates", body={**CASH, **more})
    assert '"status": 201' in (await mall.bot.writer.accept(event) or "")


def states(mall: Shop) -> dict[str, int]:
    """Coupons by status."""
    return {row[0]: row[1] for row in mall.bot.rows("SELECT status, count(*) FROM coupon GROUP BY status")}


def stock(mall: Shop, prefix: str) -> tuple[int, int]:
    """Remaining and taken of the only stock of a kind."""
    row = mall.bot.rows("SELECT remaining, taken FROM stock WHERE name LIKE :name", name=f"{prefix}%")[0]
    return row[0], row[1]


async def test_a_hundred_claims_for_ten_coupons(mall: Shop) -> None:
    await template(mall, stock=10, per_member=3, budget_fen=20_000)
    answers = await asyncio.gather(*[mall.says(f"wm{n % 5 + 1}", "领券 1") for n in range(100)])

    assert states(mall) == {"active": 10}
    assert stock(mall, "coupon:") == (0, 10)
    assert stock(mall, "budget:coupon:") == (0, 20_000)
    most = mall.one("SELECT max(n) FROM (SELECT count(*) AS n FROM coupon GROUP BY member_id) AS of")
    assert most <= 3
    assert any("领到了" in answer for answer in answers)


async def test_the_budget_stops_before_the_stock(mall: Shop) -> None:
    await template(mall, stock=10, budget_fen=5_000)
    for who in ("wm1", "wm2", "wm3"):
        await mall.says(who, "领券 1")
    assert states(mall) == {"active": 2}
    assert stock(mall, "coupon:") == (8, 2)


async def test_the_daily_limit_ends_at_local_midnight(mall: Shop) -> None:
    await template(mall, per_day=1)
    await mall.says("wm1", "领券1")
    assert "今天已经领满" in await mall.says("wm1", "领券1")
    mall.bot.clock.advance(timedelta(hours=11, minutes=59).total_seconds())  # noon + 11:59 in Shanghai
    assert "今天已经领满" in await mall.says("wm1", "领券1")
    mall.bot.clock.advance(120)
    assert "领到了" in await mall.says("wm1", "领券1")


async def claimed(mall: Shop, who: str = "wm1") -> str:
    """A coupon's code."""
    found = re.search(r"券码 (\S+?)，", await mall.says(who, "领券 1"))
    assert found is not None
    return found[1]


async def test_a_coupon_is_verified_once_whoever_comes(mall: Shop) -> None:
    await template(mall, bearer="store")
    code = await claimed(mall)
    assert "请带上适用商品的金额" in await mall.bot.says(f"核销 {code}")
    assert "还差 0.01 元才到门槛" in await mall.bot.says(f"核销 {code} 99.99")
    assert "写了两个金额" in await mall.bot.says(f"核销 {code} 128 129")
    assert "没有认出门店「月球店」" in await mall.bot.says(f"核销 {code} 128 月球店")
    assert states(mall) == {"active": 1}
    answers = [
        await mall.bot.says(f"核销 {code.lower()} １２８.5元"),
        await mall.bot.says(f"核销{code.replace('-', '')} 128.5", "mei"),
        await mall.bot.says(f"核销 {code.replace('-', ' ')} 128.5"),
    ]
    assert "核销成功：满100减20，减 20 元，实收 108.5 元，由门店承担" in answers[0]
    assert all("12:00 由 lina 核销过了" in answer for answer in answers[1:])
    assert mall.bot.rows("SELECT discount_fen, used_by FROM coupon") == [(2_000, "lina")]
    assert "没有券码" in await mall.bot.says("核销 AAAA-BBBB-CCCC-DDDD")
    assert "没有可用的券" in await mall.says("wm1", "我的券")
    assert states(mall) == {"redeemed": 1}


async def test_time_reminds_and_ends_and_gives_the_budget_back(mall: Shop) -> None:
    await template(mall, stock=5, budget_fen=10_000, remind_days=3)
    code = await claimed(mall)
    await mall.passes(days=28)
    await mall.passes(hours=1)
    assert mall.heard().count("快到期了") == 1
    await mall.passes(days=3)
    assert states(mall) == {"expired": 1}
    assert stock(mall, "budget:coupon:") == (10_000, 0)
    assert "已经过期" in await mall.bot.says(f"核销 {code}")


@pytest.mark.parametrize(
    ("quiet", "claimed_at_h", "told_at_h"),
    [("21:00-09:00", 12, 9), ("", 12, 0), ("08:00-10:00", 12, 0), ("21:00-09:00", 8, 0)],
    ids=["waits for the morning", "no quiet", "not quiet at midnight", "would be over by then"],
)
async def test_reminders_keep_the_quiet_hours(database_url: str, quiet: str, claimed_at_h: int, told_at_h: int) -> None:
    async with start_shop(database_url, {"coupons": {"quiet": quiet}}) as mall:
        await template(mall, valid_days=2, remind_days=1)
        await mall.passes(hours=(claimed_at_h - 12) % 24)  # it is noon in the shops
        await claimed(mall)
        await mall.passes(hours=48 - claimed_at_h)  # midnight: a day before its end, or on the very day
        await mall.passes(minutes=1)
        told = {0: mall.heard().count("快到期了")}
        await mall.passes(hours=9)
        await mall.passes(minutes=1)
        told[9] = mall.heard().count("快到期了")
        assert told == {0: int(told_at_h == 0), 9: 1}


def test_wrong_quiet_hours_stop_the_start() -> None:
    with pytest.raises(ConfigError, match=r"scenarios\.coupons\.quiet: .*21:00-09:00"):
        load_plays(["coupons"], {"coupons": {"quiet": "9 to 5"}})


async def hold(mall: Shop, who: str, order: str) -> int | str:
    """A checkout that uses the member's first coupon; its id or the refusal."""

    def act(work: Work) -> int | str:
        turn: Any = work
        person = members.of(work.db, [("wecom", who)])[("wecom", who)]
        usable = vouchers.usable(turn, person)
        if not usable:
            return "none"
        goods = (Goods("A", order, 1, 10_000),)
        made = open_checkout(turn, person, Want("buy", 0, goods, 8_000, savings=((usable[0].id, 2_000),)))
        return made if isinstance(made, str) else made.id

    return await mall.bot.writer.call(act)


async def test_two_orders_at_once_share_one_coupon_between_them(mall: Shop) -> None:
    await template(mall)
    await claimed(mall)
    held = await asyncio.gather(*[hold(mall, "wm1", f"o{n}") for n in range(8)])
    assert sum(isinstance(one, int) for one in held) == 1
    assert states(mall) == {"reserved": 1}


async def test_an_order_that_is_not_paid_leaves_the_coupon_usable(mall: Shop) -> None:
    await template(mall)
    code = await claimed(mall)
    number = await hold(mall, "wm1", "o1")
    assert "待付款的订单" in await mall.bot.says(f"核销 {code}")
    await mall.passes(minutes=16)
    assert states(mall) == {"active": 1}

    def again(work: Work) -> bool:
        turn: Any = work
        return release(turn, int(number)) is None

    assert await mall.bot.writer.call(again)  # the second release finds nothing


async def test_a_coupon_whose_time_ends_while_it_is_held_ends_with_the_hold(mall: Shop) -> None:
    await template(mall, valid_days=1, budget_fen=10_000)
    mall.bot.clock.advance(timedelta(hours=11, minutes=50).total_seconds())  # ten to midnight
    await claimed(mall)
    mall.bot.clock.advance(timedelta(hours=23, minutes=55).total_seconds())
    assert isinstance(await hold(mall, "wm1", "o1"), int)
    await mall.passes(minutes=14)  # its day is over, and it is held
    assert states(mall) == {"reserved": 1}
    await mall.passes(minutes=2)
    assert states(mall) == {"expired": 1}
    assert stock(mall, "budget:coupon:") == (10_000, 0)


@pytest.mark.parametrize(
    ("policy", "refunds", "status"),
    [("full", (8_000,), "active"), ("full", (3_000,), "redeemed"), ("always", (3_000,), "active"),
     ("never", (8_000,), "redeemed"), ("full", (3_000, 5_000), "active")],
)  # fmt: skip
async def test_a_refund_gives_the_coupon_back_as_its_template_says(
    mall: Shop, policy: str, refunds: tuple[int, ...], status: str
) -> None:
    await template(mall, give_back=policy, budget_fen=10_000)
    await claimed(mall)
    await hold(mall, "wm1", "o1")
    await mall.pays("wm1", "o1", 8_000, mall.checkout("wm1"))
    assert states(mall) == {"redeemed": 1}
    for fen in refunds:
        await mall.refunds("o1", fen)
    assert states(mall) == {status: 1}


async def test_a_refund_does_not_wake_a_coupon_whose_time_is_over(mall: Shop) -> None:
    await template(mall)
    await claimed(mall)
    await hold(mall, "wm1", "o1")
    await mall.pays("wm1", "o1", 8_000, mall.checkout("wm1"))
    await mall.passes(days=31)
    await mall.refunds("o1", 8_000)
    assert states(mall) == {"redeemed": 1}


async def test_a_pack_gives_coupons_of_a_template_while_there_are_some(database_url: str) -> None:
    pack = {
        "points": 0,
        "coupons": [{"template": "满100减20", "valid_days": 0}, {"template": "没有模板", "valid_days": 0}],
    }
    async with start_shop(database_url, {"coupons": {}}, pack) as mall:
        await template(mall, stock=1)
        before = mall.bot.count("coupon")
        for who in ("wm8", "wm9"):
            await mall.bot.joins(who)
        assert stock(mall, "coupon:") == (0, 1)
        assert (
            mall.bot.count("coupon") == before + 3
        )  # one of the template, and the promised one without a template twice
        assert mall.bot.count("audit_log", "action = 'coupon.not_given'") == 1


@pytest.mark.parametrize(
    ("more", "words", "answer", "off"),
    [
        ({}, "100", "减 20 元，实收 80 元", 2_000),
        ({"kind": "discount", "value": 850, "most_fen": 1_000, "threshold_fen": 0}, "99.99", "减 10 元", 1_000),
        ({"kind": "discount", "value": 850, "most_fen": 9_000, "threshold_fen": 0}, "99.99", "减 15 元", 1_500),
        ({"kind": "free_order", "value": 5_000, "threshold_fen": 0}, "30", "减 30 元，实收 0 元", 3_000),
        ({"scope": "category", "scope_items": ["茶"]}, "128", "减 20 元", 2_000),
        ({"kind": "gift", "value": 0, "threshold_fen": 0}, "", "请把东西交给会员", 0),
        ({"kind": "gift", "value": 0, "threshold_fen": 5_000}, "", "请带上适用商品的金额", None),
        ({"kind": "gift", "value": 0, "threshold_fen": 5_000}, "60", "实收 60 元", 0),
        ({"scope": "store", "scope_items": ["SH01"]}, "128", "门店写：徐汇店、静安店", None),
        ({"scope": "store", "scope_items": ["SH01"]}, "128 静安店", "不能在静安店使用", None),
        ({"scope": "store", "scope_items": ["SH01"], "bearer": "store"}, "128 徐汇", "由门店承担", 2_000),
        ({"scope": "franchise", "scope_items": ["F1"]}, "sh01 128", "不能在徐汇店使用", None),
        ({"scope": "franchise", "scope_items": ["F1"], "bearer": "franchisee"}, "静安店 128", "由加盟商承担", 2_000),
    ],
)
async def test_the_counter_takes_off_what_the_bill_allows(
    mall: Shop, more: dict[str, Any], words: str, answer: str, off: int | None
) -> None:
    def put(work: Work) -> None:
        shop.stores.add(work.db, Store(code="SH01", name="徐汇店", franchise=""))
        shop.stores.add(work.db, Store(code="SH02", name="静安店", franchise="F1"))

    await mall.bot.writer.call(put)
    await template(mall, **{"budget_fen": 100_000, **more})
    code = await claimed(mall)
    assert answer in await mall.bot.says(f"核销 {code} {words}")
    row = mall.bot.rows("SELECT status, discount_fen, store FROM coupon")[0]
    if off is None:
        assert tuple(row) == ("active", 0, "")
        return
    stores = {"徐汇": "SH01", "静安店 128": "SH02"}
    assert tuple(row) == ("redeemed", off, next((stores[one] for one in stores if one in words), ""))
    if mall.one("SELECT liability_fen FROM coupon"):
        assert stock(mall, "budget:coupon:")[1] == off
