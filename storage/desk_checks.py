"""导购台审计: the invariants of tags, tasks, notes, coupons handed out and whose orders are; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select

from storage import tables

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def handout_without_coupon(_: datetime) -> Select[Any]:
    """What was handed out is a coupon of that template, on a right of that very handout."""
    h, c, g = t.Handout, t.Coupon, t.Grant
    right = (
        select(c.id)
        .join(g, g.id == c.grant_id)
        .where(
            c.id == h.coupon_id, c.template_id == h.template_id, g.occurrence == literal("handout:") + h.id.cast(_TEXT)
        )
    )
    return select(h.id, h.coupon_id).where(h.status == "done", ~right.exists())


def allowance_off(_: datetime) -> Select[Any]:
    """What a day's allowance says was taken is what was handed out on it, in coupons and in fen."""
    h, s = t.Handout, t.Stock
    day = (h.charged_to + literal(":") + h.day).label("day")
    done = select(day, func.count().label("n"), func.sum(h.fen).label("fen")).where(h.status == "done").group_by(day)
    given = done.subquery()
    pieces = literal("handout:") + given.c.day
    costs = literal("handout_fen:") + given.c.day
    counted = select(s.name).where(s.name == pieces, s.taken == given.c.n).exists()
    priced = or_(given.c.fen == 0, select(s.name).where(s.name == costs, s.taken == given.c.fen).exists())
    return select(given.c.day, given.c.n, given.c.fen).where(or_(~counted, ~priced))


def allowance_of_nothing(_: datetime) -> Select[Any]:
    """No allowance was taken from for a coupon that nobody got."""
    h, s = t.Handout, t.Stock
    given = select(h.id).where(h.status == "done", s.name == literal("handout:") + h.charged_to + literal(":") + h.day)
    return select(s.name, s.taken).where(s.name.like("handout:%"), s.taken > 0, ~given.exists())


def order_of_nobody(_: datetime) -> Select[Any]:
    """What is somebody's order is an order, at the time it was paid."""
    a, o = t.OrderGuide, t.Order
    there = select(o.id).where(o.id == a.order_id, o.paid_at == a.paid_at)
    return select(a.order_id, a.userid).where(~there.exists())


def tags_of_nobody(_: datetime) -> Select[Any]:
    """Tags, notes and parts of names are of members who exist."""
    m, parts = t.Member, []
    for label, table in (("tag", t.MemberTag), ("note", t.MemberNote), ("name", t.MemberName), ("tail", t.PhoneTail)):
        missing = ~select(m.id).where(m.id == table.member_id).exists()
        parts.append(select(literal(label).label("row"), table.member_id.label("member_id")).where(missing))
    return select(parts[0].union_all(*parts[1:]).subquery())


def tasks_undone(_: datetime) -> Select[Any]:
    """A task is open, or it says when and by whom it ended."""
    k = t.GuideTask
    open_one = and_(k.status == "open", k.done_at.is_(None), k.done_by == "")
    over = and_(k.status != "open", k.done_at.is_not(None), k.done_by != "")
    return select(k.id, k.status, k.done_by).where(~or_(open_one, over))


DESK = (
    ("handout: each is a coupon of its template and its own right", handout_without_coupon),
    ("handout: a day's allowance is what was given on it", allowance_off),
    ("handout: no allowance went for nothing", allowance_of_nothing),
    ("results: each attribution is of an order", order_of_nobody),
    ("members: tags, notes and names are of members", tags_of_nobody),
    ("tasks: each is open or says how it ended", tasks_undone),
)
