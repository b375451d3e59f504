"""分销 when two members become one: who promotes, whose customers they are and what is owed follow the person.

Nobody earns by their own orders, and nobody is both levels of one: what comes to that is taken back. What was asked for
and not paid yet goes back to its owner first, to be asked for again. The way back restores what still stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from storage import audit_log, distribution, ledger, members, purse, timers
from storage.db import Db
from storage.distribution import SAME, customers, distributors
from storage.ids import Ids
from storage.ledger import COMMISSION, ISSUER, Move
from storage.sql import Sql
from storage.tables import Commission, DistributionCustomer, Distributor, DistributorChange, Order

RULE = "rule:oneid"
MERGED = "merged"
_O = Order.__table__  # type: ignore[attr-defined]
_ORDER = Sql(select(_O.c.amount_fen, _O.c.refunded_fen).where(_O.c.id == bindparam("of")))


class Moved(Protocol):
    """What a merge remembers of us: `promoters` [distributor, member before, status, sponsor], `customers` [binding,
    member, distributor, why it ended], `commissions` [id, kept, status]."""

    promoters: list[list[Any]]
    customers: list[list[Any]]
    commissions: list[list[Any]]


class Merging(Protocol):
    """A merge under way."""

    id: int
    db: Db
    ids: Ids
    survivor: int
    absorbed: int
    cause: str
    now: datetime

    @property
    def moved(self) -> Moved:
        """What must be known to undo it."""
        ...


@dataclass(frozen=True)
class Poster:
    """Moves value as a part of the merge; what is so moved has its own way back."""

    db: Db
    ids: Ids
    cause: str
    now: datetime

    def move(self, move: Move) -> bool:
        """The ledger's door."""
        return ledger.post(self.db, self.ids.next(), move, self.cause, self.now)


def _poster(merging: Merging) -> Poster:
    return Poster(merging.db, merging.ids, merging.cause, merging.now)


def before(merging: Merging) -> None:
    """Before balances move: what was asked for and not paid is in its owner's purse again."""
    for member_id in (merging.survivor, merging.absorbed):
        for payout in distribution.payouts.all(merging.db, member_id=member_id, status="requested"):
            decided = {"decided_at": merging.now, "decided_by": RULE, "note": MERGED}
            distribution.give_back(_poster(merging), payout, dict(decided))


def follow(merging: Merging) -> None:
    """After balances have moved: rows stand for the survivor."""
    mine = distribution.of_person(merging.db, merging.survivor)
    theirs = distribution.of_person(merging.db, merging.absorbed)
    if mine is None and theirs is not None:
        _promoter(merging, theirs, {"member_id": merging.survivor})
        mine = distribution.of_person(merging.db, merging.survivor)
    elif mine is not None and theirs is not None:
        _join(merging, mine, theirs)
    _customers(merging, mine)
    _judge(merging)


def _promoter(merging: Merging, row: Distributor, change: dict[str, Any]) -> None:
    merging.moved.promoters.append([row.id, row.member_id, row.status, row.sponsor_id])
    distributors.change(merging.db, change, id=row.id)
    note = DistributorChange(
        id=merging.ids.next(), distributor_id=row.id, what="member", before=str(row.member_id),
        after=str(change.get("member_id", row.member_id)), by=RULE, reason=MERGED, at=merging.now,
    )  # fmt: skip
    distribution.changes.add(merging.db, note)


def _join(merging: Merging, mine: Distributor, theirs: Distributor) -> None:
    """Both promoted: the survivor's row stays, with the customers and those whom the other had brought."""
    _promoter(merging, theirs, {"status": "terminated", "reason": MERGED})
    for other in distributors.all(merging.db, sponsor_id=theirs.id):
        _promoter(merging, other, {"sponsor_id": None if other.id == mine.id else mine.id})
    at = distributors.one(merging.db, id=mine.id)
    seen = {mine.id}
    while at is not None and at.sponsor_id is not None and at.sponsor_id not in seen:
        seen.add(at.sponsor_id)
        at = distributors.one(merging.db, id=at.sponsor_id)
    if at is not None and at.sponsor_id == mine.id:  # the chain leads back: it ends with them
        fresh = distributors.one(merging.db, id=mine.id)
        assert fresh is not None
        _promoter(merging, fresh, {"sponsor_id": None})
    for binding in customers.all(merging.db, distributor_id=theirs.id, ended_at=None):
        merging.moved.customers.append([binding.id, binding.member_id, binding.distributor_id, ""])
        customers.change(merging.db, {"distributor_id": mine.id}, id=binding.id)


