"""老带新 when two members become one: their referrals and who brought them follow the person, and can go back.

A pair that became one person earns nothing; nor does a newcomer who was known before under the other name, unless it
was paid already. A person rewarded twice as a newcomer keeps one reward.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select, update

from storage import audit_log, grants, referrals
from storage.db import Db
from storage.ids import Ids
from storage.sql import Sql
from storage.tables import Member, Order, Referral

_M = Member.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_SINCE = Sql(select(_M.c.created_at).where(_M.c.id == bindparam("of")))
_BOUGHT = Sql(
    select(_O.c.id).where(_O.c.member_id == bindparam("of"), _O.c.paid_at < bindparam("before")).limit(1)
)  # fmt: skip
_BROUGHT = Sql(select(_M.c.id).where(_M.c.referrer_id == bindparam("of"), _M.c.referrer_id.is_not(None)))
_PARENT = Sql(
    update(_M).where(_M.c.id == bindparam("id_")).values(referrer_id=bindparam("to", type_=_M.c.id.type))
)  # fmt: skip
_UNPARENT = Sql(
    update(_M)
    .where(_M.c.id == bindparam("id_"), _M.c.referrer_id == bindparam("was", type_=_M.c.id.type))
    .values(referrer_id=bindparam("to", type_=_M.c.id.type))
)


class Moved(Protocol):
    """What a merge remembers of us: `referrals` [id, inviter, invitee], `parents` [member, was, is], `judged` [id,
    status, reason, then]."""

    referrals: list[list[int]]
    parents: list[list[int | None]]
    judged: list[list[Any]]


class Merging(Protocol):
    """A merge under way."""

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

    def reverse(self, held: grants.Held, was: int, owner: int, reason: str) -> None:
        """Take a grant back from `owner`; it was given to the member `was`."""
        ...


def follow(merge: Merging) -> None:
    """Let everything of ours that stands for the absorbed member stand for the survivor."""
    for member_id in sorted((merge.survivor, merge.absorbed)):
        referrals.hold_person(merge.db, member_id)
    for row in _concerned(merge):
        _move(merge, row)
    _move_parents(merge)
    _judge_strays(merge)


def _concerned(merge: Merging) -> list[Referral]:
    rows = referrals.rows
    found = rows.all(merge.db, inviter_id=merge.absorbed)
    found += rows.all(merge.db, invitee_id=merge.absorbed)
    found += rows.all(merge.db, invitee_id=merge.survivor)
    return sorted({row.id: row for row in found}.values(), key=lambda row: row.id)


def _move(merge: Merging, row: Referral) -> None:
    inviter, invitee = (merge.survivor if one == merge.absorbed else one for one in (row.inviter_id, row.invitee_id))
    if inviter == invitee:
        _judge(merge, row, "same_person")
        return
    if invitee != row.invitee_id and _of(merge, row, invitee, row.level) is not None:
        _judge(merge, row, "not_new")  # known by the other name: that row stands
        invitee = row.invitee_id
    elif invitee == merge.survivor and row.status in referrals.OPEN and _known_before(merge, row):
        _judge(merge, row, "not_new")
    if (inviter, invitee) != (row.inviter_id, row.invitee_id):
        merge.moved.referrals.append([row.id, row.inviter_id, row.invitee_id])
        referrals.rows.change(merge.db, {"inviter_id": inviter, "invitee_id": invitee}, id=row.id)
        row.inviter_id, row.invitee_id = inviter, invitee
    other = _of(merge, row, row.invitee_id, 3 - row.level)
    if other is not None and other.inviter_id == row.inviter_id:
        _judge(merge, max(row, other, key=lambda one: one.level), "same_person")  # nobody is both levels at once


def _of(merge: Merging, row: Referral, invitee: int, level: int) -> Referral | None:
    return referrals.rows.one(merge.db, campaign_id=row.campaign_id, invitee_id=invitee, level=level)


def _known_before(merge: Merging, row: Referral) -> bool:
    """Whether the newcomer's other self was there, or had bought, before the binding."""
    other = merge.absorbed if row.invitee_id == merge.survivor else merge.survivor
    since = merge.db.one(_SINCE, of=other)
    return bool(since and since[0] < row.new_since) or bool(merge.db.one(_BOUGHT, of=other, before=row.bound_at))


