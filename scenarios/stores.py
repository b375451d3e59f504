"""门店 stores as plays need them: found by what people call them, and whether an order was made where its coupons are
good."""

from __future__ import annotations

from bot.router import normalize
from bot.turn import Turn
from storage import coupons, shop
from storage.tables import Checkout, Order, Store

PLACED = ("store", "franchise")  # scopes that look at where something is bought


def find(turn: Turn, typed: str) -> list[Store]:
    """The stores somebody may mean: the one of that code or name, else those whose name holds it."""
    there = shop.stores.all(turn.db, order="code")
    said = normalize(typed)
    exact = [store for store in there if said in (normalize(store.code), normalize(store.name))]
    return exact or [store for store in there if said and said in normalize(store.name)]


def named(turn: Turn, typed: str) -> Store | None:
    """The only store that fits."""
    found = find(turn, typed)
    return found[0] if len(found) == 1 else None


def all_names(turn: Turn) -> str:
    """Every store's name, for people to choose from."""
    names = [store.name for store in shop.stores.all(turn.db, order="code")]
    return turn.texts.render("common/comma").join(names)


def elsewhere(turn: Turn, checkout: Checkout, order: Order) -> bool:
    """Whether a checkout whose coupon is good in some stores only was paid in another one than was said."""
    if not checkout.store or not order.store:
        return False
    scopes = {
        template.scope
        for voucher in coupons.of_checkout(turn.db, checkout.id)
        if (template := shop.templates.one(turn.db, id=voucher.template_id)) is not None
    }
    if scopes.isdisjoint(PLACED):
        return False
    paid_in = named(turn, order.store)
    return (paid_in.code if paid_in else order.store) != checkout.store
