"""待支付单: goods, limits and coupons held for a member while they pay. Every play sells through this one door.

held -> paid | released | refused. All that can run out is a stock (goods, a campaign's quota, a person's limit),
reserved here in one order of names, so that two processes never wait for each other crosswise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.ids import code
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.turn import Turn
from scenarios import stores, vouchers
from scenarios.offers import share
from storage import coupons, grants, limits, members, oneid, shop, stock
from storage.members import Person
from storage.tables import Checkout, Order

TIMER = "checkout"
FIRST = "first_order"  # the right to buy for the first time, once per person
GOODS_KEPT = ("leader_free",)  # money that goes back as a reward: the goods stay sold


@dataclass(frozen=True)
class Goods:
    """What is bought: one kind, `price_fen` for one. `paid_fen`: what of the checkout's price falls on it; -1 = its
    part by list price."""

    sku: str
    title: str
    qty: int
    price_fen: int
    paid_fen: int = -1


@dataclass(frozen=True, order=True)
class Hold:
    """A stock to be held. `total`: it is opened with so many when it is not there yet (a person's limit); -1: it must
    be there. `refusal` is the reason given when nothing is left; `spare` must be left beside what is held."""

    name: str
    n: int
    total: int = -1
    refusal: str = "sold_out"
    spare: int = 0


@dataclass(frozen=True)
class Want:
    """Everything a checkout needs to know."""

    kind: str
    subject_id: int
    goods: tuple[Goods, ...]
    price_fen: int
    holds: tuple[Hold, ...] = ()
    savings: tuple[tuple[int, int], ...] = ()  # (coupon id, fen it takes off)
    discounts: tuple[tuple[int, int, int], ...] = ()  # (campaign id, fen, 1 = only for a first order)
    store: str = ""
    minutes: int = 15


def one_of(turn: Turn, campaign_id: int, member_id: int, most: int) -> Hold:
    """One of a campaign's limit of each person."""
    known_as = members.everyone(turn.db, member_id)
    name, spare = limits.of(turn.db, known_as, lambda one: f"limit:campaign:{campaign_id}:{one}")
    return Hold(name, 1, most, "limit", spare)


def goods(turn: Turn, sku: str, least_fen: int) -> Goods:
    """One of a product at its list price, or at `least_fen` where that is more."""
    product = shop.products.one(turn.db, sku=sku)
    if product is None:
        return Goods(sku, sku, 1, least_fen)
    return Goods(sku, product.title, 1, max(product.price_fen, least_fen))


def goods_holds(turn: Turn, wanted: Sequence[Goods]) -> list[Hold]:
    """The stocks of goods that are counted, each once."""
    found: dict[str, int] = {}
    for item in wanted:
        product = shop.products.one(turn.db, sku=item.sku)
        if product is not None and product.counted:
            name = shop.sku_stock(item.sku)
            found[name] = found.get(name, 0) + item.qty
    return [Hold(name, n) for name, n in found.items()]


def parted(wanted: Sequence[Goods], price_fen: int) -> list[Goods]:
    """The goods with their parts of the price, which sum to it exactly: a partial refund and a report need them."""
    if all(item.paid_fen >= 0 for item in wanted):
        return list(wanted)
    parts = share(price_fen, [item.qty * item.price_fen for item in wanted])
    return [replace(item, paid_fen=part) for item, part in zip(wanted, parts, strict=True)]


def open_checkout(turn: Turn, person: Person, want: Want) -> Checkout | str:
    """Hold everything or nothing: the checkout, or why not (`sold_out`, `limit`, `coupon_gone`, or what a hold says).

    What costs nothing is paid at once, without an order: the plays hear of it after this step.
    """
    row_id = turn.ids.next()
    holds = sorted([*want.holds, *goods_holds(turn, want.goods)])
    refusal = _hold(turn, holds) or _hold_coupons(turn, row_id, want.savings, holds)
    if refusal:
        return refusal
    checkout = Checkout(
        id=row_id, code=code(turn.chance, 8), member_id=person.id, kind=want.kind, subject_id=want.subject_id,
        items=json.dumps([vars(item) for item in parted(want.goods, want.price_fen)], ensure_ascii=False),
        list_fen=max(want.price_fen, sum(item.qty * item.price_fen for item in want.goods)), price_fen=want.price_fen,
        holds=json.dumps([[hold.name, hold.n] for hold in holds]), coupons=json.dumps(want.savings),
        status="held", hold_until=turn.now + timedelta(minutes=want.minutes), order_id=None, created_at=turn.now,
        discounts=json.dumps(want.discounts), store=want.store,
    )  # fmt: skip
    shop.checkouts.add(turn.db, checkout)
    if checkout.price_fen:
        turn.at(checkout.hold_until, TIMER, f"checkout:{row_id}", {"checkout_id": row_id})
    else:
        shop.checkouts.change(turn.db, {"status": "paid"}, id=row_id, status="held")
        checkout.status = "paid"
        turn.announce(_settle(turn, checkout, None))
    return checkout


def open_or_shown(turn: Turn, person: Person, want: Want) -> Checkout | str:
    """`open_checkout`; the second tap of somebody whose limit is used up shows what the first one held."""
    held = open_checkout(turn, person, want)
    if held != "limit":
        return held
    waiting = shop.checkouts.all(
        turn.db, member_id=person.id, status="held", kind=want.kind, subject_id=want.subject_id
    )
    return waiting[-1] if waiting else held


def _hold(turn: Turn, holds: Sequence[Hold]) -> str:
    for place, hold in enumerate(holds):
        if not _reserve(turn, hold):
            for earlier in holds[:place]:
                stock.release(turn.db, earlier.name, earlier.n)
            return hold.refusal
    return ""


def _reserve(turn: Turn, hold: Hold) -> bool:
    if hold.total < 0:
        return stock.reserve(turn.db, hold.name, hold.n)
    return stock.reserve_or_open(turn.db, hold.name, hold.total, hold.n, hold.spare)


def _hold_coupons(turn: Turn, row_id: int, savings: Sequence[tuple[int, int]], holds: Sequence[Hold]) -> str:
    for place, (coupon_id, fen) in enumerate(savings):
        if not coupons.reserve(turn.db, coupon_id, row_id, fen, turn.now):
            for earlier, _ in savings[:place]:
                coupons.release(turn.db, earlier, row_id)
            for hold in holds:
                stock.release(turn.db, hold.name, hold.n)
            return "coupon_gone"
    return ""


def release(turn: Turn, checkout_id: int, why: str = "unpaid") -> CheckoutReleased | None:
    """Free what is held; None when it is not held any more. True once, whoever comes first."""
    checkout = shop.checkouts.one(turn.db, id=checkout_id)
    if checkout is None or not shop.checkouts.change(turn.db, {"status": "released"}, id=checkout_id, status="held"):
        return None
    for name, n in json.loads(checkout.holds):
        stock.release(turn.db, name, n)
    for voucher in coupons.of_checkout(turn.db, checkout.id):
        coupons.release(turn.db, voucher.id, checkout.id)
        vouchers.end(turn, voucher)
    return _released(turn, checkout, why)


def _released(turn: Turn, checkout: Checkout, why: str) -> CheckoutReleased:
    return CheckoutReleased(
        key=turn.cause, source="checkout", at=turn.now, checkout_id=checkout.id, checkout_kind=checkout.kind,
        subject_id=checkout.subject_id, member_id=checkout.member_id, why=why,
    )  # fmt: skip


def pay(turn: Turn, checkout: Checkout, order: Order) -> CheckoutPaid | str:
    """An order pays for what was held: the news for the plays, or why it cannot (`amount`, `late`, `paid_before`,
    `not_first`, `wrong_store`).

    A payment that came after the hold ended is taken when everything is still to be had.
    """
    if order.amount_fen < checkout.price_fen:
        return "amount"
    if checkout.status != "paid" and bought_before(turn, checkout, order):
        return "not_first"
    if stores.elsewhere(turn, checkout, order):
        return "wrong_store"
    held = shop.checkouts.change(turn.db, {"status": "paid", "order_id": order.id}, id=checkout.id, status="held")
    if not held and not _pay_late(turn, checkout, order):
        return "paid_before" if checkout.status == "paid" else "late"
    shop.orders.change(turn.db, {"checkout_id": checkout.id}, id=order.id)
    order.checkout_id = checkout.id
    return _settle(turn, checkout, order)


def _settle(turn: Turn, checkout: Checkout, order: Order | None) -> CheckoutPaid:
    """What was held is sold."""
    for name, n in json.loads(checkout.holds):
        stock.commit(turn.db, name, n)
    order_id = order.id if order else None
    for voucher in coupons.of_checkout(turn.db, checkout.id):
        if coupons.commit(turn.db, voucher.id, checkout.id, order_id, turn.now):
            vouchers.ended(turn, voucher, voucher.discount_fen)
    person = oneid.current(turn.db, checkout.member_id)
    if only_first(checkout) and person is not None:
        grants.claim(turn.db, turn.ids, person, FIRST, "", "", turn.cause, turn.now)
    return CheckoutPaid(
        key=turn.cause, source="checkout", at=turn.now, checkout_id=checkout.id, checkout_kind=checkout.kind,
        subject_id=checkout.subject_id, member_id=checkout.member_id, order_id=order_id or 0,
    )  # fmt: skip


def only_first(checkout: Checkout) -> bool:
    """Whether the price is one for a first order."""
    return any(first for _, _, first in json.loads(checkout.discounts))


def bought_before(turn: Turn, checkout: Checkout, order: Order) -> bool:
    """Whether a price for a first order is asked for again, by whoever the members are today."""
    if not only_first(checkout):
        return False
    people = [oneid.current(turn.db, checkout.member_id), members.find(turn.db, order.member_id)]
    return any(person is not None and not is_first(turn, person, order.id) for person in people)


def is_first(turn: Turn, person: Person, but: int = 0) -> bool:
    """Whether a person may still buy for the first time, order `but` left out."""
    return not grants.used(turn.db, person, FIRST, "") and not shop.has_bought_before(turn.db, person.id, but)


def _pay_late(turn: Turn, checkout: Checkout, order: Order) -> bool:
    """Hold everything once more, at the moment of payment."""
    if checkout.status != "released":
        return False
    holds = [Hold(name, n) for name, n in json.loads(checkout.holds)]
    if _hold(turn, holds) or _hold_coupons(turn, checkout.id, json.loads(checkout.coupons), holds):
        return False
    done = shop.checkouts.change(turn.db, {"status": "paid", "order_id": order.id}, id=checkout.id, status="released")
    return bool(done)


def refuse(turn: Turn, checkout: Checkout) -> None:
    """A paid checkout that its play could not honour: what it took goes back to the shelf."""
    if shop.checkouts.change(turn.db, {"status": "refused"}, id=checkout.id, status="paid"):
        give_back(turn, checkout)


def give_back(turn: Turn, checkout: Checkout) -> None:
    """Goods and limits that were sold are to be had again."""
    for name, n in json.loads(checkout.holds):
        stock.give_back(turn.db, name, n)


def undo_coupons(turn: Turn, checkout: Checkout, kept_fen: int) -> None:
    """Coupons come back as their templates say: never, when all is refunded (`kept_fen` 0), or always."""
    for voucher in coupons.of_checkout(turn.db, checkout.id):
        template = shop.templates.one(turn.db, id=voucher.template_id)
        if template is not None and (template.give_back == "always" or (template.give_back == "full" and not kept_fen)):
            vouchers.undo(turn, voucher)


def undo_free(turn: Turn, checkout: Checkout) -> CheckoutReleased | None:
    """Take back what cost nothing; None when an order paid for it (its refund does the same) or it is undone."""
    if checkout.order_id is not None or checkout.status != "paid":
        return None
    refuse(turn, checkout)
    undo_coupons(turn, checkout, 0)
    return _released(turn, checkout, "undone")
