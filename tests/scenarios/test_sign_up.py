"""注册有礼: the join pack comes once per person, the welcome tells the truth, channels are counted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import Action, ConfigError, WeComError, WeComUnreachable
from bot.events import Address, ContactHalfAdded
from bot.own_events import ContactFound
from bot.router import load_plays
from scenarios.rewards import CouponGift, Pack, coupon_names
from scenarios.sign_up import outcome
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

PACK = Pack(points=100, coupons=[CouponGift(template="券")])


@pytest.mark.parametrize(
    ("granted_by", "cause", "pack", "expected"),
    [
        ("e1", "e1", PACK, "gift"),
        ("e1", "e2", PACK, "back"),
        (None, "e2", PACK, "none"),
        ("e1", "e1", Pack(), "none"),
    ],
)
def test_the_welcome_tells_where_the_pack_came_from(granted_by, cause, pack, expected) -> None:
    assert outcome(granted_by, cause, pack) == expected


def test_several_coupons_of_a_kind_are_counted() -> None:
    pack = Pack(coupons=[CouponGift(template="满100减20券", count=2), CouponGift(template="赠品券")])

    assert coupon_names(pack) == ["满100减20券 ×2", "赠品券"]


async def test_a_new_contact_gets_the_pack_and_a_welcome_by_name(bot: Bot) -> None:
    bot.wecom.names["wmA"] = "王小明🎉"

    await bot.joins("wmA")
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert bot.count("coupon") == 1
    welcome = bot.wecom.sent("externalcontact/send_welcome_msg")
    assert len(welcome) == 1
    assert "王小明🎉" in welcome[0]["text"]["content"]
    assert "100 积分，满100减20券" in welcome[0]["text"]["content"]
    assert bot.wecom.said_to("lina") == ["新客户：王小明🎉（渠道：live）\n新人礼已发放：100 积分，满100减20券。"]
    assert bot.wecom.sent("externalcontact/mark_tag")[0]["add"] == [["渠道", "live"]]


async def test_the_same_callback_four_times_at_once_is_one_gift(bot: Bot) -> None:
    await asyncio.gather(*[bot.joins("wmA", key="wecom_app:sha256:same", welcome_code="WC") for _ in range(4)])
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert len(bot.wecom.sent("externalcontact/send_welcome_msg")) == 1
    assert bot.count("inbox", "key = 'wecom_app:sha256:same'") == 1


async def test_deleting_and_adding_again_five_times_is_one_gift(bot: Bot) -> None:
    for _ in range(5):
        await bot.joins("wmA")
        bot.clock.advance(60)
        await bot.leaves("wmA")
        bot.clock.advance(60)
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert bot.count("grant") == bot.count("coupon") == bot.count("member") == 1


async def test_a_second_guide_is_told_that_the_gift_was_given(bot: Bot) -> None:
    await bot.joins("wmA", "lina")
    await bot.joins("wmA", "wangwu")
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert "不再重复发放" in bot.wecom.said_to("wangwu")[0]
    second = bot.wecom.sent("externalcontact/send_welcome_msg")[1]["text"]["content"]
    assert "欢迎回来" in second


async def test_a_departure_told_before_the_arrival_changes_nothing_for_the_gift(bot: Bot) -> None:
    joined_at = bot.clock.now()
    bot.clock.advance(5)
    await bot.leaves("wmA")
    await bot.joins("wmA", at=joined_at)

    assert bot.points("wmA") == 100
    assert bot.rows("SELECT status FROM follow") == [("left",)]


async def test_a_half_added_contact_is_greeted_once_when_confirmed(bot: Bot) -> None:
    half = ContactHalfAdded(
        key="wecom_app:sha256:half", source="wecom_app", at=bot.clock.now(), sender=Address("wecom", "wmA"),
        userid="lina", external_userid="wmA", state="live", welcome_code="WC-half",
    )  # fmt: skip
    await bot.writer.accept(half)
    bot.clock.advance(3)
    await bot.joins("wmA", welcome_code=None)
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert len(bot.wecom.said_to("lina")) == 1
    assert bot.rows("SELECT status FROM follow") == [("active",)]


async def test_thousand_joins_in_one_second_are_thousand_members_and_gifts(bot: Bot) -> None:
    await asyncio.gather(*[bot.joins(f"wm{n}") for n in range(1000)])

    assert bot.count("member") == bot.count("grant") == bot.count("coupon") == 1000
    assert bot.rows("SELECT count(*), sum(amount) FROM balance") == [(1000, 100_000)]


async def test_without_the_name_in_time_the_welcome_goes_out_all_the_same(bot: Bot) -> None:
    bot.wecom.answers["externalcontact/get"] = [WeComUnreachable("externalcontact/get", "slow", ambiguous=True)] * 50

    await bot.joins("wmA")
    for _ in range(20):
        await bot.deliver()
        bot.clock.advance(0.5)

    assert [p["text"]["content"][:3] for p in bot.wecom.sent("externalcontact/send_welcome_msg")] == ["你好！"]
    assert bot.points("wmA") == 100


async def test_a_welcome_that_would_come_late_is_not_sent(bot: Bot) -> None:
    await bot.joins("wmA", at=bot.clock.now() - timedelta(seconds=30))
    await bot.deliver()

    assert bot.wecom.sent("externalcontact/send_welcome_msg") == []
    assert bot.rows("SELECT status, error FROM outbox WHERE call LIKE '%welcome%'") == [("suppressed", "late")]


async def test_a_used_code_after_a_lost_answer_counts_as_sent(bot: Bot) -> None:
    path = "externalcontact/send_welcome_msg"
    bot.wecom.answers[path] = [
        WeComUnreachable(path, "reset", ambiguous=True),
        WeComError(41051, "welcomed", path, action=Action.DROP),
    ]
    await bot.joins("wmA")
    await bot.deliver()
    bot.clock.advance(2)
    await bot.deliver()

    assert bot.rows("SELECT status FROM outbox WHERE call LIKE '%welcome%'") == [("sent",)]


async def test_a_contact_found_by_the_comparison_gets_the_gift_and_the_guide_a_note(bot: Bot) -> None:
    found = ContactFound(
        key="reconcile:wmA:lina:1", source="reconcile", at=bot.clock.now(), sender=Address("wecom", "wmA"),
        userid="lina", external_userid="wmA", state="live",
    )  # fmt: skip
    await bot.writer.accept(found)
    await bot.joins("wmA", at=found.at, welcome_code=None)  # the callback comes after all
    await bot.deliver()

    assert bot.points("wmA") == 100
    assert len(bot.wecom.said_to("lina")) == 1
    assert "对账补登" in bot.wecom.said_to("lina")[0]


async def test_two_doors_of_one_person_become_one_member_with_one_gift(bot: Bot) -> None:
    bot.wecom.unionids = {"wmA": "union1", "woB": "union1"}
    await bot.joins("wmA")
    bot.clock.advance(1)
    await bot.joins("woB", "wangwu")
    await bot.deliver()

    assert bot.points("wmA") == bot.points("woB") == 100
    assert bot.count("coupon", "status = 'active'") == 1
    assert bot.count("merge") == 1


async def test_packs_that_run_out_are_not_oversold(database_url: str) -> None:
    async with start_bot(database_url, NOON, {"points": 10, "pack_total": 3}) as bot:
        await asyncio.gather(*[bot.joins(f"wm{n}") for n in range(10)])
        await bot.deliver()

        assert bot.count("grant") == 3
        assert bot.count("member") == 10
        assert bot.rows("SELECT remaining, taken FROM stock") == [(0, 3)]
        assert sum("新人礼" in text for text in bot.wecom.said_to("lina")) == 3


async def test_statistics_per_channel_answer_a_guide(bot: Bot) -> None:
    await bot.joins("wmA", state="live")
    await bot.joins("wmB", state="store-001")
    bot.clock.advance(1)
    await bot.leaves("wmB")
    await bot.deliver()

    answer = await bot.says("　渠道统计 ")

    assert "live：添加 1 人，发出新人礼 1 份，目前在跟 1 人" in answer
    assert "store-001：添加 1 人，发出新人礼 1 份，目前在跟 0 人" in answer


async def test_statistics_of_nothing_say_what_to_do(bot: Bot) -> None:
    assert "还没有客户" in await bot.says("渠道")


def test_wrong_rules_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"scenarios\.sign_up\.points"):
        load_plays(["sign_up"], {"sign_up": {"points": -1}})
    with pytest.raises(ConfigError, match=r"scenarios\.sign_up\.pionts"):
        load_plays(["sign_up"], {"sign_up": {"pionts": 1}})
