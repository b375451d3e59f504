"""老带新: codes, who brought whom, and the guarded write that keeps it a forest.

A member is brought once, for ever. Two who bring each other at the same instant must both hold the same two roots, in
one order; who comes second finds a root that is none any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from storage import grants, members, stock
from storage.db import Db
from storage.faults import Conflict
from storage.ledger import POINTS, account, debt_account
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import Member, Referral, ReferralCode, Transfer

codes = Rows(ReferralCode)
rows = Rows(Referral)

OPEN = ("pending", "held", "approved")
INVITEE = "invitee"  # the occurrence of the newcomer's own reward: one a campaign
REASON, BACK = "referral", "referral_back"  # of transfers: given, taken back

_M = Member.__table__  # type: ignore[attr-defined]
_R = Referral.__table__  # type: ignore[attr-defined]
_X = Transfer.__table__  # type: ignore[attr-defined]
_OF = _M.c.id == bindparam("of")
_PARENT = Sql(select(_M.c.referrer_id).where(_OF))
_up = select(_M.c.id, _M.c.referrer_id).where(_OF).cte("up", recursive=True)
_next = _M.alias("next")
_up = _up.union(select(_next.c.id, _next.c.referrer_id).join(_up, _up.c.referrer_id == _next.c.id))
_CHAIN = Sql(select(_up.c.id).where(_up.c.referrer_id.is_(None)))
_ROOT = (_OF, _M.c.referrer_id.is_(None), _M.c.merged_into.is_(None))
_HOLD_ROOT = Sql(update(_M).where(*_ROOT).values(name=_M.c.name))
_HOLD = Sql(update(_M).where(_OF).values(name=_M.c.name))
_BIND = Sql(update(_M).where(*_ROOT).values(referrer_id=bindparam("to", type_=_M.c.id.type)))
_PAID = Sql(
    select(func.count()).where(
        _R.c.campaign_id == bindparam("campaign", type_=_R.c.id.type), _R.c.inviter_id == bindparam("of"),
        _R.c.level == 1, _R.c.status == "paid",
    )
)  # fmt: skip
_BOUND_SINCE = Sql(
    select(func.count()).where(
        _R.c.inviter_id == bindparam("of"), _R.c.level == 1, _R.c.status != "rejected",
        _R.c.bound_at > bindparam("since"),
    )
)  # fmt: skip
_MOVED = Sql(
    select(_X.c.reason, func.sum(_X.c.amount))
    .where(
        _X.c.asset == POINTS,
        ((_X.c.reason == REASON) & any_of(_X.c.credit, "accounts"))
        | ((_X.c.reason == BACK) & any_of(_X.c.debit, "same")),
    )
    .group_by(_X.c.reason)
)
_GIVEN = Sql(
    select(func.sum(_X.c.amount)).where(
        _X.c.key.like(bindparam("prefix")), _X.c.asset == POINTS, any_of(_X.c.credit, "accounts")
    )
)


def campaign_key(campaign_id: int) -> str:
    """What a campaign's grants are filed under."""
    return f"referral:{campaign_id}"


def inviter_key(row_id: int) -> str:
    """The occurrence of the inviter's reward for one referral."""
    return f"inviter:{row_id}"


def rung_key(count: int) -> str:
    """How the occurrences of a rung begin; what follows counts how often it was reached."""
    return f"rung:{count:06d}:"


def parent_of(db: Db, member_id: int) -> int | None:
    """Who brought a member."""
    row = db.one(_PARENT, of=member_id)
    return row[0] if row else None


def root_of(db: Db, member_id: int) -> int:
    """The first of a member's chain: nobody brought them."""
    row = db.one(_CHAIN, of=member_id)
    return int(row[0]) if row else member_id


def bind(db: Db, inviter_id: int, invitee_id: int) -> str:
    """Write down who brought whom: "" when it is done, else why not (`bound`, `loop`).

    Raises `Conflict` when another process changed the inviter's chain meanwhile: the turn runs again.
    """
    root = root_of(db, inviter_id)
    if root == invitee_id:
        return "loop"
    for member_id in sorted((root, invitee_id)):
        if db.run(_HOLD_ROOT, of=member_id) != 1:
            if member_id == invitee_id:
                return "bound"
            raise Conflict(f"member:{member_id}")
    return "" if db.run(_BIND, of=invitee_id, to=inviter_id) == 1 else "bound"


def hold(db: Db, wanted: Sequence[tuple[str, int]]) -> bool:
    """Reserve everything or nothing of [(stock, n), ...], all of them opened before."""
    for place, (name, n) in enumerate(wanted):
        if not stock.reserve(db, name, n):
            for earlier, m in wanted[:place]:
                stock.release(db, earlier, m)
            return False
    return True


def release(db: Db, row: Referral) -> None:
    """Let go of what a referral held: it is rejected."""
    for name, n in json.loads(row.holds):
        stock.release(db, name, n)


def hold_person(db: Db, member_id: int) -> None:
    """Let no other process count or change what this member has brought before we are done."""
    db.run(_HOLD, of=member_id)


def paid_count(db: Db, campaign_id: int, inviter_id: int) -> int:
    """How many of an inviter's people were paid for in a campaign."""
    row = db.one(_PAID, campaign=campaign_id, of=inviter_id)
    return int(row[0]) if row else 0


def bound_since(db: Db, inviter_id: int, since: datetime) -> int:
    """How many people an inviter has brought since a moment."""
    row = db.one(_BOUND_SINCE, of=inviter_id, since=since)
    return int(row[0]) if row else 0


def earned(db: Db, member_ids: list[int]) -> int:
    """Points that a person has got for referrals, less those taken back."""
    accounts = [name(one) for one in member_ids for name in (account, debt_account)]
    moved = {row[0]: int(row[1]) for row in db.all(_MOVED, accounts=accounts, same=accounts)}
    return moved.get(REASON, 0) - moved.get(BACK, 0)


def grants_of(db: Db, campaign_id: int, member_id: int, occurrence: str) -> list[tuple[int, grants.Held]]:
    """(member it was made for, grant) of one person in a campaign; an occurrence that ends in ":" names a beginning."""
    found = grants.of_people(db, members.everyone(db, member_id), campaign_key(campaign_id))
    if occurrence.endswith(":"):
        return [one for one in found if one[1].occurrence.startswith(occurrence)]
    return [one for one in found if one[1].occurrence == occurrence]


def given_by(db: Db, grant_id: int, member_id: int) -> int:
    """Points that a grant gave to the member it was made for, debts paid with it included."""
    row = db.one(_GIVEN, prefix=f"grant:{grant_id}:%", accounts=[account(member_id), debt_account(member_id)])
    return int(row[0] or 0) if row else 0
