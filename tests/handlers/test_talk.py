"""Numbers mean what they meant when they were shown; without a list, an entry of the menu."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.turn import Work
from storage import drives
from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Two group-buys are running; the first ends before the second."""
    async with start_shop(database_url) as shop:
        await shop.product("A", 10_000)
        for days, size in ((1, 2), (7, 3)):
            await shop.campaign("group_buy", days=days, sku="A", size=size, price_fen=6_000)
        yield shop


@pytest.mark.parametrize("said", ["2", "２", " 2 ", "开团 2", "开团2", "开团２"])
async def test_a_number_means_the_choice_that_was_shown(mall: Shop, said: str) -> None:
    await mall.says("wm1", "拼团")
    assert "3 人" in await mall.says("wm1", said)


async def test_a_number_keeps_its_meaning_when_the_list_shifts(mall: Shop) -> None:
    await mall.says("wm1", "拼团")
    await mall.bot.writer.call(_end_first)

    assert mall.bot.rows("SELECT size FROM team") == []
    await mall.says("wm1", "2")
    assert mall.bot.rows("SELECT size FROM team") == [(3,)]


async def test_a_list_is_forgotten_after_an_hour_and_by_the_next_one(mall: Shop) -> None:
    await mall.says("wm1", "拼团")
    await mall.passes(hours=1)
    await mall.says("wm1", "2")
    assert mall.bot.count("team") == 0

    await mall.says("wm1", "拼团")
    await mall.says("wm1", "帮助")
    await mall.says("wm1", "1")
    assert mall.bot.count("team") == 0


async def test_a_number_shown_to_one_means_nothing_to_another(mall: Shop) -> None:
    await mall.says("wm1", "拼团")
    await mall.says("wm2", "2")
    assert mall.bot.count("team") == 0


async def test_a_number_beyond_the_list_is_answered_not_guessed(mall: Shop) -> None:
    await mall.says("wm1", "拼团")
    assert "听不懂" in await mall.says("wm1", "9")
    assert mall.bot.count("team") == 0


async def test_a_word_that_lacks_something_is_told_what(mall: Shop) -> None:
    assert "「参团 团号」" in await mall.says("wm1", "参团")
    assert "团号" in await mall.says("wm1", "参团 ")


async def test_help_lists_what_one_can_begin_with(mall: Shop) -> None:
    answer = await mall.says("wm1", "帮助")
    assert "拼团" in answer
    assert "参团" not in answer


def _end_first(work: Work) -> None:
    first = drives.campaigns.all(work.db)[0]
    drives.campaigns.change(work.db, {"status": "ended"}, id=first.id)
