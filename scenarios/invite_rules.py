"""推荐规则: what a referral campaign promises, who counts as new, what it can cost. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Problem, Shelf
from scenarios.rewards import CouponGift, Pack
from storage.tables import CouponTemplate

MOST_LEVELS = 2  # 禁止传销条例: no config may pay a third
POINT_FEN = 1  # what a point is counted as when the cost of a campaign is bounded


class TemplateGift(BaseModel):
    """Coupons of a template, which decides all about them (a free order is a template too)."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field(min_length=1, max_length=40)
    count: int = Field(default=1, ge=1, le=20)


class Gift(BaseModel):
    """What somebody gets."""

    model_config = ConfigDict(extra="forbid")

    points: int = Field(default=0, ge=0, le=1_000_000)
    coupons: list[TemplateGift] = Field(default=[], max_length=10)

    def pack(self) -> Pack:
        """As the house gives it."""
        gifts = [CouponGift(template=one.template, count=one.count, valid_days=0) for one in self.coupons]
        return Pack(points=self.points, coupons=gifts)

    def __bool__(self) -> bool:
        return bool(self.points or self.coupons)


class Rung(BaseModel):
    """阶梯: a gift for the inviter whose paid referrals reach `count`, once."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(ge=1, le=100_000)
    pack: Gift


class Drive(BaseModel):
    """A referral campaign's config. 0 = no limit, for `per_member_day`, `per_member_total`, `total`, `budget_points`.

    `qualify`: order = the first paid order of at least `least_fen`, not refunded for `hold_days`; contact = a new
    contact who stays so long. `bind_days`: how long a newcomer may take for it. `fresh_days`: how long after the first
    contact somebody is still new. `second`: for whoever brought the inviter, with `levels` 2.
    """

    model_config = ConfigDict(extra="forbid")

    inviter: Gift = Gift()
    invitee: Gift = Gift()
    second: Gift = Gift()
    ladder: list[Rung] = Field(default=[], max_length=10)
    qualify: Literal["order", "contact"] = "order"
    least_fen: int = Field(default=1, ge=1, le=100_000_000)
    hold_days: int = Field(default=7, ge=1, le=90)
    bind_days: int = Field(default=30, ge=1, le=365)
    fresh_days: int = Field(default=3, ge=1, le=30)
    per_member_day: int = Field(default=10, ge=0, le=10_000)
    per_member_total: int = Field(default=50, ge=0, le=1_000_000)
    total: int = Field(default=0, ge=0, le=100_000_000)
    budget_points: int = Field(default=0, ge=0)
    levels: int = Field(default=1, ge=1)

    @property
    def depth(self) -> int:
        """Levels that are paid, whatever the config says."""
        return min(self.levels, MOST_LEVELS)

    def points(self, level: int) -> int:
        """Points that one referral of a level promises."""
        return self.inviter.points + self.invitee.points if level == 1 else self.second.points


@dataclass(frozen=True)
class Newcomer:
    """What is known of somebody who comes by a code. `first_seen`: the earliest trace of the person."""

    first_seen: datetime
    same_person: bool = False
    staff: bool = False
    bound: bool = False
    bought: bool = False
    left: bool = False


def refusal(who: Newcomer, now: datetime, fresh_days: int) -> str:
    """Why somebody is no newcomer: `self`, `staff`, `bound`, `bought`, `left`, `known`; "" when they are."""
    if who.same_person:
        return "self"
    for name in ("staff", "bound", "bought", "left"):
        if getattr(who, name):
            return name
    return "known" if who.first_seen < now - timedelta(days=fresh_days) else ""


def order_refusal(paid_at: datetime, bound_at: datetime, kept_fen: int, least_fen: int, *, bought: bool) -> str:
    """Why a newcomer's order does not count: `bought`, `too_small`; "" when it does."""
    if bought or paid_at < bound_at:
        return "bought"
    return "too_small" if kept_fen < least_fen else ""


def rungs(rules: Drive, paid: int, standing: set[int]) -> tuple[list[Rung], list[Rung]]:
    """(rungs to give, rungs to take back) when `paid` referrals stand and the rungs of these counts were given."""
    give = [rung for rung in rules.ladder if rung.count <= paid and rung.count not in standing]
    return give, [rung for rung in rules.ladder if rung.count > paid and rung.count in standing]


def next_rung(rules: Drive, paid: int) -> Rung | None:
    """The first rung that is not reached yet."""
    return next((rung for rung in rules.ladder if rung.count > paid), None)


