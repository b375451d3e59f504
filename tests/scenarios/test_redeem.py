"""积分兑换: points spent once, asked twice when it is much, given back when the shop undoes it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.order_events import AdminAsked
from tests.conftest import NOON
from tests.shop import Shop, start_shop

CUP: dict[str, Any] = {"points": 300, "gift_sku": "CUP", "total": 5, "per_member": 2}
CASH: dict[str, Any] = {
    "name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 3,
}  # fmt: skip


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Members with 1,000 points each, of which 400 end sooner."""
    plays: dict[str, dict[str, Any]] = {"redeem": {}, "points": {}, "coupons": {}, "purchase": {}}
    async with start_shop(database_url, plays) as selling:
        await selling.product("CUP", 3_000, 2)
        assert (await ask(selling, "coupon-templates", **CASH))[0] == 201
        for who in ("wm1", "wm2", "wm3"):
            for amount, days in ((600, 60), (400, 10)):
                status, _ = await give(selling, who, amount, valid_days=days)
                assert status == 201
        yield selling


async def ask(mall: Shop, act: str, key: str = "", **body: Any) -> tuple[int, dict[str, Any]]:
    """An act of the API."""
    name = key or f"api:{next(mall.bot.numbers)}"
    event = AdminAsked(key=name, source="api", at=mall.bot.clock.now(), act=act, body=body)
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


async def give(mall: Shop, who: str, amount: int, **more: Any) -> tuple[int, dict[str, Any]]:
    return await ask(mall, "points", external_id=who, amount=amount, **{"reason": "补发", "by": "小王", **more})


def lots(mall: Shop) -> list[int]:
    """The points of wm1 by the day they end."""
    return [row[0] for row in mall.bot.rows(
        "SELECT l.amount FROM points_lot l JOIN identity i ON l.account = 'member:' || i.member_id "
        "WHERE i.external_id = 'wm1' ORDER BY l.expires_at"
    )]  # fmt: skip


def stock(mall: Shop, name: str) -> tuple[int, int, int]:
    """Remaining, reserved, taken."""
    row = mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name LIKE :name", name=name)[0]
    return row[0], row[1], row[2]


def code(answer: str) -> str:
    """The code in an answer."""
    found = re.search(r"券码 ([0-9A-Z-]{19})", answer)
    assert found is not None, answer
    return found[1]


async def test_a_gift_is_redeemed_oldest_points_first_and_handed_over(mall: Shop) -> None:
    await mall.campaign("redeem", **CUP)
    assert "你有 1000 积分" in (shelf := await mall.says("wm1", "积分兑换"))
    assert "300 积分，还剩 5 份" in shelf
    answer = await mall.says("wm1", "1")
    assert "用掉 300 积分" in answer
    assert lots(mall) == [100, 600]
    assert stock(mall, "sku:CUP") == (1, 1, 0)
    assert code(await mall.says("wm1", "兑换 1")) == code(answer)  # the second tap
    assert (mall.bot.points("wm1"), mall.bot.count("coupon")) == (700, 1)
    assert "请把东西交给会员" in await mall.bot.says(f"核销 {code(answer)}")
    assert stock(mall, "sku:CUP") == (1, 0, 1)
    assert "核销过了" in await mall.bot.says(f"核销 {code(answer)}")


async def test_a_gift_that_nobody_fetches_is_for_others_again(mall: Shop) -> None:
    await mall.campaign("redeem", **CUP)
    await mall.says("wm1", "兑换")
    await mall.says("wm1", "兑换 1")
    assert stock(mall, "sku:CUP") == (1, 1, 0)
    await mall.passes(days=31)
    assert stock(mall, "sku:CUP") == (2, 0, 0)


