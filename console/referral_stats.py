"""What a referral campaign has come to, counted from the facts themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, or_, select

from storage import tables
from storage.referrals import campaign_key

t: Any = tables
KIND = "referral"


def waits() -> Any:
    """A person has to look before it can be paid."""
    r = t.Referral
    return and_(r.status.in_(("pending", "held")), r.flags != "", r.decided_by == "")


def of(connection: Connection, campaign_id: int) -> dict[str, Any]:
    """Referrals by state, who brought them, what they bought, and the rewards that stand or were reversed."""
    r, o, g, c, x = t.Referral, t.Order, t.Grant, t.Coupon, t.Transfer
    mine = r.campaign_id == campaign_id
    by_state = select(r.status, func.count()).where(mine).group_by(r.status)
    people = select(func.count(func.distinct(r.inviter_id)), func.coalesce(func.sum(case((waits(), 1), else_=0)), 0))
    inviters, review = connection.execute(people.where(mine)).one()
    money = select(func.coalesce(func.sum(o.amount_fen), 0), func.coalesce(func.sum(o.refunded_fen), 0))
    paid, refunded = connection.execute(money.join(r, r.order_id == o.id).where(mine, r.level == 1)).one()
    here = g.campaign == campaign_key(campaign_id)
    by_grant = select(g.status, func.count()).where(here, g.status != "inherited").group_by(g.status)
    coupons = select(func.count()).select_from(c).join(g, g.id == c.grant_id).where(here)
    key = literal("grant:") + g.id.cast(x.__table__.c.key.type) + literal(":points")
    standing = select(func.coalesce(func.sum(x.amount), 0)).join(g, or_(x.key == key, x.key == key + ":debt"))
    points = connection.execute(standing.where(here, g.status == "granted")).scalar()
    return {
        "instances": {row[0]: row[1] for row in connection.execute(by_state)},
        "inviters": inviters,
        "review": int(review),
        "rewards": {row[0]: row[1] for row in connection.execute(by_grant)},
        "points": int(points or 0),
        "coupons": connection.execute(coupons).scalar() or 0,
        "paid_fen": int(paid),
        "refunded_fen": int(refunded),
    }
