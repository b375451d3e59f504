"""分销里的人: whose customer somebody is, two levels and no third, who serves whom, two members who prove to be one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.kf_events import KfEntered
from bot.turn import Work
from storage import oneid
from tests.scenarios.distributing import (
    asks_for,
    brings,
    code_of,
    earned,
    pays_out,
    promoter,
    promotes,
    purse,
    start_mall,
)
from tests.scenarios.referring import ask
from tests.shop import Shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    async with start_mall(database_url) as there:
        yield there


@pytest.fixture
async def deep(database_url: str) -> AsyncIterator[Shop]:
    """Two levels are paid."""
    async with start_mall(database_url, levels=2, second_rate_bp=300) as there:
        yield there


def whose(mall: Shop, who: str) -> list[tuple[str, str]]:
    """(the distributor's code, why it ended) of somebody's bindings."""
    rows = mall.bot.rows(
        "SELECT d.code, b.why FROM distribution_customer b JOIN distributor d ON d.id = b.distributor_id "
        "JOIN identity i ON i.member_id = b.member_id WHERE i.external_id = :w ORDER BY b.id", w=who,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def test_the_first_who_brings_somebody_keeps_them(mall: Shop) -> None:
    one, two = await promotes(mall, "wm1"), await promotes(mall, "wm2")
    assert "会** 介绍来的" in await brings(mall, one, "new1")
    assert "已经填好了" in await mall.says("new1", f"填推广码 {one.lower()}")
    assert "填过别人的推广码" in await mall.says("new1", f"填推广码 {two}")
    assert "自己的推广码" in await mall.says("wm1", f"填推广码 {one}")
    assert "没有找到" in await mall.says("wm4", "填推广码 ZZZZ-ZZZZ")
    assert "不能再填别人的" in await mall.says("wm2", f"填推广码 {one}")
    await mall.pays("wm3", "o1", 500)
    assert "已经在我们这里买过" in await mall.says("wm3", f"填推广码 {one}")
    assert "还差推广码" in await mall.says("wm4", "填推广码")
    await mall.passes(days=31)  # the protection is over, and they have not bought
    assert "介绍来的" in await mall.says("new1", f"填推广码 {two}")
    assert whose(mall, "new1") == [(one, "replaced"), (two, "")]
    await mall.pays("new1", "o2", 10_000)
    await mall.passes(days=60)
    assert "已经在我们这里买过" in await mall.says("new1", f"填推广码 {one}")
    assert "客户 1 位" in await mall.says("wm2", "我的分销")
    assert "小** " not in await mall.says("wm2", "我的客户")
    assert "还没有客户" in await mall.says("wm1", "我的客户")


async def test_orders_before_the_binding_or_after_its_end_earn_nothing(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    early = mall.bot.clock.now().replace(hour=1)
    await mall.pays("new1", "o1", 10_000, at=early)
    await mall.passes(days=365)
    await mall.pays("new1", "o2", 10_000)
    assert (earned(mall, "o1"), earned(mall, "o2")) == ([], [])


async def test_a_qr_code_and_a_kf_link_bind_as_well(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await mall.bot.deliver()
    (way,) = mall.bot.wecom.sent("externalcontact/add_contact_way")
    assert (way["state"], way["user"]) == (f"dst:{code}", ["lina"])
    await mall.bot.joins("new1", state=f"dst:{code}")
    await mall.bot.writer.accept(KfEntered(
        key="wecom_kf:e1", source="wecom_kf", at=mall.bot.clock.now(), open_kfid="wk", external_userid="new2",
        scene="s", scene_param=f"dst:{code}",
    ))  # fmt: skip
    await mall.bot.joins("wm2", state=f"dst:{code}")
    assert [whose(mall, who) for who in ("new1", "new2")] == [[(code, "")]] * 2
    await mall.bot.joins("new3", state="ref:ZZZZ-ZZZZ")
    assert mall.bot.count("distribution_customer") == 3


async def test_odd_customers_wait_for_a_person(database_url: str) -> None:
    async with start_mall(database_url, velocity_per_hour=2) as mall:
        code = await promotes(mall, "wm1")
        for who in ("new1", "new2", "new3", "new4"):
            await brings(mall, code, who)
            await mall.pays(who, f"o-{who}", 10_000)
        await mall.passes(days=8)
        assert purse(mall, "wm1") == (2_000, 0)
        assert "正在人工核对" in await mall.says("wm1", "我的客户")
        ids = [row[0] for row in mall.bot.rows("SELECT id FROM distribution_customer WHERE decided_at IS NULL")]
        assert (await ask(mall, "distribution/customers/approve", id=ids[0]))[0] == 200
        assert (await ask(mall, "distribution/customers/reject", id=ids[1], reason="同一批号"))[0] == 200
        assert purse(mall, "wm1") == (3_000, 0)
        assert earned(mall, "o-new4") == [(1, 1_000, 0, "cancelled")]
        assert (await ask(mall, "distribution/customers/approve", id=ids[1]))[0] == 409
        assert (await ask(mall, "distribution/customers/approve", id=99_999))[0] == 404


async def test_staff_take_no_part(database_url: str) -> None:
    async with start_mall(database_url, staff_external_userids=["wm2", "new2"]) as mall:
        assert "员工不参加" in await mall.says("wm2", "申请分销")
        code = await promotes(mall, "wm1")
        assert "员工不参加" in await brings(mall, code, "new2")


async def test_a_path_of_two_and_never_of_three(deep: Shop) -> None:
    top = await promotes(deep, "wm1")
    await brings(deep, top, "mid")
    middle = await promotes(deep, "mid")
    await brings(deep, middle, "low")
    bottom = await promotes(deep, "low")
    await brings(deep, bottom, "new1")

    await deep.pays("new1", "o1", 10_000)
    await deep.pays("low", "o2", 10_000)
    await deep.pays("mid", "o3", 10_000)

    assert earned(deep, "o1") == [(1, 1_000, 1_000, "pending"), (2, 300, 300, "pending")]
    rows = deep.bot.rows("SELECT level, distributor_id, via_id FROM commission ORDER BY id")
    low, mid, high = (promoter(deep, who) for who in ("low", "mid", "wm1"))
    assert [tuple(row) for row in rows] == [
        (1, low, None), (2, mid, low),  # not wm1, who had brought mid
        (1, mid, None), (2, high, mid),
        (1, high, None),
    ]  # fmt: skip
    await deep.passes(days=8)
    await deep.refunds("o1", 5_000)
    assert earned(deep, "o1") == [(1, 1_000, 500, "available"), (2, 300, 150, "available")]
    assert [purse(deep, who)[0] for who in ("low", "mid", "wm1")] == [500, 1_150, 1_300]


async def test_one_level_is_usual_and_the_cap_is_for_all(database_url: str, mall: Shop) -> None:
    await brings(mall, await promotes(mall, "wm1"), "mid")
    await brings(mall, await promotes(mall, "mid"), "new1")
    await mall.pays("new1", "o1", 9_000_000)
    assert earned(mall, "o1") == [(1, 20_000, 20_000, "pending")]


async def test_the_cap_is_parted_between_two_levels(deep: Shop) -> None:
    await brings(deep, await promotes(deep, "wm1"), "mid")
    await brings(deep, await promotes(deep, "mid"), "new1")
    await deep.pays("new1", "o1", 1_000_000)
    assert [row[1] for row in earned(deep, "o1")] == [15_385, 4_615]


async def test_suspended_earns_nothing_and_terminated_keeps_what_was_earned(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    await mall.pays("new1", "o1", 10_000)
    assert "现在：暂停" in await mall.bot.says(f"暂停分销 {code} 核实投诉", "ma")
    assert "还差原因" in await mall.bot.says(f"暂停分销 {code}", "ma")
    await mall.pays("new1", "o2", 10_000)
    await mall.passes(days=8)
    assert "暂停中" in await mall.says("wm1", "提现")
    assert (earned(mall, "o2"), purse(mall, "wm1")) == ([], (1_000, 0))
    assert "停用" in await brings(mall, code, "new2")
    assert "现在：正常" in await mall.bot.says(f"恢复分销 {code}", "ma")
    assert "没有找到这位分销员" in await mall.bot.says(f"恢复分销 {code}", "mo")
    await mall.pays("new1", "o3", 10_000)
    assert "现在：已终止" in await mall.bot.says(f"终止分销 {code} 违规", "ma")
    assert whose(mall, "new1") == [(code, "terminated")]
    await mall.pays("new1", "o4", 10_000)
    await mall.passes(days=8)
    assert (earned(mall, "o4"), purse(mall, "wm1")) == ([], (2_000, 0))
    await pays_out(mall, await asks_for(mall, "wm1"))
    assert "不能这样做" in await mall.bot.says(f"恢复分销 {code}", "ma")
    assert "已终止" in await mall.says("wm1", "申请分销")


async def test_managers_are_handed_over_with_history(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await mall.bot.employs("aqiang", "guide", "S1")
    assert "现在由 aqiang 服务" in await mall.bot.says(f"换客户经理 {code} aqiang 离职", "ma")
    assert "不在你的门店" in await mall.bot.says(f"换服务经理 {code} mo", "ma")
    assert "现在由 mo 服务" in await mall.bot.says("换服务经理 会员1 mo", "boss")
    await mall.bot.employs("gone", "guide", "S1", status="disabled")
    assert "已经停用" in await mall.bot.says(f"换客户经理 {code} gone", "boss")
    assert "还差员工账号" in await mall.bot.says(f"换客户经理 {code}", "boss")
    rows = mall.bot.rows('SELECT what, before, after, "by", reason FROM distributor_change ORDER BY id')
    assert [tuple(row) for row in rows][3:] == [
        ("customer", "lina", "aqiang", "ma", "离职"),
        ("service", "ma", "mo", "boss", ""),
    ]
    assert "会员1" in await mall.bot.says("分销员", "aqiang")
    assert "没有你服务的" in await mall.bot.says("分销员", "lina")
    assert "客户经理 aqiang，服务经理 mo" in await mall.bot.says(f"分销员 {code}", "mo")
    assert "没有找到" in await mall.bot.says(f"分销员 {code}", "lina")
    status, body = await ask(mall, "distribution/hand-over", old="aqiang", new="lina", reason="离职")
    assert (status, body) == (200, {"handed_over": 1})


async def merge(mall: Shop, stays: str, goes: str) -> int:
    """Two members prove to be one; the merge."""

    def one(who: str) -> int:
        return int(mall.one("SELECT member_id FROM identity WHERE external_id = :w", w=who))

    survivor, absorbed = one(stays), one(goes)

    def act(work: Work) -> int:
        return oneid.merge(work.db, work.ids, survivor, absorbed, "phone:test", work.cause, work.now)

    made = await mall.bot.writer.call(act)
    assert mall.bot.violations() == []
    return int(made)


async def part(mall: Shop, merged: int) -> None:
    """They were not one after all."""
    await mall.bot.writer.call(lambda work: oneid.undo(work.db, work.ids, merged, "boss", work.cause, work.now))
    assert mall.bot.violations() == []


async def test_who_promotes_stays_one_when_two_members_are_one(mall: Shop) -> None:
    code = await promotes(mall, "wm2")
    await brings(mall, code, "new1")
    await mall.pays("new1", "o1", 10_000)
    await mall.passes(days=8)
    waiting = await asks_for(mall, "wm2", "4")
    merged = await merge(mall, "wm1", "wm2")

    assert mall.one("SELECT status FROM commission_payout WHERE id = :i", i=waiting) == "rejected"
    assert purse(mall, "wm1") == (1_000, 0)
    assert "可提现 10 元" in await mall.says("wm2", "我的佣金")
    await mall.pays("new1", "o2", 10_000)
    assert [row[1] for row in earned(mall, "o2")] == [1_000]
    await part(mall, merged)
    assert purse(mall, "wm2") == (1_000, 0)
    assert code_of(mall, "wm2") == code


async def test_two_distributors_who_are_one_keep_their_customers(deep: Shop) -> None:
    one, two = await promotes(deep, "wm1"), await promotes(deep, "wm2")
    await brings(deep, two, "mid")
    await promotes(deep, "mid")
    await brings(deep, code_of(deep, "mid"), "new1")
    await deep.pays("new1", "o1", 10_000)  # mid first, wm2 second
    merged = await merge(deep, "wm1", "wm2")
    await deep.pays("new1", "o2", 10_000)
    await deep.pays("mid", "o3", 10_000)
    rows = deep.bot.rows("SELECT distributor_id FROM commission WHERE level = 2 ORDER BY id")
    ids = {code: deep.one("SELECT id FROM distributor WHERE code = :c", c=code) for code in (one, two)}
    assert [row[0] for row in rows] == [ids[two], ids[one]]
    await deep.passes(days=8)
    assert purse(deep, "wm1") == (300 + 300 + 1_000, 0)
    assert "介绍来的" in await brings(deep, two, "new5")  # the old code still works
    await part(deep, merged)
    assert deep.one("SELECT status FROM distributor WHERE id = :i", i=ids[two]) == "active"


@pytest.mark.parametrize("ripe", [False, True])
@pytest.mark.parametrize("refund", [0, 5_000])
async def test_a_customer_who_is_the_distributor_earns_nothing(mall: Shop, ripe: bool, refund: int) -> None:
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    await mall.pays("new1", "o1", 10_000)
    if ripe:
        await mall.passes(days=8)
        await pays_out(mall, await asks_for(mall, "wm1", "6"))
    merged = await merge(mall, "wm1", "new1")

    assert purse(mall, "wm1") == (0, 600 if ripe else 0)
    assert earned(mall, "o1") == [(1, 1_000, 0, "clawed_back" if ripe else "cancelled")]
    await mall.pays("new1", "o2", 10_000)
    assert earned(mall, "o2") == []
    if refund:
        await mall.refunds("o1", refund)
    await part(mall, merged)
    stands = 1_000 - refund // 10
    assert earned(mall, "o1") == [(1, 1_000, stands, "available" if ripe else "pending")]
    assert whose(mall, "new1")[-1] == (code, "")
    await mall.passes(days=8)
    left = stands - (600 if ripe else 0)
    assert purse(mall, "wm1") == (max(left, 0), max(-left, 0))


async def test_both_levels_who_are_one_are_paid_once(deep: Shop) -> None:
    await brings(deep, await promotes(deep, "wm1"), "mid")
    await brings(deep, await promotes(deep, "mid"), "new1")
    await deep.pays("new1", "o1", 10_000)
    merged = await merge(deep, "wm1", "mid")
    assert [row[2] for row in earned(deep, "o1")] == [1_000, 0]
    await deep.pays("new1", "o2", 10_000)
    assert len(earned(deep, "o2")) == 1
    await part(deep, merged)
    assert [row[2] for row in earned(deep, "o1")] == [1_000, 300]


async def test_two_bindings_of_one_person_become_one(mall: Shop) -> None:
    one, two = await promotes(mall, "wm1"), await promotes(mall, "wm2")
    await brings(mall, one, "new1")
    await brings(mall, two, "new2")
    merged = await merge(mall, "new1", "new2")
    bound: Any = mall.bot.rows("SELECT distributor_id FROM distribution_customer WHERE ended_at IS NULL")
    assert [row[0] for row in bound] == [promoter(mall, "wm1")]
    await part(mall, merged)
    assert mall.bot.count("distribution_customer", "ended_at IS NULL") == 2
    await mall.bot.joins("new3")
    again = await merge(mall, "new3", "new2")  # bound alone: the survivor takes it over
    assert mall.bot.count("distribution_customer", "ended_at IS NULL") == 2
    await part(mall, again)
