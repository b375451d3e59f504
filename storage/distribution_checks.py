"""分销审计: nobody is paid beyond two levels or without an order that stands, and the books say the same; as queries,
part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from storage import tables
from storage.distribution import PAID_OUT
from storage.ledger import COMMISSION, ISSUER

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type
JUDGED = ("same_person", "by_hand")  # why a commission stands lower than its order


def beyond_its_order(_: datetime) -> Select[Any]:
    """Each is of an order that we know, of the first level, or of the second behind the first."""
    c, first, o = t.Commission, aliased(t.Commission), t.Order
    promoted = select(first.id).where(
        first.order_id == c.order_id, first.level == 1, first.distributor_id == c.via_id
    )  # fmt: skip
    known = select(o.id).where(o.id == c.order_id)
    wrong = or_(c.level.not_in((1, 2)), ~known.exists(), and_(c.level == 2, ~promoted.exists()))
    return select(c.id, c.order_id, c.level).where(wrong)


def _person(member: Any) -> Any:
    return func.coalesce(member.merged_into, member.id)


def own_order(_: datetime) -> Select[Any]:
    """Nobody earns by what they bought themselves, and nobody is both levels of one order."""
    c, d, m, buyer = t.Commission, t.Distributor, t.Member, aliased(t.Member)
    pair, other, there = aliased(t.Commission), aliased(t.Distributor), aliased(t.Member)
    both = (
        select(pair.id)
        .join(other, other.id == pair.distributor_id)
        .join(there, there.id == other.member_id)
        .where(pair.order_id == c.order_id, pair.id != c.id, pair.kept_fen > 0, _person(there) == _person(m))
    )
    return (
        select(c.id, c.order_id, c.customer_id)
        .join(d, d.id == c.distributor_id)
        .join(m, m.id == d.member_id)
        .join(buyer, buyer.id == c.customer_id)
        .where(c.kept_fen > 0, or_(_person(m) == _person(buyer), both.exists()))
    )


def refunds_off(_: datetime) -> Select[Any]:
    """A commission keeps what its order's refunds leave of it: floor(amount * kept / paid); less only by judgement."""
    c, o = t.Commission, t.Order
    stands = case((o.amount_fen > 0, c.amount_fen * (o.amount_fen - o.refunded_fen) // o.amount_fen), else_=0)
    judged = and_(c.reason.in_(JUDGED), c.kept_fen < stands)
    return select(c.id, c.kept_fen, stands.label("stands")).join(o, o.id == c.order_id).where(
        c.kept_fen != stands, ~judged
    )  # fmt: skip


def lines_off(_: datetime) -> Select[Any]:
    """A commission is the sum of its lines, and their prices are what was paid for the order."""
    c, o, line = t.Commission, t.Order, t.CommissionLine
    amount, net = func.coalesce(func.sum(line.amount_fen), 0), func.coalesce(func.sum(line.net_fen), 0)
    return (
        select(c.id, c.amount_fen, amount.label("lines"), net.label("net"))
        .join(o, o.id == c.order_id)
        .outerjoin(line, line.commission_id == c.id)
        .group_by(c.id, c.amount_fen, o.amount_fen)
        .having(or_(amount != c.amount_fen, net != o.amount_fen))
    )


def _accounts_off(prefix: str, should: Select[Any]) -> Select[Any]:
    """Accounts of a kind that do not hold what rows (account, amount) say they hold."""
    x = t.Transfer
    sides = union_all(
        select(x.credit.label("account"), x.amount.label("amount")).where(x.credit.like(f"{prefix}:%")),
        select(x.debit.label("account"), (-x.amount).label("amount")).where(x.debit.like(f"{prefix}:%")),
        should,
    ).subquery()
    return (
        select(sides.c.account, func.sum(sides.c.amount).label("difference"))
        .group_by(sides.c.account)
        .having(func.sum(sides.c.amount) != 0)
    )


def waiting_off(_: datetime) -> Select[Any]:
    """What waits for a refund window is what stands of it."""
    c = t.Commission
    account = literal("earning:") + c.id.cast(_TEXT)
    return _accounts_off(
        "earning", select(account.label("account"), (-c.kept_fen).label("amount")).where(c.status == "pending")
    )


def asked_off(_: datetime) -> Select[Any]:
    """What waits to be paid is what was asked for and is left of it."""
    p = t.Payout
    account = literal("payout:") + p.id.cast(_TEXT)
    return _accounts_off(
        "payout", select(account.label("account"), (-p.amount_fen).label("amount")).where(p.status == "requested")
    )


def paid_off(_: datetime) -> Select[Any]:
    """All that has left is what the payouts say."""
    x, p = t.Transfer, t.Payout
    both = union_all(
        select(x.amount.label("amount")).where(x.credit == PAID_OUT, x.asset == COMMISSION),
        select((-p.amount_fen).label("amount")).where(p.status == "paid"),
    ).subquery()
    whole = func.sum(both.c.amount)
    return select(whole.label("difference")).having(whole != 0)


def issued_off(_: datetime) -> Select[Any]:
    """All that the house gave and did not take back is what stands of every commission, whoever holds it now."""
    x, c = t.Transfer, t.Commission
    both = union_all(
        select(x.amount.label("amount")).where(x.debit == ISSUER, x.asset == COMMISSION),
        select((-x.amount).label("amount")).where(x.credit == ISSUER, x.asset == COMMISSION),
        select((-c.kept_fen).label("amount")),
    ).subquery()
    whole = func.sum(both.c.amount)
    return select(whole.label("difference")).having(whole != 0)


def ripe_early(_: datetime) -> Select[Any]:
    """Nothing is to be had before its refund window is over, or of a customer whom a person has still to look at."""
    c, b, x = t.Commission, t.DistributionCustomer, t.Transfer
    key = literal("commission:") + c.id.cast(_TEXT) + literal(":due")
    early = select(x.id).where(x.key.in_((key, key + literal(":debt"))), x.made_at < c.due_at)
    return select(c.id, c.due_at).outerjoin(b, b.id == c.binding_id).where(
        or_(early.exists(), and_(c.status == "available", b.decided_at.is_(None)))
    )  # fmt: skip


def bound_twice(_: datetime) -> Select[Any]:
    """A member who is somebody's customer is one distributor's, and never their own."""
    b, d = t.DistributionCustomer, t.Distributor
    twin = aliased(b)
    twice = select(twin.id).where(twin.member_id == b.member_id, twin.id != b.id, twin.ended_at.is_(None))
    own = select(d.id).where(d.id == b.distributor_id, d.member_id == b.member_id)
    marked = func.coalesce(b.open_member, 0) == b.member_id
    return select(b.id, b.member_id).where(b.ended_at.is_(None), or_(twice.exists(), own.exists(), ~marked))


def circles(_: datetime) -> Select[Any]:
    """From nobody does the chain of who had brought whom lead back to them."""
    d, up = t.Distributor, aliased(t.Distributor)
    walk = select(d.id.label("start"), d.sponsor_id.label("at")).where(d.sponsor_id.is_not(None)).cte(recursive=True)
    walk = walk.union(
        select(walk.c.start, up.sponsor_id).join(up, up.id == walk.c.at).where(up.sponsor_id.is_not(None))
    )
    return select(walk.c.start.label("distributor")).where(walk.c.start == walk.c.at)


def managers_off(_: datetime) -> Select[Any]:
    """Each distributor has one customer manager and one service manager, and the history says since when."""
    d, h, later = t.Distributor, t.DistributorChange, aliased(t.DistributorChange)

    def last(what: str) -> Any:
        after = select(later.id).where(later.distributor_id == h.distributor_id, later.what == what, later.id > h.id)
        return (
            select(h.after).where(h.distributor_id == d.id, h.what == what, ~after.exists()).correlate(d)
        ).scalar_subquery()  # fmt: skip

    off = or_(
        d.customer_manager == "", d.service_manager == "", func.coalesce(last("customer"), "") != d.customer_manager,
        func.coalesce(last("service"), "") != d.service_manager,
    )  # fmt: skip
    return select(d.id, d.customer_manager, d.service_manager).where(off)


DISTRIBUTION = (
    ("distribution: two levels at most, each by an order", beyond_its_order),
    ("distribution: nobody earns by themselves, or twice", own_order),
    ("distribution: commission follows refunds", refunds_off),
    ("distribution: lines sum to what was promised", lines_off),
    ("distribution: what waits is what stands of it", waiting_off),
    ("distribution: payouts hold what was asked for", asked_off),
    ("distribution: what left is what the payouts say", paid_off),
    ("distribution: what was given is what stands", issued_off),
    ("distribution: nothing is ripe early", ripe_early),
    ("distribution: a customer is one distributor's", bound_twice),
    ("distribution: who brought whom has no circle", circles),
    ("distribution: one customer and one service manager each", managers_off),
)
