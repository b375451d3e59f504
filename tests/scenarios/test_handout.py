"""导购发券: after a yes, once, never beyond the day's allowance or the template's own limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.events import Address, TextReceived
from tests.desk import Desk, start_desk

RULES = {"handout": {"per_day": 3, "fen_per_day": 9_000, "manager_per_day": 50, "manager_fen_per_day": 100_000}}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url, RULES) as made:
        await made.template()
        await made.template(name="满200减50", value=5_000, threshold_fen=20_000)
        await made.template(name="内部券", for_guides=False)
        yield made


def coupons(desk: Desk) -> list[tuple[Any, ...]]:
    """(template, status) of what was handed out."""
    return [tuple(row) for row in desk.bot.rows("SELECT template, status FROM coupon WHERE template_id IS NOT NULL")]


def allowance(desk: Desk, name: str = "handout:lina") -> tuple[int, int]:
    """Remaining and taken."""
    row = desk.bot.rows("SELECT remaining, taken FROM stock WHERE name LIKE :n", n=f"{name}:%")[0]
    return row[0], row[1]


async def test_a_coupon_is_chosen_confirmed_and_told(desk: Desk) -> None:
    listed = await desk.says("发券 王女士")
    assert "今天还能发 3 张、90 元" in listed
    assert "1. 满100减20（最多抵 20 元，还剩 100 张）" in listed
    assert "内部券" not in listed
    sure = await desk.says("1")
    assert "给 王女士🎉 发「满100减20」，确定吗？" in sure
    assert coupons(desk) == []

    done = await desk.says("1")
    assert "发好了" in done
    assert "请转告 王女士🎉" in done  # no window is open: the guide passes it on
    assert coupons(desk) == [("满100减20", "active")]
    assert allowance(desk) == (2, 1)
    assert desk.bot.count("audit_log", "action = 'coupon.handed_out' AND actor = 'lina'") == 1


async def test_a_second_yes_shows_what_the_first_gave(desk: Desk) -> None:
    await desk.says("发券 王女士 满100减20")
    row = desk.one("SELECT max(id) FROM handout")
    first = await desk.says(f"确认发券 #{row}")
    again = await desk.says(f"确认发券 #{row}")

    code = desk.one("SELECT code FROM coupon WHERE template_id IS NOT NULL")
    assert code in first
    assert code in again
    assert len(coupons(desk)) == 1
    assert "没有发" in await desk.says(f"不发券 #{row}")


async def test_only_who_asked_can_say_yes_and_only_in_time(desk: Desk) -> None:
    await desk.says("发券 王女士 满100减20")
    row = desk.one("SELECT max(id) FROM handout")
    assert "没有发" in await desk.says(f"确认发券 #{row}", "aqiang")
    await desk.passes(minutes=11)

    assert "没有发" in await desk.says(f"确认发券 #{row}")
    assert coupons(desk) == []


async def test_no_means_nothing_moved(desk: Desk) -> None:
    await desk.says("发券 王女士 满100减20")
    assert "额度没有动" in await desk.says("2")
    row = desk.one("SELECT max(id) FROM handout")

    assert "没有发" in await desk.says(f"确认发券 #{row}")
    assert coupons(desk) == []


async def test_the_day_has_an_end(desk: Desk) -> None:
    for who in ("王女士", "晓明"):
        await desk.says(f"发券 {who} 满100减20")
        await desk.says("1")
    refused = await desk.says("发券 王女士 满200减50")  # 50 of 50 yuan left
    assert "确定吗" in refused
    await desk.says("1")
    assert allowance(desk, "handout_fen:lina") == (0, 9_000)
    assert "今天的发券额度用完了" in await desk.says("发券 晓明 满100减20")

    await desk.passes(days=1)
    assert "今天还能发 3 张、90 元" in await desk.says("发券 晓明")


async def test_beyond_it_the_manager_is_named_who_may_do_it(desk: Desk) -> None:
    await desk.bot.employs("lina", "guide", "store-001")
    await desk.bot.employs("chief", "manager", "store-001")
    for who in ("王女士", "晓明"):
        await desk.says(f"发券 {who} 满100减20")
        await desk.says("1")
    await desk.template(name="满500减80", value=8_000, threshold_fen=50_000)

    refused = await desk.says("发券 晓明 满500减80")
    assert "只剩 50 元" in refused
    assert "可以请chief批" in refused
    words = refused.partition("「")[2].partition("」")[0]
    assert "确定吗" in await desk.says(words, "chief")
    assert "发好了" in await desk.says("1", "chief")


async def test_the_templates_own_limits_hold_and_cost_no_allowance(desk: Desk) -> None:
    await desk.template(name="独一张", stock=1, per_member=1)
    for who, said in (("王女士", "发好了"), ("王女士", "上限"), ("晓明", "发完")):
        await desk.says(f"发券 {who} 独一张")
        assert said in await desk.says("1"), who

    assert allowance(desk) == (2, 1)
    assert allowance(desk, "handout_fen:lina") == (7_000, 2_000)


async def test_yeses_at_once_never_pass_the_allowance(desk: Desk) -> None:
    rows = []
    for _ in range(6):
        await desk.says("发券 王女士 满100减20")
        rows.append(desk.one("SELECT max(id) FROM handout"))

    async def yes(row: int, place: int) -> None:
        key = f"wecom_app:msg:yes{place}"
        await desk.bot.writer.accept(TextReceived(
            key=key, source="wecom_app", at=desk.bot.clock.now(), sender=Address("wecom_staff", "lina"),
            text=f"确认发券 #{row}", msg_id=key,
        ))  # fmt: skip

    await asyncio.gather(*[yes(row, place) for place, row in enumerate(rows + rows)])
    assert len(coupons(desk)) == 3
    assert allowance(desk) == (0, 3)


async def test_others_members_get_nothing(desk: Desk) -> None:
    assert "不归你跟进" in await desk.says(f"发券 #{desk.member('wm3')} 满100减20")
    await desk.says("发券 王女士 满100减20")
    await desk.bot.leaves("wm1")

    assert "没有发" in await desk.says("1")
    assert coupons(desk) == []


async def test_without_a_coupon_for_guides_there_is_nothing_to_choose(database_url: str) -> None:
    async with start_desk(database_url) as desk:
        assert "没有可以由导购发的券" in await desk.says("发券 王女士")


async def test_a_card_asks_and_shows_when_it_was_done(database_url: str) -> None:
    async with start_desk(database_url, cards=True) as desk:
        await desk.template()
        card = await desk.card("发券 王女士 满100减20")
        assert [button["text"] for button in card["button_list"]] == ["确定发", "不发了"]
        await desk.tap(card, 0)
        await desk.tap(card, 0)

        assert len(coupons(desk)) == 1
        updates = desk.bot.wecom.sent("message/update_template_card")
        assert updates[0]["button"] == {"replace_name": "已发 12:00 lina"}
