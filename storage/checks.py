"""审计检查: the invariants of the house as queries; each names what breaks it. `run.py audit` runs them on a live
database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection, Select, and_, bindparam, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from storage import audit_chain, tables
from storage.approval_checks import APPROVALS
from storage.broadcast_checks import BROADCASTS
from storage.buying_checks import BUYING
from storage.desk_checks import DESK
from storage.distribution_checks import DISTRIBUTION
from storage.journey_checks import JOURNEYS
from storage.knowledge_checks import KNOWLEDGE
from storage.launch_checks import LAUNCHES
from storage.media_checks import MEDIA
from storage.model_checks import MODEL
from storage.outreach_checks import OUTREACH
from storage.promotion_checks import PROMOTIONS
from storage.referral_checks import REFERRALS
from storage.replies_checks import REPLIES
from storage.salon_checks import SALONS
from storage.sql import READERS, Prepared
from storage.tag_checks import TAGS
from storage.tiers_checks import TIERS
from storage.timetable_checks import TIMETABLES
from storage.types import UtcDateTime

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables

SHOWN = 20  # violations named per check
LONGEST_LEASE = timedelta(seconds=90)
OVERDUE = timedelta(days=2)  # what a daily job should have looked at long ago

Finder = Callable[[Any], Select[Any]]
_NOW = bindparam("now", type_=UtcDateTime())


class Looks(Protocol):
    """An invariant by name, however it is looked after."""

    @property
    def name(self) -> str:
        """What holds, in words."""

    def violations(self, connection: Connection, now: datetime) -> list[str]:
        """Up to `SHOWN` violations in words."""


def moments_of(now: datetime) -> dict[str, datetime]:
    """What the checks' bound moments are, by their names."""
    return {"now": now, "stale": now - LONGEST_LEASE, "overdue": now - OVERDUE}


@dataclass(frozen=True)
class Walk:
    """An invariant that no one query can tell: `walk` goes over the rows in order."""

    name: str
    walk: Callable[[Connection], Iterator[str]]

    def violations(self, connection: Connection, now: datetime) -> list[str]:
        """Up to `SHOWN` violations in words."""
        return list(islice(self.walk(connection), SHOWN))


@dataclass(frozen=True)
class Check:
    """One invariant: `broken` selects what breaks it, one row a violation; it is given the time as a bound value."""

    name: str
    broken: Finder
    _prepared: dict[str, Prepared] = field(default_factory=dict, repr=False, compare=False)

    def violations(self, connection: Connection, now: datetime) -> list[str]:
        """Up to `SHOWN` violations in words."""
        asked = self._on(connection.dialect.name)
        moments = moments_of(now)
        marked = tuple(asked.values(moments)) if connection.dialect.name == "sqlite" else asked.named(moments)
        rows = connection.exec_driver_sql(asked.text, marked).all()
        return [" ".join(f"{key}={value}" for key, value in row._mapping.items()) for row in rows]

    def _on(self, dialect: str) -> Prepared:
        """Compiled once in a process: every engine would do it again, and that takes longer than to ask."""
        if dialect not in self._prepared:
            self._prepared[dialect] = Prepared(self.broken(_NOW).limit(SHOWN), READERS[dialect])
        return self._prepared[dialect]


def _twice(*columns: Any) -> Select[Any]:
    return select(*columns, func.count().label("times")).group_by(*columns).having(func.count() > 1)


def _balance_differs(_: datetime) -> Select[Any]:
    """Cached balances against the sum of transfers, both ways: a balance without transfers counts as well."""
    x, b = t.Transfer, t.Balance
    sides = union_all(
        select(x.credit.label("account"), x.asset.label("asset"), x.amount.label("amount")),
        select(x.debit.label("account"), x.asset.label("asset"), (-x.amount).label("amount")),
        select(b.account.label("account"), b.asset.label("asset"), (-b.amount).label("amount")),
    ).subquery()
    return (
        select(sides.c.account, sides.c.asset, func.sum(sides.c.amount).label("difference"))
        .where(sides.c.account.like("member:%"))
        .group_by(sides.c.account, sides.c.asset)
        .having(func.sum(sides.c.amount) != 0)
    )


def _books_open(_: datetime) -> Select[Any]:
    """Double entry: what all accounts hold of an asset together is nothing."""
    x = t.Transfer
    sides = union_all(
        select(x.asset.label("asset"), x.amount.label("amount")),
        select(x.asset.label("asset"), (-x.amount).label("amount")),
    ).subquery()
    return (
        select(sides.c.asset, func.sum(sides.c.amount).label("sum"))
        .group_by(sides.c.asset)
        .having(func.sum(sides.c.amount) != 0)
    )


def _granted_twice(_: datetime) -> Select[Any]:
    """One person, whatever members they were, uses a right once."""
    g, m = t.Grant, t.Member
    person = func.coalesce(m.merged_into, m.id)
    return (
        select(g.campaign, g.occurrence, person.label("person"), func.count().label("times"))
        .join(m, m.id == g.member_id)
        .where(g.status == "granted")
        .group_by(g.campaign, g.occurrence, person)
        .having(func.count() > 1)
    )


_TEXT = t.Inbox.__table__.c.key.type


