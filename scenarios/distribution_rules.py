"""分销规则: what an order earns whom, line by line, in fen. Values in, values out.

Never a third level, never pay for heads or entry: 禁止传销条例 art. 7. What a line earns is its price after coupons
times its rate; lines, levels and refunds are parted by largest remainder, so that the parts sum to the whole exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scenarios.offers import share

WHOLE = 10_000  # basis points
MOST_BP = 5_000


class Rules(BaseModel):
    """[scenarios.distribution] of config.toml. Rates are basis points (500 = 5 %) of what was paid for goods.

    `levels`: 1 = whoever promoted; 2 = also whoever had brought them; there is no 3. `category_rate_bp`: rates of some
    categories, 0 = earns nothing. `most_fen_per_order`: of all levels together. `refund_days`: how long commission
    waits. `bind_days`: how long a customer's orders count, 0 = always. `protect_days`: how long nobody else may take
    them. `payout_second_fen`: payouts above it need a second person. `service_manager`: of new distributors, "" = the
    manager of the guide's store, else whoever approves.
    """

    model_config = ConfigDict(extra="forbid")

    levels: int = Field(default=1, ge=1, le=2)
    rate_bp: int = Field(default=500, ge=1, le=MOST_BP)
    second_rate_bp: int = Field(default=100, ge=0, le=MOST_BP)
    category_rate_bp: dict[str, int] = {}
    most_fen_per_order: int = Field(default=20_000, ge=1, le=100_000_000)
    refund_days: int = Field(default=15, ge=1, le=180)
    min_payout_fen: int = Field(default=1_000, ge=1, le=100_000_000)
    payout_second_fen: int = Field(default=100_000, ge=0, le=100_000_000)
    require_approval: bool = True
    new_customers_only: bool = True
    bind_days: int = Field(default=365, ge=0, le=3650)
    protect_days: int = Field(default=30, ge=0, le=3650)
    velocity_per_hour: int = Field(default=20, ge=1, le=10_000)
    staff_external_userids: list[str] = []
    service_manager: str = Field(default="", max_length=64)
    guides: list[str] = Field(default=[], max_length=100)
    skip_verify: bool = True
    shown: int = Field(default=10, ge=1, le=20)

    @model_validator(mode="after")
    def _together(self) -> Rules:
        for name, rate in self.category_rate_bp.items():
            if not 0 <= rate <= MOST_BP:
                raise ValueError(f"category_rate_bp.{name}: 0 to {MOST_BP} basis points")
        if self.levels == 2 and max(self.rate_bp, *self.category_rate_bp.values(), 0) + self.second_rate_bp > MOST_BP:
            raise ValueError(f"second_rate_bp: with the first level at most {MOST_BP} basis points")
        return self

    def rate(self, level: int, category: str) -> int:
        """The rate of a level for goods of a category; what earns the first level nothing earns nobody."""
        first = self.category_rate_bp.get(category, self.rate_bp)
        return first if level == 1 or not first else self.second_rate_bp


@dataclass(frozen=True)
class Line:
    """A line of an order: `weight` is its part of what was paid, in whatever measure the shop told it."""

    sku: str
    weight: int


@dataclass(frozen=True)
class Earned:
    """What a line earns one level: its price after coupons, its rate, its commission."""

    sku: str
    net_fen: int
    rate_bp: int
    amount_fen: int


def read_lines(items: Sequence[Mapping[str, Any]]) -> list[Line]:
    """An order's lines as shops tell them: what was paid for each where they say it, else price times pieces."""
    found = []
    for item in items:
        paid, price, pieces = item.get("paid_fen"), _number(item.get("price_fen")), _number(item.get("qty", 1))
        found.append(Line(str(item.get("sku") or ""), price * pieces if paid is None else _number(paid)))
    return found


def _number(told: Any) -> int:
    """A number of a shop's, 0 when it is none."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 10**12 else 0


def nets(lines: Sequence[Line], amount_fen: int) -> list[tuple[str, int]]:
    """(sku, fen) of what was paid for each line after coupons: together what was paid for the order."""
    if not sum(line.weight for line in lines):
        return [("", amount_fen)]  # the shop told no lines: the order is one
    parts = share(amount_fen, [line.weight for line in lines])
    return [(line.sku, part) for line, part in zip(lines, parts, strict=True)]


def earn(paid: Sequence[tuple[str, int]], rate_of: Callable[[str], int]) -> list[Earned]:
    """What each line earns: its own exact part to within a fen, together the floor of the whole."""
    rates = [rate_of(sku) for sku, _ in paid]
    exact = [net * rate for (_, net), rate in zip(paid, rates, strict=True)]
    parts = [one // WHOLE for one in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (-(exact[at] % WHOLE), at))
    for at in by_remainder[: sum(exact) // WHOLE - sum(parts)]:
        parts[at] += 1
    return [Earned(sku, net, rate, part) for (sku, net), rate, part in zip(paid, rates, parts, strict=True)]


def capped(levels: Sequence[list[Earned]], most_fen: int) -> list[list[Earned]]:
    """All levels together earn at most `most_fen`, each its part of it."""
    sums = [sum(line.amount_fen for line in level) for level in levels]
    if sum(sums) <= most_fen:
        return list(levels)
    found = []
    for level, whole in zip(levels, share(most_fen, sums), strict=True):
        parts = share(whole, [line.amount_fen for line in level])
        found.append([
            Earned(line.sku, line.net_fen, line.rate_bp, part) for line, part in zip(level, parts, strict=True)
        ])  # fmt: skip
    return found


def kept_lines(amounts: Sequence[int], kept_fen: int) -> list[int]:
    """What stands of each line when `kept_fen` stands of all."""
    return share(kept_fen, amounts)


@dataclass(frozen=True)
class Newcomer:
    """What is known of somebody who comes by a distributor's code."""

    same_person: bool = False
    staff: bool = False
    promotes: bool = False  # is a distributor, or was one
    bound: str = ""  # "mine", "theirs" while nobody else may take them, "" = free
    bought: bool = False


def refusal(who: Newcomer, *, new_only: bool) -> str:
    """Why somebody cannot become a customer: `self`, `staff`, `promotes`, `mine`, `theirs`, `bought`; "" = they can.

    Only who promotes nobody is bound, and only to somebody who promotes: so no circle can ever close.
    """
    if who.same_person:
        return "self"
    if who.staff:
        return "staff"
    if who.bound == "mine":
        return "mine"
    if who.promotes:
        return "promotes"
    if who.bound:
        return "theirs"
    return "bought" if who.bought and new_only else ""
