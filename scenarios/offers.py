"""算价: what a basket costs with which coupons, explained line by line. Rules only: values in, values out, integers of
fen.

The best offer is the cheapest of: one coupon alone, or up to `MOST_TOGETHER` coupons that may be combined. A
discount is laid on the lines it applies to in proportion, by largest remainder, so that the parts sum exactly to
the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

MOST_TOGETHER = 3
CONSIDERED = 12  # combinations are tried among the best so many coupons
ORDER = {"discount": 0, "cash": 1, "free_order": 2, "gift": 3}  # a percentage comes before an amount


@dataclass(frozen=True)
class Line:
    """Goods of one kind in a basket. `price_fen` is for one."""

    sku: str
    title: str
    category: str
    qty: int
    price_fen: int

    @property
    def total_fen(self) -> int:
        """What the line costs before anything is taken off."""
        return self.qty * self.price_fen


@dataclass(frozen=True)
class Basket:
    """What somebody wants to buy, and where."""

    lines: tuple[Line, ...]
    store: str = ""
    franchise: str = ""

    @property
    def total_fen(self) -> int:
        """The price before anything is taken off."""
        return sum(line.total_fen for line in self.lines)


@dataclass(frozen=True)
class Coupon:
    """A voucher with its template's rules, as the calculation needs them."""

    id: int
    code: str
    name: str
    kind: str
    value: int
    threshold_fen: int
    scope: str
    scope_items: frozenset[str]
    stackable: bool
    most_fen: int  # what it may take off at most; 0 = no limit of its own
    expires_at: datetime
    gift_sku: str = ""


@dataclass(frozen=True)
class Saving:
    """What one coupon takes off, line by line."""

    coupon: Coupon
    fen: int
    shares: tuple[int, ...]


@dataclass(frozen=True)
class Offer:
    """A basket's price and how it came about."""

    list_fen: int
    savings: tuple[Saving, ...] = field(default=())

    @property
    def price_fen(self) -> int:
        """What is left to pay."""
        return self.list_fen - sum(saving.fen for saving in self.savings)


def applies(coupon: Coupon, basket: Basket) -> list[int]:
    """The places of the lines that a coupon applies to."""
    if coupon.scope == "store" and basket.store not in coupon.scope_items:
        return []
    if coupon.scope == "franchise" and basket.franchise not in coupon.scope_items:
        return []
    if coupon.scope == "category":
        return [at for at, line in enumerate(basket.lines) if line.category in coupon.scope_items]
    if coupon.scope == "product":
        return [at for at, line in enumerate(basket.lines) if line.sku in coupon.scope_items]
    return list(range(len(basket.lines)))


def why_not(coupon: Coupon, basket: Basket) -> str:
    """Empty when the coupon may be used, else `scope` or `threshold`."""
    places = applies(coupon, basket)
    if not places:
        return "scope"
    if sum(basket.lines[at].total_fen for at in places) < coupon.threshold_fen:
        return "threshold"
    return ""


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` parted in proportion to `weights`, by largest remainder: the parts sum to it and none passes its weight
    as long as `amount` does not pass their sum."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(amount * weights[at] % whole), at))
    for at in by_remainder[: amount - sum(parts)]:
        parts[at] += 1
    return parts


def take_off(coupon: Coupon, left: Sequence[int]) -> int:
    """What a coupon takes off lines that cost `left` now."""
    rest = sum(left)
    if coupon.kind == "gift":
        return 0
    wanted = rest - rest * coupon.value // 1000 if coupon.kind == "discount" else coupon.value
    return max(0, min(wanted, rest, coupon.most_fen or rest))


def price(basket: Basket, coupons: Iterable[Coupon]) -> Offer:
    """The basket with these coupons, in the order of `ORDER`."""
    left = [line.total_fen for line in basket.lines]
    savings = []
    for coupon in sorted(coupons, key=lambda c: (ORDER[c.kind], c.id)):
        places = applies(coupon, basket)
        there = [left[at] for at in places]
        fen = take_off(coupon, there)
        shares = [0] * len(left)
        for at, part in zip(places, share(fen, there), strict=True):
            shares[at] = part
            left[at] -= part
        savings.append(Saving(coupon, fen, tuple(shares)))
    return Offer(basket.total_fen, tuple(savings))


def may_combine(coupons: Sequence[Coupon]) -> bool:
    """One coupon alone, or several that all may be combined, no template twice."""
    if len(coupons) <= 1:
        return True
    names = {coupon.name for coupon in coupons}
    return len(coupons) <= MOST_TOGETHER and len(names) == len(coupons) and all(c.stackable for c in coupons)


def best(basket: Basket, coupons: Sequence[Coupon]) -> Offer:
    """The cheapest offer; among equals fewer coupons, then those that expire first."""
    usable = [coupon for coupon in coupons if not why_not(coupon, basket)]
    alone = [(coupon,) for coupon in usable]
    good = sorted(
        (coupon for coupon in usable if coupon.stackable),
        key=lambda coupon: (price(basket, [coupon]).price_fen, coupon.expires_at, coupon.id),
    )[:CONSIDERED]
    together = [
        chosen for count in range(2, MOST_TOGETHER + 1) for chosen in combinations(good, count) if may_combine(chosen)
    ]
    offers = [(price(basket, chosen), chosen) for chosen in [(), *alone, *together]]
    return min(
        offers,
        key=lambda offer: (
            offer[0].price_fen,
            len(offer[1]),
            tuple(sorted(c.expires_at for c in offer[1])),
            tuple(c.id for c in offer[1]),
        ),
    )[0]
