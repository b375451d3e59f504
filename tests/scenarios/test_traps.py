"""陷阱: what went wrong in other shops' promotions, one row each, and the test that shows it cannot happen here.

`TRAPS` names the test of every row, `OPEN` says why a row has none yet.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.errors import WeComUnreachable
from bot.events import TimerDue
from bot.order_events import AdminAsked
from bot.turn import Work
from scenarios import vouchers
from scenarios.checkout import Goods, Want, open_checkout
from storage import members
from tests.shop import Shop, start_shop

HERE = "tests.scenarios.test_traps"
PLAYS: dict[str, dict[str, Any]] = {"points": {}, "coupons": {}, "group_buy": {}, "bargain": {}}
PRICE = 6_000

TRAPS = {
    "last seat, two payers at once": f"{HERE}:test_two_pay_for_the_last_seat",
    "a payer sent to another team that fails": f"{HERE}:test_who_found_a_team_full_is_refunded_once_by_the_next",
    "payment after the end": "tests.scenarios.test_group_buy:test_a_payment_after_the_end_is_refunded",
    "timer and sweep expire one team": f"{HERE}:test_timer_and_sweeps_expire_a_team_together",
    "one refund call fails": f"{HERE}:test_a_refund_call_that_fails_holds_up_no_other",
    "two helpers at one instant": "tests.scenarios.test_bargain:test_two_at_the_same_instant_lose_no_cut",
    "a bargain not paid for": "tests.scenarios.test_bargain:test_not_paid_in_time_gives_the_right_back",
    "one coupon, two orders": "tests.scenarios.test_coupons:test_two_orders_at_once_share_one_coupon_between_them",
    "an order that fails after its coupon was taken": f"{HERE}:test_an_order_that_cannot_be_made_burns_no_coupon",
    "a hundred claims for ten coupons": f"{HERE}:test_a_hundred_claims_ten_coupons_ten_people",
    "parts of a discount": "tests.scenarios.test_offers:test_shares_sum_exactly_and_none_passes_its_line",
    "a reward taken back after it was spent": (
        "tests.scenarios.test_points:test_a_refund_after_the_points_were_spent_becomes_debt_and_is_paid_off"
    ),
    "a target reached by a jump": "",
    "a claim in somebody else's name": f"{HERE}:test_nobody_acts_in_another_name",
    "deleted and added five times": (
        "tests.scenarios.test_sign_up:test_deleting_and_adding_again_five_times_is_one_gift"
    ),
    "the welcome's sender dies": "tests.scenarios.test_sign_up:test_a_used_code_after_a_lost_answer_counts_as_sent",
    "an unknown kind of event": (
        "tests.bot.channels.test_wecom_app:test_an_unknown_kind_is_accepted_and_counted"
    ),
    "a callback delivered three times": (
        "tests.scenarios.test_sign_up:test_the_same_callback_four_times_at_once_is_one_gift"
    ),
    "two events of one person in one second": f"{HERE}:test_two_different_things_in_one_second_are_both_done",
    "a daily limit": "tests.scenarios.test_coupons:test_the_daily_limit_ends_at_local_midnight",
    "a rate limit": "tests.bot.test_delivery:test_hundred_messages_to_one_guide_never_reach_the_silent_limit",
    "a birthday on 29 February": "",
    "quiet hours across midnight": "tests.scenarios.test_coupons:test_reminders_keep_the_quiet_hours",
    "paused, then resumed": f"{HERE}:test_a_campaign_paused_and_resumed_loses_and_doubles_nothing",
    "a third level": f"{HERE}:test_a_third_level_cannot_be_written",
}  # fmt: skip
OPEN = {
    "a target reached by a jump": "the ladder of referrals is not in the house yet",
    "a birthday on 29 February": "no birthday is kept anywhere yet",
}


@pytest.mark.parametrize("row", TRAPS)
def test_every_row_has_its_test(row: str) -> None:
    assert bool(TRAPS[row]) != (row in OPEN)
    if TRAPS[row]:
        module, _, name = TRAPS[row].partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with all that promotions need."""
    async with start_shop(database_url, PLAYS) as selling:
        yield selling


async def team_of_two(mall: Shop, who: str = "wm1", *, first: bool = True, **config: Any) -> str:
    """A team that its leader has paid for; its code."""
    if first:
        await mall.product("A", 10_000, 10)
        await mall.campaign("group_buy", **{"sku": "A", "size": 2, "price_fen": PRICE, **config})
    found = re.search(r"团号 (\S{4}-\S{4})", await mall.says(who, "开团 1"))
    assert found is not None
    await mall.pays(who, f"o:{who}", PRICE, mall.checkout(who))
    return found[1]


