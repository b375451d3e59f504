"""促销审计: the invariants of orders, coupons, points, teams and bargains as queries; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select, union_all

from storage import tables
from storage.coupon_checks import COUPONS

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
    """Nobody holds points or commission and owes some of it at once."""
    x, b = t.Transfer, t.Balance
    debt = func.replace(b.account, "member:", "debt:")
    owed = (
        select(func.coalesce(func.sum(case((x.debit == debt, x.amount), else_=-x.amount)), 0))
        .where(x.asset == b.asset, or_(x.debit == debt, x.credit == debt))
        .correlate(b)
        .scalar_subquery()
    )
    return select(b.account, b.amount, owed.label("owed")).where(b.amount > 0, owed > 0)


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
        .join(r, (r.order_id == o.id) & (r.status != "refused"))
        .group_by(o.id, o.amount_fen)
        .having(func.sum(r.amount_fen) > o.amount_fen)
    )


def rewards_off(_: datetime) -> Select[Any]:
    """A reward keeps what its order's refunds leave of it: floor(amount * kept / paid)."""
    w, o = t.Reward, t.Order
    stands = case((o.amount_fen > 0, w.amount * (o.amount_fen - o.refunded_fen) // o.amount_fen), else_=0)
    return select(w.id, w.kept, stands.label("stands")).join(o, o.id == w.order_id).where(w.kept != stands)


def waiting_off(_: datetime) -> Select[Any]:
    """What waits for a member is what stands of their pending rewards: nothing ripens twice, or more than is left."""
    x, w = t.Transfer, t.Reward
    owner = literal("pending:") + w.member_id.cast(_TEXT)
    sides = union_all(
        select(x.credit.label("account"), x.amount.label("amount")).where(x.credit.like("pending:%")),
        select(x.debit.label("account"), (-x.amount).label("amount")).where(x.debit.like("pending:%")),
        select(owner.label("account"), (-w.kept).label("amount")).where(w.status == "pending"),
    ).subquery()
    return (
        select(sides.c.account, func.sum(sides.c.amount).label("difference"))
        .group_by(sides.c.account)
        .having(func.sum(sides.c.amount) != 0)
    )


def reversed_off(_: datetime) -> Select[Any]:
    """All that was taken back from rewards is what refunds took of them, once: amount - kept."""
    x, w = t.Transfer, t.Reward
    both = union_all(
        select(x.amount.label("amount")).where(x.key.like("reward:%:less:%")),
        select(w.kept - w.amount),
    ).subquery()
    whole = func.sum(both.c.amount)
    return select(whole.label("difference")).having(whole != 0)


def overpaid_debt(_: datetime) -> Select[Any]:
    """Nobody pays off more than they owe."""
    x = t.Transfer
    sides = union_all(
        select(x.debit.label("account"), x.asset, x.amount.label("amount")).where(x.debit.like("debt:%")),
        select(x.credit.label("account"), x.asset, (-x.amount).label("amount")).where(x.credit.like("debt:%")),
    ).subquery()
    owed, whose = func.sum(sides.c.amount), (sides.c.account, sides.c.asset)
    return select(*whose, owed.label("owed")).group_by(*whose).having(owed < 0)


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


def _went_back(order: Any) -> Any:
    """What an order gave back or owes back, as a subquery of a query over `order`."""
    r = t.Refund
    owed = select(func.coalesce(func.sum(r.amount_fen), 0)).where(r.order_id == order.id, r.status == "owed")
    return order.refunded_fen + owed.correlate(order).scalar_subquery()


def expired_but_paid(_: datetime) -> Select[Any]:
    """In an expired team no seat stays paid: each has its money back, or is owed it."""
    team, s, o = t.Team, t.TeamSeat, t.Order
    whole = select(o.id).where(o.id == s.order_id, _went_back(o) >= o.amount_fen).exists()
    return (
        select(s.id, s.team_id, s.status)
        .join(team, team.id == s.team_id)
        .where(team.status == "expired", or_(s.status.in_(("held", "paid")), (s.status == "refunded") & ~whole))
    )


def paid_for_no_seat(_: datetime) -> Select[Any]:
    """What was paid for teams = what has a seat + what went back + what is owed: no order pays for nothing."""
    o, k, s, team = t.Order, t.Checkout, t.TeamSeat, t.Team
    seat = select(s.id).join(team, team.id == s.team_id).where(
        s.team_id == k.subject_id, s.order_id == o.id, s.status == "paid", team.status.in_(("open", "success"))
    )  # fmt: skip
    return (
        select(o.id, o.amount_fen, o.refunded_fen)
        .join(k, k.id == o.checkout_id)
        .where(k.kind == "group_buy", ~seat.exists(), _went_back(o) < o.amount_fen)
    )


def seats_twice(_: datetime) -> Select[Any]:
    """A member has one seat in a team."""
    s = t.TeamSeat
    return select(s.team_id, s.member_id).group_by(s.team_id, s.member_id).having(func.count() > 1)


def helped_twice(_: datetime) -> Select[Any]:
    """A helper cuts a bargain once."""
    c = t.BargainCut
    return select(c.bargain_id, c.helper_id).group_by(c.bargain_id, c.helper_id).having(func.count() > 1)


def charged_otherwise(_: datetime) -> Select[Any]:
    """The price charged is the price at lock: the start less the cuts made until then; a lock holds a checkout."""
    b, c, k = t.Bargain, t.BargainCut, t.Checkout
    until = (
        select(func.coalesce(func.sum(c.cut_fen), 0))
        .where(c.bargain_id == b.id, c.cut_at <= k.created_at)
        .correlate(b, k)
        .scalar_subquery()
    )
    held = {"locked": ("held",), "bought": ("paid", "refused")}
    wrong = [(b.status == status) & or_(k.id.is_(None), k.status.not_in(states)) for status, states in held.items()]
    return (
        select(b.id, b.status, b.price_fen, k.price_fen.label("charged"))
        .outerjoin(k, k.id == b.checkout_id)
        .where(or_(*wrong, k.price_fen != b.start_fen - until))
    )


def paid_by_two(_: datetime) -> Select[Any]:
    """A paid checkout and its order name each other; two orders never pay one. What costs nothing needs no order."""
    o, k = t.Order, t.Checkout
    named = select(o.id).where(o.id == k.order_id, o.checkout_id == k.id).exists()
    others = k.id.in_(
        select(o.checkout_id).where(o.checkout_id.is_not(None)).group_by(o.checkout_id).having(func.count() > 1)
    )
    paid = k.status.in_(("paid", "refused"))
    unnamed = ~named & or_(k.price_fen > 0, k.order_id.is_not(None))
    return select(k.id, k.status, k.order_id).where(or_(paid & or_(unnamed, others), ~paid & k.order_id.is_not(None)))


def limits_off(_: datetime) -> Select[Any]:
    """A person's count in a campaign is what they hold and bought there (of bargains: launched)."""
    k, s, team, b = t.Checkout, t.Stock, t.Team, t.Bargain
    stands = k.status.in_(("held", "paid"))
    sold = union_all(
        select(k.subject_id.label("campaign"), k.member_id.label("member"), literal(1).label("n")).where(
            k.kind == "flash_sale", stands
        ),
        select(team.campaign_id, k.member_id, literal(1))
        .join(team, team.id == k.subject_id)
        .where(k.kind == "group_buy", stands),
        select(b.campaign_id, b.member_id, literal(1)),
    ).subquery()
    each = (
        select(sold.c.campaign, sold.c.member, func.sum(sold.c.n).label("n"))
        .group_by(sold.c.campaign, sold.c.member)
        .subquery()
    )
    name = literal("limit:campaign:") + each.c.campaign.cast(_TEXT) + literal(":") + each.c.member.cast(_TEXT)
    return (
        select(each.c.campaign, each.c.member, each.c.n, s.total)
        .outerjoin(s, s.name == name)
        .where(or_(s.name.is_(None), s.reserved + s.taken != each.c.n))
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


def third_level(_: datetime) -> Select[Any]:
    """Nobody is paid beyond the second level."""
    r = t.Referral
    return select(r.id, r.level).where(r.level.not_in((1, 2)))


PROMOTIONS = (
    *COUPONS,
    ("points: lots sum to the balance", lots_differ),
    ("ledger: nobody holds and owes at once", rich_and_owing),
    ("orders: refunds sum to what the order says", refunds_off),
    ("orders: never more owed back than was paid", owed_too_much),
    ("orders: rewards follow refunds", rewards_off),
    ("rewards: what waits is what stands of them", waiting_off),
    ("rewards: taken back once, what refunds took", reversed_off),
    ("ledger: nobody pays off more than they owe", overpaid_debt),
    ("group_buy: seats are counted right", seats_off),
    ("group_buy: an expired team keeps nobody's money", expired_but_paid),
    ("group_buy: money without a seat goes back", paid_for_no_seat),
    ("group_buy: a member has one seat in a team", seats_twice),
    ("bargain: price = start - cuts, floor exact", cuts_off),
    ("bargain: a helper cuts once", helped_twice),
    ("bargain: the price charged is the price at lock", charged_otherwise),
    ("checkout: one order pays one checkout", paid_by_two),
    ("limits: a person's count is what they hold and bought", limits_off),
    ("referral: two levels at most", third_level),
)