def _judge(merge: Merging, row: Referral, reason: str) -> None:
    """Reject what is open, claw back what was paid."""
    if row.status not in (*referrals.OPEN, "paid"):
        return
    then = "clawed_back" if row.status == "paid" else "rejected"
    change = {"status": then, "reason": reason, "closed_at": merge.now}
    if not referrals.rows.change(merge.db, change, id=row.id, status=row.status):
        return
    merge.moved.judged.append([row.id, row.status, row.reason, then])
    if row.status == "paid":
        _take_back(merge, row)
    else:
        referrals.release(merge.db, row)
    data = {"reason": reason, "was": row.status, "campaign": row.campaign_id}
    audit_log.add(merge.db, merge.ids.next(), "rule:oneid", f"referral.{then}", f"referral:{row.id}", data,
                  merge.cause, merge.now)  # fmt: skip
    row.status = then


def _take_back(merge: Merging, row: Referral) -> None:
    sides = [(row.inviter_id, referrals.inviter_key(row.id))]
    if row.level == 1:
        sides.append((row.invitee_id, referrals.INVITEE))
    for owner, occurrence in sides:
        # What the absorbed member got is still theirs: value is moved after us.
        for holder in (owner, merge.absorbed) if owner == merge.survivor else (owner,):
            for was, held in referrals.grants_of(merge.db, row.campaign_id, holder, occurrence):
                if held.status == "granted":
                    merge.reverse(held, was, holder, referrals.BACK)


def _move_parents(merge: Merging) -> None:
    """The absorbed member's people are the survivor's; the survivor keeps who brought them, and no circle closes."""
    survivor, absorbed = merge.survivor, merge.absorbed
    mine, theirs = referrals.parent_of(merge.db, survivor), referrals.parent_of(merge.db, absorbed)
    for row in merge.db.all(_BROUGHT, of=absorbed):
        _set_parent(merge, row[0], absorbed, survivor)
    if theirs is not None:
        _set_parent(merge, absorbed, theirs, None)
    wanted = mine if mine is not None else theirs
    if wanted in (survivor, absorbed) or (wanted is not None and _leads_to(merge, wanted, survivor)):
        wanted = None
    if wanted != mine:
        _set_parent(merge, survivor, mine, wanted)


def _judge_strays(merge: Merging) -> None:
    """Who was brought twice under two names was new once: what does not say the same as the member ends."""
    parent = referrals.parent_of(merge.db, merge.survivor)
    rows = referrals.rows.all(merge.db, invitee_id=merge.survivor)
    strays = {row.campaign_id for row in rows if row.level == 1 and row.inviter_id != parent}
    for row in rows:
        if row.campaign_id in strays:
            _judge(merge, row, "not_new")


def _leads_to(merge: Merging, member_id: int, survivor: int) -> bool:
    at: int | None = member_id
    while at is not None and at != survivor:
        at = referrals.parent_of(merge.db, at)
    return at == survivor


def _set_parent(merge: Merging, member_id: int, was: int | None, then: int | None) -> None:
    merge.moved.parents.append([member_id, was, then])
    merge.db.run(_PARENT, id_=member_id, to=then)


def part(db: Db, moved: Moved) -> None:
    """Undo what `follow` did. What cannot be held again, because it ran out meanwhile, stays rejected."""
    for member_id, was, then in reversed(moved.parents):
        if then is None:
            db.run(_PARENT, id_=member_id, to=was)
        else:
            db.run(_UNPARENT, id_=member_id, was=then, to=was)
    for row_id, inviter, invitee in reversed(moved.referrals):
        referrals.rows.change(db, {"inviter_id": inviter, "invitee_id": invitee}, id=row_id)
    for row_id, status, reason, then in reversed(moved.judged):
        row = referrals.rows.one(db, id=row_id, status=then)
        if row is not None and (status == "paid" or referrals.hold(db, json.loads(row.holds))):
            closed_at = row.closed_at if status == "paid" else None
            back = {"status": status, "reason": reason, "closed_at": closed_at}
            referrals.rows.change(db, back, id=row_id, status=then)