async def test_much_is_asked_twice(mall: Shop) -> None:
    await mall.campaign("redeem", points=600, coupon="满100减20", total=5, per_member=5)
    for words in ("确认", "2", "3"):
        assert "用 600 积分换「redeem活动」" in await mall.says("wm1", "兑换 1")
        assert mall.bot.points("wm1") == 1_000
        if words == "2":
            assert "积分没有动" in await mall.says("wm1", words)
            assert "没有等你确认" in await mall.says("wm1", "取消兑换")
        elif words == "3":
            await mall.passes(minutes=6)
            assert "没有等你确认" in await mall.says("wm1", "确认")
        else:
            first = code(await mall.says("wm1", words))
            assert code(await mall.says("wm1", "确认")) == first  # the second tap
            assert mall.bot.points("wm1") == 400
            await give(mall, "wm1", 600)
            mall.bot.clock.advance(61)
    assert mall.bot.count("coupon", "template_id IS NOT NULL") == 1
    assert "满100减20" in await mall.says("wm1", "我的券")


async def test_a_number_said_twice_is_one_redemption(mall: Shop) -> None:
    await mall.campaign("redeem", points=600, coupon="满100减20", total=5)
    await mall.says("wm1", "兑换 1")
    answers = await asyncio.gather(*[mall.says("wm1", "1") for _ in range(6)])
    assert mall.bot.points("wm1") == 400
    assert len({code(answer.split("\n")[1]) for answer in answers}) == 1


async def test_points_are_spent_once_however_many_ask(mall: Shop) -> None:
    for _ in range(3):
        await mall.campaign("redeem", points=450, coupon="满100减20", total=5, per_member=1)
    await asyncio.gather(*[mall.says("wm1", f"兑换 {n}") for n in (1, 2, 3, 1, 2, 3)])
    assert mall.bot.points("wm1") == 100
    assert mall.bot.count("redemption", "status = 'done'") == 2
    assert "你有 100 积分，还差 350 积分" in mall.heard()


async def test_what_runs_out_takes_no_points(mall: Shop) -> None:
    await mall.campaign("redeem", **CUP)
    await asyncio.gather(*[mall.says(f"wm{n}", "兑换 1") for n in (1, 2, 3)])
    assert sorted(mall.bot.points(f"wm{n}") for n in (1, 2, 3)) == [700, 700, 1_000]
    assert "已经换完了" in mall.heard()
    assert stock(mall, "campaign:%") == (3, 0, 2)


async def test_limits_of_member_and_day(mall: Shop) -> None:
    await mall.campaign("redeem", points=10, coupon="满100减20", total=9, per_member=2, per_day=1)
    await mall.says("wm1", "兑换 1")
    mall.bot.clock.advance(61)
    assert "今天换过了" in await mall.says("wm1", "兑换 1")
    await mall.passes(days=1)
    assert "换到了" in await mall.says("wm1", "兑换 1")
    await mall.passes(days=1)
    assert "次数用完" in await mall.says("wm1", "兑换 1")
    assert mall.bot.points("wm1") == 980


async def test_who_owes_is_told_kindly(mall: Shop) -> None:
    await mall.campaign("redeem", **CUP)
    assert (await give(mall, "wm1", -1_200, reason="退单"))[1] == {
        "id": mall.one("SELECT max(id) FROM points_act"), "status": "done", "points": 0, "owed": 200,
        "member_id": mall.one("SELECT member_id FROM identity WHERE external_id = 'wm1'"),
    }  # fmt: skip
    assert "你有 200 积分待扣回" in await mall.says("wm1", "兑换 1")


