"""老带新审计: who brought whom is a forest, nothing is paid that was not earned; as queries, part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from storage import tables
from storage.referrals import INVITEE

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type
RUNG = len("rung:000001:")  # of an occurrence, what names the rung


def circles(_: datetime) -> Select[Any]:
    """From nobody does the chain of who brought whom lead back to them."""
    m, up = t.Member, aliased(t.Member)
    walk = select(m.id.label("start"), m.referrer_id.label("at")).where(m.referrer_id.is_not(None)).cte(recursive=True)
    walk = walk.union(
        select(walk.c.start, up.referrer_id).join(up, up.id == walk.c.at).where(up.referrer_id.is_not(None))
    )
    return select(walk.c.start.label("member")).where(walk.c.start == walk.c.at)


def other_parent(_: datetime) -> Select[Any]:
    """Whoever is brought is brought by one: every referral that stands says the same as the member."""
    r, m = t.Referral, t.Member
    standing = and_(r.level == 1, r.status.in_(("pending", "held", "approved", "paid")))
    return select(r.id, r.inviter_id, m.referrer_id).join(m, m.id == r.invitee_id).where(
        standing, func.coalesce(m.referrer_id, 0) != r.inviter_id
    )  # fmt: skip


def paid_twice(_: datetime) -> Select[Any]:
    """One person, whatever members they were, is paid for once in a campaign and level."""
    r, m = t.Referral, t.Member
    person = func.coalesce(m.merged_into, m.id)
    return (
        select(r.campaign_id, r.level, person.label("invitee"), func.count().label("times"))
        .join(m, m.id == r.invitee_id)
        .where(r.status == "paid")
        .group_by(r.campaign_id, r.level, person)
        .having(func.count() > 1)
    )


def paid_early(now: datetime) -> Select[Any]:
    """What is paid was qualified, waited its time, and the two are two persons."""
    r, one, other = t.Referral, aliased(t.Member), aliased(t.Member)
    same = func.coalesce(one.merged_into, one.id) == func.coalesce(other.merged_into, other.id)
    waited = and_(r.qualified_at.is_not(None), r.pay_at > r.qualified_at, r.closed_at >= r.pay_at, r.pay_at <= now)
    return (
        select(r.id, r.qualified_at, r.pay_at, r.closed_at)
        .join(one, one.id == r.inviter_id)
        .join(other, other.id == r.invitee_id)
        .where(r.status == "paid", or_(~func.coalesce(waited, literal(value=False)), same))
    )


def more_than_earned(_: datetime) -> Select[Any]:
    """In a campaign no more is paid than was qualified, and every reward that stands belongs to a paid referral."""
    r, g, m, n = t.Referral, t.Grant, aliased(t.Member), aliased(t.Member)
    campaign = literal("referral:") + r.campaign_id.cast(_TEXT)
    paid = and_(r.status == "paid", r.qualified_at.is_not(None))
    inviters = select(campaign, literal("inviter:") + r.id.cast(_TEXT)).where(paid)
    # Whoever absorbed them, twice at most.
    later = select(m.merged_into).where(m.id == g.member_id).correlate(g).scalar_subquery()
    through = select(n.merged_into).join(m, n.id == m.merged_into)
    latest = through.where(m.id == g.member_id).correlate(g).scalar_subquery()
    invited = select(r.id).where(
        r.invitee_id.in_((g.member_id, later, latest)), campaign == g.campaign, r.level == 1, paid
    )  # fmt: skip
    earned = or_(tuple_(g.campaign, g.occurrence).in_(inviters), and_(g.occurrence == INVITEE, invited.exists()))
    reward = or_(g.occurrence.like("inviter:%"), g.occurrence == INVITEE)
    return select(g.id, g.campaign, g.occurrence, g.member_id).where(
        g.campaign.like("referral:%"), g.status == "granted", reward, ~earned
    )  # fmt: skip


def refunded_but_paid(_: datetime) -> Select[Any]:
    """No reward stands for an order that was refunded whole."""
    r, o = t.Referral, t.Order
    return select(r.id, r.order_id, r.status).join(o, o.id == r.order_id).where(
        r.status.in_(("held", "approved", "paid")), o.refunded_fen >= o.amount_fen
    )  # fmt: skip


def rung_twice(_: datetime) -> Select[Any]:
    """A rung that stands was given once to one person."""
    g, m = t.Grant, t.Member
    person, rung = func.coalesce(m.merged_into, m.id), func.substr(g.occurrence, 1, RUNG)
    return (
        select(g.campaign, rung.label("rung"), person.label("person"), func.count().label("times"))
        .join(m, m.id == g.member_id)
        .where(g.campaign.like("referral:%"), g.occurrence.like("rung:%"), g.status == "granted")
        .group_by(g.campaign, rung, person)
        .having(func.count() > 1)
    )


REFERRALS = (
    ("referral: who brought whom is a forest", circles),
    ("referral: one parent, the same everywhere", other_parent),
    ("referral: a newcomer is paid for once", paid_twice),
    ("referral: paid only after the hold, for two persons", paid_early),
    ("referral: no more rewards than paid referrals", more_than_earned),
    ("referral: nothing stands for a refunded order", refunded_but_paid),
    ("referral: each rung once", rung_twice),
)
