"""触达审计: nobody is reached who said no, more often than allowed or at night; audiences add up; statistics are what
the orders say. As queries, part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, not_, or_, select, union_all
from sqlalchemy.orm import aliased

from storage import tables

t: Any = tables


def consent_differs(_: datetime) -> Select[Any]:
    """How a member stands is what they said last, and their history says the same."""
    c, a, h = t.Consent, t.ConsentAct, t.Touch
    heard = (
        select(h.kind + ":" + h.source)
        .where(h.member_id == c.member_id, h.topic == c.topic, h.kind.in_(("in", "out")))
        .order_by(h.seq.desc())
        .limit(1)
    )
    said = select(a.state).where(a.id == c.act_id)
    return select(c.member_id, c.topic, c.state).where(
        or_(
            c.state != func.coalesce(said.scalar_subquery(), ""),
            c.state + ":consent:" + c.act_id.cast(h.source.type) != func.coalesce(heard.scalar_subquery(), ""),
        )
    )


def _said_before(h: Any) -> Any:
    """What a member had said last before a touch."""
    said = aliased(t.Touch)
    return (
        select(said.kind)
        .where(
            said.member_id == h.member_id, said.topic == h.topic, said.kind.in_(("in", "out")), said.seq < h.seq,
            or_(said.moved_at.is_(None), said.moved_at <= h.at),
        )
        .order_by(said.seq.desc())
        .limit(1)
        .scalar_subquery()
    )  # fmt: skip


def sent_unwanted(_: datetime) -> Select[Any]:
    """No message after a refusal, none without the consent that its rule asks for."""
    h, r = t.Touch, t.OutreachRule
    said = func.coalesce(_said_before(h), "")
    return (
        select(h.member_id, h.seq, h.source, h.at)
        .join(r, r.id == h.rule_id)
        .where(h.kind == "send", h.moved_at.is_(None), or_(said == "out", and_(r.require_opt_in == 1, said != "in")))
    )


def sent_too_often(_: datetime) -> Select[Any]:
    """With each message the member had got no more than every cap of its rule allows."""
    h, c, other = t.Touch, t.OutreachCap, aliased(t.Touch)
    together = and_(
        other.member_id == h.member_id, other.kind == "send", other.seq <= h.seq, other.day > h.day - c.days,
        other.undone_at.is_(None), or_(other.moved_at.is_(None), other.moved_at <= h.at),
    )  # fmt: skip
    return (
        select(h.member_id, h.seq, c.days, func.count().label("messages"))
        .join(c, c.rule_id == h.rule_id)
        .join(other, together)
        .where(h.kind == "send", h.undone_at.is_(None), h.moved_at.is_(None))
        .group_by(h.member_id, h.seq, c.days, c.most)
        .having(func.count() > c.most)
    )


def sent_at_night(_: datetime) -> Select[Any]:
    """No message in the quiet hours of its rule, by the clock of the member's own day."""
    h, r = t.Touch, t.OutreachRule
    after, before = h.minute >= r.quiet_from, h.minute < r.quiet_to
    quiet = case((r.quiet_from > r.quiet_to, or_(after, before)), else_=and_(after, before))
    return select(h.member_id, h.seq, h.minute).join(r, r.id == h.rule_id).where(
        h.kind == "send", r.quiet_from.is_not(None), quiet
    )  # fmt: skip


def _counted(model: Any, channel: Any) -> Any:
    """Rows of a broadcast's audience by status, beside what the broadcast says."""
    b = t.Broadcast
    states = ("left", "suppressed", "tasked", "sent", "failed")
    columns = [
        func.coalesce(func.sum(case((model.status == state, 1), else_=0)), 0).label(f"n_{state}") for state in states
    ]
    of = select(model.broadcast_id, *columns).group_by(model.broadcast_id).subquery()
    differs = or_(*[func.coalesce(of.c[f"n_{state}"], 0) != getattr(b, state) for state in states])
    return select(b.id, b.total).outerjoin(of, of.c.broadcast_id == b.id).where(channel, differs)


def audience_differs(_: datetime) -> Select[Any]:
    """A broadcast's counts are those of its rows, and make up its total."""
    b = t.Broadcast
    members = _counted(t.Audience, b.channel != "group")
    chats = _counted(t.AudienceChat, b.channel == "group")
    sums = select(b.id, b.total).where(b.total != b.left + b.suppressed + b.tasked + b.sent + b.failed)
    return select(union_all(members, chats, sums).subquery())


def audience_twice(_: datetime) -> Select[Any]:
    """Nobody is in an audience twice, under whatever name a staff member has them."""
    a = t.Audience
    return (
        select(a.broadcast_id, a.member_id, func.count().label("times"))
        .group_by(a.broadcast_id, a.member_id)
        .having(func.count() > 1)
    )


def sent_without_asking(_: datetime) -> Select[Any]:
    """Whoever a broadcast reached, or is about to, is counted in their history, under that broadcast."""
    a, b, h, m = t.Audience, t.Broadcast, t.Touch, t.Member
    source = "broadcast:" + b.id.cast(h.source.type)
    touched = select(h.seq).where(h.member_id == a.member_id, h.source == source, h.undone_at.is_(None)).exists()
    moved_on = select(m.id).where(m.id == a.member_id, m.merged_into.is_not(None)).exists()
    return select(a.broadcast_id, a.member_id, a.status).join(b, b.id == a.broadcast_id).where(
        a.status.in_(("tasked", "sent")), b.topic == "marketing", not_(touched), not_(moved_on)
    )  # fmt: skip


def stats_differ(_: datetime) -> Select[Any]:
    """Each member's statistics, both ways: a row without orders counts as well."""
    s, o = t.MemberStats, t.Order
    sides = union_all(
        select(o.member_id, func.count().label("orders"), func.sum(o.amount_fen - o.refunded_fen).label("spend_fen"),
               func.min(o.paid_at).label("first"), func.max(o.paid_at).label("last"))
        .where(o.refunded_fen < o.amount_fen)
        .group_by(o.member_id),
        select(s.member_id, s.orders, s.spend_fen, s.first_paid_at, s.last_paid_at),
    ).subquery()  # fmt: skip
    c = sides.c
    same = [func.min(column) == func.max(column) for column in (c.orders, c.spend_fen, c.first, c.last)]
    return select(c.member_id).group_by(c.member_id).having(or_(func.count() != 2, not_(and_(*same))))


OUTREACH = (
    ("consent: how a member stands is what they said last", consent_differs),
    ("outreach: nobody is reached who said no", sent_unwanted),
    ("outreach: nobody is reached more often than allowed", sent_too_often),
    ("outreach: nobody is reached in quiet hours", sent_at_night),
    ("broadcast: left + suppressed + tasked + sent + failed is its audience", audience_differs),
    ("broadcast: everyone at most once", audience_twice),
    ("broadcast: whoever was reached is counted", sent_without_asking),
    ("members: statistics are what the orders say", stats_differ),
)
