"""等级审计: the invariants of tiers; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, literal, or_, select

from storage import tables
from storage.types import UtcDateTime

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def called_otherwise(_: datetime) -> Select[Any]:
    """A member is called by the level they earned or by their card's, else basic."""
    m, h = t.Member, t.MemberTier
    by = or_(
        and_(h.level != "", m.tier == h.level),
        and_(h.card != "", m.tier == h.card),
        and_(h.level == "", h.card == "", m.tier == "basic"),
    )
    return (
        select(m.id, m.tier, h.level, h.card).join(h, h.member_id == m.id).where(m.merged_into.is_(None), ~by)
    )  # fmt: skip


def without_reason(_: datetime) -> Select[Any]:
    """Who rose had reached the level's floor; who fell at a review had missed it."""
    c = t.TierChange
    rose = and_(c.why.in_(("order", "rules")), or_(c.floor < 0, c.value < c.floor))
    fell = and_(c.why == "review", c.floor >= 0, c.value >= c.floor)
    return select(c.id, c.member_id, c.before, c.after, c.why, c.value, c.floor).where(or_(rose, fell))


def look_forgotten(_: datetime) -> Select[Any]:
    """Every earned level is looked at again, on its day."""
    m, h = t.Member, t.MemberTier
    late = h.look_at < bindparam("overdue", type_=UtcDateTime())
    return (
        select(h.member_id, h.level, h.look_at)
        .join(m, m.id == h.member_id)
        .where(m.merged_into.is_(None), or_(late, and_(h.level != "", h.look_at.is_(None))))
    )


def gift_without_raise(_: datetime) -> Select[Any]:
    """A level's coupon was given by the very event that raised the member to it."""
    g, c = t.Grant, t.TierChange
    raised = select(c.id).where(
        c.member_id == g.member_id, c.cause == g.cause, literal("tier:") + c.after.cast(_TEXT) == g.campaign
    )
    return select(g.id, g.member_id, g.campaign).where(
        g.campaign.like("tier:%"), g.campaign != "tier:birthday", g.status == "granted", ~raised.exists()
    )


def card_too_long(_: datetime) -> Select[Any]:
    """A card stands no longer than its order's refunds leave of it."""
    c, o = t.TierCard, t.Order
    there = select(o.id).where(
        o.id == c.order_id, c.kept * o.amount_fen <= c.days * (o.amount_fen - o.refunded_fen)
    )  # fmt: skip
    return select(c.id, c.order_id, c.days, c.kept).where(~there.exists())


TIERS = (
    ("tiers: members are called by what they hold", called_otherwise),
    ("tiers: raised by what was reached, lowered by what was missed", without_reason),
    ("tiers: every level has its next look", look_forgotten),
    ("tiers: a level's coupon came with the raise", gift_without_raise),
    ("tiers: cards follow refunds", card_too_long),
)
