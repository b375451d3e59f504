"""自动优惠 discounts: what running campaigns take off a basket by themselves, without a coupon.

A play contributes its kind of campaign; whoever sells asks what is offered and holds its quota, its budget and, for a
first order, the person's only right to one. To the calculation of offers a discount is a coupon whose id is the
campaign's with a minus.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.turn import Turn
from scenarios import campaigns, checkout
from scenarios.checkout import Hold
from scenarios.offers import Basket, Coupon, Saving, why_not
from storage import drives, stock
from storage.members import Person
from storage.tables import Campaign

GONE = "discount_gone"  # the refusal of a hold: sell without the discount then
_KINDS: dict[str, bool] = {}


class Automatic(BaseModel):
    """A discount campaign's config: `off_fen` off goods of `skus` (none: the whole basket) that cost `threshold_fen`
    or more, or one piece of the only sku for `price_fen`. `total` times at most, for `budget_fen` at most (0 = no
    budget). `with_coupons`: may be combined with coupons that may be combined."""

    model_config = ConfigDict(extra="forbid")

    skus: list[str] = Field(default=[], max_length=50)
    off_fen: int = Field(default=0, ge=0, le=100_000_000)
    price_fen: int = Field(default=0, ge=0, le=100_000_000)
    threshold_fen: int = Field(default=0, ge=0, le=100_000_000)
    total: int = Field(ge=1, le=10_000_000)
    budget_fen: int = Field(default=0, ge=0)
    with_coupons: bool = False
    below_cost: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Automatic:
        if bool(self.off_fen) == bool(self.price_fen):
            raise ValueError("off_fen: give either off_fen or price_fen")
        if self.price_fen and len(self.skus) != 1:
            raise ValueError("skus: price_fen is for exactly one sku")
        if self.off_fen and not self.skus and self.threshold_fen <= self.off_fen:
            raise ValueError("threshold_fen: must be more than off_fen")
        return self


def contribute(kind: str, *, first: bool) -> None:
    """Let campaigns of a kind be discounts; `first`: only a member's very first order gets one."""
    _KINDS[kind] = first


def quota(campaign_id: int) -> str:
    """The stock that counts how often a campaign's discount was given."""
    return f"campaign:{campaign_id}"


def right(person: Person) -> str:
    """The stock of one that is a person's right to a first order."""
    return f"first:{person.id}"


def worth(rules: Automatic, basket: Basket) -> int:
    """What is taken off at most: never the last fen, so that there is an order to prove that it was the first."""
    if rules.off_fen:
        return min(rules.off_fen, basket.total_fen - 1)
    prices = [line.price_fen for line in basket.lines if line.sku in rules.skus]
    return max(0, min([price - rules.price_fen for price in prices], default=0))


def as_coupon(campaign: Campaign, rules: Automatic, basket: Basket) -> Coupon:
    """A discount as the calculation of offers sees it."""
    return Coupon(
        id=-campaign.id, code="", name=campaign.name, kind="cash", value=worth(rules, basket),
        threshold_fen=rules.threshold_fen, scope="product" if rules.skus else "all",
        scope_items=frozenset(rules.skus), stackable=rules.with_coupons, most_fen=0, expires_at=campaign.ends_at,
    )  # fmt: skip


def offered(turn: Turn, person: Person, basket: Basket) -> list[Coupon]:
    """The discounts that a person may have for a basket, those that only lack their threshold included."""
    found = []
    for kind, first in _KINDS.items():
        there = campaigns.running(turn, kind)
        if not there or (first and not (_free(turn, right(person), 1) and checkout.is_first(turn, person))):
            continue
        for campaign in there:
            rules = campaigns.rules(campaign, Automatic)
            coupon = as_coupon(campaign, rules, basket)
            left = _free(turn, quota(campaign.id), 1)
            paid_for = not rules.budget_fen or _free(turn, f"budget:{quota(campaign.id)}", coupon.value)
            if coupon.value > 0 and left and paid_for and why_not(coupon, basket) != "scope":
                found.append(coupon)
    return found


def waiting(turn: Turn, person: Person) -> bool:
    """Whether a person's first order is held by a checkout that is not paid yet."""
    there = stock.find(turn.db, right(person))
    return there is not None and there.reserved > 0


def _free(turn: Turn, name: str, n: int) -> bool:
    there = stock.find(turn.db, name)
    return there is None or there.remaining >= n


def terms(turn: Turn, savings: Sequence[Saving]) -> tuple[tuple[int, int, int], ...]:
    """The discounts among an offer's savings as a checkout keeps them: (campaign id, fen, 1 = for a first order)."""
    found = []
    for saving in savings:
        if saving.coupon.id < 0:
            campaign = _campaign(turn, saving)
            found.append((campaign.id, saving.fen, int(_KINDS[campaign.kind])))
    return tuple(found)


def holds(turn: Turn, person: Person, savings: Sequence[Saving]) -> list[Hold]:
    """What must be held so that the discounts among an offer's savings are given no oftener than they may."""
    found: list[Hold] = []
    for saving in savings:
        if saving.coupon.id > 0:
            continue
        campaign = _campaign(turn, saving)
        rules = campaigns.rules(campaign, Automatic)
        found.append(Hold(quota(campaign.id), 1, rules.total, GONE))
        if rules.budget_fen:
            found.append(Hold(f"budget:{quota(campaign.id)}", saving.fen, rules.budget_fen, GONE))
        if _KINDS[campaign.kind]:
            found.append(Hold(right(person), 1, 1, GONE))
    return found


def _campaign(turn: Turn, saving: Saving) -> Campaign:
    campaign = drives.campaigns.one(turn.db, id=-saving.coupon.id)
    assert campaign is not None  # it was offered in this very turn
    return campaign
