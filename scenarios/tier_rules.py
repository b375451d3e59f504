"""等级规则: which level a member earns: a function of their standing orders in a rolling window, the rules and the day.
In what order the orders were told does not matter.

An order counts while something of it is not refunded, by what stayed paid. The window are the last `months` months of
the shops' days: on 31 March a month began after 28 (29) February. Levels rise at once; they fall at a review alone,
after a notice of `notice_days`, so a refund takes a level back at the next review. Shared by plays, itself none.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import ZONE
from storage.tiers import Spent

BASIC = "basic"
NONE, KEPT, NOTICED, GRACE = "none", "kept", "noticed", "grace"


class Level(BaseModel):
    """A level. `at_least`: fen (or growth) in the window, None = by its card alone. `points_percent`: of the points
    that an order earns. `coupon`: a template, given on reaching it. `card_sku` bought gives it for `card_days`.
    `was`: what it was called under earlier rules."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=20)
    at_least: int | None = Field(default=None, ge=1, le=10**12)
    points_percent: int = Field(default=100, ge=100, le=1_000)
    coupon: str = Field(default="", max_length=40)
    birthday_points: int = Field(default=0, ge=0, le=100_000)
    card_sku: str = Field(default="", max_length=64)
    card_days: int = Field(default=0, ge=0, le=3_660)
    was: list[str] = Field(default=[], max_length=10)


