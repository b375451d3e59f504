"""小票 receipts: the price as asked for, how it came about, what is short, what a member has bought: the words around
a checkout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.clock import shown
from bot.texts import yuan
from bot.turn import Turn
from scenarios import discounts
from scenarios.checkout import Goods
from scenarios.offers import MOST_TOGETHER, Basket, Coupon, Offer, applies, best, may_combine, price, why_not
from storage import coupons, oneid, shop, stock
from storage.members import Person
from storage.tables import Checkout, Order


def sold(basket: Basket, offer: Offer) -> tuple[Goods, ...]:
    """The basket's goods, each with what of the price falls on it, to the fen."""
    taken = [sum(saving.shares[at] for saving in offer.savings) for at in range(len(basket.lines))]
    return tuple(
        Goods(line.sku, line.title, line.qty, line.price_fen, line.total_fen - less)
        for line, less in zip(basket.lines, taken, strict=True)
    )


def missing_fen(coupon: Coupon, basket: Basket) -> int:
    """What of the goods it is for a basket lacks for a coupon's threshold."""
    return max(0, coupon.threshold_fen - sum(basket.lines[at].total_fen for at in applies(coupon, basket)))


def next_threshold(basket: Basket, known: Sequence[Coupon]) -> Coupon | None:
    """The coupon whose threshold is nearest among those that only lack it."""
    short = [coupon for coupon in known if why_not(coupon, basket) == "threshold"]
    return min(short, key=lambda coupon: (missing_fen(coupon, basket), coupon.id), default=None)


@dataclass(frozen=True)
class Refusal:
    """Why coupons cannot be used as asked: a text with its values."""

    text: str
    values: dict[str, object]


def priced(
    basket: Basket, mine: Sequence[Coupon], automatic: Sequence[Coupon], codes: Sequence[str] | None
) -> Offer | Refusal:
    """The best price with whatever there is, or with just the coupons asked for and what campaigns take off."""
    if codes is None:
        return best(basket, [*mine, *automatic])
    by_code = {coupon.code: coupon for coupon in mine}
    for code in codes:
        coupon = by_code.get(code)
        if coupon is None:
            return Refusal("purchase/not_usable", {"code": code})
        why = why_not(coupon, basket)
        if why == "threshold":
            missing = yuan(missing_fen(coupon, basket))
            return Refusal("purchase/below_threshold", {"name": coupon.name, "missing": missing})
        if why:
            return Refusal("purchase/wrong_scope", {"name": coupon.name})
    chosen = [by_code[code] for code in codes]
    if not may_combine(chosen):
        return Refusal("purchase/not_together", {"most": MOST_TOGETHER})
    fitting = [one for one in automatic if not why_not(one, basket) and may_combine([*chosen, one])]
    tried = [price(basket, chosen), *[price(basket, [*chosen, one]) for one in fitting]]
    return min(tried, key=lambda offer: offer.price_fen)


def explain(turn: Turn, person: Person, basket: Basket, offer: Offer, known: Sequence[Coupon]) -> str:
    """The price line by line: goods, who took off what, what would be missing for more."""
    lines = [
        turn.texts.render("purchase/line", title=line.title, qty=line.qty, price=yuan(line.total_fen))
        for line in basket.lines
    ]
    lines += [
        turn.texts.render("purchase/saving", name=saving.coupon.name, fen=yuan(saving.fen)) for saving in offer.savings
    ]
    following = next_threshold(basket, known)
    if following is not None:
        missing = yuan(missing_fen(following, basket))
        lines.append(turn.texts.render("purchase/missing", name=following.name, missing=missing))
    if discounts.waiting(turn, person) and all(saving.coupon.id > 0 for saving in offer.savings):
        lines.append(turn.texts.render("purchase/first_waits"))
    return "\n".join(lines)


def what_is_short(turn: Turn, basket: Basket) -> str:
    """The goods of which fewer are left than asked for, and how many."""
    found = []
    for line in basket.lines:
        there = stock.find(turn.db, shop.sku_stock(line.sku))
        if there is not None and there.remaining < line.qty:
            found.append(turn.texts.render("purchase/short_line", title=line.title, left=there.remaining))
    return turn.texts.render("common/comma").join(found)


def asked_again(turn: Turn, checkout: Checkout, basket: Basket, codes: Sequence[str] | None) -> bool:
    """Whether a checkout is for just these goods in this store, with these coupons if any were named."""
    there = sorted((item["sku"], item["qty"]) for item in json.loads(checkout.items))
    if checkout.store != basket.store or there != sorted((line.sku, line.qty) for line in basket.lines):
        return False
    return codes is None or {one.code for one in coupons.of_checkout(turn.db, checkout.id)} == set(codes)


def _goods(turn: Turn, items: list[dict[str, Any]]) -> str:
    """Goods in a few words, whatever a shop calls them."""
    named = [
        turn.texts.render("purchase/item", title=item.get("title") or item.get("sku") or "", qty=item.get("qty", 1))
        for item in items
    ]
    return turn.texts.render("common/comma").join(named)


def open_lines(turn: Turn, person: Person) -> list[tuple[Checkout, str]]:
    """A member's checkouts that wait for payment, each with its line."""
    found = []
    for number in oneid.same(turn.db, person.id):
        for held in shop.checkouts.all(turn.db, member_id=number, status="held"):
            line = turn.texts.render(
                "purchase/open", code=held.code, goods=_goods(turn, json.loads(held.items)),
                price=yuan(held.price_fen), minutes=max(0, int((held.hold_until - turn.now).total_seconds() // 60)),
            )  # fmt: skip
            found.append((held, line))
    return found


STATES = {
    "owed": "purchase/state_owed",
    "refunded": "purchase/state_refunded",
    "part": "purchase/state_part",
    "paid": "purchase/state_paid",
    "free": "purchase/state_free",
}


def state(order: Order, owed: bool) -> str:
    """How an order stands."""
    if owed:
        return "owed"
    if order.refunded_fen:
        return "refunded" if order.refunded_fen == order.amount_fen else "part"
    return "paid"


def order_lines(turn: Turn, person: Person, most: int) -> list[str]:
    """A member's last orders, and what was taken for nothing, the latest first."""
    found = []
    for number in oneid.same(turn.db, person.id):
        for order in shop.orders.all(turn.db, member_id=number, order="-id", limit=most):
            owed = shop.refunds.one(turn.db, order_id=order.id, status="owed") is not None
            bought = shop.checkouts.one(turn.db, id=order.checkout_id) if order.checkout_id else None
            items = json.loads(bought.items if bought else order.items)
            found.append((order.paid_at, items, order.amount_fen, state(order, owed)))
        for taken in shop.checkouts.all(turn.db, member_id=number, status="paid", order_id=None):
            found.append((taken.created_at, json.loads(taken.items), 0, "free"))
    found.sort(key=lambda one: one[0], reverse=True)
    return [
        turn.texts.render(
            "purchase/order", at=shown(at), goods=_goods(turn, items), amount=yuan(fen),
            state=turn.texts.render(STATES[how]),
        )
        for at, items, fen, how in found[:most]
    ]  # fmt: skip
