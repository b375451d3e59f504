"""购买审计: the invariants of checkouts without an order and of points redeemed; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select

from storage import tables

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def paid_by_nothing(_: datetime) -> Select[Any]:
    """A paid checkout has its order, unless there was nothing to pay."""
    k = t.Checkout
    return select(k.id, k.price_fen).where(k.status == "paid", k.order_id.is_(None), k.price_fen > 0)


def redeemed_oddly(_: datetime) -> Select[Any]:
    """What was redeemed was paid for with its points, has its coupon, and gave them back when it was undone."""
    r, x = t.Redemption, t.Transfer
    key = literal("redeem:") + r.id.cast(_TEXT)

    undos = (
        select(x.key, x.amount).where(x.key.like("redeem:%:undo:%"), x.asset == "points").cte("undos")
    ).prefix_with("MATERIALIZED")  # few; without it every redemption looks through all transfers

    def total(amount: Any, *where: Any) -> Any:
        return select(func.coalesce(func.sum(amount), 0)).where(*where).scalar_subquery()

    spent = total(x.amount, x.key == key, x.asset == "points")
    back = total(undos.c.amount, undos.c.key.like(key + literal(":undo:%")))
    taken = r.status.in_(("done", "undone"))
    return select(r.id, r.status, r.points, spent.label("spent"), back.label("back")).where(
        or_(
            spent != case((taken, r.points), else_=0),
            back != case((r.status == "undone", r.points), else_=0),
            taken & r.coupon_id.is_(None),
        )
    )


BUYING = (
    ("checkouts: what is paid has its order", paid_by_nothing),
    ("redeem: points, coupon and undoing agree", redeemed_oddly),
)
