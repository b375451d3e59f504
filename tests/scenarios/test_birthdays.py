"""会员生日: told once by the member, corrected by their guide, shown on the card, kept when two members are one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.turn import Work
from storage import oneid, profiles
from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop whose guide lina follows five members."""
    async with start_shop(database_url, {"birthdays": {}, "profile": {}}) as selling:
        await selling.bot.employs("lina", "guide")
        yield selling


async def says(mall: Shop, words: str) -> str:
    """What lina is told."""
    return await mall.bot.says(words)


async def test_a_member_tells_it_once(mall: Shop) -> None:
    assert "只能自己填一次" in await mall.says("wm1", "我的生日")
    assert "没看懂这个日期" in await mall.says("wm1", "我的生日 明天")
    assert "没看懂这个日期" in await mall.says("wm1", "我的生日 2月30日")
    assert "年份不对" in await mall.says("wm1", "我的生日 2099-01-01")
    assert "记下了：1990 年 3 月 5 日" in await mall.says("wm1", "我的生日 １９９０－０３－０５")
    assert "请告诉导购" in await mall.says("wm1", "我的生日 11月11日")
    assert mall.bot.rows("SELECT birthday, birth_year, source FROM member_profile") == [("03-05", 1990, "member")]


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("2月29日", "02-29", "2 月 29 日"),
        ("农历8月15日", "L08-15", "农历 8 月 15 日"),
        ("农历闰4月15", "LL04-15", "农历闰 4 月 15 日"),
    ],
)
async def test_every_kind_of_day_is_kept(mall: Shop, typed: str, kept: str, shown: str) -> None:
    assert f"记下了：{shown}。" in await mall.says("wm1", f"我的生日 {typed}")
    assert mall.one("SELECT birthday FROM member_profile") == kept
    assert shown in await says(mall, "画像 会员1")


async def test_a_guide_writes_it_down_and_corrects_it(mall: Shop) -> None:
    assert "还没有记下" in await says(mall, "生日 会员1")
    assert "农历没有这一天" in await says(mall, "生日 会员1 农历13月1日")
    assert "会员1 的生日：3 月 5 日" in await says(mall, "生日 会员1 3月5日")
    assert "要改就说" in await says(mall, "生日 会员1")
    await says(mall, "生日 会员1 3.6")
    assert mall.one("SELECT birthday FROM member_profile") == "03-06"
    told = mall.bot.rows("SELECT data FROM audit_log WHERE action = 'member.birthday' ORDER BY id")
    assert '"03-05"' in told[1][0]
    assert '"03-06"' in told[1][0]


async def test_nobody_writes_down_the_birthday_of_others_members(mall: Shop) -> None:
    await mall.bot.employs("meng", "guide")
    await mall.bot.says("生日 会员1 3月5日", "meng")
    assert mall.bot.count("member_profile") == 0


async def test_a_birthday_comes_along_and_goes_again(mall: Shop) -> None:
    await mall.says("wm2", "我的生日 5月20日")
    ids = dict(mall.bot.rows("SELECT external_id, member_id FROM identity WHERE channel = 'wecom'"))

    def merge(work: Work) -> int:
        return oneid.merge(work.db, work.ids, ids["wm1"], ids["wm2"], "phone:test", work.cause, work.now)

    def born(work: Work) -> str:
        known = profiles.born(work.db, ids["wm1"])
        return known.day if known else ""

    merge_id = await mall.bot.writer.call(merge)
    assert await mall.bot.writer.call(born) == "05-20"
    await mall.bot.writer.call(lambda work: oneid.undo(work.db, work.ids, merge_id, "t", work.cause, work.now))
    assert await mall.bot.writer.call(born) == ""
    assert "记着的：5 月 20 日" in await mall.says("wm2", "我的生日")
