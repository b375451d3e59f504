"""审批检查: nobody decides what they asked for, and what was decided is what was done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select

from storage import tables

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables


def _alone(_: datetime) -> Select[Any]:
    """In whatever case the name was written."""
    p = t.Approval
    return select(p.id, p.kind, p.made_by).where(
        p.status == "approved", func.lower(p.made_by) == func.lower(p.decided_by)
    )


def _points_off(_: datetime) -> Select[Any]:
    """Points that waited were moved when, and only when, a second person agreed."""
    p, a = t.Approval, t.PointsAct
    key = literal("points:") + a.id.cast(p.__table__.c.key.type)
    agreed = and_(p.status == "approved", a.status != "done")
    not_agreed = and_(p.status != "approved", a.status == "done")
    return select(p.id, p.status, a.id.label("act"), a.status.label("done")).join(a, p.key == key).where(
        or_(agreed, not_agreed, and_(a.status == "done", a.approved_by != p.decided_by))
    )  # fmt: skip


def _coupons_off(_: datetime) -> Select[Any]:
    """Coupons that waited were given when, and only when, a second person agreed, and from their allowance."""
    p, h = t.Approval, t.Handout
    key = literal("handout:") + h.id.cast(p.__table__.c.key.type)
    after = {"approved": "done", "waiting": "waiting", "rejected": "declined", "expired": "declined"}
    fits = or_(*[and_(p.status == was, h.status == then) for was, then in after.items()])
    paid = or_(h.status != "done", h.charged_to == p.decided_by)
    return select(p.id, p.status, h.id.label("handout"), h.status.label("given")).join(h, p.key == key).where(
        ~and_(fits, paid)
    )  # fmt: skip


def _coupon_unasked(_: datetime) -> Select[Any]:
    """A coupon that waits, or that another one's allowance paid for, is one that somebody was asked about."""
    p, h = t.Approval, t.Handout
    asked = select(p.id).where(p.key == literal("handout:") + h.id.cast(p.__table__.c.key.type)).exists()
    return select(h.id, h.status, h.charged_to).where(or_(h.status == "waiting", h.charged_to != h.userid), ~asked)


APPROVALS: tuple[tuple[str, Callable[[datetime], Select[Any]]], ...] = (
    ("approvals: the second person is another person", _alone),
    ("approvals: points that waited follow the decision", _points_off),
    ("approvals: coupons that waited follow the decision", _coupons_off),
    ("approvals: coupons that wait were asked about", _coupon_unasked),
)
