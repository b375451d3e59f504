"""老带新: one inviter for ever, a reward only for a first order that stands, and back when it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.turn import Work
from storage import coupons
from storage.ledger import ISSUER, Move, account
from tests.scenarios.referring import CONFIG, LADDER, brought, code_of, parent, state, template
from tests.shop import Shop, start_shop

# -- the way of a reward ----------------------------------------------------------------------------------------------


async def test_a_newcomer_buys_and_both_are_paid_once(club: Shop) -> None:
    await club.campaign("referral", days=90, **CONFIG)
    code = await code_of(club, "wm1")
    assert await brought(club, "new1", code) == "pending"
    assert parent(club, "new1") == "wm1"

    await club.pays("new1", "o1", 6_000)
    assert state(club, "new1") == ("held", "")
    assert "预计 12-18" in await club.says("wm1", "我的推荐")
    await club.passes(days=6, hours=23)
    assert state(club, "new1") == ("held", "")
    await club.passes(hours=2)

    assert state(club, "new1") == ("paid", "")
    assert (club.bot.points("wm1"), club.bot.points("new1")) == (100, 50)
    assert "已到账" in (answer := await club.says("wm1", "我的推荐"))
    assert "推荐累计得到 100 积分" in answer
    await club.passes(days=60)
    assert (club.bot.points("wm1"), club.bot.points("new1")) == (100, 50)
    assert club.bot.count("grant", "campaign LIKE 'referral:%'") == 2


async def test_words_bind_as_well_as_the_qr_code(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    code = await code_of(club, "wm1")
    await club.bot.joins("new1")
    typed = code.lower().replace("-", " ").replace("0", "O")

    assert "首单满 50 元、7 天内没有退货，送你 50 积分" in await club.says("new1", f"填邀请码　{typed}")
    assert "已经填好了" in await club.says("new1", f"填邀请码{code}")
    assert "已经填过别人的" in await club.says("new1", f"填邀请码 {await code_of(club, 'wm2')}")
    assert "没有找到" in await club.says("new1", "填邀请码 ZZZZ-9999")
    assert "还差邀请码" in await club.says("new1", "填邀请码")
    assert parent(club, "new1") == "wm1"


async def test_without_a_campaign_nothing_is_promised(club: Shop) -> None:
    assert "没有推荐有礼活动" in await club.says("wm1", "推荐有礼")
    assert "没有推荐过朋友" in await club.says("wm1", "我的推荐")
    await club.campaign("referral", days=1, **CONFIG)
    code = await code_of(club, "wm1")
    await club.passes(days=2)
    assert await brought(club, "new1", code) == "none"
    assert "没有推荐有礼活动" in await club.says("new1", f"填邀请码 {code}")
    assert parent(club, "new1") is None


async def test_old_friends_and_oneself_do_not_count(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    code = await code_of(club, "wm1")

    assert "你自己的邀请码" in await club.says("wm1", f"填邀请码 {code}")
    assert "老朋友" in await club.says("wm2", f"填邀请码 {code}")
    assert state(club, "wm2") == ("rejected", "known")
    await club.bot.joins("new1")
    await club.pays("new1", "o1", 9_000)
    assert "老朋友" in await club.says("new1", f"填邀请码 {code}")
    assert state(club, "new1") == ("rejected", "bought")
    assert (parent(club, "wm2"), parent(club, "new1")) == (None, None)
    assert "不是新客户" in await club.says("wm1", "我的推荐")


async def test_an_old_customer_who_scans_is_told_so(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    assert await brought(club, "wm3", await code_of(club, "wm1")) == "rejected"
    assert "你已经是老朋友了" in club.heard()


async def test_going_and_coming_back_makes_nobody_new(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    code = await code_of(club, "wm1")
    await club.bot.joins("new1")
    await club.bot.leaves("new1")
    await club.passes(minutes=1)
    assert await brought(club, "new1", code) == "rejected"

    for _ in range(20):
        await brought(club, "new2", code)
        await club.bot.deletes("new2")
        await club.passes(seconds=5)
    assert club.bot.count("referral", "level = 1 AND status <> 'rejected'") == 1


async def test_loops_are_refused_even_at_the_same_instant(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    for who in ("a", "b", "c"):
        await club.bot.joins(who)
    codes = {who: await code_of(club, who) for who in ("a", "b", "c")}
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("a", "c"), ("c", "b")]
    await asyncio.gather(*[club.says(who, f"填邀请码 {codes[by]}") for who, by in pairs])

    assert sorted(str(parent(club, who)) for who in ("a", "b", "c")).count("None") == 1
    root = next(who for who in ("a", "b", "c") if parent(club, who) is None)
    other = next(who for who in ("a", "b", "c") if parent(club, who) == root)
    assert "不能再互相填" in await club.says(root, f"填邀请码 {codes[other]}")


async def test_staff_do_not_take_part(database_url: str) -> None:
    plays: dict[str, dict[str, Any]] = {"referral": {"staff_external_userids": ["guide-private"]}}
    async with start_shop(database_url, plays) as mall:
        await mall.campaign("referral", **CONFIG)
        assert await brought(mall, "guide-private", await code_of(mall, "wm1")) == "rejected"
        assert await brought(mall, "new1", await code_of(mall, "guide-private")) == "rejected"
        assert "员工账号不参加" in await mall.says("wm1", "我的推荐")


# -- what undoes it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fen", "kept"), [(6_000, False), (1_500, False), (500, True)])
async def test_a_refund_before_it_is_due(club: Shop, fen: int, kept: bool) -> None:
    await club.campaign("referral", budget_points=1_000, **CONFIG)
    await brought(club, "new1", await code_of(club, "wm1"))
    await club.pays("new1", "o1", 6_000)
    await club.passes(days=3)
    await club.refunds("o1", fen)
    assert state(club, "new1") == (("held", "") if kept else ("rejected", "refunded"))
    await club.passes(days=5)

    assert club.bot.points("wm1") == (100 if kept else 0)
    left = club.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name LIKE 'budget:campaign:%'")
    assert left == [(850, 0, 150) if kept else (1_000, 0, 0)]
    await club.pays("new1", "o2", 9_000)  # a first order happens once
    await club.passes(days=30)
    assert club.bot.points("wm1") == (100 if kept else 0)


async def test_a_refund_after_it_was_paid_takes_all_back(club: Shop) -> None:
    await template(club, "免单券")
    gift = {"points": 100, "coupons": [{"template": "免单券", "count": 2}]}
    await club.campaign("referral", **{**CONFIG, "inviter": gift})
    await brought(club, "new1", await code_of(club, "wm1"))
    await club.pays("new1", "o1", 6_000)
    await club.passes(days=8)
    assert state(club, "new1")[0] == "paid"
    assert club.one("SELECT count(*) FROM coupon WHERE status = 'active' AND template = '免单券'") == 2
    used = club.one("SELECT code FROM coupon WHERE template = '免单券' ORDER BY id LIMIT 1")
    await spend(club, "wm1", 60, used)

    await club.refunds("o1", 6_000)

    assert state(club, "new1") == ("clawed_back", "refunded")
    assert (club.bot.points("wm1"), club.bot.points("new1")) == (0, 0)
    assert "待扣回：60" in await club.says("wm1", "我的积分")
    assert sorted(row[0] for row in club.bot.rows("SELECT status FROM coupon WHERE template = '免单券'")) == [
        "redeemed", "voided",
    ]  # fmt: skip
    written = club.bot.rows("SELECT data FROM audit_log WHERE action = 'referral.grant_reversed' ORDER BY id")
    assert used in written[0][0]
    assert "已收回（首单退货了）" in await club.says("wm1", "我的推荐")
    await club.refunds("o1", 1)  # more than was paid
    assert state(club, "new1") == ("clawed_back", "refunded")


async def spend(mall: Shop, who: str, points: int, voucher: str) -> None:
    """A member uses up points and a coupon."""
    member = mall.one("SELECT member_id FROM identity WHERE external_id = :who AND channel = 'wecom'", who=who)

    def act(work: Work) -> None:
        work.move(Move(f"spent:{who}", account(member), ISSUER, "points", points, "redeemed"))
        found = coupons.by_code(work.db, voucher)
        assert found is not None
        assert coupons.redeem(work.db, found.id, 3_000, work.now)

    await mall.bot.writer.call(act)


async def test_a_first_order_too_small_ends_it(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    await brought(club, "new1", await code_of(club, "wm1"))
    await club.pays("new1", "o1", 4_999)
    assert state(club, "new1") == ("rejected", "too_small")
    assert "首单没有达到金额" in await club.says("wm1", "我的推荐")


async def test_whoever_takes_too_long_gives_the_place_back(club: Shop) -> None:
    await club.campaign("referral", days=90, **{**CONFIG, "bind_days": 10, "per_member_total": 1})
    code = await code_of(club, "wm1")
    await brought(club, "new1", code)
    await club.bot.joins("new2")
    assert "邀请名额已经用完" in await club.says("new2", f"填邀请码 {code}")
    await club.passes(days=11)
    assert state(club, "new1") == ("rejected", "expired")
    await club.pays("new1", "o1", 9_000)
    assert state(club, "new1") == ("rejected", "expired")
    assert await brought(club, "new3", code) == "pending"


async def test_caps_and_budget_are_promises_not_hopes(club: Shop) -> None:
    await club.campaign("referral", **{**CONFIG, "per_member_day": 2, "budget_points": 450})
    code, other = await code_of(club, "wm1"), await code_of(club, "wm2")
    for who in ("n1", "n2", "n3"):
        await club.bot.joins(who)
    answers = await asyncio.gather(*[club.says(who, f"填邀请码 {code}") for who in ("n1", "n2", "n3")])
    assert sum("今天的邀请名额满了" in answer for answer in answers) >= 1
    assert club.bot.count("referral", "status = 'pending'") == 2

    await club.passes(days=1)
    late = next(who for who in ("n1", "n2", "n3") if state(club, who)[0] == "none")
    assert "邀请码填好了" in await club.says(late, f"填邀请码 {code}")
    await club.bot.joins("n4")
    assert "奖励已经送完" in await club.says("n4", f"填邀请码 {other}")  # 3 * 150 are promised


# -- the ladder, two levels, staying ----------------------------------------------------------------------------------


async def test_each_rung_is_given_once_and_taken_back_below_it(club: Shop) -> None:
    await club.campaign("referral", days=90, **{**CONFIG, "ladder": LADDER})
    code = await code_of(club, "wm1")
    assert "再成功推荐 2 位，得 1000 积分" not in await club.says("wm1", "我的推荐")  # nobody yet: nothing to list
    for number in (1, 2, 3):
        await brought(club, f"n{number}", code)
        await club.pays(f"n{number}", f"o{number}", 6_000)
    assert "再成功推荐 2 位，得 1000 积分" in await club.says("wm1", "我的推荐")
    await club.passes(days=8)
    assert club.bot.points("wm1") == 300 + 1_000 + 5_000

    await club.refunds("o3", 6_000)
    assert club.bot.points("wm1") == 200 + 1_000
    await brought(club, "n4", code)
    await club.pays("n4", "o4", 6_000)
    await club.passes(days=8)
    assert club.bot.points("wm1") == 300 + 1_000 + 5_000
    rungs_given = club.bot.rows(
        "SELECT occurrence, status FROM \"grant\" WHERE occurrence LIKE 'rung:%' ORDER BY occurrence"
    )
    assert rungs_given == [
        ("rung:000002:0", "granted"), ("rung:000003:0", "reversed"), ("rung:000003:1", "granted"),
    ]  # fmt: skip


async def test_two_levels_and_no_third(club: Shop) -> None:
    await club.campaign("referral", days=90, **{**CONFIG, "levels": 7, "second": {"points": 10}})
    by = "wm1"
    for who in ("a", "b", "c"):
        await brought(club, who, await code_of(club, by))
        by = who
    for who in ("a", "b", "c"):
        await club.pays(who, f"o{who}", 6_000)
    await club.passes(days=8)

    assert [club.bot.points(who) for who in ("wm1", "a", "b", "c")] == [110, 160, 150, 50]
    assert {row[0] for row in club.bot.rows("SELECT DISTINCT level FROM referral")} == {1, 2}
    assert "又带来了" in club.heard()
    await club.refunds("oc", 6_000)
    assert [club.bot.points(who) for who in ("wm1", "a", "b", "c")] == [110, 150, 50, 0]


async def test_a_contact_who_stays(club: Shop) -> None:
    await club.campaign("referral", days=90, **{**CONFIG, "qualify": "contact"})
    code = await code_of(club, "wm1")
    for who in ("stays", "goes", "changes"):
        assert await brought(club, who, code) == "held"
    await club.bot.joins("changes", "mei", state=None)
    await club.passes(days=3)
    await club.bot.leaves("goes")
    await club.bot.leaves("changes")  # another guide follows them still
    assert state(club, "goes") == ("rejected", "left")
    await club.passes(days=5)
    assert [state(club, who)[0] for who in ("stays", "goes", "changes")] == ["paid", "rejected", "paid"]
    assert club.bot.points("wm1") == 200
    await club.bot.leaves("stays")
    assert state(club, "stays")[0] == "paid"


async def test_somebody_who_came_by_words_stays_from_when_a_guide_follows(club: Shop) -> None:
    await club.campaign("referral", **{**CONFIG, "qualify": "contact"})
    code = await code_of(club, "wm1")
    await club.says("new1", f"填邀请码 {code}")
    assert state(club, "new1")[0] == "pending"
    await club.passes(days=1)
    await club.bot.joins("new1", state=None)
    assert state(club, "new1")[0] == "held"
