"""分销: distributors, their customers, commission and payouts, and the one way in which commission is taken back.

What an order promises lies on an account of its own (`earning:…`) until its refund window ends, what was asked for on
another (`payout:…`) until a person has paid it. Taken back is what is there, then what was asked for and not paid yet;
what is gone becomes a debt that everybody can see.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, func, select

from storage import members, purse
from storage.db import Db
from storage.faults import Conflict
from storage.ledger import COMMISSION, ISSUER, Move, account
from storage.purse import Mover
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Commission, CommissionLine, DistributionCustomer, Distributor, DistributorChange, Payout

distributors = Rows(Distributor)
changes = Rows(DistributorChange)
customers = Rows(DistributionCustomer)
commissions = Rows(Commission)
lines = Rows(CommissionLine)
payouts = Rows(Payout)

DUE = "commission_due"  # the timer: the refund window of an order is over
PAID_OUT = "paid_out"  # where commission goes when its money has left
EARNED, REFUND, ASKED, PAID, RETURNED, SAME = (
    "commission", "refund", "payout", "paid_out", "payout_returned", "same_person",
)  # fmt: skip

_C = Commission.__table__  # type: ignore[attr-defined]
_P = Payout.__table__  # type: ignore[attr-defined]
_B = DistributionCustomer.__table__  # type: ignore[attr-defined]
_SUMS = Sql(
    select(_C.c.status, func.sum(_C.c.kept_fen)).where(_C.c.distributor_id == bindparam("of")).group_by(_C.c.status)
)
_ASKED = Sql(
    select(_P.c.status, func.sum(_P.c.amount_fen)).where(_P.c.distributor_id == bindparam("of")).group_by(_P.c.status)
)
_SINCE = Sql(
    select(func.count()).where(_B.c.distributor_id == bindparam("of"), _B.c.bound_at > bindparam("since"))
)  # fmt: skip
_COUNT = Sql(
    select(func.count()).where(_B.c.distributor_id == bindparam("of"), _B.c.open_member.is_not(None))
)  # fmt: skip


def earning(commission_id: int) -> str:
    """Where an order's promise waits."""
    return f"earning:{commission_id}"


def asked_for(payout_id: int) -> str:
    """Where what was asked for waits until it is paid."""
    return f"payout:{payout_id}"


def standing(amount_fen: int, paid_fen: int, kept_fen: int) -> int:
    """What stands of a commission when of an order's `paid_fen` so much is kept."""
    return amount_fen * kept_fen // paid_fen if paid_fen else 0


def of_person(db: Db, member_id: int) -> Distributor | None:
    """Somebody's row as a distributor."""
    return distributors.one(db, member_id=member_id)


def today(db: Db, distributor_id: int) -> Distributor | None:
    """The distributor an id stands for today: two that proved to be one person are the one who stayed."""
    row = distributors.one(db, id=distributor_id)
    if row is None:
        return None
    owner = members.current_id(db, row.member_id)
    return row if owner == row.member_id else distributors.one(db, member_id=owner)


def binding_of(db: Db, member_id: int) -> DistributionCustomer | None:
    """Whose customer somebody is, as long as it stands."""
    return customers.one(db, open_member=member_id)


def earned(db: Db, distributor_id: int) -> dict[str, int]:
    """What stands of a distributor's commission, by its state."""
    return {row[0]: int(row[1]) for row in db.all(_SUMS, of=distributor_id)}


def asked(db: Db, distributor_id: int) -> dict[str, int]:
    """What a distributor asked for, by what became of it."""
    return {row[0]: int(row[1]) for row in db.all(_ASKED, of=distributor_id)}


def bound_since(db: Db, distributor_id: int, since: datetime) -> int:
    """How many people somebody has brought since a moment."""
    row = db.one(_SINCE, of=distributor_id, since=since)
    return int(row[0]) if row else 0


def customer_count(db: Db, distributor_id: int) -> int:
    """How many customers somebody has."""
    row = db.one(_COUNT, of=distributor_id)
    return int(row[0]) if row else 0


def end(db: Db, binding: DistributionCustomer, why: str, now: datetime) -> bool:
    """Let a customer be nobody's; False when they were before."""
    change = {"ended_at": now, "open_member": None, "why": why}
    return customers.change(db, change, id=binding.id, ended_at=None) == 1


def shrink(
    by: Mover, row: Commission, kept_fen: int, owner: int, reason: str, now: datetime, key: str = ""
) -> bool:  # fmt: skip
    """Bring a commission down to `kept_fen`; it never grows. `owner`: whose it is today. Raises `Conflict` when another
    process ripened or reduced it meanwhile."""
    less = row.kept_fen - kept_fen
    if less <= 0:
        return False
    ended = "cancelled" if row.status == "pending" else "clawed_back"
    change = {"kept_fen": kept_fen, "status": row.status if kept_fen else ended, "reason": reason}
    if not commissions.change(by.db, change, id=row.id, kept_fen=row.kept_fen, status=row.status):
        raise Conflict(f"commission {row.id}")
    key = key or f"commission:{row.id}:less:{kept_fen}"
    if row.status == "pending":
        by.move(Move(key, earning(row.id), ISSUER, COMMISSION, less, reason))
    else:
        _claw_back(by, owner, less, key, reason, now)
    row.kept_fen, row.status, row.reason = kept_fen, str(change["status"]), reason
    return True


def _claw_back(by: Mover, owner: int, amount: int, key: str, reason: str, now: datetime) -> None:
    there = min(amount, purse.held(by.db, owner, COMMISSION))
    if there:
        by.move(Move(key, account(owner), ISSUER, COMMISSION, there, reason))
    for payout in payouts.all(by.db, member_id=owner, status="requested", order="-id"):
        part = min(amount - there, payout.amount_fen)
        if part:
            _less(by, payout, part, now)
            by.move(Move(f"{key}:payout:{payout.id}", asked_for(payout.id), ISSUER, COMMISSION, part, reason))
            there += part
    purse.take_back(by, owner, COMMISSION, amount - there, ISSUER, f"{key}:rest", reason)


def _less(by: Mover, payout: Payout, part: int, now: datetime) -> None:
    """Of what was asked for, a part is gone before anybody paid it. Raises `Conflict` when it was just paid."""
    left = payout.amount_fen - part
    change = {"amount_fen": left} | ({} if left else {"status": "cancelled", "decided_at": now})
    if not payouts.change(by.db, change, id=payout.id, status="requested", amount_fen=payout.amount_fen):
        raise Conflict(f"payout {payout.id}")


def give_back(by: Mover, payout: Payout, change: dict[str, object]) -> bool:
    """What was asked for is theirs again, and not paid; False when it was decided before."""
    change = {"status": "rejected", **change}
    if not payouts.change(by.db, change, id=payout.id, status="requested", amount_fen=payout.amount_fen):
        return False
    purse.give(by, payout.member_id, COMMISSION, payout.amount_fen, asked_for(payout.id), f"payout:{payout.id}:back",
               RETURNED)  # fmt: skip
    return True
