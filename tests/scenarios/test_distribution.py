"""分销: a member becomes a distributor by a person's yes, brings customers who never bought, earns by what they buy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.distributing import asks_for, brings, code_of, earned, pays_out, promotes, purse, start_mall
from tests.scenarios.referring import ask
from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    async with start_mall(database_url) as there:
        yield there


async def test_a_member_applies_and_a_manager_of_the_store_agrees(mall: Shop) -> None:
    assert "还不是分销员" in await mall.says("wm1", "我的分销")
    answer = await mall.says("wm1", "申请分销")
    assert "不收任何费用" in answer
    assert "10%" in answer
    assert "还在审核" in await mall.says("wm1", "成为分销员")
    assert "会员1 申请成为分销员" in await mall.bot.says("待审批", "ma")
    number = mall.one("SELECT id FROM approval WHERE status = 'waiting'")
    assert "不在你的审批权限" in await mall.bot.says(f"同意 {number}", "mo")  # of another store

    told = await mall.bot.says(f"同意 {number}", "ma")

    assert "你已经是分销员了" in told
    row = mall.bot.rows("SELECT customer_manager, service_manager, approved_by, status FROM distributor")[0]
    assert tuple(row) == ("lina", "ma", "ma", "active")
    assert f"推广码 {code_of(mall, 'wm1')}" in await mall.says("wm1", "我的分销")
    assert "你的推广码" in await mall.says("wm1", "申请分销")
    assert mall.bot.count("distributor") == 1


async def test_who_is_refused_hears_why_and_may_ask_again(mall: Shop) -> None:
    await mall.says("wm1", "申请分销")
    number = mall.one("SELECT id FROM approval WHERE status = 'waiting'")
    assert "没有通过：资料不全" in await mall.bot.says(f"拒绝 {number} 资料不全", "boss")
    assert "已提交" in await mall.says("wm1", "申请分销")
    await mall.passes(days=4)
    assert "已提交" in await mall.says("wm1", "申请分销")
    assert mall.bot.count("distributor") == 0


async def test_without_approval_two_managers_must_be_known(database_url: str) -> None:
    async with start_mall(database_url, require_approval=False) as mall:
        assert "你的推广码" in await mall.says("wm1", "申请分销")
        await mall.bot.employs("lina", "guide", "")  # whose manager is nobody
        assert "已提交" in await mall.says("wm2", "申请分销")
        assert mall.bot.count("distributor") == 1


async def test_an_order_of_a_customer_earns_and_ripens(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    assert "会员** 介绍来的" not in await brings(mall, code, "new1")
    await mall.pays("new1", "o1", 12_345)

    assert earned(mall, "o1") == [(1, 1_234, 1_234, "pending")]
    assert "待结算 12.34 元" in await mall.says("wm1", "我的佣金")
    assert "退货期满才能提现" in await mall.says("wm1", "提现")
    await mall.passes(days=7, minutes=1)

    assert earned(mall, "o1") == [(1, 1_234, 1_234, "available")]
    assert purse(mall, "wm1") == (1_234, 0)
    assert "可提现 12.34 元" in await mall.says("wm1", "我的佣金")
    await mall.passes(days=30)
    assert purse(mall, "wm1") == (1_234, 0)


async def test_money_leaves_by_a_persons_act_alone(mall: Shop) -> None:
    await _ripe(mall, 100_000)
    assert "可提现的只有 100 元" in await mall.says("wm1", "提现 100.01")
    assert "写明金额" in await mall.says("wm1", "提现 很多")
    assert "满 1 元才能提现" in await mall.says("wm1", "提现 0.5")
    number = await asks_for(mall, "wm1", "60")
    assert purse(mall, "wm1") == (4_000, 0)
    assert f"提现号 {number}：会员1 60 元" in await mall.bot.says("待付佣金", "boss")

    status, body = await pays_out(mall, number, "BANK-1")
    assert (status, body["status"], body["fen"]) == (200, "paid", 6_000)
    again = await pays_out(mall, number, "BANK-1")
    assert again[1]["status"] == "paid"
    assert (await pays_out(mall, number, "BANK-2"))[0] == 409
    assert "已付 60 元" in await mall.says("wm1", "我的佣金")
    assert mall.one("SELECT sum(amount) FROM transfer WHERE credit = 'paid_out'") == 6_000


async def test_what_is_not_paid_goes_back(mall: Shop) -> None:
    await _ripe(mall, 100_000)
    number = await asks_for(mall, "wm1")
    assert "没有可以提现的佣金（提现中 100 元）" in await mall.says("wm1", "提现")
    told = await mall.bot.says(f"驳回提现 {number} 账户信息不全", "boss")
    assert "已驳回" in told
    assert "账户信息不全" in told
    assert purse(mall, "wm1") == (10_000, 0)
    assert "现在是 rejected" in await mall.bot.says(f"驳回提现 {number} 再来", "boss")
    assert (await pays_out(mall, number))[0] == 409


async def test_staff_note_a_payout_by_words_and_a_large_one_needs_two(mall: Shop) -> None:
    await _ripe(mall, 2_000_000, most_fen=True)
    number = await asks_for(mall, "wm1", "1000.01")
    assert "已请另一个人审批" in await mall.bot.says(f"已付佣金 {number} Bank-No-7", "boss")
    assert mall.one("SELECT status FROM commission_payout") == "requested"
    approval = mall.one("SELECT id FROM approval WHERE status = 'waiting'")
    assert "自己申请的不能自己同意" in await mall.bot.says(f"同意 {approval}", "boss")
    assert "流水号 Bank-No-7" in await mall.bot.says(f"同意 {approval}", "chief")
    row = mall.bot.rows("SELECT status, reference, decided_by FROM commission_payout")[0]
    assert tuple(row) == ("paid", "Bank-No-7", "chief")
    small = await asks_for(mall, "wm1", "20")
    assert "记下了" in await mall.bot.says(f"已付佣金 {small} B8", "boss")
    assert "待付佣金" in await mall.bot.says("已付佣金 x y", "boss")
    assert "没有待付的提现" in await mall.bot.says("待付佣金", "boss")


async def _ripe(mall: Shop, fen: int, *, most_fen: bool = False) -> None:
    """wm1 has a tenth of `fen` to ask for."""
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    parts = 10 if most_fen else 1  # an order earns 200 yuan at most
    for place in range(parts):
        await mall.pays("new1", f"o{place}", fen // parts)
    await mall.passes(days=8)
    assert purse(mall, "wm1") == (fen // 10, 0)


async def test_refunds_before_and_after_take_back_what_they_should(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    await mall.pays("new1", "o1", 9_999)
    await mall.refunds("o1", 3_333)
    assert earned(mall, "o1") == [(1, 999, 666, "pending")]
    await mall.refunds("o1", 6_666)
    assert earned(mall, "o1") == [(1, 999, 0, "cancelled")]
    await mall.pays("new1", "o2", 10_000)
    await mall.passes(days=8)
    assert purse(mall, "wm1") == (1_000, 0)
    await mall.refunds("o2", 2_500)
    assert purse(mall, "wm1") == (750, 0)

    paid = await asks_for(mall, "wm1", "5")
    await pays_out(mall, paid)
    waiting = await asks_for(mall, "wm1")  # 2.5 yuan that nobody has paid yet
    await mall.refunds("o2", 7_500)

    assert purse(mall, "wm1") == (0, 500)
    assert mall.one("SELECT status FROM commission_payout WHERE id = :i", i=waiting) == "cancelled"
    answer = await mall.says("wm1", "我的佣金")
    assert "有退货要扣回 5 元" in answer
    assert "已退货，扣回" in answer
    assert "已退货，取消" in answer
    await mall.pays("new1", "o3", 8_000)
    await mall.passes(days=8)
    assert purse(mall, "wm1") == (300, 0)


async def test_what_left_already_is_recorded_as_it_was(mall: Shop) -> None:
    """The bank paid 100 yuan, a refund came before anybody wrote it down."""
    await _ripe(mall, 100_000)
    number = await asks_for(mall, "wm1")
    await mall.refunds("o0", 40_000)
    assert purse(mall, "wm1") == (0, 0)
    assert mall.one("SELECT amount_fen FROM commission_payout") == 6_000
    assert (await pays_out(mall, number, fen=5_000))[0] == 409
    assert (await pays_out(mall, number, fen=10_001))[0] == 409

    status, body = await pays_out(mall, number, fen=10_000)

    assert (status, body["fen"]) == (200, 10_000)
    assert purse(mall, "wm1") == (0, 4_000)


async def test_a_refund_told_before_its_order_leaves_what_is_right(mall: Shop) -> None:
    code = await promotes(mall, "wm1")
    await brings(mall, code, "new1")
    await mall.refunds("o1", 2_500)
    await mall.pays("new1", "o1", 10_000)
    assert earned(mall, "o1") == [(1, 1_000, 750, "pending")]


async def test_lines_earn_by_category_net_of_coupons(database_url: str) -> None:
    async with start_mall(database_url, category_rate_bp={"茶": 2_000, "卡": 0}) as mall:
        for sku, category in (("T", "茶"), ("G", "卡"), ("X", "")):
            body = {"sku": sku, "title": f"商品{sku}", "category": category, "price_fen": 5_000}
            assert (await ask(mall, "products", **body))[0] == 201
        await brings(mall, await promotes(mall, "wm1"), "new1")
        items = [{"sku": "T", "qty": 1, "price_fen": 5_000}, {"sku": "G", "qty": 1, "price_fen": 5_000},
                 {"sku": "X", "qty": 2, "price_fen": 2_500}, {"title": "运费"}]  # fmt: skip
        await mall.pays("new1", "o1", 12_001, items=items)  # 30 yuan less by a coupon
        rows = mall.bot.rows("SELECT sku, net_fen, rate_bp, amount_fen FROM commission_line ORDER BY place")
        assert [tuple(row) for row in rows] == [
            ("T", 4_001, 2_000, 800), ("G", 4_000, 0, 0), ("X", 4_000, 1_000, 400), ("", 0, 1_000, 0)
        ]  # fmt: skip
        assert earned(mall, "o1")[0][1] == 1_200


async def test_turned_off_nothing_is_promised(database_url: str) -> None:
    async with start_shop(database_url, {}) as mall:
        assert "分销" not in await mall.says("wm1", "帮助")
        await mall.pays("wm1", "o1", 10_000)
        assert mall.bot.count("commission") == 0
        assert (await ask(mall, "distribution/hand-over", old="a", new="b"))[0] == 404
