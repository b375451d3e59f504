"""OneID 合并: two members proven to be one person become one, with the evidence, and can be parted again.

Value follows the person by transfers with keys of their own. A right that both had used (a sign-up gift taken twice
through two doors) is reversed on the younger side; what is already spent becomes debt. Undoing makes the opposite
transfers: a ledger is never edited.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from storage import (
    audit_log,
    coupons,
    distribution_merge,
    grants,
    ledger,
    member_tags,
    members,
    names,
    outreach_merge,
    purse,
    referral_merge,
    timers,
)
from storage.db import Db
from storage.ids import Ids
from storage.ledger import Move, account, debt_account
from storage.members import Key, Person, add_identity, find, of
from storage.sql import Insert, Sql
from storage.tables import Follow, Identity, Member, Merge, Order, Transfer

_M = Member.__table__  # type: ignore[attr-defined]
_I = Identity.__table__  # type: ignore[attr-defined]
_F = Follow.__table__  # type: ignore[attr-defined]
_G = Merge.__table__  # type: ignore[attr-defined]
_X = Transfer.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
MERGED = "members_merged"  # the timer by which plays hear of it, at once
_ADD = Insert(Merge)
_IDS = Sql(select(_I.c.id).where(_I.c.member_id == bindparam("of")))
_FOLLOWS = Sql(select(_F.c.id).where(_F.c.member_id == bindparam("of")))
_MOVE_IDENTITY = Sql(update(_I).where(_I.c.id == bindparam("id_")).values(member_id=bindparam("to")))
_MOVE_FOLLOW = Sql(update(_F).where(_F.c.id == bindparam("id_")).values(member_id=bindparam("to")))
_INTO = Sql(update(_M).where(_M.c.id == bindparam("id_")).values(merged_into=bindparam("to")))
_ABSORBED = Sql(select(_M.c.id).where(_M.c.merged_into == bindparam("of")))
_FIND = Sql(select(_G.c.survivor_id, _G.c.absorbed_id, _G.c.moved, _G.c.undone_at).where(_G.c.id == bindparam("id_")))
_UNDONE = Sql(
    update(_G).where(_G.c.id == bindparam("id_"), _G.c.undone_at.is_(None)).values(undone_at=bindparam("now"))
)
_ORDERS = Sql(select(_O.c.id).where(_O.c.member_id == bindparam("of")))
_MOVE_ORDER = Sql(update(_O).where(_O.c.id == bindparam("id_")).values(member_id=bindparam("to")))
_EARNED_BY = Sql(
    select(_X.c.asset, _X.c.amount).where(
        _X.c.key.like(bindparam("prefix")), (_X.c.credit == bindparam("to")) | (_X.c.credit == bindparam("debt"))
    )
)


@dataclass
class Moved:
    """What a merge moved, kept with it as JSON so that it can be undone."""

    identities: list[int] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)
    coupons: list[int] = field(default_factory=list)
    voided: list[int] = field(default_factory=list)
    inherited: list[int] = field(default_factory=list)
    reversed: list[int] = field(default_factory=list)
    transfers: list[list[Any]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    referrals: list[list[int]] = field(default_factory=list)
    parents: list[list[int | None]] = field(default_factory=list)
    judged: list[list[Any]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)
    touches: list[int] = field(default_factory=list)
    promoters: list[list[Any]] = field(default_factory=list)
    customers: list[list[Any]] = field(default_factory=list)
    commissions: list[list[Any]] = field(default_factory=list)


class Unmergeable(Exception):
    """There is no such merge, or it was undone before."""


def link(db: Db, ids: Ids, person: Person, key: Key, evidence: str, cause: str, now: datetime) -> Person:
    """Let `key` (unionid, phone hash, …) stand for `person`; when it stands for another member, the two become one.

    The older member survives. Returns whoever the person is now.
    """
    other = of(db, [key]).get(key)
    if other is None:
        add_identity(db, ids, person.id, key, evidence, now)
        return person
    if other.id == person.id:
        return person
    older, younger = (
        (other, person) if (other.created_at, other.id) < (person.created_at, person.id) else (person, other)
    )
    merge(db, ids, older.id, younger.id, f"{key[0]}:{evidence}", cause, now)
    return older


def merge(db: Db, ids: Ids, survivor: int, absorbed: int, evidence: str, cause: str, now: datetime) -> int:
    """Make `absorbed` part of `survivor`; the merge's id, with which `undo` parts them again."""
    merging = _Merging(db, ids, ids.next(), survivor, absorbed, cause, now)
    merging.move_names()
    referral_merge.follow(merging)
    merging.settle_grants()
    distribution_merge.before(merging)
    merging.move_value()
    distribution_merge.follow(merging)
    outreach_merge.follow(merging)
    db.run(_INTO, id_=absorbed, to=survivor)
    db.add(_ADD, (merging.id, survivor, absorbed, evidence, json.dumps(merging.moved.__dict__), cause, now, None))
    data = {"survivor": survivor, "absorbed": absorbed, "evidence": evidence}
    audit_log.add(db, ids.next(), "rule:oneid", "member.merged", f"member:{survivor}", data, cause, now)
    timers.add(db, ids.next(), f"merge:{merging.id}", MERGED, {"member_id": survivor, "merge": merging.id}, now, now)
    return merging.id