def stocks(rules: Drive, campaign_id: int, inviter_id: int, day: str, level: int) -> list[tuple[str, int, int, str]]:
    """(stock, its total, how many, refusal) that one referral of a level must hold, in the order of their names."""
    mine = f"limit:campaign:{campaign_id}:{inviter_id}"
    wanted = [
        (f"budget:campaign:{campaign_id}", rules.budget_points, rules.points(level), "used_up"),
        (f"total:campaign:{campaign_id}", rules.total if level == 1 else 0, 1, "used_up"),
        (mine, rules.per_member_total, 1, "total"),
        (f"{mine}:{day}", rules.per_member_day, 1, "day"),
    ]
    return sorted(one for one in wanted if one[1] and one[2])


def gifts(rules: Drive) -> dict[str, Gift]:
    """Every gift of a campaign by its field."""
    found = {"inviter": rules.inviter, "invitee": rules.invitee, "second": rules.second}
    return found | {f"ladder.{place}.pack": rung.pack for place, rung in enumerate(rules.ladder)}


def templates(rules: Drive) -> dict[str, str]:
    """The coupon templates that a campaign names, by field."""
    return {
        f"{field}.coupons.{place}.template": one.template
        for field, gift in gifts(rules).items()
        for place, one in enumerate(gift.coupons)
    }


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign."""
    found = []
    counts = [rung.count for rung in rules.ladder]
    if rules.levels > MOST_LEVELS:
        found.append(Problem("levels", "referral/two_levels"))
    if rules.depth > 1 and rules.qualify == "contact":
        found.append(Problem("levels", "referral/no_head_pay"))
    if bool(rules.second) != (rules.depth > 1):
        found.append(Problem("second", "referral/second_unused"))
    if counts != sorted(set(counts)):
        found.append(Problem("ladder", "referral/ladder_order"))
    if not any(gifts(rules).values()):
        found.append(Problem("inviter", "referral/no_gift"))
    if 0 < rules.budget_points < rules.points(1):
        found.append(Problem("budget_points", "referral/budget_small"))
    if rules.qualify == "contact":  # pay by the head, without anything sold: two persons must want it
        found.append(Problem("qualify", "referral/pays_heads", level="sign"))
    return found


def worst_fen(rules: Drive, shelf: Shelf) -> int:
    """The most that a campaign can cost: by its number of referrals, or by its budgets; -1 = neither is bounded."""
    bounds = [bound for bound in (_by_total(rules, shelf), _by_budgets(rules, shelf)) if bound is not None]
    return min(bounds) if bounds else -1


def _by_total(rules: Drive, shelf: Shelf) -> int | None:
    if not rules.total:
        return None
    each = _gift_fen(rules.inviter, shelf) + _gift_fen(rules.invitee, shelf)
    each += _gift_fen(rules.second, shelf) if rules.depth > 1 else 0
    return rules.total * each + sum(
        rules.total // rung.count * _gift_fen(rung.pack, shelf) for rung in rules.ladder
    )  # fmt: skip


def _gift_fen(gift: Gift, shelf: Shelf) -> int:
    coupons = sum(one.count * shelf.templates[one.template].liability_fen for one in gift.coupons)
    return gift.points * POINT_FEN + coupons


def _by_budgets(rules: Drive, shelf: Shelf) -> int | None:
    if not rules.budget_points and any(gift.points for gift in gifts(rules).values()):
        return None
    named = {name: shelf.templates[name] for name in templates(rules).values()}
    bounds = [_template_fen(named[name]) for name in sorted(named)]
    if any(bound is None for bound in bounds):
        return None
    return rules.budget_points * POINT_FEN + sum(bound or 0 for bound in bounds)


def _template_fen(template: CouponTemplate) -> int | None:
    if template.stock:
        by_stock = template.stock * template.liability_fen
        return min(by_stock, template.budget_fen) if template.budget_fen else by_stock
    return template.budget_fen or (None if template.liability_fen else 0)


def parse(text: str) -> Drive:
    """A snapshot of the rules, as a referral keeps it."""
    return Drive.model_validate_json(text)


def short(name: str) -> str:
    """A friend's name as another person may see it: its first letter."""
    return f"{name[:1]}**" if name else ""


REASONS: Mapping[str, str] = {
    "known": "referral/why_known", "bought": "referral/why_known", "left": "referral/why_left",
    "not_new": "referral/why_known", "staff": "referral/why_staff", "same_person": "referral/why_same",
    "expired": "referral/why_expired", "too_small": "referral/why_too_small", "refunded": "referral/why_refunded",
    "by_hand": "referral/why_by_hand",
}  # fmt: skip
