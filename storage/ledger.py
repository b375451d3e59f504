"""账本: the one door through which value moves, double entry.

`issuer` goes negative as it issues; a member's account never does. What a member owes after a reversal is kept on an
account of its own (`debt:…`), so that no balance hides it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update

from storage import lots
from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import Balance, Transfer

_B = Balance.__table__  # type: ignore[attr-defined]
_T = Transfer.__table__  # type: ignore[attr-defined]
_ADD = Insert(Transfer)
_CREDIT = Insert(Balance, "add", keys=("account", "asset"), sums=("amount",))
_DEBIT = Sql(
    update(_B)
    .where(
        _B.c.account == bindparam("of"),
        _B.c.asset == bindparam("what"),
        _B.c.amount >= bindparam("n", type_=_B.c.amount.type),
    )
    .values(amount=_B.c.amount - bindparam("n", type_=_B.c.amount.type))
)
_BALANCES = Sql(select(_B.c.asset, _B.c.amount).where(_B.c.account == bindparam("of")))
_BY_KEY = Sql(select(_T.c.debit, _T.c.credit, _T.c.asset, _T.c.amount).where(_T.c.key == bindparam("key_")))

ISSUER = "issuer"
EXPIRED = "expired"
POINTS = "points"
COMMISSION = "commission"  # fen
OWED = (POINTS, COMMISSION)  # what a member can come to owe


class KeyReused(Exception):
    """A transfer's key was used before for another transfer."""


class Short(Exception):
    """The debited account does not hold the amount."""


def account(member_id: int) -> str:
    """A member's account."""
    return f"member:{member_id}"


def debt_account(member_id: int) -> str:
    """Where a member's debt is kept: debited when it arises, credited when it is paid off."""
    return f"debt:{member_id}"


def is_kept(name: str) -> bool:
    """Whether the account's balance is kept in a row; system accounts' balances are sums of transfers."""
    return name.startswith("member:")


class Move(NamedTuple):
    """One transfer to be made. `expires_at` is for points that a member gets from the house; None = they never do."""

    key: str
    debit: str
    credit: str
    asset: str
    amount: int
    reason: str
    expires_at: datetime | None = None


def post(db: Db, row_id: int, move: Move, cause: str, now: datetime) -> bool:
    """Make a transfer once; False when its key was used for the same transfer before.

    Raises `Short` when a member's account lacks the amount (nothing is written) and `KeyReused` when the key stands
    for another one.
    """
    if db.exact or is_kept(move.debit):
        used = db.one(_BY_KEY, key_=move.key)
        if used is not None:
            if used != (move.debit, move.credit, move.asset, move.amount):
                raise KeyReused(move.key)
            return False
    if is_kept(move.debit) and db.run(_DEBIT, of=move.debit, what=move.asset, n=move.amount) != 1:
        raise Short(f"{move.debit} {move.asset} {move.amount}")
    db.add(_ADD, (row_id, move.key, move.debit, move.credit, move.asset, move.amount, move.reason, cause, now))
    if is_kept(move.credit):
        db.sum(_CREDIT, (move.credit, move.asset), (move.amount,))
    if move.asset == POINTS:
        _move_lots(db, move)
    return True


def _move_lots(db: Db, move: Move) -> None:
    """Points keep the day they expire when they go from one member to another."""
    slices = [(move.expires_at or lots.NEVER, move.amount)]
    if is_kept(move.debit):
        slices = lots.take(db, move.debit, move.amount)
    if is_kept(move.credit):
        lots.put(db, move.credit, slices)


def balances(db: Db, member_id: int) -> dict[str, int]:
    """What a member holds, by asset."""
    return {row[0]: row[1] for row in db.all(_BALANCES, of=account(member_id))}


_SIDES = Sql(
    select(func.coalesce(func.sum(_T.c.amount).filter(_T.c.credit == bindparam("of")), 0)
           - func.coalesce(func.sum(_T.c.amount).filter(_T.c.debit == bindparam("of")), 0))
    .where(_T.c.asset == bindparam("what"), (_T.c.credit == bindparam("of")) | (_T.c.debit == bindparam("of")))
)  # fmt: skip


def derived(db: Db, name: str, asset: str) -> int:
    """An account's balance summed from its transfers."""
    row = db.one(_SIDES, of=name, what=asset)
    return int(row[0]) if row else 0
