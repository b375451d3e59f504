"""推荐规则: who is new, which order counts, what a campaign holds, costs, and may not promise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.router import Shelf
from scenarios.invite_rules import (
    Drive,
    Gift,
    Newcomer,
    Rung,
    next_rung,
    order_refusal,
    problems,
    refusal,
    rungs,
    short,
    stocks,
    worst_fen,
)
from storage.tables import CouponTemplate
from tests.scenarios.referring import CONFIG, NOW


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, ""),
        ({"first_seen": NOW - timedelta(days=3)}, ""),
        ({"first_seen": NOW - timedelta(days=3, seconds=1)}, "known"),
        ({"bought": True}, "bought"),
        ({"left": True}, "left"),
        ({"bound": True, "bought": True}, "bound"),
        ({"staff": True, "bound": True}, "staff"),
        ({"same_person": True, "staff": True}, "self"),
    ],
)
def test_who_is_a_newcomer(known: dict[str, Any], why: str) -> None:
    assert refusal(Newcomer(**{"first_seen": NOW, **known}), NOW, fresh_days=3) == why


@pytest.mark.parametrize(
    ("later_s", "kept", "bought", "why"),
    [(0, 5_000, False, ""), (1, 9_999, False, ""), (0, 4_999, False, "too_small"), (-1, 9_999, False, "bought"),
     (1, 9_999, True, "bought"), (1, 0, False, "too_small")],
)  # fmt: skip
def test_which_order_counts(later_s: int, kept: int, bought: bool, why: str) -> None:
    assert order_refusal(NOW + timedelta(seconds=later_s), NOW, kept, 5_000, bought=bought) == why


def test_a_jump_past_a_rung_gives_each_once() -> None:
    rules = Drive(ladder=[Rung(count=n, pack=Gift(points=n)) for n in (3, 5, 10)])
    assert [r.count for r in rungs(rules, 6, set())[0]] == [3, 5]
    assert rungs(rules, 6, {3, 5}) == ([], [])
    assert [r.count for r in rungs(rules, 4, {3, 5})[1]] == [5]
    assert [next_rung(rules, n).count for n in (0, 3, 9)] == [3, 5, 10]  # type: ignore[union-attr]
    assert next_rung(rules, 10) is None


def test_what_can_run_out_is_held_in_one_order() -> None:
    rules = Drive(inviter=Gift(points=7), invitee=Gift(points=3), second=Gift(points=2), budget_points=90, total=9)
    first, second = (stocks(rules, 5, 6, "2026-11-11", level) for level in (1, 2))
    assert [(name, n) for name, _, n, _ in first] == [
        ("budget:campaign:5", 10), ("limit:campaign:5:6", 1), ("limit:campaign:5:6:2026-11-11", 1),
        ("total:campaign:5", 1),
    ]  # fmt: skip
    assert ("budget:campaign:5", 90, 2, "used_up") in second
    assert stocks(Drive(per_member_day=0, per_member_total=0), 5, 6, "d", 1) == []


def made(name: str, liability: int, stock: int, budget: int = 0) -> CouponTemplate:
    """A coupon template as the linter sees it."""
    return CouponTemplate(
        id=1, name=name, kind="cash", value=liability, gift_sku="", threshold_fen=0, scope="all", scope_items="[]",
        stackable=0, liability_fen=liability, stock=stock, budget_fen=budget, per_member=0, per_day=0, valid_days=30,
        valid_from=None, valid_until=None, bearer="brand", give_back="full", remind_days=0, claimable=0,
        created_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "worst"),
    [
        ({"inviter": {"points": 10}}, -1),
        ({"inviter": {"points": 10}, "invitee": {"points": 5}, "total": 100}, 1_500),
        ({"inviter": {"points": 10}, "budget_points": 900}, 900),
        ({"inviter": {"points": 10}, "budget_points": 900, "total": 10}, 100),
        ({"inviter": {"coupons": [{"template": "few"}]}}, 20_000),
        ({"inviter": {"coupons": [{"template": "few", "count": 2}]}, "total": 3}, 6_000),
        ({"inviter": {"coupons": [{"template": "many"}]}}, -1),
        ({"inviter": {"coupons": [{"template": "capped"}]}}, 700),
        ({"inviter": {"points": 1, "coupons": [{"template": "few"}]}}, -1),
        ({"inviter": {"points": 10}, "second": {"points": 90}, "levels": 2, "total": 10}, 1_000),
        ({"ladder": [{"count": 3, "pack": {"points": 50}}], "total": 10}, 150),
    ],
)
def test_what_a_campaign_can_cost(config: dict[str, Any], worst: int) -> None:
    there = {t.name: t for t in (made("few", 1_000, 20), made("many", 1_000, 0), made("capped", 1_000, 0, 700))}
    assert worst_fen(Drive(**config), Shelf(templates=there)) == worst


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({**CONFIG, "levels": 3, "second": {"points": 1}}, "levels"),
        ({**CONFIG, "levels": 2, "second": {"points": 1}, "qualify": "contact"}, "levels"),
        ({**CONFIG, "levels": 2}, "second"),
        ({**CONFIG, "second": {"points": 1}}, "second"),
        ({**CONFIG, "ladder": [{"count": 3, "pack": {}}, {"count": 3, "pack": {}}]}, "ladder"),
        ({}, "inviter"),
        ({**CONFIG, "budget_points": 149}, "budget_points"),
        ({**CONFIG, "qualify": "contact"}, "qualify"),
    ],
)
def test_a_campaign_that_would_hurt_is_named_by_its_field(config: dict[str, Any], field: str) -> None:
    assert problems(Drive(**config), Shelf())[0].field == field


@pytest.mark.parametrize("levels", [1, 2, 3, 7, 10**9])
def test_no_config_pays_a_third_level(levels: int) -> None:
    assert Drive(levels=levels).depth <= 2


@pytest.mark.parametrize(("name", "seen"), [("小明🎉", "小**"), ("K", "K**"), ("", "")])
def test_a_friends_name_is_shortened(name: str, seen: str) -> None:
    assert short(name) == seen