def _customers(merging: Merging, mine: Distributor | None) -> None:
    """Whose customer the survivor is: as before, else as the absorbed was; nobody is their own."""
    db = merging.db
    kept, other = distribution.binding_of(db, merging.survivor), distribution.binding_of(db, merging.absorbed)
    if other is not None:
        if kept is None:
            merging.moved.customers.append([other.id, other.member_id, other.distributor_id, ""])
            change = {"member_id": merging.survivor, "open_member": merging.survivor}
            customers.change(db, change, id=other.id)
            kept = distribution.binding_of(db, merging.survivor)
        else:
            _end(merging, other, MERGED)
    if kept is not None and mine is not None and kept.distributor_id == mine.id:
        _end(merging, kept, SAME)


def _end(merging: Merging, binding: DistributionCustomer, why: str) -> None:
    merging.moved.customers.append([binding.id, binding.member_id, binding.distributor_id, why])
    distribution.end(merging.db, binding, why, merging.now)


def _judge(merging: Merging) -> None:
    """Take back what an order earns its own buyer, and the second level of who is the first as well."""
    db, found = merging.db, {}
    people = members.everyone(db, merging.survivor) + members.everyone(db, merging.absorbed)
    own = {row.id for one in people for row in distributors.all(db, member_id=one)}
    for one in people if own else ():
        for row in distribution.commissions.all(db, customer_id=one):
            if row.distributor_id in own:
                found[row.id] = row
    for promoter in own if len(own) > 1 else ():
        for row in distribution.commissions.all(db, distributor_id=promoter, level=2):
            if row.via_id in own:
                found[row.id] = row
    for row in sorted(found.values(), key=lambda one: one.id):
        if row.kept_fen:
            _cancel(merging, row)


def _cancel(merging: Merging, row: Commission) -> None:
    merging.moved.commissions.append([row.id, row.kept_fen, row.status])
    key = f"merge:{merging.id}:commission:{row.id}"
    distribution.shrink(_poster(merging), row, 0, merging.survivor, SAME, merging.now, key)
    audit_log.add(merging.db, merging.ids.next(), RULE, "commission.same_person", f"commission:{row.id}", {},
                  merging.cause, merging.now)  # fmt: skip


def restore(by: Poster, merge_id: int, survivor: int, moved: Moved) -> None:
    """Before balances go back: what was taken because two were one is given again, as far as its order stands."""
    for row_id, kept, status in moved.commissions:
        row = distribution.commissions.one(by.db, id=row_id, kept_fen=0, reason=SAME)
        order = by.db.one(_ORDER, of=row.order_id) if row is not None else None
        if row is None or order is None:
            continue
        back = min(kept, distribution.standing(row.amount_fen, order[0], order[0] - order[1]))
        if not back:
            continue
        change = {"kept_fen": back, "status": status, "reason": ""}
        distribution.commissions.change(by.db, change, id=row.id, kept_fen=0)
        key = f"undo:merge:{merge_id}:commission:{row.id}"
        if status == "pending":
            by.move(Move(key, ISSUER, distribution.earning(row.id), COMMISSION, back, "merge undone"))
            payload, due_at = {"commission_id": row.id}, max(row.due_at, by.now)
            timers.add(by.db, by.ids.next(), f"{key}:due", distribution.DUE, payload, due_at, by.now)
        else:
            purse.give(by, survivor, COMMISSION, back, ISSUER, key, "merge undone")


def part(by: Poster, moved: Moved) -> None:
    """After balances went back: rows stand for whom they stood for, where nothing else has become of them."""
    for row_id, member_id, distributor_id, why in reversed(moved.customers):
        binding = customers.one(by.db, id=row_id)
        if binding is None or (binding.ended_at is not None and binding.why != why):
            continue
        standing = distribution.binding_of(by.db, member_id)
        free = standing is None or standing.id == row_id
        ends = (None, "") if free else (by.now, MERGED)
        customers.change(by.db, {
            "member_id": member_id, "distributor_id": distributor_id, "open_member": member_id if free else None,
            "ended_at": ends[0], "why": ends[1],
        }, id=row_id)  # fmt: skip
    for row_id, member_id, status, sponsor_id in reversed(moved.promoters):
        row = distributors.one(by.db, id=row_id)
        if row is not None:
            stands = status if row.reason == MERGED else row.status
            back = {"member_id": member_id, "status": stands, "sponsor_id": sponsor_id}
            distributors.change(by.db, back | ({"reason": ""} if row.reason == MERGED else {}), id=row_id)