class TierRules(BaseModel):
    """The levels, lowest first; below the first one everybody is `basic`.

    `counts` spend: fen; growth: `per_yuan` for each whole yuan of an order and `per_order` for the order.
    `down`: who falls short loses one level, or falls to what is earned.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    counts: Literal["spend", "growth"] = "spend"
    per_yuan: int = Field(default=1, ge=0, le=1_000)
    per_order: int = Field(default=0, ge=0, le=100_000)
    months: int = Field(default=12, ge=1, le=60)
    review_months: int = Field(default=12, ge=1, le=60)
    notice_days: int = Field(default=30, ge=0, le=90)
    grace_days: int = Field(default=0, ge=0, le=180)
    down: Literal["one", "earned"] = "one"
    levels: list[Level] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        names = [name for level in self.levels for name in (level.name, *level.was)]
        if len(set(names)) < len(names) or BASIC in names:
            raise ValueError(f"levels: two levels of one name, or one called {BASIC}")
        floors = [level.at_least for level in self.levels if level.at_least is not None]
        if floors != sorted(set(floors)):
            raise ValueError("levels: at_least must rise from level to level")
        if any(level.at_least is None and not level.card_sku for level in self.levels):
            raise ValueError("levels: a level needs at_least, or card_sku and card_days")
        skus = [level.card_sku for level in self.levels if level.card_sku]
        if len(set(skus)) < len(skus) or any(bool(one.card_sku) != bool(one.card_days) for one in self.levels):
            raise ValueError("levels: card_sku and card_days go together, each card_sku once")
        return self

    def rank(self, name: str) -> int:
        """1 for the lowest level, 0 for whoever has none of these."""
        return next((place for place, level in enumerate(self.levels, 1) if name in (level.name, *level.was)), 0)

    def name(self, rank: int) -> str:
        """The level of a rank, "" for none."""
        return self.levels[rank - 1].name if rank else ""

    def floor(self, rank: int) -> int:
        """What a rank asks for, -1 = it cannot be earned."""
        least = self.levels[rank - 1].at_least if rank else 0
        return -1 if least is None else least


class Held(NamedTuple):
    """What a member has: an earned rank, where its review stands."""

    rank: int
    stage: str
    review_at: datetime | None


class Verdict(NamedTuple):
    """What becomes of it, when to look again, and what the member is told: "", notice, grace, kept or lowered."""

    rank: int
    stage: str
    review_at: datetime | None
    look_at: datetime | None
    say: str


def months_on(day: date, months: int) -> date:
    """The same day so many months later (earlier below 0), or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def begins(day: date, zone: ZoneInfo = ZONE) -> datetime:
    """The first moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def window(day: date, months: int, zone: ZoneInfo = ZONE) -> tuple[datetime, datetime]:
    """From and until when orders count on a day: the whole day is in it, the same day `months` ago is not."""
    return begins(months_on(day, -months) + timedelta(days=1), zone), begins(day + timedelta(days=1), zone)


def spent(orders: Iterable[tuple[datetime, int]], day: date, months: int, zone: ZoneInfo = ZONE) -> Spent:
    """What orders (paid at, fen that stayed paid) come to in the window; `storage.tiers.spent` asks the same of the
    database."""
    since, until = window(day, months, zone)
    kept = [fen for paid_at, fen in orders if since <= paid_at < until and fen > 0]
    return Spent(sum(kept), sum(fen // 100 for fen in kept), len(kept))


def worth(of: Spent, rules: TierRules) -> int:
    """Fen, or growth."""
    if rules.counts == "spend":
        return of.fen
    return of.yuan * rules.per_yuan + of.orders * rules.per_order


def earned(value: int, rules: TierRules) -> int:
    """The highest rank whose floor is reached."""
    reached = [
        place for place, one in enumerate(rules.levels, 1) if one.at_least is not None and one.at_least <= value
    ]  # fmt: skip
    return max(reached, default=0)


def lowered(rank: int, deserved: int, rules: TierRules) -> int:
    """Where somebody falls who holds `rank` and earned less."""
    if rules.down == "earned":
        return deserved
    below = [place for place in range(1, rank) if rules.levels[place - 1].at_least is not None]
    return max(deserved, max(below, default=0))


def planned(rank: int, day: date, rules: TierRules, zone: ZoneInfo = ZONE, say: str = "") -> Verdict:
    """A level given or confirmed today: its next review, and the look that comes `notice_days` before."""
    if not rank:
        return Verdict(0, NONE, None, None, say)
    review_at = begins(months_on(day, rules.review_months), zone)
    look_at = max(review_at - timedelta(days=rules.notice_days), begins(day + timedelta(days=1), zone))
    return Verdict(rank, KEPT, review_at, look_at, say)


def look(held: Held, now_worth: int, then_worth: int, rules: TierRules, now: datetime) -> Verdict:
    """The nightly look at one level. `then_worth`: what today's orders will count for on the day of the review."""
    day, review_at = now.astimezone(ZONE).date(), held.review_at or now
    if not held.rank:
        return planned(0, day, rules)
    if held.stage == KEPT and now < review_at:
        if earned(then_worth, rules) >= held.rank:
            return Verdict(held.rank, KEPT, review_at, review_at, "")
        return _noticed(held, review_at, rules, day)
    deserved = earned(now_worth, rules)
    if deserved >= held.rank:
        return planned(deserved, day, rules, say="" if held.stage == KEPT else "kept")
    if held.stage == KEPT and rules.notice_days:  # a refund after the look: nobody falls without a notice
        return _noticed(held, review_at, rules, day)
    if held.stage != GRACE and rules.grace_days:
        until = begins(day + timedelta(days=rules.grace_days))
        return Verdict(held.rank, GRACE, review_at, until, "grace")
    return planned(lowered(held.rank, deserved, rules), day, rules, say="lowered")


def _noticed(held: Held, review_at: datetime, rules: TierRules, day: date) -> Verdict:
    """Told: the review comes no sooner than `notice_days` from today."""
    at = max(review_at, begins(day + timedelta(days=rules.notice_days)))
    return Verdict(held.rank, NOTICED, at, at, "notice")


class Card(NamedTuple):
    """A paid card: its level's rank, when it was bought, how many days of it stand."""

    rank: int
    made_at: datetime
    days: int


def card_now(cards: Iterable[Card], now: datetime) -> tuple[int, datetime | None]:
    """The highest card that covers now, and when that ends. Cards of one level follow one another."""
    ends: dict[int, datetime] = {}
    for card in sorted(cards, key=lambda one: (one.made_at, one.days)):
        if card.days > 0:
            ends[card.rank] = max(card.made_at, ends.get(card.rank, card.made_at)) + timedelta(days=card.days)
    standing = [rank for rank, end in ends.items() if end > now and rank]
    return (max(standing), ends[max(standing)]) if standing else (0, None)


def days_kept(days: int, kept_fen: int, paid_fen: int) -> int:
    """Days of a card that a refund leaves, in proportion; a whole refund ends it at once."""
    return days * kept_fen // paid_fen if paid_fen else 0
