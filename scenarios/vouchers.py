"""发券: how a coupon of a template comes into a member's hands: within its stock, budget, limits and dates.

Stock, budget and limits are stocks: one conditional update each, opened when first needed. What a coupon may cost
at most is set aside from the budget when it is issued and goes back when the coupon ends for less.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from bot.clock import end_of_day, local_day
from bot.ids import code
from bot.turn import Turn
from scenarios.offers import Coupon
from storage import coupons, drives, grants, limits, members, shop, stock
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import CouponTemplate

DAY = "coupons_day"  # the timer of a day on which coupons end, or on which somebody is reminded of it


def expiry(template: CouponTemplate, now: datetime) -> datetime:
    """When a coupon received now ends: N days from receipt, the fixed end, or whichever comes first."""
    ends = [template.valid_until] if template.valid_until else []
    if template.valid_days:
        ends.append(now + timedelta(days=template.valid_days))
    return min(ends)


def issue(turn: Turn, person: Person, template: CouponTemplate, occurrence: str, channel: str = "") -> Voucher | str:
    """A new coupon, or why not: `again` (this very occurrence was used), `ended`, `limit`, `day_limit`, `sold_out`,
    `budget`."""
    campaign = f"coupon:{template.id}"
    if template.valid_until is not None and template.valid_until <= turn.now:
        return "ended"
    if grants.used(turn.db, person, campaign, occurrence):
        return "again"
    refusal = _take_all(turn, person, template)
    if refusal:
        return refusal
    grant_id = grants.claim(turn.db, turn.ids, person, campaign, occurrence, channel, turn.cause, turn.now)
    assert grant_id is not None  # asked a moment ago, in this transaction
    return hand_over(turn, person, template, grant_id)


def hand_over(turn: Turn, person: Person, template: CouponTemplate, grant_id: int) -> Voucher:
    """The row itself; stock, budget and limits are the caller's."""
    voucher = Voucher(
        turn.ids.next(), code(turn.chance), template.name, person.id, grant_id, "active", turn.now,
        expiry(template, turn.now), template.id, bearer=template.bearer, liability_fen=template.liability_fen,
    )  # fmt: skip
    coupons.issue(turn.db, voucher)
    for days_before in {0, template.remind_days}:
        day = voucher.expires_at - timedelta(days=days_before)
        turn.at(end_of_day(day), DAY, f"coupons:{local_day(day)}", {})
    return voucher


def add_to_pack(turn: Turn, person: Person, template: CouponTemplate, grant_id: int) -> Voucher | str:
    """A coupon as part of what a grant gives, or why its template gives none any more."""
    return _take_all(turn, person, template) or hand_over(turn, person, template, grant_id)


def _take_all(turn: Turn, person: Person, template: CouponTemplate) -> str:
    """Take one of everything that can run out; what was taken goes back when a later one is missing."""
    base, day = f"coupon:{template.id}", f":{local_day(turn.now)}"
    known_as = members.everyone(turn.db, person.id)
    ever, used = limits.of(turn.db, known_as, lambda one: f"limit:{base}:{one}")
    today, used_today = limits.of(turn.db, known_as, lambda one: f"limit:{base}:{one}{day}")
    wanted = [
        (ever, template.per_member, 1, used, "limit"),
        (today, template.per_day, 1, used_today, "day_limit"),
        (base, template.stock, 1, 0, "sold_out"),
        (f"budget:{base}", template.budget_fen, template.liability_fen, 0, "budget"),
    ]
    taken: list[tuple[str, int]] = []
    for name, total, n, spare, refusal in wanted:
        if not total or not n:
            continue
        if not stock.take_or_open(turn.db, name, total, n, spare):
            for earlier, m in taken:
                stock.give_back(turn.db, earlier, m)
            return refusal
        taken.append((name, n))
    return ""


def end(turn: Turn, voucher: Voucher) -> None:
    """Let a coupon whose time is over expire. One that was held when its day ended ends when it is let go."""
    if voucher.expires_at <= turn.now and coupons.close(turn.db, voucher.id, "active", "expired", turn.now):
        ended(turn, voucher, 0)


def ended(turn: Turn, voucher: Voucher, cost_fen: int, *, used: bool = False) -> None:
    """A coupon ended having cost `cost_fen`: what was set aside beyond it goes back to the budget. A gift that waits
    for it is handed over when it was `used`, else it is for others again."""
    if voucher.template_id is None:
        redeemed = drives.redemptions.one(turn.db, coupon_id=voucher.id)
        for name, n in json.loads(redeemed.holds) if redeemed else []:
            (stock.commit if used else stock.release)(turn.db, name, n)
    if voucher.template_id is not None and voucher.liability_fen > cost_fen:
        stock.give_back(turn.db, f"budget:coupon:{voucher.template_id}", voucher.liability_fen - cost_fen)


def undo(turn: Turn, voucher: Voucher) -> bool:
    """The coupon comes back after a refund, when its template says so and its time is not over: active once more.

    What it cost goes back into what is set aside; a budget that has no room any more leaves the coupon used.
    """
    if voucher.status != "redeemed" or voucher.expires_at <= turn.now:
        return False
    missing = voucher.liability_fen - voucher.discount_fen
    budget = f"budget:coupon:{voucher.template_id}"
    if missing > 0 and stock.find(turn.db, budget) is not None and not stock.take(turn.db, budget, missing):
        return False
    return coupons.reopen(turn.db, voucher.id, "redeemed")


def as_rule(voucher: Voucher, template: CouponTemplate) -> Coupon:
    """A voucher as the calculation of offers sees it."""
    return Coupon(
        id=voucher.id, code=voucher.code, name=template.name, kind=template.kind, value=template.value,
        threshold_fen=template.threshold_fen, scope=template.scope,
        scope_items=frozenset(json.loads(template.scope_items)), stackable=bool(template.stackable),
        most_fen=template.liability_fen if template.kind == "discount" else 0, expires_at=voucher.expires_at,
        gift_sku=template.gift_sku,
    )  # fmt: skip


def usable(turn: Turn, person: Person) -> list[Coupon]:
    """A member's coupons that can be calculated with, the first to expire first."""
    found, known = [], {}
    for voucher in coupons.usable(turn.db, person.id, turn.now):
        if voucher.template_id is None:
            continue
        if voucher.template_id not in known:
            known[voucher.template_id] = shop.templates.one(turn.db, id=voucher.template_id)
        template = known[voucher.template_id]
        if template is not None and (template.valid_from is None or template.valid_from <= turn.now):
            found.append(as_rule(voucher, template))
    return found