async def test_the_shop_undoes_what_is_not_used(mall: Shop) -> None:
    await mall.campaign("redeem", **CUP)
    gift = code(await mall.says("wm1", "兑换 1"))
    assert (await ask(mall, "redemptions/undo", code=gift, by="小李"))[1]["points"] == 300
    assert mall.bot.points("wm1") == 1_000
    assert lots(mall) == [100, 300, 600]  # what had few days left has thirty now
    assert (stock(mall, "sku:CUP"), stock(mall, "campaign:%")) == ((2, 0, 0), (5, 0, 0))
    reason = mall.one("SELECT reason FROM transfer WHERE key LIKE 'redeem:%:undo:0'")
    assert re.fullmatch(r"reversal of redeem:\d+", reason)
    assert (await ask(mall, "redemptions/undo", code=gift, by="小李"))[0] == 409
    assert "已经作废" in await mall.bot.says(f"核销 {gift}")

    mall.bot.clock.advance(61)
    used = code(await mall.says("wm1", "兑换 1"))
    await mall.bot.says(f"核销 {used}")
    assert (await ask(mall, "redemptions/undo", code=used, by="小李"))[0] == 409
    assert (await ask(mall, "redemptions/undo", code="AAAA", by="小李"))[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gift_sku": "Z"}, "config.gift_sku"),
        ({"gift_sku": "", "coupon": "没有"}, "config.coupon"),
        ({"gift_sku": ""}, "config.coupon"),
        ({"coupon": "满100减20"}, "config.coupon"),
        ({"points": 2}, "config.points"),
        ({"points": 0}, "config.points"),
    ],
)
async def test_a_wrong_campaign_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str) -> None:
    dates = {"starts_at": NOON.isoformat(), "ends_at": (NOON + timedelta(days=3)).isoformat()}
    status, body = await ask(mall, "campaigns", kind="redeem", name="杯", config={**CUP, **change}, **dates)
    assert (status, body["error"]["field"]) == (422, field)
    assert (await ask(mall, "campaigns", kind="redeem", name="杯", config=CUP, **dates))[1]["worst_fen"] == 3_000 * 2


async def test_the_same_request_moves_points_once(mall: Shop) -> None:
    first = await ask(mall, "points", "api:/api/v1/points:k1", external_id="wm1", amount=5, reason="补发", by="小王")
    again = await ask(mall, "points", "api:/api/v1/points:k1", external_id="wm1", amount=5, reason="补发", by="小王")
    assert (first, mall.bot.points("wm1")) == (again, 1_005)
    assert mall.bot.count("transfer", "key = 'api:/api/v1/points:k1'") == 1


async def test_much_needs_a_second_person_and_is_done_once(mall: Shop) -> None:
    status, made = await give(mall, "wm1", 5_001)
    assert (status, made["status"], mall.bot.points("wm1")) == (202, "waiting", 1_000)
    refused = await ask(mall, "points/approve", id=made["id"], by="小王")
    assert (refused[0], refused[1]["error"]["code"]) == (409, "second_person")
    for _ in range(2):
        assert (await ask(mall, "points/approve", id=made["id"], by="小李"))[1]["points"] == 6_001
    assert mall.bot.rows("SELECT made_by, approved_by FROM points_act WHERE status = 'done' AND amount = 5001") == [
        ("小王", "小李")
    ]


async def test_nobody_moves_more_than_so_many_points_a_day(mall: Shop) -> None:
    moved = [(await give(mall, "wm1", sign * 5_000, by="小赵"))[0] for sign in (1, -1) * 6]
    assert moved == [201] * 10 + [409] * 2
    await mall.passes(days=1)
    assert (await give(mall, "wm1", 1, by="小赵"))[0] == 201


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"amount": 0}, 422, "amount"),
        ({"amount": 1.5}, 422, "amount"),
        ({"amount": "5"}, 422, "amount"),
        ({"reason": ""}, 422, "reason"),
        ({"by": ""}, 422, "by"),
        ({"external_id": "wm0"}, 404, "member_id"),
        ({"member_id": 1}, 422, "member_id"),
        ({"external_id": ""}, 422, "member_id"),
    ],
)
async def test_wrong_points_are_refused_by_their_field(
    mall: Shop, change: dict[str, Any], status: int, field: str
) -> None:
    body = {"external_id": "wm1", "amount": 5, "reason": "补发", "by": "小王", **change}
    got = await ask(mall, "points", **body)
    assert (got[0], got[1]["error"]["field"]) == (status, field)
