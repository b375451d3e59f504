"""会员等级 tiers: the rules in force, what members hold, and what their orders come to in a window."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import Member, MemberProfile, MemberTier, Order, TierCard, TierChange, TierRule

rules, held, changes, cards = Rows(TierRule), Rows(MemberTier), Rows(TierChange), Rows(TierCard)

_M = Member.__table__  # type: ignore[attr-defined]
_H = MemberTier.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_KEPT = _O.c.amount_fen - _O.c.refunded_fen
SUMS: tuple[Any, ...] = (func.sum(_KEPT), func.sum(_KEPT // 100), func.count())
IN_WINDOW = (
    _O.c.paid_at >= bindparam("since", type_=_O.c.paid_at.type),
    _O.c.paid_at < bindparam("until", type_=_O.c.paid_at.type),
    _O.c.refunded_fen < _O.c.amount_fen,
)
_SPENT = Sql(
    select(_O.c.member_id, *SUMS).where(any_of(_O.c.member_id, "ids"), *IN_WINDOW).group_by(_O.c.member_id)
)  # fmt: skip
_DUE = Sql(
    select(_H.c.member_id)
    .join(_M, _M.c.id == _H.c.member_id)
    .where(
        _M.c.merged_into.is_(None), _H.c.look_at.is_not(None), _H.c.look_at <= bindparam("now", type_=_H.c.look_at.type)
    )
    .order_by(_H.c.look_at, _H.c.member_id)
    .limit(bindparam("most", type_=_H.c.value.type))
)
_NEXT = Sql(
    select(_M.c.id, _M.c.tier)
    .where(_M.c.id > bindparam("after", type_=_M.c.id.type), _M.c.merged_into.is_(None))
    .order_by(_M.c.id)
    .limit(bindparam("most", type_=_M.c.id.type))
)
_SET = Sql(update(_M).where(any_of(_M.c.id, "ids")).values(tier=bindparam("tier_")))
_LOCK = Sql(select(_M.c.id).where(any_of(_M.c.id, "ids")).order_by(_M.c.id).with_for_update(key_share=True))
_P = MemberProfile.__table__  # type: ignore[attr-defined]
_BORN = Sql(
    select(_M.c.id, _M.c.tier)
    .join(_P, _P.c.member_id == _M.c.id)
    .where(
        _P.c.birthday.is_not(None), any_of(_P.c.birthday, "days"), any_of(_M.c.tier, "tiers"),
        _M.c.merged_into.is_(None), _M.c.id > bindparam("after", type_=_M.c.id.type),
    )
    .order_by(_M.c.id)
    .limit(bindparam("most", type_=_M.c.id.type))
)  # fmt: skip
_TIER = Sql(select(_M.c.tier).where(_M.c.id == bindparam("of")))


class Spent(NamedTuple):
    """What standing orders come to: fen, whole yuan order by order, how many."""

    fen: int
    yuan: int
    orders: int


NOTHING = Spent(0, 0, 0)


def in_force(db: Db) -> TierRule | None:
    """The newest rules."""
    found = rules.all(db, order="-id", limit=1)
    return found[0] if found else None


def lock(db: Db, ids: Collection[int]) -> None:
    """Of two processes that look at one member, the second sees what the first has stored."""
    if db.dialect == "postgresql":
        db.all(_LOCK, ids=sorted(ids))


def spent(db: Db, ids: Collection[int], since: datetime, until: datetime) -> dict[int, Spent]:
    """What each of these members spent between two moments; who spent nothing is not in it."""
    rows = db.all(_SPENT, ids=sorted(ids), since=since, until=until)
    return {row[0]: Spent(int(row[1]), int(row[2]), int(row[3])) for row in rows}


def of(db: Db, ids: Collection[int]) -> dict[int, MemberTier]:
    """What each of these members holds."""
    return {row.member_id: row for row in held.all(db, order="member_id", member_id__in=sorted(ids))}


def due(db: Db, now: datetime, most: int) -> list[int]:
    """Whoever is to be looked at."""
    return [row[0] for row in db.all(_DUE, now=now, most=most)]


def tier_of(db: Db, member_id: int) -> str:
    """What a member is called now."""
    row = db.one(_TIER, of=member_id)
    return str(row[0]) if row else ""


def following(db: Db, after: int, most: int) -> list[tuple[int, str]]:
    """(id, tier) of the next members."""
    return [(row[0], row[1]) for row in db.all(_NEXT, after=after, most=most)]


def call_them(db: Db, ids: Sequence[int], tier: str) -> None:
    """Let these members be of a tier."""
    db.run(_SET, ids=list(ids), tier_=tier)


def born_on(db: Db, days: list[str], of_tiers: list[str], after: int, most: int) -> list[tuple[int, str]]:
    """(id, tier) of the next members of some tiers whose birthday (MM-DD) is one of these days."""
    return [(row[0], row[1]) for row in db.all(_BORN, days=days, tiers=of_tiers, after=after, most=most)]
