"""竞争的场景（分销）: one purse that two wishes empty, and a payout that leaves while a refund takes it back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from storage import distribution, ledger, purse
from storage.db import Db
from storage.ledger import COMMISSION, ISSUER, Move, account
from storage.tables import Commission, Payout
from tests.conftest import NOON

PROMOTER, HELD, EACH = 5, 900, 100  # nine wishes of 100 can be granted


@dataclass
class Mover:
    """Moves value as one claim: its rows have numbers of their own."""

    db: Db
    number: int
    now: datetime = NOON

    def move(self, move: Move) -> bool:
        """The ledger's door."""
        self.number += 1
        return ledger.post(self.db, self.number, move, "race", NOON)


def mover(db: Db, number: int) -> Mover:
    """One for a claim."""
    return Mover(db, 1_000 + 10 * number)


def hold(db: Db) -> None:
    """A distributor has commission to ask for."""
    mover(db, 0).move(Move("given", ISSUER, account(PROMOTER), COMMISSION, HELD, "x"))


def wish(db: Db, number: int) -> bool:
    """Somebody taps 「提现」, on many devices at once."""
    key = f"payout:{number}"
    try:
        return purse.spend(mover(db, number + 1), PROMOTER, COMMISSION, EACH, key, key, "payout")
    except ledger.Short:
        return False


def naive_wish(db: Db, number: int) -> bool:
    """Look, then write what was calculated."""
    there = purse.held(db, PROMOTER, COMMISSION)
    time.sleep(0.0005)
    if there < EACH:
        return False
    mark = "?" if db.dialect == "sqlite" else "$1"
    db.connection.cursor().execute(f"UPDATE balance SET amount = {mark} WHERE account = 'member:5'", [there - EACH])
    return True


def asked(db: Db) -> None:
    """All of an order's commission was asked for, and is about to leave."""
    mover(db, 0).move(Move("given", ISSUER, distribution.asked_for(1), COMMISSION, HELD, "x"))
    distribution.commissions.add(db, Commission(
        id=1, order_id=1, level=1, distributor_id=1, via_id=None, customer_id=9, binding_id=1, net_fen=9_000,
        amount_fen=HELD, kept_fen=HELD, status="available", reason="", due_at=NOON, made_at=NOON,
    ))  # fmt: skip
    distribution.payouts.add(db, Payout(
        id=1, distributor_id=1, member_id=PROMOTER, asked_fen=HELD, amount_fen=HELD, status="requested", asked_at=NOON,
        decided_at=None, decided_by="", reference="", note="",
    ))  # fmt: skip


def pay_or_take_back(db: Db, number: int) -> bool:
    """Half of the rivals write down that it has left, half tell of the refund: True for whoever got what was set
    aside. The other half finds nothing there: the one pays no more, to the other it becomes a debt."""
    if number % 2:
        paid = {"status": "paid", "decided_at": NOON, "decided_by": "boss", "reference": "B"}
        return distribution.payouts.change(db, paid, id=1, status="requested", amount_fen=HELD) == 1
    row = distribution.commissions.one(db, id=1)
    if row is None or not row.kept_fen:
        return False
    there = distribution.payouts.one(db, id=1, status="requested")
    distribution.shrink(mover(db, number + 1), row, 0, PROMOTER, "refund", NOON)
    return there is not None


def naive_pay_or_take_back(db: Db, number: int) -> bool:
    """Both look at the payout first."""
    there = distribution.payouts.one(db, id=1)
    assert there is not None
    time.sleep(0.05 if there.status == "requested" else 0)
    after = "paid" if number % 2 else "cancelled"
    left = {"amount_fen": 0} if after == "cancelled" else {"reference": "B", "decided_by": "boss"}
    changed = {"status": after, "decided_at": NOON, **left}
    return there.status == "requested" and distribution.payouts.change(db, changed, id=1) == 1
