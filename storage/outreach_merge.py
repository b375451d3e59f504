"""合并之后的触达: two members are one: their orders are counted together, what reached either counts for both, a
refusal of either is the person's, and a birthday is told once. And the way back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage import consent, member_stats, profiles, touches
from storage.db import Db
from storage.ids import Ids

if TYPE_CHECKING:
    from storage.oneid import Moved, _Merging


def follow(merging: _Merging) -> None:
    """The survivor stands for both from now on."""
    db, survivor, absorbed, now = merging.db, merging.survivor, merging.absorbed, merging.now
    _recount(db, survivor, absorbed, merging.moved)
    merging.moved.touches = touches.rehome(db, absorbed, survivor, now)
    consent.merge(db, merging.ids, survivor, absorbed, merging.cause, now)
    profiles.inherit(db, absorbed, survivor, f"merge:{absorbed}", now)


def part(db: Db, ids: Ids, survivor: int, absorbed: int, moved: Moved, cause: str, now: datetime) -> None:
    """They were not one after all."""
    _recount(db, survivor, absorbed, moved)
    touches.part(db, survivor, absorbed, moved.touches, now)
    consent.part(db, ids, survivor, absorbed, cause, now)
    profiles.disinherit(db, survivor, f"merge:{absorbed}", now)


def _recount(db: Db, survivor: int, absorbed: int, moved: Moved) -> None:
    for one in sorted((survivor, absorbed)) if moved.orders else ():
        member_stats.recount(db, one)
