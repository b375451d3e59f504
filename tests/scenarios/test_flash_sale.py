"""秒杀: the quota, the limit and the goods hold together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Ten pieces on the shelf, three of them at 50 yuan, one a person."""
    async with start_shop(database_url, {"flash_sale": {}}) as selling:
        await selling.product("A", 10_000, 10)
        await selling.campaign("flash_sale", sku="A", price_fen=5_000, total=3)
        yield selling


def stocks(mall: Shop) -> list[tuple[int, int, int]]:
    """(remaining, reserved, taken) of the quota and of the goods."""
    return [tuple(row) for row in mall.bot.rows(
        "SELECT remaining, reserved, taken FROM stock WHERE name LIKE 'campaign:%' OR name LIKE 'sku:%' ORDER BY name"
    )]  # fmt: skip


async def test_five_want_three_pieces(mall: Shop) -> None:
    answers = await asyncio.gather(*[mall.says(f"wm{n}", "抢 1") for n in (1, 2, 3, 4, 5) for _ in range(4)])
    assert stocks(mall) == [(0, 3, 0), (7, 3, 0)]
    assert any("抢光" in answer for answer in answers)
    assert mall.bot.count("checkout") == 3


async def test_what_is_not_paid_is_for_others(mall: Shop) -> None:
    for who in ("wm1", "wm2", "wm3"):
        assert "抢到了" in await mall.says(who, "抢")
    assert "抢光" in await mall.says("wm4", "抢")
    await mall.pays("wm1", "o1", 5_000, mall.checkout("wm1"))
    assert "限购" in await mall.says("wm1", "抢") or "抢光" in await mall.says("wm1", "抢")
    await mall.passes(minutes=16)
    assert stocks(mall) == [(2, 0, 1), (9, 0, 1)]
    assert "还剩 2 件" in await mall.says("wm4", "秒杀")
    assert "抢到了" in await mall.says("wm4", "抢")
    assert "限购" in await mall.says("wm1", "抢")


async def test_a_refund_gives_piece_and_right_back(mall: Shop) -> None:
    await mall.says("wm1", "抢")
    await mall.pays("wm1", "o1", 5_000, mall.checkout("wm1"))
    await mall.refunds("o1", 5_000)
    assert stocks(mall) == [(3, 0, 0), (10, 0, 0)]
    assert "抢到了" in await mall.says("wm1", "抢")


async def test_when_the_shelf_is_emptier_than_the_quota(mall: Shop) -> None:
    await mall.product("B", 10_000, 1)
    await mall.campaign("flash_sale", sku="B", price_fen=5_000, total=3)
    assert "抢到了" in await mall.says("wm1", "抢 2")
    assert "抢光" in await mall.says("wm2", "抢 2")
    assert mall.one("SELECT reserved FROM stock WHERE name = (SELECT 'campaign:' || max(id) FROM campaign)") == 1


async def test_a_second_tap_shows_the_piece_that_is_held(mall: Shop) -> None:
    first, second = await mall.says("wm1", "抢"), await mall.says("wm1", "抢")

    assert first == second
    assert mall.bot.count("checkout") == 1
    await mall.pays("wm1", "o1", 5_000, mall.checkout("wm1"))
    assert await mall.says("wm1", "抢") != first
    assert mall.bot.count("checkout") == 1
