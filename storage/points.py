"""积分: points given, taken back, owed: the purse (`storage/purse.py`) of one asset."""

from __future__ import annotations

from datetime import datetime

from storage import purse
from storage.db import Db
from storage.ledger import POINTS
from storage.purse import Mover

__all__ = ["Mover", "give", "held", "owed", "settle", "spend", "take_back"]


def held(db: Db, member_id: int) -> int:
    """What a member can spend."""
    return purse.held(db, member_id, POINTS)


def owed(db: Db, member_id: int) -> int:
    """What a member owes, 0 for almost everybody."""
    return purse.owed(db, member_id, POINTS)


def give(
    by: Mover, member_id: int, amount: int, source: str, key: str, reason: str, *, expires_at: datetime | None = None,
    fresh: bool = False,
) -> None:  # fmt: skip
    """Credit points from `source`; a debt is paid off first. `fresh`: a member made just now owes nothing."""
    purse.give(by, member_id, POINTS, amount, source, key, reason, expires_at=expires_at, fresh=fresh)


def spend(by: Mover, member_id: int, amount: int, to: str, key: str, reason: str) -> bool:
    """Pay with points, the first to expire first; False when there are fewer."""
    return purse.spend(by, member_id, POINTS, amount, to, key, reason)


def take_back(by: Mover, member_id: int, amount: int, to: str, key: str, reason: str) -> None:
    """Debit points; what was spent already becomes debt."""
    purse.take_back(by, member_id, POINTS, amount, to, key, reason)


def settle(by: Mover, member_id: int, key: str, reason: str) -> None:
    """Pay a debt with what is there: nobody holds points and owes some at once."""
    purse.settle(by, member_id, POINTS, key, reason)
