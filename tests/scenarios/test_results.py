"""我的业绩: an order is the guide's who followed the buyer when it was paid; what is refunded counts no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from scenarios.results import starts
from tests.desk import Desk, start_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url) as made:
        yield made


@pytest.mark.parametrize(
    ("now", "day", "week", "month"),
    [
        (datetime(2026, 11, 11, 4, tzinfo=UTC), "11-11", "11-09", "11-01"),
        (datetime(2026, 11, 8, 16, tzinfo=UTC), "11-09", "11-09", "11-01"),  # Monday 00:00 in Shanghai
        (datetime(2026, 11, 1, 15, 59, tzinfo=UTC), "11-01", "10-26", "11-01"),
        (datetime(2026, 10, 31, 16, tzinfo=UTC), "11-01", "10-26", "11-01"),
    ],
)
def test_days_weeks_and_months_are_the_shops(now: datetime, day: str, week: str, month: str) -> None:
    assert [f"{start:%m-%d}" for start in starts(now)] == [day, week, month]


async def test_what_happened_is_counted_by_its_time(desk: Desk) -> None:
    await desk.pays("wm1", "E1", 10_000)
    await desk.pays("wm2", "E2", 5_050)
    await desk.pays("wm3", "E3", 70_000)
    await desk.refunds("E1", 4_000)
    await desk.template()
    await desk.says("发券 王女士 满100减20")
    await desk.says("1")
    code = desk.one("SELECT code FROM coupon WHERE template_id IS NOT NULL")
    await desk.says(f"核销 {code} 200")
    await desk.says("今日任务")
    await desk.says("完成 1")
    answer = await desk.says("我的业绩")

    assert "新客户：2 / 2 / 2 位" in answer
    assert "成交：2 / 2 / 2 单" in answer
    assert "成交额：110.5 / 110.5 / 110.5 元" in answer
    assert "发券：1 / 1 / 1 张" in answer
    assert "其中已用：1 / 1 / 1 张" in answer
    assert "核销：1 / 1 / 1 张" in answer
    assert "完成任务：1 / 1 / 1 件" in answer
    await desk.passes(days=7)
    assert "成交额：0 / 0 / 110.5 元" in await desk.says("业绩")
    assert "成交额：0 / 0 / 700 元" in await desk.says("业绩", "aqiang")


async def test_a_whole_refund_is_no_order(desk: Desk) -> None:
    await desk.pays("wm1", "E1", 10_000)
    await desk.refunds("E1", 10_000)

    assert "成交：0 / 0 / 0 单" in await desk.says("业绩")


async def test_who_followed_when_it_was_paid_has_it_whoever_follows_later(desk: Desk) -> None:
    paid_at = desk.bot.clock.now() + timedelta(minutes=10)
    await desk.passes(hours=1)
    await desk.joins("wm1", "王女士🎉", "aqiang")
    await desk.bot.leaves("wm1", "lina")
    await desk.pays("wm1", "E1", 10_000, at=paid_at)  # told late
    await desk.pays("wm1", "E2", 20_000)

    assert "成交额：100 / 100 / 100 元" in await desk.says("业绩", "lina")
    assert "成交额：200 / 200 / 200 元" in await desk.says("业绩", "aqiang")


async def test_an_order_of_nobodys_member_is_nobodys(desk: Desk) -> None:
    await desk.pays("wmStranger", "E9", 10_000)

    assert desk.bot.count("order_guide") == 0
