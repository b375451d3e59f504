"""两个号一个人: what somebody used as one member counts when it is found that they are another one too."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from bot.order_events import AdminAsked
from bot.turn import Work
from storage import oneid
from tests.shop import Shop, start_shop

PLAYS: dict[str, dict[str, Any]] = {
    name: {} for name in ("coupons", "flash_sale", "bundle", "group_buy", "bargain", "redeem", "points", "purchase")
}
NOT_CUT = ("SELECT code FROM bargain WHERE id NOT IN (SELECT bargain_id FROM bargain_cut c JOIN identity i "
           "ON i.member_id = c.helper_id WHERE i.external_id = 'wm2') ORDER BY id LIMIT 1")  # fmt: skip
Use = Callable[[Shop, str], Coroutine[Any, Any, str]]


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with every play that has a limit of each person."""
    async with start_shop(database_url, PLAYS, {"points": 500}) as selling:
        await selling.product("A", 10_000, 10)
        yield selling


async def claims(mall: Shop, who: str) -> str:
    """A coupon."""
    if not mall.bot.count("coupon_template"):
        body = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30,
                "claimable": True, "per_member": 1}  # fmt: skip
        event = AdminAsked(key="api:1", source="api", at=mall.bot.clock.now(), act="coupon-templates", body=body)
        await mall.bot.writer.accept(event)
    return await mall.says(who, "领券 1")


async def grabs(mall: Shop, who: str) -> str:
    """A piece of a flash sale."""
    if not mall.bot.count("campaign"):
        await mall.campaign("flash_sale", sku="A", price_fen=5_000, total=5)
    return await mall.says(who, "抢 1")


async def bundles(mall: Shop, who: str) -> str:
    """A bundle."""
    if not mall.bot.count("campaign"):
        items = [{"sku": "A", "qty": 2}]
        await mall.campaign("bundle", items=items, price_fen=15_000, total=5, per_member=1)
    return await mall.says(who, "买套餐 1")


async def opens(mall: Shop, who: str) -> str:
    """A team of a group-buy."""
    if not mall.bot.count("campaign"):
        await mall.campaign("group_buy", sku="A", price_fen=8_000, size=2, per_member=1)
    return await mall.says(who, "开团 1")


async def launches(mall: Shop, who: str) -> str:
    """A bargain."""
    if not mall.bot.count("campaign"):
        await mall.campaign("bargain", sku="A", start_fen=10_000, floor_fen=1_000, cuts=3, per_member=1)
    return await mall.says(who, "发起砍价 1")


async def helps(mall: Shop, who: str) -> str:
    """A cut for wm5's bargain."""
    if not mall.bot.count("campaign"):
        await mall.campaign("bargain", sku="A", start_fen=10_000, floor_fen=1_000, cuts=9, helps_per_member=9)
        await mall.says("wm5", "发起砍价 1")
    return await mall.says(who, f"帮砍 {mall.one('SELECT code FROM bargain')}")


async def helps_others(mall: Shop, who: str) -> str:
    """A cut for a bargain that wm2 has not cut, of a campaign in which each may help once."""
    if not mall.bot.count("campaign"):
        await mall.campaign("bargain", sku="A", start_fen=10_000, floor_fen=1_000, cuts=9, helps_per_member=1)
        for other in ("wm4", "wm5"):
            await mall.says(other, "发起砍价 1")
    return await mall.says(who, f"帮砍 {mall.one(NOT_CUT)}")


async def redeems(mall: Shop, who: str) -> str:
    """Points for a gift."""
    if not mall.bot.count("campaign"):
        await mall.campaign("redeem", points=10, gift_sku="A", total=5, per_member=1)
    return await mall.says(who, "兑换 1")


async def merged(mall: Shop) -> int:
    """wm2 turns out to be wm1; the merge's id."""
    ids = dict(mall.bot.rows("SELECT external_id, member_id FROM identity WHERE channel = 'wecom'"))

    def merge(work: Work) -> int:
        return oneid.merge(work.db, work.ids, ids["wm1"], ids["wm2"], "phone:test", work.cause, work.now)

    return await mall.bot.writer.call(merge)


@pytest.mark.parametrize("use", [claims, grabs, bundles, opens, launches, helps, helps_others, redeems])
async def test_a_second_account_is_no_second_right(mall: Shop, use: Use) -> None:
    got = plain(await use(mall, "wm2"))
    assert plain(await use(mall, "wm3")) == got
    mall.bot.clock.advance(61)
    merge_id = await merged(mall)

    assert plain(await use(mall, "wm1")) != got

    await mall.bot.writer.call(lambda work: oneid.undo(work.db, work.ids, merge_id, "t", work.cause, work.now))
    mall.bot.clock.advance(61)
    assert plain(await use(mall, "wm1")) == got


def plain(answer: str) -> str:
    """An answer without what differs from one to the next."""
    return re.sub(r"[0-9A-Z]{4}-[0-9A-Z]{4}|[\d.]+|会员\S*", "", answer)
