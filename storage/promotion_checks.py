"""促销审计: the invariants of orders, coupons, points, teams and bargains as queries; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select, union_all

from storage import tables

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def lots_differ(_: datetime) -> Select[Any]:
    """A member's points are the sum of their lots."""
    b, lot = t.Balance, t.PointsLot
    both = union_all(
        select(b.account.label("account"), b.amount.label("amount")).where(b.asset == "points"),
        select(lot.account.label("account"), (-lot.amount).label("amount")),
    ).subquery()
    return (
        select(both.c.account, func.sum(both.c.amount).label("difference"))
        .group_by(both.c.account)
        .having(func.sum(both.c.amount) != 0)
    )


def rich_and_owing(_: datetime) -> Select[Any]:
    """Nobody holds points and owes some at once."""
    x, b = t.Transfer, t.Balance
    debt = func.replace(b.account, "member:", "debt:")
    owed = (
        select(func.coalesce(func.sum(case((x.debit == debt, x.amount), else_=-x.amount)), 0))
        .where(x.asset == "points", or_(x.debit == debt, x.credit == debt))
        .correlate(b)
        .scalar_subquery()
    )
    return select(b.account, b.amount, owed.label("owed")).where(b.asset == "points", b.amount > 0, owed > 0)


def refunds_off(_: datetime) -> Select[Any]:
    """What an order says was refunded is what its refunds sum to, cut at what was paid."""
    o, r = t.Order, t.OrderRefund
    told = (
        select(func.coalesce(func.sum(r.amount_fen), 0))
        .where(r.source == o.source, r.order_no == o.order_no, r.applied == 1)
        .correlate(o)
        .scalar_subquery()
    )
    expected = case((told > o.amount_fen, o.amount_fen), else_=told)
    return select(o.id, o.refunded_fen, told.label("told")).where(o.refunded_fen != expected)


def owed_too_much(_: datetime) -> Select[Any]:
    """What we owe back for an order never passes what was paid for it."""
    o, r = t.Order, t.Refund
    return (
        select(o.id, o.amount_fen, func.sum(r.amount_fen).label("owed"))
        .join(r, r.order_id == o.id)
        .group_by(o.id, o.amount_fen)
        .having(func.sum(r.amount_fen) > o.amount_fen)
    )


def rewards_off(_: datetime) -> Select[Any]:
    """A reward keeps what its order's refunds leave of it: floor(amount * kept / paid)."""
    w, o = t.Reward, t.Order
    stands = case((o.amount_fen > 0, w.amount * (o.amount_fen - o.refunded_fen) // o.amount_fen), else_=0)
    return select(w.id, w.kept, stands.label("stands")).join(o, o.id == w.order_id).where(w.kept != stands)


def seats_off(_: datetime) -> Select[Any]:
    """A team counts the seats that there are; only open teams hold some."""
    team, s = t.Team, t.TeamSeat

    def seats(*states: str) -> Any:
        of = select(func.count()).where(s.team_id == team.id, s.status.in_(states))
        return of.correlate(team).scalar_subquery()

    taken = case((team.status == "expired", seats("paid", "refunded")), else_=seats("paid"))
    wrong = or_(
        team.held != seats("held"), team.held + team.paid > team.size,
        (team.status == "open") & (team.paid != taken), (team.status != "open") & (team.held > 0),
        (team.status == "success") & (team.paid != team.size), (team.status == "expired") & (team.paid >= team.size),
    )  # fmt: skip
    return select(team.id, team.status, team.size, team.held, team.paid).where(wrong)


def expired_but_paid(_: datetime) -> Select[Any]:
    """In an expired team no seat stays paid: each has its refund."""
    team, s, r = t.Team, t.TeamSeat, t.Refund
    owed = select(r.id).where(r.order_id == s.order_id).exists()
    return (
        select(s.id, s.team_id, s.status)
        .join(team, team.id == s.team_id)
        .where(team.status == "expired", or_(s.status.in_(("held", "paid")), (s.status == "refunded") & ~owed))
    )


def cuts_off(_: datetime) -> Select[Any]:
    """A bargain's price is its start less its cuts; the last cut reaches the floor."""
    b, c = t.Bargain, t.BargainCut
    count, fen = func.count(c.id), func.coalesce(func.sum(c.cut_fen), 0)
    return (
        select(b.id, b.price_fen, b.cuts)
        .outerjoin(c, c.bargain_id == b.id)
        .group_by(b.id, b.price_fen, b.cuts, b.start_fen, b.floor_fen, b.needed)
        .having(
            or_(
                b.cuts != count,
                b.price_fen != b.start_fen - fen,
                b.price_fen < b.floor_fen,
                (b.cuts == b.needed) != (b.price_fen == b.floor_fen),
            )
        )
    )


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


def paid_by_nothing(_: datetime) -> Select[Any]:
    """A paid checkout has its order, unless there was nothing to pay."""
    k = t.Checkout
    return select(k.id, k.price_fen).where(k.status == "paid", k.order_id.is_(None), k.price_fen > 0)


def redeemed_oddly(_: datetime) -> Select[Any]:
    """What was redeemed was paid for with its points, has its coupon, and gave them back when it was undone."""
    r, x = t.Redemption, t.Transfer
    key = literal("redeem:") + r.id.cast(_TEXT)

    def moved(keys: Any) -> Any:
        return (
            select(func.coalesce(func.sum(x.amount), 0)).where(keys, x.asset == "points").correlate(r).scalar_subquery()
        )

    spent, back = moved(x.key == key), moved(x.key.like(key + literal(":undo:%")))
    taken = r.status.in_(("done", "undone"))
    return select(r.id, r.status, r.points, spent.label("spent"), back.label("back")).where(
        or_(
            spent != case((taken, r.points), else_=0),
            back != case((r.status == "undone", r.points), else_=0),
            taken & r.coupon_id.is_(None),
        )
    )


def third_level(_: datetime) -> Select[Any]:
    """Nobody is paid beyond the second level."""
    r = t.Referral
    return select(r.id, r.level).where(r.level.not_in((1, 2)))


PROMOTIONS = (
    ("points: lots sum to the balance", lots_differ),
    ("points: nobody holds and owes at once", rich_and_owing),
    ("orders: refunds sum to what the order says", refunds_off),
    ("orders: never more owed back than was paid", owed_too_much),
    ("orders: rewards follow refunds", rewards_off),
    ("group_buy: seats are counted right", seats_off),
    ("group_buy: an expired team keeps nobody's money", expired_but_paid),
    ("bargain: price = start - cuts, floor exact", cuts_off),
    ("coupons: states say when and by what", coupon_used_oddly),
    ("coupons: as many issued as the stock gave", issued_off),
    ("checkouts: what is paid has its order", paid_by_nothing),
    ("redeem: points, coupon and undoing agree", redeemed_oddly),
    ("referral: two levels at most", third_level),
)
