"""沙龙审计: the invariants of salons' seats; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select

from storage import tables
from storage.salons import SEATED

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def seats_differ(_: datetime) -> Select[Any]:
    """Seats taken or kept are those that people have, never more than there are."""
    a, s, k = t.Salon, t.SalonSeat, t.Stock
    seated = select(func.count()).where(s.salon_id == a.id, s.status.in_(SEATED)).correlate(a).scalar_subquery()
    return (
        select(a.id, a.seats, seated.label("seated"), k.taken, k.reserved)
        .outerjoin(k, k.name == literal("salon:") + a.id.cast(_TEXT))
        .where(or_(k.name.is_(None), k.total != a.seats, k.taken + k.reserved != seated))
    )


def passed_over(_: datetime) -> Select[Any]:
    """Whoever is kept a seat waited longer than everybody who still waits."""
    s, w, a = t.SalonSeat, t.SalonSeat.__table__.alias(), t.Salon
    return (
        select(s.salon_id, s.id, w.c.id.label("waits"))
        .join(a, and_(a.id == s.salon_id, a.status == "open"))
        .join(w, and_(w.c.salon_id == s.salon_id, w.c.status == "waiting", w.c.place < s.place))
        .where(s.status == "offered")
    )


def paid_oddly(_: datetime) -> Select[Any]:
    """Points for seats: what a seat says it cost is what was paid and not given back."""
    s, x = t.SalonSeat, t.Transfer
    paid = (
        select(func.coalesce(func.sum(x.amount), 0))
        .where(x.key == s.paid_key, x.asset == "points").correlate(s).scalar_subquery()
    )  # fmt: skip
    undos = select(x.key).where(x.key.like("salon:%:undo%"), x.asset == "points").cte("undos")
    undos = undos.prefix_with("MATERIALIZED")  # few; without it every seat looks through all transfers
    back = select(func.count()).where(undos.c.key.like(s.paid_key + literal(":undo%"))).scalar_subquery()
    return select(s.id, s.points, paid.label("paid")).where(
        s.paid_key != "", or_(paid == 0, s.points != case((back > 0, 0), else_=paid))
    )


SALONS = (
    ("salon: seats taken are the seats people have", seats_differ),
    ("salon: nobody is passed over in the queue", passed_over),
    ("salon: points of a seat agree with the ledger", paid_oddly),
)
