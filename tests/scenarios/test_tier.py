"""会员等级: raised at once, reviewed with a notice, never lowered out of the blue; cards; rules tried before they are
made."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.order_events import AdminAsked
from bot.scheduler import Scheduler
from bot.turn import Work
from scenarios import tier, tier_review, tier_rules
from scenarios.tier_rules import Card, Held, TierRules, card_now, look
from storage import oneid, tiers
from storage.tables import MemberProfile
from tests.office import office_of
from tests.shop import Shop, start_shop

LEVELS: list[dict[str, Any]] = [
    {"name": "银卡", "at_least": 100_000},
    {"name": "金卡", "at_least": 300_000, "points_percent": 150, "coupon": "金卡礼"},
    {"name": "黑卡", "card_sku": "CARD", "card_days": 30, "points_percent": 200, "birthday_points": 88},
]
RULES: dict[str, Any] = {"months": 12, "review_months": 12, "notice_days": 30, "grace_days": 10, "levels": LEVELS}
GIFT: dict[str, Any] = {
    "name": "金卡礼", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 3,
}  # fmt: skip


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A shop with levels."""
    async with start_shop(database_url, {"points": {"per_yuan": 1}, "coupons": {}, "tier": {}}) as selling:
        selling.scheduler = Scheduler(selling.bot.writer, selling.bot.clock, dailies=tier.router.dailies)
        await selling.product("CARD", 19_900)
        assert (await ask(selling, "coupon-templates", **GIFT))[0] == 201
        await rule(selling)
        yield selling


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    event = AdminAsked(
        key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body
    )  # fmt: skip
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


async def rule(mall: Shop, **more: Any) -> None:
    """Put rules in force and let them reach everybody."""
    status, body = await ask(mall, "tiers", rules={**RULES, **more}, made_by="小王")
    assert status == 200, body
    for _ in range(3):
        await mall.passes(seconds=2)


def of(mall: Shop, who: str) -> str:
    """What a member is called."""
    return str(mall.one("SELECT m.tier FROM member m JOIN identity i ON i.member_id = m.id "
                        "WHERE i.external_id = :who", who=who))  # fmt: skip


async def days(mall: Shop, count: int) -> None:
    """Days go by one after the other, as they do."""
    for _ in range(count):
        await mall.passes(days=1)


def told(mall: Shop, piece: str) -> int:
    """How often something was said to somebody."""
    rows = mall.bot.rows("SELECT payload FROM outbox WHERE call = 'message/send'")
    return sum(piece in json.loads(row[0])["text"]["content"] for row in rows)


async def test_an_order_lifts_at_once_and_the_levels_gift_comes_once(mall: Shop) -> None:
    assert "还没有" not in await mall.says("wm1", "我的等级")
    await mall.pays("wm1", "o1", 100_000)
    assert of(mall, "wm1") == "银卡"
    await mall.pays("wm1", "o2", 250_000)
    assert of(mall, "wm1") == "金卡"
    assert mall.bot.count("coupon", "template = '金卡礼'") == 1
    await mall.pays("wm1", "o3", 10_000)  # 150 per cent now; the orders that lifted were of the level before
    earned = mall.bot.rows("SELECT amount FROM reward ORDER BY id")
    assert [row[0] for row in earned] == [1_000, 2_500, 150]
    said = await mall.says("wm1", "我的等级")
    assert "你现在是：金卡" in said
    assert "3600 元" in said
    assert "2027-11-11" in said
    assert mall.bot.count("tier_change") == 2


async def test_who_asks_is_told_what_the_notice_will_say(mall: Shop) -> None:
    """An order of today will be too old on the day of the review."""
    await mall.pays("wm1", "o1", 320_000)
    said = await mall.says("wm1", "我的等级")
    assert "累计：3200 元" in said
    assert "到那天还差 3000 元" in said
    await days(mall, 336)
    assert told(mall, "「金卡」将在 2027-11-11 复核，还差 3000 元") == 1
    await mall.pays("wm1", "o2", 300_000)
    assert "照现在这样能保住" in await mall.says("wm1", "我的等级")


