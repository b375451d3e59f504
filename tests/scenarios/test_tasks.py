"""今日任务: made from what happened, each once, done by a number or a button, dropped when the cause is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.events import Address, TextReceived
from bot.own_events import HandoverWanted
from bot.turn import Work
from storage import tasks
from tests.desk import Desk, start_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url) as made:
        yield made


async def clear(desk: Desk) -> None:
    """Whoever was met at the start is greeted."""
    for userid in ("lina", "aqiang"):
        while "1. " in await desk.says("今日任务", userid):
            await desk.says("完成 1", userid)


async def test_a_new_contact_is_to_be_greeted_once(desk: Desk) -> None:
    answer = await desk.says("今日任务")
    assert answer.startswith("今天有 2 件事：")
    assert "1. 跟新客户 王女士🎉 打个招呼（11-12 12:00 前）" in answer
    assert "还有 1 件" in await desk.says("完成 1")
    assert "已经完成" in await desk.says("完成 1")
    assert "都做完了" in await desk.says("2")
    assert "已经做完 2 件" in await desk.says("任务")

    await desk.bot.leaves("wm1")
    await desk.joins("wm1", "王女士🎉")
    assert "没有要做的事" in await desk.says("今日任务")


async def test_overdue_comes_first_and_says_so(desk: Desk) -> None:
    await desk.passes(hours=20)
    await desk.joins("wm7", "新来的")
    await desk.passes(hours=10)
    answer = await desk.says("今日任务")

    assert "今天有 3 件事，其中 2 件过了期：" in answer
    assert "1. 【已过期】跟新客户 王女士🎉" in answer
    assert answer.index("【已过期】跟新客户 王晓明") < answer.index("新来的")


async def test_who_is_gone_needs_no_greeting(desk: Desk) -> None:
    await desk.bot.leaves("wm1")
    answer = await desk.says("今日任务")

    assert "王女士" not in answer
    assert "1. 跟新客户 王晓明" in answer
    assert desk.bot.count("guide_task", "status = 'dropped'") == 1


async def test_a_list_is_as_long_as_a_card(desk: Desk) -> None:
    for number in range(7):
        await desk.joins(f"wmN{number}", f"新{number}")
    answer = await desk.says("今日任务")

    assert "今天有 9 件事，先做这 6 件：" in answer
    assert "7. " not in answer


async def test_coupons_that_end_soon_are_named_once_until_they_are_used(desk: Desk) -> None:
    await clear(desk)
    await desk.template(name="满100减20", valid_days=4)
    await desk.template(name="小券", value=500, valid_days=4)
    for name in ("满100减20", "小券"):
        await desk.says(f"发券 王女士 {name}")
        await desk.says("1")
    await desk.passes(hours=20)
    assert "没有要做的事" in await desk.says("今日任务")

    await desk.passes(days=1)
    await desk.passes(days=1)
    answer = await desk.says("今日任务")
    assert "王女士🎉 的「满100减20」11-15 12:00 到期，提醒用掉" in answer
    assert "小券" not in answer  # less than it is worth to bother
    assert answer.count("提醒用掉") == 1

    code = desk.one("SELECT code FROM coupon WHERE template = '满100减20' AND template_id IS NOT NULL")
    await desk.says(f"核销 {code} 100")
    assert "没有要做的事" in await desk.says("今日任务")


async def test_one_guide_hears_of_so_many_coupons_a_day(database_url: str) -> None:
    async with start_desk(database_url, {"tasks": {"coupon_most": 1}}) as desk:
        await clear(desk)
        await desk.template(valid_days=2)
        for who in ("王女士", "晓明"):
            await desk.says(f"发券 {who} 满100减20")
            await desk.says("1")
        await desk.passes(hours=23)
        assert desk.bot.count("guide_task", "kind = 'coupon'") == 1
        await desk.passes(days=1)
        assert desk.bot.count("guide_task", "kind = 'coupon'") == 2


async def test_a_checkout_nobody_paid_is_looked_at_until_it_is_paid(desk: Desk) -> None:
    await clear(desk)
    await desk.ask("products", sku="TEA", title="龙井", category="茶", price_fen=16_800, stock=9)
    await desk.bot.writer.accept(_member_says(desk, "商城"))
    await desk.bot.writer.accept(_member_says(desk, "1"))
    await desk.passes(minutes=16)

    assert "王女士🎉 下了单没付款（龙井，168 元）" in await desk.says("今日任务")
    checkout = desk.one("SELECT code FROM checkout")
    await desk.pays("wm1", "E1", 16_800, checkout=checkout)
    assert "没有要做的事" in await desk.says("今日任务")


def _member_says(desk: Desk, words: str) -> TextReceived:
    number = next(desk.bot.numbers)
    return TextReceived(
        key=f"wecom_kf:msg:{number}", source="wecom_kf", at=desk.bot.clock.now(), sender=Address("wecom", "wm1"),
        text=words, msg_id=str(number),
    )  # fmt: skip


async def test_who_wanted_a_person_is_one_task_a_day(desk: Desk) -> None:
    await clear(desk)
    for number in range(2):
        await desk.bot.writer.accept(HandoverWanted(
            key=f"w{number}", source="kf", at=desk.bot.clock.now(), member_id=desk.member("wm1"), userid="lina"
        ))  # fmt: skip
        await desk.passes(minutes=5)

    assert (await desk.says("今日任务")).count("找人工") == 1


async def test_in_the_morning_guides_with_work_hear_of_it(desk: Desk) -> None:
    desk.bot.wecom.calls.clear()
    await desk.passes(hours=21)
    await desk.bot.deliver()

    assert "今天有 2 件事" in desk.bot.wecom.said_to("lina")[-1]
    assert "今天有 1 件事" in desk.bot.wecom.said_to("aqiang")[-1]
    before = len(desk.bot.wecom.said_to("lina"))
    await desk.passes(hours=1)
    await desk.bot.deliver()
    assert len(desk.bot.wecom.said_to("lina")) == before


async def test_a_morning_that_was_missed_is_not_told_in_the_evening(desk: Desk) -> None:
    await clear(desk)
    await desk.joins("wm8", "新来的")
    desk.bot.wecom.calls.clear()
    desk.bot.clock.advance(timedelta(hours=30).total_seconds())  # down from noon to six in the evening of the next day
    for _ in range(4):
        await desk.scheduler.sweep()
        desk.bot.clock.advance(1)
    await desk.bot.deliver()

    assert desk.bot.wecom.said_to("lina") == []


async def test_nobody_does_anothers_task(desk: Desk) -> None:
    row = desk.one("SELECT id FROM guide_task WHERE userid = 'aqiang'")
    assert "没有这件事" in await desk.says(f"完成 #{row}")
    assert "没有这件事" in await desk.says("完成 99")
    assert desk.one("SELECT status FROM guide_task WHERE id = :i", i=row) == "open"


async def test_others_add_tasks_by_a_key_that_counts_once(desk: Desk) -> None:
    def add(work: Work) -> tuple[int | None, int | None]:
        given = ("lina", "salon", "给沙龙 S12 的 3 位打电话", work.now, "salon:12", "rule:salon", work.now)
        return tasks.add(work.db, work.ids, *given), tasks.add(work.db, work.ids, *given)

    first, second = await desk.bot.writer.call(add)
    assert first is not None
    assert second is None
    assert "给沙龙 S12" in await desk.says("今日任务")


async def test_a_button_of_the_card_is_done_with_it(database_url: str) -> None:
    async with start_desk(database_url, cards=True) as desk:
        card = await desk.card("今日任务")
        assert [button["text"] for button in card["button_list"]] == ["完成 1", "完成 2"]
        assert card["horizontal_content_list"][0]["value"].startswith("跟新客户 王女士🎉")
        await desk.tap(card, 1)

        assert desk.bot.count("guide_task", "status = 'done' AND done_by = 'lina'") == 1
