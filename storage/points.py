"""积分: points given, taken back, owed. Who owes pays with the next points that come; a balance is never negative."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.db import Db
from storage.ledger import POINTS, Move, account, balances, debt_account, derived


class Mover(Protocol):
    """Whoever may move value: a turn, a runtime job, a merge."""

    @property
    def db(self) -> Db:
        """The transaction."""
        ...

    def move(self, move: Move) -> bool:
        """The ledger's door."""
        ...


def held(db: Db, member_id: int) -> int:
    """What a member can spend."""
    return balances(db, member_id).get(POINTS, 0)


def owed(db: Db, member_id: int) -> int:
    """What a member owes, 0 for almost everybody."""
    return max(0, -derived(db, debt_account(member_id), POINTS))


def give(
    by: Mover, member_id: int, amount: int, source: str, key: str, reason: str, *, expires_at: datetime | None = None,
    fresh: bool = False,
) -> None:  # fmt: skip
    """Credit points from `source`; a debt is paid off first. `fresh`: a member made just now owes nothing."""
    debt = 0 if fresh else min(amount, owed(by.db, member_id))
    if debt:
        by.move(Move(f"{key}:debt", source, debt_account(member_id), POINTS, debt, reason))
    if amount > debt:
        by.move(Move(key, source, account(member_id), POINTS, amount - debt, reason, expires_at))


def spend(by: Mover, member_id: int, amount: int, to: str, key: str, reason: str) -> bool:
    """Pay with points, the first to expire first; False when there are fewer."""
    if held(by.db, member_id) < amount:
        return False
    return by.move(Move(key, account(member_id), to, POINTS, amount, reason))


def take_back(by: Mover, member_id: int, amount: int, to: str, key: str, reason: str) -> None:
    """Debit points; what was spent already becomes debt."""
    there = min(amount, held(by.db, member_id))
    if there:
        by.move(Move(key, account(member_id), to, POINTS, there, reason))
    if amount > there:
        by.move(Move(f"{key}:debt", debt_account(member_id), to, POINTS, amount - there, reason))


def settle(by: Mover, member_id: int, key: str, reason: str) -> None:
    """Pay a debt with what is there: nobody holds points and owes some at once."""
    part = min(held(by.db, member_id), owed(by.db, member_id))
    if part:
        by.move(Move(key, account(member_id), debt_account(member_id), POINTS, part, reason))
