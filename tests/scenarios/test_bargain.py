"""砍价: the floor exactly, each helper once, the price at lock is the price charged."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.bargain import Drive, next_cut
from tests.shop import Shop, start_shop

CONFIG = {"sku": "A", "start_fen": 10_000, "floor_fen": 1_000, "cuts": 3}


@given(
    start=st.integers(1, 10_000_000), span=st.data(), cuts=st.integers(1, 60), seed=st.text(max_size=8),
)  # fmt: skip
@settings(max_examples=300)
def test_cuts_sum_to_the_floor_and_none_is_too_small(start: int, span: st.DataObject, cuts: int, seed: str) -> None:
    least = span.draw(st.integers(1, max(1, start // cuts)))
    if least * cuts > start:
        return
    floor = span.draw(st.integers(0, start - least * cuts))
    rules = Drive(sku="A", start_fen=start, floor_fen=floor, cuts=cuts, least_fen=least)
    left, made = start - floor, []
    for place in range(cuts):
        made.append(next_cut(rules, seed, left, place))
        left -= made[-1]
        assert made[-1] >= least
        assert left >= 0
    assert left == 0
    assert made == [next_cut(rules, seed, start - floor - sum(made[:place]), place) for place in range(cuts)]


async def launched(mall: Shop, **config: Any) -> str:
    """A bargain of wm1; its code."""
    await mall.product("A", 10_000, 5)
    await mall.campaign("bargain", **{**CONFIG, **config})
    found = re.search(r"砍价码 (\S{4}-\S{4})", await mall.says("wm1", "发起砍价 1"))
    assert found is not None
    return found[1]


def bargain(mall: Shop) -> tuple[str, int, int]:
    """Status, price and cuts of the only bargain."""
    row = mall.bot.rows("SELECT status, price_fen, cuts FROM bargain")[0]
    return row[0], row[1], row[2]


async def test_friends_cut_to_the_floor_and_it_is_bought(mall: Shop) -> None:
    code = await launched(mall)
    assert bargain(mall)[2] == 1  # the launcher's own
    assert "还差" in await mall.says("wm1", f"砍价下单 {code}")
    await mall.says("wm2", f"帮砍 {code}")
    assert "已经砍到最低价 10 元" in await mall.says("wm3", f"帮砍 {code}")
    assert bargain(mall) == ("open", 1_000, 3)
    assert "已经砍到最低价了" in await mall.says("wm4", f"帮砍 {code}")

    await mall.says("wm1", f"砍价下单 {code}")
    await mall.pays("wm1", "o1", 1_000, mall.checkout("wm1"))

    assert bargain(mall) == ("bought", 1_000, 3)
    assert mall.one("SELECT taken FROM stock WHERE name = 'sku:A'") == 1


async def test_two_at_the_same_instant_lose_no_cut(mall: Shop) -> None:
    code = await launched(mall, cuts=5)
    await asyncio.gather(*[mall.says(who, f"帮砍 {code}") for who in ("wm2", "wm3", "wm4", "wm5") for _ in range(3)])

    assert bargain(mall) == ("open", 1_000, 5)
    assert mall.bot.count("bargain_cut") == 5
    assert mall.one("SELECT sum(cut_fen) FROM bargain_cut") == 9_000


async def test_a_helper_helps_once_and_the_launcher_not_at_all(mall: Shop) -> None:
    code = await launched(mall)
    await mall.says("wm2", f"帮砍 {code}")
    assert "每人只能砍一刀" in await mall.says("wm2", f"帮砍 {code}")
    assert "每人只能砍一刀" in await mall.says("wm1", f"帮砍 {code}")
    assert bargain(mall)[2] == 2


async def test_not_paid_in_time_gives_the_right_back(mall: Shop) -> None:
    code = await launched(mall, cuts=1)
    await mall.says("wm1", f"砍价下单 {code}")
    assert bargain(mall)[0] == "locked"
    assert "为你锁定" in await mall.says("wm1", f"砍价下单 {code}")  # the second tap shows the first one's answer
    await mall.passes(minutes=16)
    assert bargain(mall) == ("open", 1_000, 1)
    assert mall.bot.rows("SELECT remaining, reserved FROM stock WHERE name = 'sku:A'") == [(5, 0)]

    await mall.says("wm1", f"砍价下单 {code}")
    await mall.pays("wm1", "o1", 1_000, mall.checkout("wm1"))
    assert bargain(mall)[0] == "bought"


async def test_time_ends_what_nobody_bought(mall: Shop) -> None:
    code = await launched(mall)
    await mall.passes(hours=25)
    assert bargain(mall)[0] == "expired"
    assert "已经结束" in await mall.says("wm2", f"帮砍 {code}")


async def test_a_lock_over_the_deadline_ends_with_its_hold(mall: Shop) -> None:
    code = await launched(mall, cuts=1, hours=1)
    await mall.passes(minutes=50)
    await mall.says("wm1", f"砍价下单 {code}")
    await mall.passes(minutes=12)  # the deadline passes while it is locked
    assert bargain(mall)[0] == "locked"
    await mall.passes(minutes=10)
    assert bargain(mall)[0] == "expired"


async def test_a_launch_is_used_up(mall: Shop) -> None:
    await launched(mall)
    assert "已经发起过" in await mall.says("wm1", "发起砍价 1")


async def test_a_bargain_to_nothing_is_bought_at_once(mall: Shop) -> None:
    code = await launched(mall, floor_fen=0, cuts=1)
    assert bargain(mall) == ("open", 0, 1)
    answer = await mall.says("wm1", f"砍价下单 {code}")
    assert "不用付款" in answer
    assert bargain(mall)[0] == "bought"
    assert mall.bot.rows("SELECT status, order_id FROM checkout") == [("paid", None)]
    assert mall.bot.rows("SELECT remaining, reserved, taken FROM stock WHERE name = 'sku:A'") == [(4, 0, 1)]


async def test_a_lock_given_up_opens_the_bargain_again(database_url: str) -> None:
    async with start_shop(database_url, {"bargain": {}, "purchase": {}}) as mall:
        code = await launched(mall, cuts=1)
        await mall.says("wm1", f"砍价下单 {code}")
        assert bargain(mall)[0] == "locked"
        assert "已取消" in await mall.says("wm1", f"取消 {mall.checkout('wm1')}")
        assert bargain(mall) == ("open", 1_000, 1)
        await mall.says("wm1", f"砍价下单 {code}")
        await mall.pays("wm1", "o1", 1_000, mall.checkout("wm1"))
        assert bargain(mall)[0] == "bought"
