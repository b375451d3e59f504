"""积分: earned by orders, pending until the refund window ends, oldest first, debt instead of a negative balance."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from bot.turn import Retry, Work
from scenarios import rewards
from scenarios.points import earned
from storage import drives, points
from tests.files import sqlite_in
from tests.shop import Shop, start_shop


@pytest.mark.parametrize(("fen", "points"), [(0, 0), (99, 0), (100, 1), (12_345, 123)])
def test_whole_yuan_count(fen: int, points: int) -> None:
    assert earned(fen, 1) == points


async def test_points_wait_for_the_refund_window(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    assert mall.bot.points("wm1") == 0
    assert "待到账（退货期满后）：100" in await mall.says("wm1", "积分")

    await mall.passes(days=7)

    assert mall.bot.points("wm1") == 100
    assert "可用积分：100" in await mall.says("wm1", "我的积分")


async def test_an_order_told_twice_earns_once(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    await mall.pays("wm1", "o1", 10_000)
    await mall.pays("wm1", "o1", 10_000, key="orders:another-event-of-the-same-order")
    await mall.passes(days=8)
    await mall.passes(days=1)

    assert mall.bot.points("wm1") == 100
    assert mall.bot.count("shop_order") == 1


async def test_a_part_refund_keeps_the_floor_of_its_part(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    await mall.refunds("o1", 3_333)
    await mall.passes(days=7)

    assert mall.bot.points("wm1") == 66  # floor(100 * 6667 / 10000)


async def test_a_refund_after_the_points_were_spent_becomes_debt_and_is_paid_off(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    await mall.passes(days=7)
    mall.bot.rows("SELECT 1")
    await _burn(mall, "wm1", 80)

    await mall.refunds("o1", 10_000)

    assert mall.bot.points("wm1") == 0
    assert "待扣回：80" in await mall.says("wm1", "积分")

    await mall.pays("wm1", "o2", 20_000)
    await mall.passes(days=7)
    assert mall.bot.points("wm1") == 120  # 200 less the 80 owed
    assert "待扣回：0" in await mall.says("wm1", "积分")


async def test_points_follow_a_member_who_proves_to_be_another(mall: Shop) -> None:
    await mall.pays("wm2", "o1", 10_000)  # promised to the one who is merged away
    await mall.pays("wm1", "o2", 100, buyer={"external_userid": "wm1", "unionid": "u"})
    await mall.pays("wm2", "o3", 100, buyer={"external_userid": "wm2", "unionid": "u"})
    await mall.passes(days=7)
    assert mall.bot.points("wm1") == mall.bot.points("wm2") == 102
    await _burn(mall, "wm1", 52)

    await mall.refunds("o1", 10_000)

    assert mall.bot.points("wm1") == 0
    assert "待扣回：50" in await mall.says("wm2", "积分")


async def test_a_refund_and_the_ripening_at_once_are_done_one_after_the_other(mall: Shop) -> None:
    """Another process counts a refund between our reading of a reward and our ripening of it."""
    await mall.pays("wm1", "o1", 10_000)

    def ripen(work: Work) -> None:
        turn: Any = work
        as_read = drives.rewards.one(work.db)
        assert as_read is not None
        drives.rewards.change(work.db, {"kept": 40}, id=as_read.id)
        with pytest.MonkeyPatch.context() as slow:
            slow.setattr(drives.rewards, "one", lambda *_, **__: as_read)
            with pytest.raises(Retry):
                rewards.mature(turn, as_read.id, None)
        drives.rewards.change(work.db, {"kept": 100}, id=as_read.id)

    await mall.bot.writer.call(ripen)
    assert mall.bot.rows("SELECT status, kept FROM reward") == [("pending", 100)]


async def _burn(mall: Shop, who: str, amount: int) -> None:
    """Spend points at a counter."""
    member_id = mall.one("SELECT member_id FROM identity WHERE external_id = :who", who=who)

    def spend(work: Work) -> None:
        points.take_back(work, member_id, amount, "spent", f"spend:{who}:{amount}", "spent")

    await mall.bot.writer.call(spend)


async def test_lots_expire_oldest_first(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 10_000)
    await mall.passes(days=7)
    await mall.passes(days=10)
    await mall.pays("wm1", "o2", 5_000)
    await mall.passes(days=7)
    await _burn(mall, "wm1", 30)  # out of the older lot

    await mall.passes(days=15)  # the first lot is over: 70 were left in it

    assert mall.bot.points("wm1") == 50
    assert mall.one("SELECT sum(amount) FROM transfer WHERE credit = 'expired'") == 70
    await mall.passes(days=30)
    assert mall.bot.points("wm1") == 0


STORY = ("pay", "refund 30", "refund 70", "window", "spend", "again")


@pytest.mark.parametrize("order", list(permutations(range(6)))[::29], ids=lambda order: "".join(map(str, order)))
async def test_every_order_of_arrival_ends_with_nothing_gained(tmp_path, order: tuple[int, ...]) -> None:
    """Paid, refunded in two parts, credited, spent: whatever comes first, a refunded order leaves no points."""
    async with start_shop(sqlite_in(tmp_path)) as mall:
        for place in order:
            if STORY[place] == "pay":
                await mall.pays("wm1", "o1", 10_000)
            elif STORY[place].startswith("refund"):
                await mall.refunds("o1", int(STORY[place][7:]) * 100, f"o1:{STORY[place]}")
            elif STORY[place] == "window":
                await mall.passes(days=8)
            elif STORY[place] == "spend":
                await _burn(mall, "wm1", mall.bot.points("wm1")) if mall.bot.points("wm1") else None
            else:
                await mall.pays("wm1", "o1", 10_000, key="orders:again")
                await mall.refunds("o1", 7_000, "o1:refund 70", key="orders:refund-again")
        await mall.passes(days=8)

        spent = mall.one("SELECT coalesce(sum(amount), 0) FROM transfer WHERE credit = 'spent'")
        debt = mall.one(
            "SELECT coalesce(sum(CASE WHEN debit LIKE 'debt:%' THEN amount ELSE -amount END), 0) "
            "FROM transfer WHERE debit LIKE 'debt:%' OR credit LIKE 'debt:%'"
        )
        assert mall.bot.points("wm1") + spent - debt == 0
        assert mall.one("SELECT refunded_fen FROM shop_order") == 10_000
