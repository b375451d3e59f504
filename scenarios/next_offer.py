"""下一步推荐 next_offer: what a guide could offer a member next: goods that their own coupons make cheaper, by the same
calculation as the shop's; else a coupon that a guide may hand out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.turn import Turn
from scenarios import offers, vouchers
from scenarios.offers import Basket, Coupon, Line
from storage import shop
from storage.members import Person
from storage.tables import CouponTemplate, Order, Product

LOOKED_AT = 12  # goods that are reckoned through
RECENT = 3  # orders that say what a member likes


@dataclass(frozen=True)
class Next:
    """Goods at what they cost with the coupons named; or, without goods, a coupon to hand out."""

    product: Product | None = None
    price_fen: int = 0
    coupons: tuple[str, ...] = ()
    template: CouponTemplate | None = None


def cheapest(products: Sequence[Product], coupons: Sequence[Coupon]) -> Next | None:
    """The goods that coupons take most off, the dearer of equals first; None when they take nothing off any."""
    best: tuple[tuple[int, int], Next] | None = None
    for product in products:
        line = Line(product.sku, product.title, product.category, 1, product.price_fen)
        offer = offers.best(Basket((line,)), coupons)
        off = offer.list_fen - offer.price_fen
        rank = (off, product.price_fen)
        if off > 0 and (best is None or rank > best[0]):
            names = tuple(saving.coupon.name for saving in offer.savings if saving.fen)
            best = (rank, Next(product, offer.price_fen, names))
    return best[1] if best else None


def find(turn: Turn, person: Person, orders: Sequence[Order]) -> Next | None:
    """What to offer; None when there is nothing to offer."""
    found = cheapest(_shelf(turn, orders), vouchers.usable(turn, person))
    if found is not None:
        return found
    templates = shop.templates.all(turn.db, for_guides=1)
    open_ones = [one for one in templates if one.valid_until is None or one.valid_until > turn.now]
    return Next(template=max(open_ones, key=lambda one: one.liability_fen)) if open_ones else None


def _shelf(turn: Turn, orders: Sequence[Order]) -> list[Product]:
    """Goods of the kinds that were bought lately, else of every kind."""
    bought = [str(item.get("sku") or "") for order in orders[:RECENT] for item in json.loads(order.items)]
    known = [shop.products.one(turn.db, sku=sku) for sku in dict.fromkeys(bought) if sku]
    categories = dict.fromkeys(product.category for product in known if product is not None)
    found = [product for category in categories for product in shop.shelf(turn.db, category, 0, LOOKED_AT)]
    return (found or shop.shelf(turn.db, "", 0, LOOKED_AT))[:LOOKED_AT]