async def test_a_refund_takes_a_level_back_at_the_review_alone(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 320_000)
    await mall.refunds("o1", 320_000)
    assert of(mall, "wm1") == "金卡"
    await days(mall, 334)
    assert told(mall, "「金卡」将在") == 0
    await days(mall, 2)
    assert told(mall, "「金卡」将在 2027-11-11 复核，还差 3000 元") == 1
    await days(mall, 29)
    assert (of(mall, "wm1"), told(mall, "给你保留到")) == ("金卡", 1)
    await days(mall, 11)
    assert of(mall, "wm1") == "银卡"  # one step, whatever was earned
    assert told(mall, "由「金卡」调整为「银卡」") == 1
    assert mall.bot.count("coupon", "template = '金卡礼' AND status <> 'voided'") == 1


async def test_who_catches_up_in_time_keeps_the_level(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 320_000)
    await days(mall, 340)
    await mall.pays("wm1", "o2", 300_000)
    await days(mall, 30)
    assert of(mall, "wm1") == "金卡"
    assert told(mall, "复核通过，「金卡」保留到") == 1
    assert told(mall, "调整为") == 0


async def test_nobody_falls_without_a_notice(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 320_000)
    await days(mall, 100)
    await mall.pays("wm1", "o2", 320_000)
    await days(mall, 240)  # looked at, will pass
    assert told(mall, "将在") == 0
    await mall.refunds("o2", 320_000)
    await days(mall, 30)
    assert (of(mall, "wm1"), told(mall, "「金卡」将在")) == ("金卡", 1)
    await days(mall, 45)
    assert of(mall, "wm1") == "银卡"


async def test_a_card_is_a_level_for_its_days_and_a_refund_shortens_it(mall: Shop) -> None:
    await mall.pays("wm2", "c1", 19_900, items=[{"sku": "CARD", "qty": 1}])
    assert of(mall, "wm2") == "黑卡"
    await mall.pays("wm2", "c2", 19_900, items=[{"sku": "CARD", "qty": 1}])
    await mall.refunds("c2", 9_950)
    await days(mall, 44)
    assert of(mall, "wm2") == "黑卡"
    await days(mall, 2)
    assert of(mall, "wm2") == "basic"
    await mall.pays("wm3", "c3", 19_900, items=[{"sku": "CARD", "qty": 2}])
    await mall.pays("wm3", "o3", 100_000)
    assert of(mall, "wm3") == "黑卡"
    await mall.refunds("c3", 19_900)
    assert of(mall, "wm3") == "银卡"
    assert "有效到" not in (await mall.says("wm3", "我的等级"))


async def test_a_level_adds_to_a_birthday_once_also_on_29_february(mall: Shop) -> None:
    member_id = mall.one("SELECT member_id FROM identity WHERE external_id = 'wm2' AND channel = 'wecom'")
    born = MemberProfile(member_id=member_id, birthday="02-29", birth_year=None, zone=None, source="test",
                         changed_at=mall.bot.clock.now())  # fmt: skip
    await mall.bot.writer.call(lambda work: _add(work, born))
    await days(mall, 100)  # 19 February 2027
    await mall.pays("wm2", "c1", 19_900, items=[{"sku": "CARD", "qty": 1}])
    await days(mall, 12)
    assert told(mall, "生日快乐！「黑卡」送你 88 积分") == 1
    assert mall.bot.count("grant", "campaign = 'tier:birthday'") == 1


@pytest.mark.parametrize(("before", "out"), [(20, 17), (8, 32)], ids=["planned before", "never planned"])
async def test_a_birthday_that_nothing_ran_on_is_made_good(mall: Shop, before: int, out: int) -> None:
    member_id = mall.one("SELECT member_id FROM identity WHERE external_id = 'wm2' AND channel = 'wecom'")
    born = MemberProfile(member_id=member_id, birthday="11-12", birth_year=None, zone=None, source="test",
                         changed_at=mall.bot.clock.now())  # fmt: skip
    await mall.bot.writer.call(lambda work: _add(work, born))
    await mall.pays("wm2", "c1", 19_900, items=[{"sku": "CARD", "qty": 1}])
    await mall.passes(hours=before)  # the eve, or the morning of the 12th itself; then nothing runs
    await mall.passes(hours=out)  # early on the 13th

    assert mall.bot.count("grant", "campaign = 'tier:birthday'") == 1
    assert mall.bot.count("timer", "name = 'tier.birthday' AND fired_at IS NULL") == 1  # the 13th's own


