"""绑定社群: a code told in private on one side and typed in private on the other makes one member of two."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.channels.onebot_translate import translate
from bot.events import Event
from scenarios.linking import well_formed
from tests.community import SELF as SELF_ID
from tests.community import Community, start_community


@pytest.fixture
async def group(database_url: str) -> AsyncIterator[Community]:
    """Five members in WeCom, nobody yet in the group."""
    async with start_community(database_url) as there:
        yield there


async def code_of(group: Community, who: str = "wm1") -> str:
    """A fresh code, read where the member reads it."""
    answer = await group.shop.says(who, "绑定社群")
    found = re.search(r"绑定码：(\S+)", answer)
    assert found, answer
    return found[1]


def member_of(group: Community, who: str = "wm1") -> int:
    return int(group.shop.one("SELECT member_id FROM identity WHERE external_id = :who", who=who))


@pytest.mark.parametrize("typed", ["绑定 {}", "绑定{}", "　绑定　{}　", "绑定 {0:l}"])
async def test_a_code_makes_one_member_of_two(group: Community, typed: str) -> None:
    code = await code_of(group)
    await group.whispers(888, "帮助")
    assert group.member(888) != member_of(group)

    words = f"绑定 {code.lower().replace('-', '')}" if ":l" in typed else typed.format(code)
    assert "绑定成功" in await group.whispers(888, words)
    assert group.member(888) == member_of(group)
    evidence = group.shop.one("SELECT evidence FROM merge")
    assert evidence.startswith("onebot:link code ")


async def test_points_of_both_sides_come_together(group: Community) -> None:
    await group.shop.pays("wm1", "N1", 10_000)
    await group.shop.passes(days=7, minutes=1)
    await group.whispers(888, f"绑定 {await code_of(group)}")
    assert "可用积分：100" in await group.whispers(888, "我的积分")


async def test_the_other_side_hears_of_it(group: Community) -> None:
    code = await code_of(group)
    before = group.newest
    await group.whispers(888, f"绑定 {code}")
    assert "绑定了一个社群账号" in group.shop.heard(before)


async def test_a_code_works_once_and_an_older_one_not_at_all(group: Community) -> None:
    old, code = await code_of(group), await code_of(group)
    assert "不对" in await group.whispers(888, f"绑定 {old}")
    assert "绑定成功" in await group.whispers(888, f"绑定 {code}")
    assert "不对" in await group.whispers(889, f"绑定 {code}")
    assert group.member(889) != member_of(group)


async def test_linking_again_says_so(group: Community) -> None:
    await group.whispers(888, f"绑定 {await code_of(group)}")
    assert "已经" in await group.whispers(888, f"绑定 {await code_of(group)}")
    assert group.shop.bot.count("merge") == 1


async def test_a_code_dies_after_ten_minutes(group: Community) -> None:
    code = await code_of(group)
    group.shop.bot.clock.advance(600)
    assert "不对" in await group.whispers(888, f"绑定 {code}")


async def test_a_code_shown_in_the_group_is_void(group: Community) -> None:
    code = await code_of(group)
    owed = await group.says(888, f"绑定 {code}")
    assert "作废" in owed[0]["text"]
    assert owed[0]["user_id"] == "888"
    assert "不对" in await group.whispers(888, f"绑定 {code}")


async def test_five_tries_an_hour(group: Community) -> None:
    code = await code_of(group)
    for number in range(5):
        assert "不对" in await group.whispers(888, f"绑定 AAAA-BBB{number}")
    assert "次数太多" in await group.whispers(888, f"绑定 {code}")
    assert "绑定成功" in await group.whispers(889, f"绑定 {code}")  # another account has tries of its own

    group.shop.bot.clock.advance(3_600)
    assert "绑定成功" in await group.whispers(888, f"绑定 {await code_of(group, 'wm2')}")


@pytest.mark.parametrize("typed", ["社群吧", "123", "AAAA-BBBB-CCCC", "我的券码是多少呀"])
async def test_what_is_no_code_costs_no_try(group: Community, typed: str) -> None:
    assert not well_formed(typed)
    assert "不像绑定码" in await group.whispers(888, f"绑定 {typed}")
    assert group.shop.bot.rows("SELECT name FROM stock WHERE name LIKE 'linking:%'") == []


async def test_each_side_says_where_its_words_belong(group: Community) -> None:
    assert "在微信里" in (await group.whispers(888, "绑定社群")).replace("要在微信里取", "在微信里")
    assert "私聊社群里的机器人" in await group.shop.says("wm1", "绑定 AAAA-BBBB")
    assert group.shop.bot.count("link_code") == 0


async def test_the_database_does_not_hold_the_code(group: Community) -> None:
    code = await code_of(group)
    for row in group.shop.bot.rows("SELECT digest, used_by FROM link_code"):
        assert code not in str(row)
        assert len(row[0]) == 64


async def test_of_fifty_who_type_one_code_together_one_is_linked(group: Community) -> None:
    code = await code_of(group)
    events = []
    for user_id in range(1_000, 1_050):
        told = {"time": 1_700_000_000, "self_id": SELF_ID, "post_type": "message", "message_type": "private",
                "sub_type": "friend", "user_id": user_id, "message_id": user_id, "message": f"绑定 {code}"}  # fmt: skip
        event = translate(told, _ear(), group.shop.bot.clock.now())
        assert isinstance(event, Event)
        events.append(event)
    await asyncio.gather(*[group.shop.bot.writer.accept(event) for event in events])
    assert group.shop.bot.count("merge") == 1
    linked = group.shop.bot.rows(
        "SELECT external_id FROM identity WHERE channel = 'onebot' AND member_id = :id", id=member_of(group)
    )
    assert len(linked) == 1


def _ear():
    from bot.channels.onebot_translate import Ear

    return Ear()
