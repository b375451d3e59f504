"""结算 settlements: who bears the discounts that were given there: who owes whom."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from bot.texts import yuan
from console.paging import span
from console.sight import ALL, Sight
from storage import tables

t: Any = tables
BRAND = "brand"
UNKNOWN = "unknown"  # the store that bears it was not told: a person has to look


def settlements(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Discounts of coupons used in [from, to), by bearer, store and franchise, and what it comes to between parties."""
    start, end = span(query)
    c, o, s = t.Coupon, t.Order, t.Store
    used_in = func.coalesce(o.store, "")  # where a coupon was used; a counter without an order tells no store
    rows = (
        select(c.bearer, used_in.label("store"), func.coalesce(s.name, "").label("store_name"),
               func.coalesce(s.franchise, "").label("franchise"), func.count().label("coupons"),
               func.sum(c.discount_fen).label("discount_fen"))
        .outerjoin(o, o.id == c.order_id).outerjoin(s, s.code == used_in)
        .where(c.status == "redeemed", c.used_at >= start, c.used_at < end, sight.store(used_in))
        .group_by(c.bearer, used_in, s.name, s.franchise).order_by(c.bearer, used_in)
    )  # fmt: skip
    items, owed = [], Counter[tuple[str, str]]()
    for row in connection.execute(rows):
        fen, seller = int(row.discount_fen), sold(row.store, row.franchise)
        payer = bears(row.bearer, row.store, row.franchise)
        items.append({**row._mapping, "discount_fen": fen, "discount_yuan": yuan(fen), "from": payer, "to": seller})
        if payer != seller:
            owed[payer, seller] += fen
    sums = [{"from": f, "to": to, "fen": n, "yuan": yuan(n)} for (f, to), n in sorted(owed.items()) if n]
    return {"from": start.isoformat(), "to": end.isoformat(), "items": items, "owed": sums}


def sold(store: str, franchise: str) -> str:
    """Who got less for the goods: a franchisee at their own stores, else the brand."""
    return f"franchise:{franchise}" if store and franchise else BRAND


def bears(bearer: str, store: str, franchise: str) -> str:
    """Who pays for a discount: the brand, the franchisee of the store, or a store of the brand's own."""
    if bearer == BRAND:
        return BRAND
    if not store:
        return UNKNOWN
    if franchise:  # a franchisee's store is theirs: store and franchisee are one purse
        return f"franchise:{franchise}"
    return f"store:{store}" if bearer == "store" else UNKNOWN