def _add(work: Work, row: MemberProfile) -> None:
    from storage.rows import Rows

    Rows(MemberProfile).add(work.db, row)


async def test_rules_are_tried_on_todays_members_before_they_are_made(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 320_000)
    await mall.pays("wm2", "o2", 60_000)
    mild = [{**LEVELS[0], "at_least": 50_000}, {**LEVELS[1], "name": "金卡会员", "was": ["金卡"]}, LEVELS[2]]
    async with office_of(mall.bot) as office:
        status, shown = await office.post("tiers/preview", {"rules": {**RULES, "levels": mild}})
        assert status == 200, shown
        assert (shown["up"], shown["down"], shown["members"]) == ({"银卡": 1}, {}, 5)
        assert [(one["from"], one["to"]) for one in shown["sample"]["up"]] == [("basic", "银卡")]
        hard = [{**LEVELS[0], "at_least": 310_000}, {**LEVELS[1], "at_least": 900_000}, LEVELS[2]]
        status, shown = await office.post("tiers/preview", {"rules": {**RULES, "levels": hard}})
        assert (shown["up"], shown["down"]) == ({}, {"银卡": 1})
        assert of(mall, "wm2") == "basic"
        status, body = await office.post("tiers", {"rules": {**RULES, "levels": [LEVELS[0], LEVELS[2]]}})
        assert (status, body["error"]["code"]) == (422, "level_gone")
        status, body = await office.post("tiers/preview", {"rules": {**RULES, "levels": LEVELS[:1] * 2}})
        assert (status, body["error"]["code"]) == (422, "wrong_value")
        await rule(mall, levels=mild)
        assert (of(mall, "wm1"), of(mall, "wm2"), of(mall, "wm3")) == ("金卡会员", "银卡", "basic")
        await rule(mall, levels=[*hard[:1], {**hard[1], "was": ["金卡会员"]}, LEVELS[2]])
        assert (of(mall, "wm1"), of(mall, "wm2")) == ("金卡", "银卡")  # nobody falls but at a review
        _, shown = await office.get("tiers")
        assert shown["members"] == {"金卡": 1, "银卡": 1, "basic": 3}
        _, shown = await office.get("tiers/changes")
        assert [one["why"] for one in shown["items"]] == ["rules", "order"]
    assert mall.bot.count("audit_log", "action = 'tier.rules'") == 3


async def test_two_members_who_are_one_count_together_and_keep_the_higher_level(mall: Shop) -> None:
    await mall.pays("wm1", "o1", 60_000)
    await mall.pays("wm2", "o2", 250_000)
    ids = dict(mall.bot.rows("SELECT external_id, member_id FROM identity WHERE channel = 'wecom'"))
    now = mall.bot.clock.now()
    await mall.bot.writer.call(
        lambda work: oneid.merge(work.db, work.ids, ids["wm1"], ids["wm2"], "test", "test", now)
    )  # fmt: skip
    await mall.passes(seconds=2)
    assert of(mall, "wm1") == "金卡"
    await mall.refunds("o2", 250_000)
    await days(mall, 400)
    assert of(mall, "wm1") == "银卡"


async def test_a_night_of_many_goes_window_by_window(mall: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_review.review, "__defaults__", (2,))
    for number in range(1, 6):
        await mall.pays(f"wm{number}", f"o{number}", 100_000)
    await days(mall, 340)
    for _ in range(4):
        await mall.passes(seconds=2)
    assert told(mall, "「银卡」将在") == 5
    assert mall.bot.count("member_tier", "stage = 'noticed'") == 5


# -- the rules ---------------------------------------------------------------------------------------------------------