async def test_two_pay_for_the_last_seat(mall: Shop) -> None:
    """One seat, two payments in the same instant: one has the seat, the other the money."""
    code = await team_of_two(mall)
    await mall.says("wm2", f"参团 {code}")
    late = mall.checkout("wm2")
    await mall.passes(minutes=16)
    await mall.says("wm3", f"参团 {code}")

    await asyncio.gather(
        mall.pays("wm2", "o2", PRICE, late), mall.pays("wm3", "o3", PRICE, mall.checkout("wm3"))
    )  # fmt: skip

    assert mall.bot.rows("SELECT status, held, paid FROM team") == [("success", 0, 2)]
    assert mall.bot.count("team_seat", "status = 'paid'") == 2
    assert mall.bot.rows("SELECT sum(amount_fen) FROM refund") == [(PRICE,)]


async def test_who_found_a_team_full_is_refunded_once_by_the_next(mall: Shop) -> None:
    """A full team sends nobody elsewhere by itself; who opens another and fails is refunded once, by that team."""
    code = await team_of_two(mall)
    await mall.says("wm2", f"参团 {code}")
    await mall.pays("wm2", "o2", PRICE, mall.checkout("wm2"))
    assert "满" in await mall.says("wm3", f"参团 {code}")
    await team_of_two(mall, "wm3", first=False)

    await mall.passes(hours=25)

    refunds = mall.bot.rows("SELECT o.order_no, r.amount_fen FROM refund r JOIN shop_order o ON o.id = r.order_id")
    assert refunds == [("o:wm3", PRICE)]


async def test_timer_and_sweeps_expire_a_team_together(mall: Shop) -> None:
    """However many find the end of one team at once, each seat has one refund."""
    await team_of_two(mall)
    mall.bot.clock.advance(25 * 3600)
    team = mall.one("SELECT id FROM team")
    ends = [
        TimerDue(key=f"sweep:{n}", source="timer", at=mall.bot.clock.now(), timer_id=n, name="team_deadline",
                 payload={"team_id": team}) for n in range(3)
    ]  # fmt: skip

    await asyncio.gather(mall.scheduler.sweep(), *[mall.bot.writer.accept(end) for end in ends])

    assert mall.bot.rows("SELECT amount_fen, reason FROM refund") == [(PRICE, "team_expired")]
    assert mall.bot.count("outbox", "call = 'order/refund'") == 1


async def test_a_refund_call_that_fails_holds_up_no_other(mall: Shop) -> None:
    """Of two refunds the shop cannot be reached for the first: the second happens, the first is tried again."""
    await team_of_two(mall, per_member=2)
    await team_of_two(mall, "wm2", first=False)
    await mall.passes(hours=25)
    await mall.bot.deliver()  # everything else that is owed
    assert len(mall.bot.wecom.sent("order/refund")) == 2
    mall.bot.wecom.calls.clear()

    await team_of_two(mall, "wm3", first=False)
    await team_of_two(mall, "wm4", first=False)
    mall.bot.wecom.answers["order/refund"] = [WeComUnreachable("order/refund", "reset", ambiguous=True)]
    await mall.passes(hours=25)
    await mall.bot.deliver()
    asked = [payload["refund_no"] for payload in mall.bot.wecom.sent("order/refund")]
    assert len(set(asked)) == 2
    assert mall.bot.count("outbox", "call = 'order/refund' AND status = 'sent'") == 3
    for _ in range(5):
        mall.bot.clock.advance(600)
        await mall.bot.deliver()

    asked = [payload["refund_no"] for payload in mall.bot.wecom.sent("order/refund")]
    assert len(asked) == 3
    assert len(set(asked)) == 2
    assert mall.bot.count("outbox", "call = 'order/refund' AND status = 'sent'") == 4


async def template(mall: Shop, **more: Any) -> None:
    """20 off 100, for anyone."""
    body = {"name": "满100减20", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30,
            "claimable": True, **more}  # fmt: skip
    key = f"api:{next(mall.bot.numbers)}"
    await mall.bot.writer.accept(
        AdminAsked(key=key, source="api", at=mall.bot.clock.now(), act="coupon-templates", body=body)
    )


