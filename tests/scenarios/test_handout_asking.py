"""请店长批: a coupon beyond the allowance waits for a second person; it is given once, from their allowance, or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.events import Address, TextReceived
from tests.conftest import NOON
from tests.desk import PLAYS, Desk, start_desk
from tests.fakes import start_bot
from tests.office import office_of
from tests.scenarios.test_handout import allowance, coupons

RULES = {
    "handout": {"per_day": 1, "fen_per_day": 9_000, "approve_above_fen": 6_000, "manager_per_day": 2,
                "manager_fen_per_day": 20_000, "manager_approve_above_fen": 9_000},
    "approvals": {},
}  # fmt: skip


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url, RULES) as made:
        await made.template()
        await made.template(name="满500减80", value=8_000, threshold_fen=50_000, stock=1)
        await made.bot.employs("lina", "guide", "s1")
        await made.bot.employs("chief", "manager", "s1")
        await made.bot.employs("deputy", "manager", "s1")
        await made.bot.employs("other", "manager", "s2")
        yield made


async def waits(desk: Desk, coupon: str = "满500减80", who: str = "王女士") -> int:
    """lina asks; the number of what waits."""
    assert "可以请chief、deputy批" in await desk.says(f"发券 {who} {coupon}")
    assert "已经请chief、deputy批了" in await desk.says("1")
    return int(desk.one("SELECT max(id) FROM approval"))


async def read(desk: Desk, userid: str) -> str:
    """All that somebody has read."""
    await desk.bot.deliver()
    return "\n".join(desk.bot.wecom.said_to(userid))


async def test_a_dear_coupon_is_given_when_the_manager_agrees(desk: Desk) -> None:
    number = await waits(desk)
    assert coupons(desk) == []
    asked = await read(desk, "chief")
    assert f"审批号 {number}" in asked
    assert "lina 申请：给 王女士🎉 发「满500减80」（最多抵 80 元）" in asked

    await desk.says(f"同意 {number}", "chief")

    assert coupons(desk) == [("满500减80", "active")]
    code = desk.one("SELECT code FROM coupon WHERE template_id IS NOT NULL")
    heard = await read(desk, "lina")
    assert f"chief 同意了，发好了：王女士🎉 的「满500减80」，券码 {code}" in heard
    assert "lina 送你一张「满500减80」" in heard  # no window is open: she passes it on
    assert allowance(desk, "handout:chief") == (1, 1)
    assert allowance(desk, "handout_fen:chief") == (12_000, 8_000)
    assert desk.bot.count("stock", "name LIKE 'handout%:lina:%'") == 0
    trail = desk.bot.rows(
        "SELECT actor, action FROM audit_log WHERE action LIKE 'approval.%' OR action LIKE '%handed%' ORDER BY id"
    )
    assert [tuple(row) for row in trail] == [
        ("lina", "approval.asked"), ("chief", "approval.approved"), ("lina", "coupon.handed_out")
    ]  # fmt: skip


async def test_a_second_yes_a_second_manager_and_a_second_question_give_nothing_more(desk: Desk) -> None:
    number = await waits(desk)
    row = desk.one("SELECT max(id) FROM handout")
    assert "已经请" in await desk.says(f"请批发券 #{row}")
    assert "已经请" in await desk.says(f"确认发券 #{row}")
    await desk.says("发券 王女士 满500减80")
    assert "已经请" in await desk.says("1")
    assert desk.bot.count("approval") == 1

    await desk.says(f"同意 {number}", "chief")
    for userid in ("chief", "deputy"):
        assert "已经有人处理过" in await desk.says(f"同意 {number}", userid)
    assert "发好了" in await desk.says(f"请批发券 #{row}")
    assert len(coupons(desk)) == 1


async def test_beyond_the_days_count_it_waits_as_well(desk: Desk) -> None:
    await desk.says("发券 王女士 满100减20")
    await desk.says("1")
    assert "今天的发券额度用完了" in await desk.says("发券 晓明 满100减20")
    await desk.says("1")
    await desk.says(f"同意 {desk.one('SELECT max(id) FROM approval')}", "deputy")

    assert len(coupons(desk)) == 2
    assert (allowance(desk), allowance(desk, "handout:deputy")) == ((0, 1), (1, 1))


async def test_an_allowance_that_ended_between_question_and_yes_leads_to_the_manager(desk: Desk) -> None:
    for who in ("王女士", "晓明"):
        await desk.says(f"发券 {who} 满100减20")
    first, second = [row[0] for row in desk.bot.rows("SELECT id FROM handout ORDER BY id")]
    await desk.says(f"确认发券 #{first}")

    assert "可以请chief、deputy批" in await desk.says(f"确认发券 #{second}")
    assert "已经请" in await desk.says("1")
    assert len(coupons(desk)) == 1


async def test_refused_is_told_and_nothing_moves(desk: Desk) -> None:
    number = await waits(desk)
    await desk.says(f"拒绝 {number} 上周发过了", "chief")

    assert "chief 拒绝了你的申请：给 王女士🎉 发「满500减80」（最多抵 80 元）（上周发过了）" in await read(desk, "lina")
    assert coupons(desk) == []
    assert desk.bot.count("stock", "name LIKE 'handout%'") == 0
    assert desk.one("SELECT status FROM handout") == "declined"
    assert "可以请" in await desk.says("发券 王女士 满500减80")  # and may be asked anew


async def test_nobody_answers(desk: Desk) -> None:
    number = await waits(desk)
    await desk.passes(hours=24, minutes=1)

    assert "没有人在期限内处理" in await read(desk, "lina")
    assert "过期了" in await desk.says(f"同意 {number}", "chief")
    assert coupons(desk) == []


async def test_who_asks_does_not_agree_nor_does_another_store(desk: Desk) -> None:
    await desk.template(name="满900减95", value=9_500, threshold_fen=90_000)
    assert "可以请deputy批" in await desk.says("发券 王女士 满900减95", "chief")
    await desk.says("1", "chief")
    number = desk.one("SELECT max(id) FROM approval")

    assert "自己申请的不能自己同意" in await desk.says(f"同意 {number}", "chief")
    assert "不在你的审批权限里" in await desk.says(f"同意 {number}", "other")
    assert "不在你的权限里" in await desk.says(f"同意 {number}", "lina")
    assert coupons(desk) == []
    await desk.says(f"同意 {number}", "deputy")
    assert len(coupons(desk)) == 1


@pytest.mark.parametrize(("meanwhile", "why"), [
    ("sold", "这张券已经发完了"),
    ("left", "不归申请人的门店跟进"),
    ("disabled", "lina 已经停用"),
    ("spent", "chief 今天的发券额度也不够了"),
])  # fmt: skip
async def test_what_changed_meanwhile_is_said_to_both(desk: Desk, meanwhile: str, why: str) -> None:
    number = await waits(desk)
    if meanwhile == "sold":
        await desk.says("发券 晓明 满500减80", "deputy")
        await desk.says("1", "deputy")
    elif meanwhile == "left":
        await desk.bot.leaves("wm1")
    elif meanwhile == "disabled":
        await desk.bot.employs("lina", "guide", "s1", status="disabled")
    else:
        for who in ("王女士", "晓明"):
            await desk.says(f"发券 {who} 满100减20", "chief")
            await desk.says("1", "chief")
    before = len(coupons(desk))

    assert why in await desk.says(f"同意 {number}", "chief")

    assert why in await read(desk, "lina")
    assert len(coupons(desk)) == before
    status, reason = desk.bot.rows("SELECT status, reason FROM approval")[0]
    assert (status, why in reason) == ("rejected", True)


async def test_the_manager_agrees_over_the_api(desk: Desk) -> None:
    number = await waits(desk)
    async with office_of(desk.bot) as office:
        lina, chief = await office.token_of("lina"), await office.token_of("chief")
        other = await office.token_of("other")
        assert (await office.post(f"approvals/{number}/approve", {}, lina))[0] == 403
        assert (await office.post(f"approvals/{number}/approve", {}, other))[0] in (403, 404)
        assert (await office.post(f"approvals/{number}/approve", {}, chief))[0] == 200
        assert (await office.post(f"approvals/{number}/approve", {}, chief))[0] == 409
        assert len(coupons(desk)) == 1

        await desk.says("发券 晓明 满500减80")  # its stock is one
        await desk.says("1")
        last = desk.one("SELECT max(id) FROM approval")
        _, answer = await office.post(f"approvals/{last}/approve", {}, chief)
    assert (answer["done"]["status"], answer["done"]["body"]["error"]["code"]) == (409, "not_done")
    assert "发完" in answer["done"]["body"]["error"]["message"]


async def test_a_card_asks_the_manager(database_url: str) -> None:
    async with start_desk(database_url, RULES, cards=True) as desk:
        await desk.template(name="满500减80", value=8_000, threshold_fen=50_000)
        await desk.bot.employs("lina", "guide", "s1")
        await desk.bot.employs("chief", "manager", "s1")
        card = await desk.card("发券 王女士 满500减80")
        assert [button["text"] for button in card["button_list"]] == ["请对方批", "不发了"]
        await desk.tap(card, 0)
        asked = await desk.shown("chief")
        assert [button["text"] for button in asked["button_list"]] == ["同意", "拒绝"]
        await desk.tap(asked, 0, "chief")
        sure = await desk.shown("chief")
        assert [button["text"] for button in sure["button_list"]] == ["确定", "取消"]
        for card in (sure, asked, sure):
            await desk.tap(card, 0, "chief")
        assert len(coupons(desk)) == 1


async def test_what_waits_outlives_the_process(database_url: str) -> None:
    async with start_desk(database_url, RULES) as before:
        await before.template(name="满500减80", value=8_000, threshold_fen=50_000)
        await before.bot.employs("lina", "guide", "s1")
        await before.bot.employs("chief", "manager", "s1")
        await before.says("发券 王女士 满500减80")
        await before.says("1")
        number = before.one("SELECT max(id) FROM approval")
    async with start_bot(database_url, NOON, None, {**PLAYS, **RULES}) as after:
        for _ in range(2):
            await after.says(f"同意 {number}", "chief")
        assert after.count("coupon", "template_id IS NOT NULL") == 1


async def at_once(desk: Desk, *said: tuple[str, str]) -> None:
    """Several people write in the same moment."""

    async def write(place: int, userid: str, words: str) -> None:
        key = f"wecom_app:msg:rush{place}"
        await desk.bot.writer.accept(TextReceived(
            key=key, source="wecom_app", at=desk.bot.clock.now(), sender=Address("wecom_staff", userid), text=words,
            msg_id=key,
        ))  # fmt: skip

    await asyncio.gather(*[write(place, *one) for place, one in enumerate(said)])


async def test_two_managers_at_once_give_one_coupon(desk: Desk) -> None:
    number = await waits(desk)
    await at_once(desk, *[(userid, f"同意 {number}") for userid in ("chief", "deputy", "chief", "deputy")])

    assert len(coupons(desk)) == 1
    assert desk.bot.count("audit_log", "action = 'approval.approved'") == 1


async def test_a_yes_and_a_no_at_once_are_one_of_them(desk: Desk) -> None:
    number = await waits(desk)
    await at_once(desk, ("deputy", f"拒绝 {number}"), ("chief", f"同意 {number}"))

    assert (coupons(desk), desk.one("SELECT status FROM handout")) == ([], "declined")