PURE = TierRules.model_validate(RULES)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2028, 2, 29), -12, date(2027, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2027, 3, 31), -1, date(2027, 2, 28)),
        (date(2028, 3, 31), -1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_months_end_with_the_month(day: date, months: int, then: date) -> None:
    assert tier_rules.months_on(day, months) == then


def test_a_window_is_of_whole_days_in_the_shops_zone() -> None:
    for name in ("UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"):
        zone = ZoneInfo(name)
        since, until = tier_rules.window(date(2027, 3, 14), 1, zone)
        assert since.astimezone(zone).isoformat()[:16] == "2027-02-15T00:00"
        assert until.astimezone(zone).isoformat()[:16] == "2027-03-15T00:00"
        inside, outside = (since, 5_00), (since - timedelta(microseconds=1), 7_00)
        assert tier_rules.spent([inside, outside, (until, 9_00)], date(2027, 3, 14), 1, zone) == (500, 5, 1)


def test_a_level_depends_on_what_was_bought_not_on_the_order_it_was_told() -> None:
    dice, today = random.Random(4), date(2026, 11, 11)
    for _ in range(200):
        orders = [
            (datetime(2026, 11, 11, 4, tzinfo=UTC) - timedelta(days=dice.randint(-2, 500)), dice.randint(0, 200_000))
            for _ in range(dice.randint(0, 8))
        ]
        there = {
            tier_rules.earned(tier_rules.worth(tier_rules.spent(told, today, 12), PURE), PURE)
            for told in itertools.islice(itertools.permutations(orders), 24)
        }
        assert len(there) == 1


async def test_the_database_counts_as_the_rule_does(mall: Shop) -> None:
    dice, now = random.Random(5), mall.bot.clock.now()
    told_orders = [(now - timedelta(days=dice.randint(0, 500)), dice.randint(100, 90_000)) for _ in range(30)]
    for number, (paid_at, fen) in enumerate(told_orders):
        await mall.pays("wm5", f"x{number}", fen, at=paid_at)
    await mall.refunds("x3", 50)
    told_orders[3] = (told_orders[3][0], told_orders[3][1] - 50)
    today = date(2026, 11, 11)
    since, until = tier_rules.window(today, 12)
    found = await mall.bot.writer.call(lambda work: tiers.spent(work.db, [_id(mall, "wm5")], since, until))
    assert found == {_id(mall, "wm5"): tier_rules.spent(told_orders, today, 12)}


def _id(mall: Shop, who: str) -> int:
    return int(mall.one("SELECT member_id FROM identity WHERE external_id = :who", who=who))


@pytest.mark.parametrize("notice", [0, 30])
@pytest.mark.parametrize("grace", [0, 10])
def test_a_level_that_is_not_earned_falls_in_the_end_and_never_before_its_review(notice: int, grace: int) -> None:
    rules = PURE.model_copy(update={"notice_days": notice, "grace_days": grace, "down": "earned"})
    now = datetime(2026, 11, 11, 1, 40, tzinfo=UTC)
    given = tier_rules.planned(2, date(2026, 11, 11), rules)
    held, looks = Held(given.rank, given.stage, given.review_at), []
    first_review = given.review_at
    verdict = given
    while verdict.look_at is not None:
        now = max(now, verdict.look_at) + timedelta(hours=9)
        verdict = look(held, 0, 0, rules, now)
        looks.append(verdict.say)
        held = Held(verdict.rank, verdict.stage, verdict.review_at)
    assert first_review is not None
    assert now >= first_review + timedelta(days=grace)
    assert looks == [*(["notice"] if notice else []), *(["grace"] if grace else []), "lowered"]


def test_cards_of_one_level_follow_one_another() -> None:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    cards = [Card(2, first, 30), Card(2, first + timedelta(days=5), 30), Card(3, first + timedelta(days=10), 1)]
    for told_order in itertools.permutations(cards):
        assert card_now(told_order, first + timedelta(days=10, hours=1)) == (3, first + timedelta(days=11))
        assert card_now(told_order, first + timedelta(days=40)) == (2, first + timedelta(days=60))
        assert card_now(told_order, first + timedelta(days=60)) == (0, None)
