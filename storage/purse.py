"""钱包: an asset given to members, taken back, owed. Who owes pays with the next that comes; a balance is never
negative. Points and commission lie in it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.db import Db
from storage.ledger import Move, account, balances, debt_account, derived


class Mover(Protocol):
    """Whoever may move value: a turn, a runtime job, a merge."""

    @property
    def db(self) -> Db:
        """The transaction."""
        ...

    def move(self, move: Move) -> bool:
        """The ledger's door."""
        ...


def held(db: Db, member_id: int, asset: str) -> int:
    """What a member can spend."""
    return balances(db, member_id).get(asset, 0)


def owed(db: Db, member_id: int, asset: str) -> int:
    """What a member owes, 0 for almost everybody."""
    return max(0, -derived(db, debt_account(member_id), asset))


def give(
    by: Mover, member_id: int, asset: str, amount: int, source: str, key: str, reason: str, *,
    expires_at: datetime | None = None, fresh: bool = False,
) -> None:  # fmt: skip
    """Credit an amount from `source`; a debt is paid off first. `fresh`: a member made just now owes nothing."""
    debt = 0 if fresh else min(amount, owed(by.db, member_id, asset))
    if debt:
        by.move(Move(f"{key}:debt", source, debt_account(member_id), asset, debt, reason))
    if amount > debt:
        by.move(Move(key, source, account(member_id), asset, amount - debt, reason, expires_at))


def spend(by: Mover, member_id: int, asset: str, amount: int, to: str, key: str, reason: str) -> bool:
    """Pay; False when there is less."""
    if held(by.db, member_id, asset) < amount:
        return False
    return by.move(Move(key, account(member_id), to, asset, amount, reason))


def take_back(by: Mover, member_id: int, asset: str, amount: int, to: str, key: str, reason: str) -> None:
    """Debit an amount; what was spent already becomes debt."""
    there = min(amount, held(by.db, member_id, asset))
    if there:
        by.move(Move(key, account(member_id), to, asset, there, reason))
    if amount > there:
        by.move(Move(f"{key}:debt", debt_account(member_id), to, asset, amount - there, reason))


def settle(by: Mover, member_id: int, asset: str, key: str, reason: str) -> None:
    """Pay a debt with what is there: nobody holds an asset and owes some of it at once."""
    part = min(held(by.db, member_id, asset), owed(by.db, member_id, asset))
    if part:
        by.move(Move(key, account(member_id), debt_account(member_id), asset, part, reason))