@dataclass
class _Merging:
    """One merge under way; `moved` remembers every step for its undoing."""

    db: Db
    ids: Ids
    id: int
    survivor: int
    absorbed: int
    cause: str
    now: datetime
    moved: Moved = field(default_factory=Moved)

    def move_names(self) -> None:
        """Identities, follows and orders stand for the survivor from now on: a first purchase happens once."""
        for row in self.db.all(_IDS, of=self.absorbed):
            self.db.run(_MOVE_IDENTITY, id_=row[0], to=self.survivor)
            self.moved.identities.append(row[0])
        for row in self.db.all(_FOLLOWS, of=self.absorbed):
            self.db.run(_MOVE_FOLLOW, id_=row[0], to=self.survivor)
            self.moved.follows.append(row[0])
        for row in self.db.all(_ORDERS, of=self.absorbed):
            self.db.run(_MOVE_ORDER, id_=row[0], to=self.survivor)
            self.moved.orders.append(row[0])
        self.moved.tags = member_tags.copy(self.db, self.absorbed, self.survivor)
        self.moved.tails = names.copy_tails(self.db, self.absorbed, self.survivor, self.now)

    def settle_grants(self) -> None:
        """A right used by both is reversed on the absorbed side; one used by the absorbed alone stays used."""
        used = {(held.campaign, held.occurrence) for held in grants.of_member(self.db, self.survivor)}
        for held in grants.of_member(self.db, self.absorbed):
            if held.status == "reversed":
                continue
            if (held.campaign, held.occurrence) in used:
                self._give_up(held)
            else:
                row_id = self.ids.next()
                grants.add(
                    self.db,
                    row_id,
                    self.survivor,
                    held.campaign,
                    held.occurrence,
                    "inherited",
                    "",
                    self.cause,
                    self.now,
                )
                self.moved.inherited.append(row_id)

    def _give_up(self, held: grants.Held) -> None:
        """What the absorbed member got by a right goes back; one they inherited was used by whom they absorbed."""
        for was in members.everyone(self.db, self.absorbed) if held.status == "inherited" else [self.absorbed]:
            for used in grants.of_member(self.db, was):
                if used[1:] == (held.campaign, held.occurrence, "granted"):
                    self.reverse(used, was, self.absorbed)

    def reverse(self, held: grants.Held, was: int, owner: int, reason: str = "merge") -> None:
        """Void what a grant issued to the member `was` and take its points from `owner`; points already spent become a
        debt, the survivor's where the owner is absorbed."""
        grants.set_status(self.db, held.id, "reversed")
        self.moved.reversed.append(held.id)
        for voucher in coupons.of_grant(self.db, held.id):
            if coupons.close(self.db, voucher.id, "active", "voided", self.now):
                self.moved.voided.append(voucher.id)
        debtor = self.survivor if owner == self.absorbed else owner
        earned: dict[str, int] = {}
        for asset, amount in self.db.all(
            _EARNED_BY, prefix=f"grant:{held.id}:%", to=account(was), debt=debt_account(was)
        ):
            earned[asset] = earned.get(asset, 0) + amount
        for asset, amount in sorted(earned.items()):
            there = min(amount, ledger.balances(self.db, owner).get(asset, 0))
            key = f"merge:{self.id}:grant:{held.id}:{asset}"
            self._transfer(key, account(owner), ledger.ISSUER, asset, there, reason)
            self._transfer(f"{key}:debt", debt_account(debtor), ledger.ISSUER, asset, amount - there, reason)

    def move_value(self) -> None:
        """Coupons and balances follow the person."""
        for voucher in coupons.of_member(self.db, self.absorbed):
            coupons.move(self.db, voucher.id, self.survivor)
            self.moved.coupons.append(voucher.id)
        for asset, amount in sorted(ledger.balances(self.db, self.absorbed).items()):
            self._transfer(f"merge:{self.id}:{asset}", account(self.absorbed), account(self.survivor), asset, amount)
        for asset in ledger.OWED:
            mark = "" if asset == ledger.POINTS else f":{asset}"
            owes = purse.owed(self.db, self.absorbed, asset)
            key = f"merge:{self.id}:owes{mark}"
            self._transfer(key, debt_account(self.survivor), debt_account(self.absorbed), asset, owes)
            purse.settle(self, self.survivor, asset, f"merge:{self.id}:settle{mark}", "merge")

    def _transfer(
        self, key: str, debit: str, credit: str, asset: str, amount: int, reason: str = "merge"
    ) -> None:  # fmt: skip
        if amount:
            self.move(Move(key, debit, credit, asset, amount, reason))

    def move(self, move: Move) -> bool:
        """The ledger's door; what went through it is remembered."""
        self.moved.transfers.append([move.key, move.debit, move.credit, move.asset, move.amount])
        return ledger.post(self.db, self.ids.next(), move, self.cause, self.now)


