"""竞争的场景: what rivals race for: how the scene is set, how one claims with the guard, how one would without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storage import (
    approvals,
    community,
    coupons,
    drives,
    grants,
    ledger,
    lots,
    referrals,
    replies,
    shop,
    stock,
    touches,
)
from storage.coupons import Voucher
from storage.db import Db
from storage.faults import Conflict
from storage.ids import Ids
from storage.ledger import Move, Short
from storage.members import Person
from storage.sql import Insert
from storage.tables import Approval, Bargain, BargainCut, Checkout, Draft, Member, Team, TeamSeat
from storage.touches import Message, Terms
from tests import race_payouts
from tests.conftest import NOON

LATER = NOON.replace(year=2027)
SEATS, CUTS, PURSE, PAIRS = 7, 9, 30, 25
WIDE_S = 0.05  # where there is one thing to get, rivals that a busy machine starts late must still meet
_MEMBER = Insert(Member)
MOST = 1000  # checkouts of the race for a late payment


@dataclass(frozen=True)
class Race:
    """`prepare` sets the scene, `claim` tries once (True = got it), `there` is how many can be got.

    `naive` does the same without its guard: look first, then write.
    """

    prepare: Callable[[Db], None]
    claim: Callable[[Db, int], bool]
    naive: Callable[[Db, int], bool]
    there: int


def _write(db: Db, sql: str, *values: Any) -> None:
    """A plain statement, for what the house itself never does."""
    mark = "?" if db.dialect == "sqlite" else None
    text = sql if mark else "".join(f"${sql[:at].count('?') + 1}" if c == "?" else c for at, c in enumerate(sql))
    db.connection.cursor().execute(text, list(values))


def _look(db: Db, name: str) -> int:
    found = stock.find(db, name)
    assert found is not None
    time.sleep(0.0005)  # as long as a rule takes
    return found.remaining


def _naive_stock(db: Db, number: int) -> bool:
    left = _look(db, "sku:A")
    if left < 1:
        return False
    _write(db, "UPDATE stock SET remaining = ?, taken = total - ? WHERE name = 'sku:A'", left - 1, left - 1)
    return True


def _team(db: Db) -> None:
    drives.teams.add(db, Team(id=1, code="T", campaign_id=1, leader_id=1, rules="{}", size=SEATS, held=0, paid=0,
                              status="open", deadline=LATER, opened_at=NOON, settled_at=None))  # fmt: skip


def _naive_seat(db: Db, number: int) -> bool:
    team = drives.teams.one(db, id=1)
    assert team is not None
    time.sleep(0.0005)
    if team.held + team.paid >= team.size:
        return False
    return drives.teams.change(db, {"held": team.held + 1}, id=1) == 1


def _bargain(db: Db) -> None:
    drives.bargains.add(db, Bargain(
        id=1, code="B", campaign_id=1, member_id=1, rules="{}", seed="s", start_fen=CUTS, floor_fen=0, price_fen=CUTS,
        needed=CUTS, cuts=0, status="open", checkout_id=None, deadline=LATER, opened_at=NOON,
    ))  # fmt: skip


def _cut(db: Db, number: int) -> bool:
    """A cut as the play makes it: the place that was read is the guard; who comes second reads again."""
    while True:
        bargain = drives.bargains.one(db, id=1)
        assert bargain is not None
        if bargain.cuts >= bargain.needed:
            return False
        plus = {"price_fen": -1, "cuts": 1}
        if drives.bargains.change(db, {}, plus=plus, id=1, cuts=bargain.cuts, status="open"):
            place = bargain.cuts
            row = BargainCut(id=number + 10, bargain_id=1, helper_id=number, place=place, cut_fen=1, cut_at=NOON)
            drives.cuts.add(db, row)
            return True


def _naive_cut(db: Db, number: int) -> bool:
    bargain = drives.bargains.one(db, id=1)
    assert bargain is not None
    time.sleep(0.0005)
    if bargain.cuts >= bargain.needed:
        return False
    return drives.bargains.change(db, {"price_fen": bargain.price_fen - 1, "cuts": bargain.cuts + 1}, id=1) == 1


def _coupon(db: Db) -> None:
    coupons.issue(db, Voucher(1, "C", "t", 1, 1, "active", NOON, LATER))


def _use(db: Db, number: int) -> bool:
    return coupons.reserve(db, 1, number + 10, 100, NOON)


def _naive_use(db: Db, number: int) -> bool:
    voucher = coupons.by_code(db, "C")
    assert voucher is not None
    time.sleep(0.0005)
    if voucher.status != "active":
        return False
    _write(db, "UPDATE coupon SET status = 'reserved', checkout_id = ? WHERE id = 1", number + 10)
    return True


def _help_once(db: Db, number: int) -> bool:
    """One helper, many taps: the unique key of (bargain, helper)."""
    if drives.cuts.one(db, bargain_id=1, helper_id=5) is not None:
        return False
    time.sleep(0.0005)
    drives.cuts.add(db, BargainCut(id=number + 10, bargain_id=1, helper_id=5, place=number, cut_fen=1, cut_at=NOON))
    return True


def _settle(db: Db, number: int) -> bool:
    """The timer and a sweep settle one team together."""
    return drives.expire(db, 1, LATER)


def _naive_settle(db: Db, number: int) -> bool:
    team = drives.teams.one(db, id=1)
    assert team is not None
    time.sleep(0.0005)
    return team.status == "open" and drives.teams.change(db, {"status": "expired"}, id=1) == 1


def _stock_of(total: int) -> Race:
    return Race(
        lambda db: stock.open_stock(db, "sku:A", total), lambda db, _: stock.take(db, "sku:A"), _naive_stock, total
    )


def _paid_seat(db: Db) -> None:
    """A team whose deadline has passed, with one paid seat whose buyer asks the shop for the money."""
    drives.teams.add(db, Team(id=1, code="T", campaign_id=1, leader_id=1, rules="{}", size=SEATS, held=0, paid=1,
                              status="open", deadline=NOON, opened_at=NOON, settled_at=None))  # fmt: skip
    drives.seats.add(db, TeamSeat(id=1, team_id=1, member_id=1, status="paid", checkout_id=1, order_id=1, paid_fen=1,
                                  joined_at=NOON))  # fmt: skip


def _refund_or_settle(db: Db, number: int) -> bool:
    """Half of the rivals tell of the shop's refund, half settle: True for whoever gives the seat's money back."""
    if not (drives.leave(db, 1) if number % 2 else drives.expire(db, 1, LATER)):
        return False
    return drives.seats.change(db, {"status": "refunded"}, id=1, status="paid") == 1


def _naive_refund_or_settle(db: Db, number: int) -> bool:
    seat = drives.seats.one(db, id=1)
    assert seat is not None
    time.sleep(WIDE_S if seat.status == "paid" else 0)
    return seat.status == "paid" and drives.seats.change(db, {"status": "refunded"}, id=1) == 1


def _checkout(db: Db, row_id: int, status: str) -> None:
    shop.checkouts.add(db, Checkout(
        id=row_id, code=f"K{row_id}", member_id=1, kind="x", subject_id=1, items="[]", list_fen=1, price_fen=1,
        holds="[]", coupons="[]", discounts="[]", store="", status=status,
        hold_until=NOON, order_id=None, created_at=NOON,
    ))  # fmt: skip


def _held(db: Db) -> None:
    _checkout(db, 1, "held")


def _pay_or_release(db: Db, number: int) -> bool:
    """A payment against the end of its hold."""
    after = "paid" if number % 2 else "released"
    return shop.checkouts.change(db, {"status": after}, id=1, status="held") == 1


def _naive_pay_or_release(db: Db, number: int) -> bool:
    there = shop.checkouts.one(db, id=1)
    assert there is not None
    time.sleep(WIDE_S if there.status == "held" else 0)
    after = "paid" if number % 2 else "released"
    return there.status == "held" and shop.checkouts.change(db, {"status": after}, id=1) == 1


def _one_piece(db: Db) -> None:
    """One piece left, and many whose time to pay was over."""
    stock.open_stock(db, "sku:A", 1)
    for number in range(MOST):
        _checkout(db, number + 1, "released")


def _pay_late(db: Db, number: int) -> bool:
    """Who pays late holds anew at that moment, as `checkout.pay` does."""
    if not stock.reserve(db, "sku:A"):
        return False
    paid = shop.checkouts.change(db, {"status": "paid"}, id=number % MOST + 1, status="released") == 1
    return paid and stock.commit(db, "sku:A")


def _naive_pay_late(db: Db, number: int) -> bool:
    if _look(db, "sku:A") < 1:
        return False
    _write(db, "UPDATE stock SET remaining = 0, taken = 1 WHERE name = 'sku:A'")
    return shop.checkouts.change(db, {"status": "paid"}, id=number % MOST + 1) == 1


SOMEBODY = Person(5, "", "", 0, "basic", None, NOON, False)


def _grant(db: Db, number: int) -> bool:
    """One right, many who use it at once."""
    ids: Any = Numbers(number)
    return grants.claim(db, ids, SOMEBODY, "sign_up", "", "", f"e{number}", NOON) is not None


@dataclass
class Numbers:
    """Row ids for a scene: each claim has its own."""

    number: int

    def next(self) -> int:
        """The claim's number, far from the scene's."""
        return self.number + 100


def _naive_grant(db: Db, number: int) -> bool:
    if grants.used(db, SOMEBODY, "sign_up", ""):
        return False
    time.sleep(0.0005)
    return _grant(db, number)


def _naive_take(name: str, total: int, n: int) -> Callable[[Db, int], bool]:
    """Look, then write what was calculated."""

    def take(db: Db, number: int) -> bool:
        found = stock.find(db, name)
        if found is None:
            stock.open_stock(db, name, total)
            found = stock.find(db, name)
        assert found is not None
        time.sleep(0.0005)
        if found.remaining < n:
            return False
        _write(db, f"UPDATE stock SET remaining = ?, taken = total - ? WHERE name = '{name}'",
               found.remaining - n, found.remaining - n)  # fmt: skip
        return True

    return take


def _opened_by_need(name: str, total: int, n: int) -> Race:
    """A stock that nobody has opened yet: the first claims race for opening it as well."""
    return Race(
        lambda db: None, lambda db, _: stock.take_or_open(db, name, total, n), _naive_take(name, total, n), total // n
    )


def _purse(db: Db) -> None:
    """Points in three lots."""
    for place, ends in enumerate((NOON.replace(month=12), LATER, lots.NEVER)):
        move = Move(f"k{place}", ledger.ISSUER, ledger.account(5), ledger.POINTS, PURSE // 3, "x", ends)
        ledger.post(db, place + 1, move, "x", NOON)


def _spend(db: Db, number: int) -> bool:
    move = Move(f"spend{number}", ledger.account(5), "spent", ledger.POINTS, 1, "x")
    try:
        return ledger.post(db, number + 100, move, "x", NOON)
    except Short:
        return False


def _naive_spend(db: Db, number: int) -> bool:
    there = ledger.balances(db, 5).get(ledger.POINTS, 0)
    time.sleep(0.0005)
    if there < 1:
        return False
    _write(db, "UPDATE balance SET amount = ? WHERE account = 'member:5'", there - 1)
    return True


def _members(db: Db) -> None:
    for number in range(2 * PAIRS):
        db.add(_MEMBER, (number, "", "", 0, "basic", None, None, NOON))


def _pair(number: int) -> tuple[int, int]:
    """Who brings whom: the same pairs again and again, every other time the other way round."""
    one = 2 * (number % PAIRS)
    return (one, one + 1) if number // PAIRS % 2 else (one + 1, one)


def _bind(db: Db, number: int) -> bool:
    return referrals.bind(db, *_pair(number)) == ""


def _naive_bind(db: Db, number: int) -> bool:
    inviter, invitee = _pair(number)
    if referrals.root_of(db, inviter) == invitee or referrals.parent_of(db, invitee) is not None:
        return False
    time.sleep(0.0005)
    _write(db, "UPDATE member SET referrer_id = ? WHERE id = ?", inviter, invitee)
    return True


def _link_code(db: Db) -> None:
    community.open_code(db, 1, "AAAA-BBBB", 1, LATER, NOON)


def _link(db: Db, number: int) -> bool:
    return community.use_code(db, "AAAA-BBBB", str(number), NOON) is not None


def _naive_link(db: Db, number: int) -> bool:
    cursor = db.connection.cursor()
    cursor.execute("SELECT count(*) FROM link_code WHERE id = 1 AND ended_at IS NULL")
    (there,) = cursor.fetchone()
    time.sleep(0.0005)
    if there:
        _write(db, "UPDATE link_code SET used_by = ?, ended_at = made_at WHERE id = 1", str(number))
    return bool(there)


def _draft(db: Db) -> None:
    replies.drafts.add(db, Draft(
        id=1, open_kfid="wk", external_userid="wm1", userid="lina", seq=1, rev=1, question="q", intent="price",
        reply="r", basis="[]", cites="[]", made_by="template", status="open", why="", edit_at=None, made_at=NOON,
        closed_at=None, closed_by="", sent_row=None,
    ))  # fmt: skip


def _send(db: Db, number: int) -> bool:
    draft = replies.drafts.one(db, id=1)
    assert draft is not None
    return draft.status == "open" and replies.close(db, draft, "sent", "lina", "", NOON, number + 10)


def _naive_send(db: Db, number: int) -> bool:
    draft = replies.drafts.one(db, id=1)
    assert draft is not None
    time.sleep(WIDE_S)
    if draft.status == "open":
        _write(db, "UPDATE draft SET status = 'sent', closed_at = made_at, sent_row = ? WHERE id = 1", number + 10)
    return draft.status == "open"


def _waits(db: Db) -> None:
    approvals.rows.add(db, Approval(
        id=1, key="handout:1", kind="coupon", subject="", member_id=None, store_id="", may="coupon.approve", says="",
        payload="{}", status=approvals.WAITING, made_by="lina", made_at=NOON, expires_at=LATER, decided_by="",
        decided_at=None, reason="",
    ))  # fmt: skip


def _decide(db: Db, number: int) -> bool:
    """Managers agree and refuse, and the time is over, all at once: one of them decides."""
    status = (approvals.APPROVED, approvals.EXPIRED, approvals.REJECTED)[number % 3]
    return approvals.decide(db, 1, status, f"manager{number}", "", NOON)


def _naive_decide(db: Db, number: int) -> bool:
    row = approvals.rows.one(db, id=1)
    assert row is not None
    time.sleep(WIDE_S)
    if row.status == approvals.WAITING:
        _write(db, "UPDATE approval SET status = 'approved', decided_by = ?, decided_at = made_at WHERE id = 1",
               f"manager{number}")  # fmt: skip
    return row.status == approvals.WAITING


THREE_A_DAY = Terms(caps=((1, 3),))


def _one_person(db: Db) -> None:
    db.add(_MEMBER, (1, "", "", 0, "basic", None, None, NOON))
    touches.rule_id(db, Ids(db), THREE_A_DAY, NOON)


def _message(number: int) -> Message:
    return Message("marketing", f"broadcast:{number}", NOON.toordinal())


def _reach(db: Db, number: int) -> bool:
    """One message to the one person; who was only slower looks again, as a turn would."""
    rule = touches.rule_id(db, Ids(db), THREE_A_DAY, NOON)
    if touches.take(db, [1], THREE_A_DAY, rule, _message(number), 720, NOON):
        return True
    if not touches.why(db, [1], THREE_A_DAY, _message(number)):
        raise Conflict("another process was faster")
    return False


def _naive_reach(db: Db, number: int) -> bool:
    if touches.why(db, [1], THREE_A_DAY, _message(number)):
        return False
    time.sleep(0.0005)
    _write(db, "INSERT INTO touch (member_id, seq, kind, topic, source, rule_id, day, minute, at) VALUES "
           "(1, ?, 'send', 'marketing', 'x', 1, ?, 720, ?)", 1_000 + number, NOON.toordinal(), NOON)  # fmt: skip
    return True


RACES = {
    "stock of 1": _stock_of(1),
    "stock of 100": _stock_of(100),
    "stock of 999": _stock_of(999),
    "last seats": Race(_team, lambda db, _: drives.hold_seat(db, 1, NOON), _naive_seat, SEATS),
    "last cuts": Race(_bargain, _cut, _naive_cut, CUTS),
    "one coupon": Race(_coupon, _use, _naive_use, 1),
    "one helper": Race(_bargain, _help_once, _help_once, 1),
    "one decision": Race(_waits, _decide, _naive_decide, 1),
    "one sent draft": Race(_draft, _send, _naive_send, 1),
    "one link code": Race(_link_code, _link, _naive_link, 1),
    "one settlement": Race(_team, _settle, _naive_settle, 1),
    "refund or settle": Race(_paid_seat, _refund_or_settle, _naive_refund_or_settle, 1),
    "paid or released": Race(_held, _pay_or_release, _naive_pay_or_release, 1),
    "late for the last": Race(_one_piece, _pay_late, _naive_pay_late, 1),
    "messages a day": Race(_one_person, _reach, _naive_reach, 3),
    "one grant": Race(lambda db: None, _grant, _naive_grant, 1),
    "a budget": _opened_by_need("budget:coupon:1", 700, 7),
    "a daily limit": _opened_by_need("limit:coupon:1:5:2026-11-11", 3, 1),
    "one way of two": Race(_members, _bind, _naive_bind, PAIRS),
    "a spent balance": Race(_purse, _spend, _naive_spend, PURSE),
    "two payouts": Race(race_payouts.hold, race_payouts.wish, race_payouts.naive_wish, 9),
    "payout or refund": Race(race_payouts.asked, race_payouts.pay_or_take_back, race_payouts.naive_pay_or_take_back, 1),
}

# Where a constraint of the schema is the guard: table, constraint, columns as SQLite makes them anew without it.
CONSTRAINTS = {"one helper": ("bargain_cut", "bargain_cut_key"), "one grant": ("grant", "grant_key")}


def ready(db: Db, name: str, *, naive: bool) -> None:
    """Set a race's scene in an open transaction."""
    Ids(db)
    RACES[name].prepare(db)
    db.flush()
    if naive and name in CONSTRAINTS:
        bare(db, *CONSTRAINTS[name])


def bare(db: Db, table: str, constraint: str) -> None:
    """Take a constraint away (on SQLite all that the table has)."""
    if db.dialect == "sqlite":
        _write(db, f'CREATE TABLE "bare_{table}" AS SELECT * FROM "{table}"')
        _write(db, f'DROP TABLE "{table}"')
        _write(db, f'ALTER TABLE "bare_{table}" RENAME TO "{table}"')
    else:
        _write(db, f'ALTER TABLE "{table}" DROP CONSTRAINT {constraint}')
