"""OneID: two members proven to be one person become one with all they own, and can be parted again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import coupons, follows, grants, members, oneid, shop
from storage.coupons import Voucher
from storage.db import Db
from storage.ids import Ids
from storage.ledger import ISSUER, Move, account, balances, debt_account, derived, post
from storage.members import Person
from storage.tables import Order
from tests.storage.conftest import NOW

UNIONID = ("unionid", "oABC")


def signed_up(db: Db, ids: Ids, external_id: str, *, points: int = 100) -> Person:
    """A member with the join pack: a grant, its points, its coupon, a guide."""
    person = members.create(db, ids, ("wecom", external_id), "test", NOW)
    person.fresh = False
    follows.opened(db, ids, person, external_id, "lina", "active", "live", NOW)
    grant = grants.claim(db, ids, person, "sign_up", "", "live", "test", NOW)
    assert grant is not None
    post(db, ids.next(), Move(f"grant:{grant}:points", ISSUER, account(person.id), "points", points, "x"), "test", NOW)
    until = NOW + timedelta(days=30)
    coupons.issue(db, Voucher(ids.next(), f"C{external_id}", "券", person.id, grant, "active", NOW, until))
    return person


def test_the_first_proof_is_only_a_name(db: Db, ids: Ids) -> None:
    person = signed_up(db, ids, "wm1")

    assert oneid.link(db, ids, person, UNIONID, "api", "test", NOW).id == person.id
    assert oneid.link(db, ids, person, UNIONID, "api", "test", NOW).id == person.id
    assert members.identities(db, person.id) == [("wecom", "wm1"), UNIONID]
    db.commit()


def test_one_person_by_two_doors_keeps_one_gift(db: Db, ids: Ids) -> None:
    first, second = signed_up(db, ids, "wm1"), signed_up(db, ids, "wm2")
    oneid.link(db, ids, first, UNIONID, "api", "test", NOW)

    survivor = oneid.link(db, ids, second, UNIONID, "api", "test", NOW)

    assert survivor.id == first.id
    assert balances(db, first.id) == {"points": 100}
    assert balances(db, second.id).get("points", 0) == 0
    assert [coupon.status for coupon in coupons.of_member(db, first.id)].count("active") == 1
    assert members.of(db, [("wecom", "wm2")])["wecom", "wm2"].id == first.id
    assert {link.member_id for link in follows.of_contact(db, "wm2")} == {first.id}
    db.commit()


def test_what_the_younger_spent_already_becomes_a_debt(db: Db, ids: Ids) -> None:
    first, second = signed_up(db, ids, "wm1"), signed_up(db, ids, "wm2")
    post(db, ids.next(), Move("spent", account(second.id), ISSUER, "points", 60, "redeemed"), "test", NOW)
    oneid.link(db, ids, first, UNIONID, "api", "test", NOW)

    oneid.link(db, ids, second, UNIONID, "api", "test", NOW)

    owed = derived(db, debt_account(first.id), "points") + derived(db, debt_account(second.id), "points")
    assert balances(db, first.id)["points"] + owed == 40
    db.commit()


def test_parting_gives_back_what_was_each_ones_own(db: Db, ids: Ids) -> None:
    first, second = signed_up(db, ids, "wm1"), signed_up(db, ids, "wm2")
    merge = oneid.merge(db, ids, first.id, second.id, "phone:test", "test", NOW)

    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)

    assert balances(db, first.id) == {"points": 100}
    assert balances(db, second.id) == {"points": 100}
    assert members.of(db, [("wecom", "wm2")])["wecom", "wm2"].id == second.id
    assert [coupon.status for coupon in coupons.of_member(db, second.id)] == ["active"]
    db.commit()


def test_parting_twice_is_refused(db: Db, ids: Ids) -> None:
    first, second = signed_up(db, ids, "wm1"), signed_up(db, ids, "wm2")
    merge = oneid.merge(db, ids, first.id, second.id, "phone:test", "test", NOW)
    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)

    for wrong in (merge, 999_999):
        with pytest.raises(oneid.Unmergeable):
            oneid.undo(db, ids, wrong, "admin:anna", "test", NOW)
    db.commit()


def test_a_third_door_joins_the_same_person(db: Db, ids: Ids) -> None:
    doors = [signed_up(db, ids, f"wm{number}") for number in range(3)]
    for door in doors:
        oneid.link(db, ids, door, UNIONID, "api", "test", NOW)

    assert {person.id for person in members.of(db, [("wecom", f"wm{n}") for n in range(3)]).values()} == {doors[0].id}
    assert balances(db, doors[0].id) == {"points": 100}
    db.commit()


def test_a_gift_that_came_by_a_merge_goes_back_when_the_next_merge_proves_it_double(db: Db, ids: Ids) -> None:
    first = signed_up(db, ids, "wm1")
    second = members.create(db, ids, ("order", "o1"), "test", NOW)  # bought, never signed up
    third = signed_up(db, ids, "wm3")
    oneid.merge(db, ids, second.id, third.id, "phone:test", "test", NOW)

    merge = oneid.merge(db, ids, first.id, second.id, "phone:test", "test", NOW)

    assert balances(db, first.id) == {"points": 100}
    assert [coupon.status for coupon in coupons.of_member(db, first.id)].count("active") == 1
    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)
    assert balances(db, first.id) == balances(db, second.id) == {"points": 100}
    db.commit()


def test_a_first_purchase_happens_once_to_a_person(db: Db, ids: Ids) -> None:
    first, second, third = (signed_up(db, ids, f"wm{number}") for number in range(3))
    shop.enter(db, Order(id=ids.next(), source="mall", order_no="o1", member_id=third.id, amount_fen=1,
                              refunded_fen=0, items="[]", store="", checkout_id=None, paid_at=NOW,
                              created_at=NOW))  # fmt: skip
    oneid.merge(db, ids, second.id, third.id, "phone:test", "test", NOW)
    merge = oneid.merge(db, ids, first.id, second.id, "phone:test", "test", NOW)

    assert shop.has_bought_before(db, first.id)

    oneid.undo(db, ids, merge, "admin:anna", "test", NOW)
    assert not shop.has_bought_before(db, first.id)
    assert shop.has_bought_before(db, second.id)
    db.commit()
