"""优惠券审计: the invariants of coupons as queries: states, stock, limits, budget, orders; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select

from storage import tables

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def coupon_used_oddly(_: datetime) -> Select[Any]:
    """A coupon that was used says when, one that is held says by which open checkout, one that ended says when."""
    c, k = t.Coupon, t.Checkout
    held = select(k.id).where(k.id == c.checkout_id, k.status == "held").exists()
    return select(c.id, c.status).where(
        or_(
            (c.status == "reserved") & ~held,
            (c.status == "redeemed") & c.used_at.is_(None),
            c.status.in_(("active", "reserved")) & c.closed_at.is_not(None),
            c.status.in_(("redeemed", "expired", "voided")) & c.closed_at.is_(None),
        )
    )


def issued_off(_: datetime) -> Select[Any]:
    """A template's stock has given out as many as there are coupons of it."""
    s, c = t.Stock, t.Coupon
    count = (
        select(func.count())
        .where(literal("coupon:") + c.template_id.cast(_TEXT) == s.name)
        .correlate(s)
        .scalar_subquery()
    )
    return select(s.name, s.taken, count.label("coupons")).where(s.name.like("coupon:%"), s.taken != count)


def oversold(_: datetime) -> Select[Any]:
    """A template gives no more coupons than it says, ended ones included, and its stock and budget say the same."""
    p, c, s = t.CouponTemplate, t.Coupon, t.Stock
    count = select(func.count()).where(c.template_id == p.id).correlate(p).scalar_subquery()

    def other(prefix: str, total: Any) -> Any:
        name = literal(prefix) + p.id.cast(_TEXT)
        return select(s.name).where(s.name == name, s.total != total).correlate(p).exists()

    return select(p.id, p.stock, p.budget_fen, count.label("coupons")).where(
        or_((p.stock > 0) & (count > p.stock), other("coupon:", p.stock), other("budget:coupon:", p.budget_fen))
    )


def over_limit(_: datetime) -> Select[Any]:
    """Nobody was given more of a template than one person may have; counted for whom it was given to at first."""
    p, c, g = t.CouponTemplate, t.Coupon, t.Grant
    return (
        select(p.id, g.member_id, func.count().label("coupons"))
        .join(c, c.template_id == p.id)
        .join(g, g.id == c.grant_id)
        .where(p.per_member > 0)
        .group_by(p.id, p.per_member, g.member_id)
        .having(func.count() > p.per_member)
    )


def used_by_none(_: datetime) -> Select[Any]:
    """A coupon used by a checkout is used up by exactly the order that paid it; one used at a counter, or for what then
    cost nothing, by none."""
    c, o, k = t.Coupon, t.Order, t.Checkout
    paid = select(o.id).where(o.id == c.order_id, o.checkout_id == c.checkout_id).exists()
    free = select(k.id).where(k.id == c.checkout_id, k.price_fen == 0, k.order_id.is_(None)).exists()
    same = or_(paid, free & c.order_id.is_(None))
    return select(c.id, c.status, c.order_id).where(
        or_(
            (c.status == "redeemed") & c.checkout_id.is_not(None) & ~same,
            (c.status == "redeemed") & c.checkout_id.is_(None) & c.order_id.is_not(None),
            (c.status != "redeemed") & c.order_id.is_not(None),
        )
    )


def too_much_off(_: datetime) -> Select[Any]:
    """The coupons of a checkout take off no more than its goods cost, and none more than it was made for."""
    c, k = t.Coupon, t.Checkout
    off = func.coalesce(func.sum(c.discount_fen), 0)
    over = func.coalesce(func.sum(case((c.discount_fen > c.liability_fen, 1), else_=0)), 0)
    return (
        select(k.id, k.list_fen, off.label("off"), over.label("over"))
        .join(c, c.checkout_id == k.id)
        .group_by(k.id, k.list_fen)
        .having(or_(off > k.list_fen, over > 0))
    )


def budget_off(_: datetime) -> Select[Any]:
    """What a budget has given is what its coupons may cost while they live, and did cost when used."""
    p, c, s = t.CouponTemplate, t.Coupon, t.Stock
    cost = case((c.status == "redeemed", c.discount_fen), (c.status == "expired", 0), else_=c.liability_fen)
    whole = select(func.coalesce(func.sum(cost), 0)).where(c.template_id == p.id).correlate(p).scalar_subquery()
    given = select(s.taken).where(s.name == literal("budget:coupon:") + p.id.cast(_TEXT)).correlate(p).scalar_subquery()
    return select(p.id, p.budget_fen, whole.label("liable"), given.label("taken")).where(
        p.budget_fen > 0, or_(func.coalesce(given, 0) != whole, whole > p.budget_fen)
    )


def ended_early(_: datetime) -> Select[Any]:
    """No coupon expires before its time, none is used after it."""
    c = t.Coupon
    return select(c.id, c.status, c.expires_at).where(
        or_(
            (c.status == "expired") & (c.closed_at < c.expires_at),
            (c.status == "redeemed") & (c.used_at > c.expires_at),
        )
    )


COUPONS = (
    ("coupons: states say when and by what", coupon_used_oddly),
    ("coupons: as many issued as the stock gave", issued_off),
    ("coupons: no template gives more than it says", oversold),
    ("coupons: nobody has more than one person may", over_limit),
    ("coupons: used up by the order that paid", used_by_none),
    ("coupons: never more off than there is", too_much_off),
    ("coupons: the budget holds what they may cost", budget_off),
    ("coupons: none ends early, none is used late", ended_early),
)
