"""结算 settlements: who bears the discounts that were given there: who owes whom."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from bot.clock import ZONE
from bot.texts import yuan
from console.refusals import Refused
from console.sight import ALL, Sight
from storage import tables

t: Any = tables
BRAND = "brand"
UNKNOWN = "unknown"  # the store that bears it was not told: a person has to look
LONGEST = timedelta(days=366)


def settlements(connection: Connection, query: dict[str, str], sight: Sight = ALL) -> dict[str, Any]:
    """Discounts of coupons used in [from, to), by bearer, store and franchise, and what it comes to between parties."""
    start, end = _moment(query, "from"), _moment(query, "to")
    if not start < end <= start + LONGEST:
        raise Refused(400, "bad_value", "to 要晚于 from，最多相差 366 天", "to")
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


def _moment(query: dict[str, str], name: str) -> datetime:
    """A moment with its zone, or a day of the shops' (its beginning)."""
    text = query.get(name, "").replace(" ", "+")  # a + of an address that was not escaped
    if not text:
        raise Refused(400, "bad_value", f"{name}：必填，例如 2026-11-01 或 2026-11-01T00:00:00+08:00", name)
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=ZONE)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "bad_value", f"{name}：要写成 2026-11-01 或 2026-11-01T00:00:00+08:00", name) from None
    if moment.tzinfo is None:
        raise Refused(400, "bad_value", f"{name}：时间要带时区，例如 +08:00", name)
    return moment
