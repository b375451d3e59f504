"""老带新 in storage: who brought whom is a forest whatever is tried, and follows a person through merges and back."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from storage import grants, members, oneid, referrals, stock
from storage.db import Db
from storage.ids import Ids
from storage.ledger import ISSUER, Move, account, balances, post
from storage.members import Person
from storage.sql import Insert
from storage.tables import Member, Referral
from tests.storage.conftest import NOW

NODES, ATTEMPTS = 2_000, 20_000


def people(db: Db, ids: Ids, *names: str) -> list[Person]:
    """Members who came one after another."""
    found = []
    for place, name in enumerate(names):
        person = members.create(db, ids, ("wecom", name), "test", NOW + timedelta(seconds=place))
        person.fresh = False
        found.append(person)
    return found


def brought(db: Db, ids: Ids, by: Person, who: Person, status: str = "pending", campaign: int = 1) -> Referral:
    """A referral of 10 points each, with its money where its status says."""
    assert referrals.bind(db, by.id, who.id) == ""
    stock.open_stock(db, f"budget:campaign:{campaign}", 100)
    paid = status == "paid"
    assert (stock.take if paid else stock.reserve)(db, f"budget:campaign:{campaign}", 20)
    row = Referral(
        id=ids.next(), campaign_id=campaign, inviter_id=by.id, invitee_id=who.id, level=1, status=status, reason="",
        rules="{}", order_id=None, bound_at=NOW, pay_at=NOW - timedelta(days=1), new_since=NOW - timedelta(days=3),
        holds=json.dumps([[f"budget:campaign:{campaign}", 20]]), flags="", decided_by="", note="",
        qualified_at=NOW - timedelta(days=8) if paid else None, closed_at=NOW if paid else None,
    )  # fmt: skip
    referrals.rows.add(db, row)
    for person, occurrence in ((by, referrals.inviter_key(row.id)), (who, referrals.INVITEE)) if paid else ():
        key = referrals.campaign_key(campaign)
        grant = grants.claim(db, ids, person, key, occurrence, "", "test", NOW)
        move = Move(f"grant:{grant}:points", ISSUER, account(person.id), "points", 10, referrals.REASON)
        post(db, ids.next(), move, "test", NOW)
    return row


def standing(db: Db, row: Referral) -> tuple[str, str, int, int]:
    """A referral as it is."""
    now = referrals.rows.one(db, id=row.id)
    assert now is not None
    return now.status, now.reason, now.inviter_id, now.invitee_id


def test_random_binds_make_a_forest(db: Db, ids: Ids) -> None:
    numbers = [ids.next() for _ in range(NODES)]
    for number in numbers:
        db.add(Insert(Member), (number, "", "", 0, "basic", None, None, NOW))
    chance = random.Random(11)
    parents: dict[int, int] = {}
    for _ in range(ATTEMPTS if db.dialect == "sqlite" else ATTEMPTS // 5):
        inviter, invitee = chance.choice(numbers), chance.choice(numbers)
        root = inviter
        while root in parents:
            root = parents[root]
        expected = "loop" if root == invitee else "bound" if invitee in parents else ""
        assert referrals.bind(db, inviter, invitee) == expected
        if not expected:
            parents[invitee] = inviter
    assert len(parents) > NODES * 0.8
    assert {number: referrals.parent_of(db, number) for number in numbers if number in parents} == parents
    db.commit()


def test_members_follow_the_person_and_go_back(db: Db, ids: Ids) -> None:
    old, by, young, friend = people(db, ids, "old", "by", "young", "friend")
    mine, theirs = brought(db, ids, by, young), brought(db, ids, young, friend)
    merge = oneid.merge(db, ids, old.id, young.id, "t", "test", NOW)

    assert standing(db, mine) == ("pending", "", by.id, old.id)
    assert standing(db, theirs) == ("pending", "", old.id, friend.id)
    assert [referrals.parent_of(db, one.id) for one in (old, young, friend)] == [by.id, None, old.id]

    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)
    assert standing(db, mine) == ("pending", "", by.id, young.id)
    assert standing(db, theirs) == ("pending", "", young.id, friend.id)
    assert [referrals.parent_of(db, one.id) for one in (old, young, friend)] == [None, by.id, young.id]
    db.commit()


@pytest.mark.parametrize(("status", "then"), [("pending", "rejected"), ("paid", "clawed_back")])
def test_a_pair_that_is_one_person(db: Db, ids: Ids, status: str, then: str) -> None:
    one, two = people(db, ids, "one", "two")
    row = brought(db, ids, one, two, status)
    merge = oneid.merge(db, ids, one.id, two.id, "t", "test", NOW)

    assert standing(db, row)[:2] == (then, "same_person")
    assert referrals.parent_of(db, two.id) is None
    assert balances(db, one.id).get("points", 0) == 0
    there = stock.find(db, "budget:campaign:1")
    assert there is not None
    assert (there.reserved, there.taken) == (0, 20 if status == "paid" else 0)  # what was paid once is not paid again

    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)
    assert standing(db, row)[:2] == (status, "")
    assert referrals.parent_of(db, two.id) == one.id
    given = 10 if status == "paid" else 0
    assert [balances(db, person.id).get("points", 0) for person in (one, two)] == [given, given]
    db.commit()


def test_a_circle_that_a_merge_would_close_is_cut(db: Db, ids: Ids) -> None:
    first, middle, last = people(db, ids, "first", "middle", "last")
    upper, lower = brought(db, ids, first, middle), brought(db, ids, middle, last)
    oneid.merge(db, ids, first.id, last.id, "t", "test", NOW)

    assert referrals.parent_of(db, first.id) is None
    assert referrals.parent_of(db, middle.id) == first.id
    assert standing(db, upper)[0] == "pending"
    assert standing(db, lower)[:2] == ("rejected", "not_new")
    db.commit()


def test_one_person_is_new_once(db: Db, ids: Ids) -> None:
    by, other, one, two = people(db, ids, "by", "other", "one", "two")
    kept, gone = brought(db, ids, by, one, "paid"), brought(db, ids, other, two, "paid")
    oneid.merge(db, ids, one.id, two.id, "t", "test", NOW)

    assert (standing(db, kept)[0], standing(db, gone)[:2]) == ("paid", ("clawed_back", "not_new"))
    assert [balances(db, person.id).get("points", 0) for person in (by, other, one)] == [10, 0, 10]
    db.commit()


def test_a_gift_inherited_twice_is_still_one(db: Db, ids: Ids) -> None:
    """What the absorbed member's other self got by a right goes back as well."""
    doors = people(db, ids, "a", "b", "c")
    for door in (doors[0], doors[2]):
        grant = grants.claim(db, ids, door, "sign_up", "", "", "test", NOW)
        move = Move(f"grant:{grant}:points", ISSUER, account(door.id), "points", 100, "x")
        post(db, ids.next(), move, "test", NOW)
    oneid.merge(db, ids, doors[1].id, doors[2].id, "t", "test", NOW)
    merge = oneid.merge(db, ids, doors[0].id, doors[1].id, "t", "test", NOW)
    assert balances(db, doors[0].id) == {"points": 100}

    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)
    assert balances(db, doors[1].id) == {"points": 100}
    db.commit()