async def test_an_order_that_cannot_be_made_burns_no_coupon(mall: Shop) -> None:
    """The goods are gone when the order is made: the coupon is as it was."""
    await template(mall)
    await mall.product("A", 10_000, 0)
    await mall.says("wm1", "领券 1")

    def buy(work: Work) -> object:
        turn: Any = work
        person = members.of(work.db, [("wecom", "wm1")])["wecom", "wm1"]
        savings = ((vouchers.usable(turn, person)[0].id, 2_000),)
        return open_checkout(turn, person, Want("x", 0, (Goods("A", "茶", 1, 10_000),), 8_000, savings=savings))

    assert await mall.bot.writer.call(buy) == "sold_out"
    assert mall.bot.rows("SELECT status, checkout_id FROM coupon") == [("active", None)]


async def test_a_hundred_claims_ten_coupons_ten_people(mall: Shop) -> None:
    """Twenty people tap five times each for ten coupons, one a person: ten coupons in ten hands."""
    await template(mall, stock=10, per_member=1)
    await asyncio.gather(*[mall.says(f"wx{n % 20}", "领券 1") for n in range(100)])
    assert mall.bot.rows("SELECT count(*), count(DISTINCT member_id) FROM coupon") == [(10, 10)]


async def test_nobody_acts_in_another_name(mall: Shop) -> None:
    """Who speaks is who the channel says; a code in other hands buys, cuts down and verifies nothing.

    Over HTTP there is no claim by name: orders come signed by their shop and the API asks for its token
    (tests/bot/channels/test_orders.py, tests/console/test_writes.py).
    """
    await mall.product("A", 10_000, 5)
    await mall.campaign("bargain", sku="A", start_fen=10_000, floor_fen=1_000, cuts=1)
    found = re.search(r"砍价码 (\S{4}-\S{4})", await mall.says("wm1", "发起砍价 1"))
    assert found is not None
    assert "没有找到" in await mall.says("wm2", f"砍价下单 {found[1]}")
    assert mall.bot.count("checkout") == 0
    await template(mall)
    await mall.says("wm1", "领券 1")
    await mall.says("wm2", f"核销 {mall.one('SELECT code FROM coupon')}")
    assert mall.bot.rows("SELECT status FROM coupon") == [("active",)]


async def test_two_different_things_in_one_second_are_both_done(mall: Shop) -> None:
    """What somebody says twice in a second is two things, when it is two."""
    await template(mall)
    await asyncio.gather(mall.says("wm1", "领券 1"), mall.says("wm1", "领券 1"), mall.says("wm1", "积分"))
    assert mall.bot.count("coupon") == 2
    assert "可用积分" in mall.heard()


async def _step(mall: Shop, act: str) -> None:
    key, body = f"api:{next(mall.bot.numbers)}", {"id": mall.one("SELECT id FROM campaign"), "by": "boss"}
    event = AdminAsked(key=key, source="api", at=mall.bot.clock.now(), act=f"campaigns/{act}", body=body)
    assert '"status": 200' in (await mall.bot.writer.accept(event) or "")


async def test_a_campaign_paused_and_resumed_loses_and_doubles_nothing(mall: Shop) -> None:
    """While it rests nothing begins, what had begun goes on; resumed, everybody's limit is what it was."""
    code = await team_of_two(mall)
    await _step(mall, "pause")
    assert "拼团" in await mall.says("wm3", "开团 1")
    assert mall.bot.count("team") == 1
    await mall.says("wm2", f"参团 {code}")
    await mall.pays("wm2", "o2", PRICE, mall.checkout("wm2"))
    assert mall.one("SELECT status FROM team") == "success"
    await _step(mall, "publish")
    await _step(mall, "publish")  # a second tap
    assert "用完" in await mall.says("wm1", "开团 1")
    assert "开团成功" in await mall.says("wm3", "开团 1")


async def test_a_third_level_cannot_be_written(mall: Shop) -> None:
    """Nobody is paid for the friends of friends of friends: the schema refuses the row, whoever writes it."""
    row = "INSERT INTO referral (id, campaign_id, inviter_id, invitee_id, level, status, reason, rules, bound_at) "
    when = 0 if mall.bot.database.dialect == "sqlite" else "'2026-11-11'"
    for level in (0, 3, 4):
        with mall.bot.database.engine.connect() as connection, pytest.raises(IntegrityError, match="referral_level"):
            connection.execute(text(f"{row} VALUES (1, 1, 1, 2, {level}, 'pending', '', '{{}}', {when})"))