def undo(db: Db, ids: Ids, merge_id: int, actor: str, cause: str, now: datetime) -> None:
    """Part two merged members: identities, follows, coupons and rights go back, transfers are made the other way round.

    What the survivor has spent meanwhile cannot go back; it becomes the survivor's debt.
    """
    row = db.one(_FIND, id_=merge_id)
    if row is None or db.run(_UNDONE, id_=merge_id, now=now) != 1:
        raise Unmergeable(str(merge_id))
    survivor, absorbed, moved = row[0], row[1], Moved(**json.loads(row[2]))
    _move_back(db, survivor, absorbed, moved)
    referral_merge.part(db, ids, merge_id, moved, now)
    poster = distribution_merge.Poster(db, ids, cause, now)
    distribution_merge.restore(poster, merge_id, survivor, moved)
    for key, debit, credit, asset, amount in reversed(moved.transfers):
        there = amount
        if credit == account(survivor):
            there = min(amount, ledger.balances(db, survivor).get(asset, 0))
        for back_key, payer, part in (
            (f"undo:{key}", credit, there),
            (f"undo:{key}:debt", debt_account(survivor), amount - there),
        ):
            if part:
                ledger.post(db, ids.next(), Move(back_key, payer, debit, asset, part, "merge undone"), cause, now)
    distribution_merge.part(poster, moved)
    outreach_merge.part(db, ids, survivor, absorbed, moved, cause, now)
    db.run(_INTO, id_=absorbed, to=None)
    data = {"survivor": survivor, "absorbed": absorbed, "merge": merge_id}
    audit_log.add(db, ids.next(), actor, "member.parted", f"member:{survivor}", data, cause, now)


def _move_back(db: Db, survivor: int, absorbed: int, moved: Moved) -> None:
    for group, name, source in moved.tags:
        member_tags.remove(db, survivor, group, name, source)
    for tail in moved.tails:
        names.forget_tail(db, survivor, tail)
    for row_id in moved.identities:
        db.run(_MOVE_IDENTITY, id_=row_id, to=absorbed)
    for row_id in moved.follows:
        db.run(_MOVE_FOLLOW, id_=row_id, to=absorbed)
    for row_id in moved.orders:
        db.run(_MOVE_ORDER, id_=row_id, to=absorbed)
    for row_id in moved.coupons:
        coupons.move(db, row_id, absorbed)
    for row_id in moved.voided:
        coupons.reopen(db, row_id, "voided")
    for row_id in moved.inherited:
        grants.forget_inherited(db, row_id)
    for row_id in moved.reversed:
        grants.set_status(db, row_id, "granted")


def same(db: Db, member_id: int) -> list[int]:
    """A member's id and those of all who were merged into them: history stays under the id it was made with."""
    found = [member_id]
    for one in found:  # grows while it is walked: a survivor may have been merged again
        found += [row[0] for row in db.all(_ABSORBED, of=one)]
    return found


def current(db: Db, member_id: int) -> Person | None:
    """The member an id stands for today: the survivor, however often it was merged."""
    return find(db, members.current_id(db, member_id))