def _grant_transfer_orphan(_: datetime) -> Select[Any]:
    """Points given by a grant went to that grant's member, in the grant's own transaction."""
    x, g = t.Transfer, t.Grant
    return (
        select(g.id.label("grant"), x.credit)
        .join(x, x.key == literal("grant:") + g.id.cast(_TEXT) + literal(":points"))
        .where(or_(x.credit != literal("member:") + g.member_id.cast(_TEXT), x.cause != g.cause))
    )


def _unknown_member(_: datetime) -> Select[Any]:
    """Identities and follows stand for members who exist and were not merged away; coupons for members who exist."""
    m = t.Member
    gone = aliased(m)
    parts = []
    for label, column in (
        ("identity", t.Identity.member_id),
        ("follow", t.Follow.member_id),
        ("coupon", t.Coupon.member_id),
    ):
        alive = select(gone.id).where(gone.id == column, gone.merged_into.is_(None)).exists()
        parts.append(select(literal(label).label("row"), column.label("member_id")).where(~alive))
    return select(union_all(*parts).subquery())


def _merged_but_rich(_: datetime) -> Select[Any]:
    """Whoever was merged away holds nothing."""
    m, b = t.Member, t.Balance
    return select(m.id, b.asset, b.amount).join(b, b.account == literal("member:") + m.id.cast(_TEXT)).where(
        m.merged_into.is_not(None), b.amount != 0
    )  # fmt: skip


def _coupon_without_grant(_: datetime) -> Select[Any]:
    c, g = t.Coupon, t.Grant
    return select(c.id, c.grant_id).where(~select(g.id).where(g.id == c.grant_id).exists())


def _stock_off(_: datetime) -> Select[Any]:
    s = t.Stock
    return select(s.name, s.total, s.remaining, s.reserved, s.taken).where(
        or_(s.remaining < 0, s.reserved < 0, s.taken < 0, s.remaining + s.reserved + s.taken != s.total)
    )


def _lease_forgotten(_: Any) -> Select[Any]:
    """No row stays leased longer than three leases."""
    o = t.Outbox
    return select(o.id, o.call, o.lease_until).where(
        o.status == "leased", o.lease_until < bindparam("stale", type_=UtcDateTime())
    )


def _settled_without_time(_: datetime) -> Select[Any]:
    o = t.Outbox
    done = o.status.in_(("sent", "suppressed", "dead"))
    return select(o.id, o.status).where(or_(and_(done, o.done_at.is_(None)), and_(~done, o.done_at.is_not(None))))


def _suppressed_without_reason(_: datetime) -> Select[Any]:
    o = t.Outbox
    return select(o.id, o.status).where(o.status.in_(("suppressed", "dead")), func.coalesce(o.error, "") == "")


def _failed_without_next(_: datetime) -> Select[Any]:
    i = t.Inbox
    wrong = case((i.status == "failed", i.next_at.is_(None)), else_=i.next_at.is_not(None))
    return select(i.id, i.key, i.status).where(wrong)


CHECKS: tuple[Looks, ...] = (
    Check("inbox: each event once", lambda _: _twice(t.Inbox.key)),
    Check("inbox: failed events have a next try, others have none", _failed_without_next),
    Check("outbox: settled rows and only they have a time", _settled_without_time),
    Check("outbox: what was not sent says why", _suppressed_without_reason),
    Check("outbox: no forgotten leases", _lease_forgotten),
    Check("ledger: double entry sums to nothing", _books_open),
    Check("ledger: each key once", lambda _: _twice(t.Transfer.key)),
    Check("ledger: balances equal their transfers", _balance_differs),
    Check(
        "ledger: no negative balance", lambda _: select(t.Balance.account, t.Balance.amount).where(t.Balance.amount < 0)
    ),
    Check("ledger: amounts are positive", lambda _: select(t.Transfer.key).where(t.Transfer.amount <= 0)),
    Check("grants: each right once per person", _granted_twice),
    Check("grants: points went to the grant's member with the grant's cause", _grant_transfer_orphan),
    Check("members: rows stand for living members", _unknown_member),
    Check("members: merged members hold nothing", _merged_but_rich),
    Check("identities: each name stands for one member", lambda _: _twice(t.Identity.channel, t.Identity.external_id)),
    Check("follows: each pair once", lambda _: _twice(t.Follow.external_userid, t.Follow.userid)),
    Check("coupons: each code once", lambda _: _twice(t.Coupon.code)),
    Check("coupons: each hangs on a grant", _coupon_without_grant),
    Walk("audit: every link follows from the one before it", audit_chain.walk),
    Check("audit: what people did is linked", audit_chain.unlinked),
    Check("stock: remaining + reserved + taken = total, none negative", _stock_off),
    *[
        Check(name, broken)
        for name, broken in (
            *APPROVALS,
            *PROMOTIONS,
            *BUYING,
            *REFERRALS,
            *KNOWLEDGE,
            *OUTREACH,
            *BROADCASTS,
            *MODEL,
            *REPLIES,
            *MEDIA,
            *DESK,
            *TAGS,
            *TIERS,
            *SALONS,
            *JOURNEYS,
            *LAUNCHES,
            *TIMETABLES,
            *DISTRIBUTION,
        )
    ],
)
