"""群数据: a guide sees the groups they own, and is told what nobody can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from bot.group_numbers import GroupNumbers
from bot.wecom.client import WeCom
from scenarios.group_chat import share
from tests.bot.test_group_senders import Client, lived
from tests.conftest import NOON
from tests.fakes import Bot, start_bot


@pytest.fixture
async def bot(database_url: str) -> AsyncIterator[Bot]:
    """A bot with the play."""
    async with start_bot(database_url, NOON, None, {"group_chat": {}}) as running:
        yield running


async def test_without_groups_it_says_what_to_do(bot: Bot) -> None:
    assert "还没有客户群" in await bot.says("群数据")


async def test_a_guide_sees_their_own_groups(bot: Bot) -> None:
    await lived(bot)
    said = await bot.says("我的群", "Lina")

    assert "【群】3 人，其中客户 2 人；今天进 0、退 0、净 +0" in said
    assert "还没有给出统计" in said
    assert "还没有客户群" in await bot.says("群数据", "meimei")


async def test_yesterday_and_who_spoke_are_there_once_counted(bot: Bot) -> None:
    await lived(bot)
    data = {"chat_total": 1, "chat_has_msg": 1, "member_total": 4, "member_has_msg": 3, "msg_total": 17}
    client = Client({"total": 1, "next_offset": 1, "items": [{"owner": "lina", "data": data}]})
    await GroupNumbers(cast(WeCom, client), bot.writer, bot.clock).yesterday()
    said = await bot.says("群数据")

    assert "昨天进 2、退 1、净 +1" in said
    assert "3 / 4 人说过话，占 75%，共 17 条" in said


async def test_who_brought_whom_today_is_named(bot: Bot) -> None:
    await lived(bot)
    bot.clock.advance(-86_400)  # the day on which they came
    await bot.joins("wmA")
    bot.wecom.names["wmA"] = "小明🎉"
    await bot.deliver()
    assert "邀请：小明🎉 2 人" in await bot.says("群数据")


@pytest.mark.parametrize(("part", "whole", "percent"), [(0, 0, 0), (3, 4, 75), (1, 3, 33), (4, 4, 100)])
def test_a_share_is_rounded_down_and_never_divides_by_nothing(part: int, whole: int, percent: int) -> None:
    assert share(part, whole) == percent
