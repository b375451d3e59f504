"""奖励: how plays give: points and coupons out of one grant. Shared by the plays, itself none."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.ids import code
from bot.turn import Turn
from storage import coupons
from storage.coupons import Voucher
from storage.ledger import ISSUER, Move, account
from storage.members import Person

POINTS = "points"


class CouponGift(BaseModel):
    """One kind of coupon in a pack."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field(min_length=1, max_length=40)
    count: int = Field(default=1, ge=1, le=20)
    valid_days: int = Field(default=30, ge=1, le=3650)


class Pack(BaseModel):
    """礼包: what one grant gives."""

    model_config = ConfigDict(extra="forbid")

    points: int = Field(default=0, ge=0, le=1_000_000)
    coupons: list[CouponGift] = []


def coupon_names(pack: Pack) -> list[str]:
    """The pack's coupons as people read them, such as `满100减20券 ×2`."""
    return [gift.template + (f" ×{gift.count}" if gift.count > 1 else "") for gift in pack.coupons]


def give(turn: Turn, person: Person, grant_id: int, pack: Pack, reason: str) -> None:
    """Hand a pack over. Its transfers and coupons hang on the grant: without a new grant nothing can be given."""
    if pack.points:
        turn.move(Move(f"grant:{grant_id}:{POINTS}", ISSUER, account(person.id), POINTS, pack.points, reason))
    for gift in pack.coupons:
        expires_at = turn.now + timedelta(days=gift.valid_days)
        for _ in range(gift.count):
            row = Voucher(
                turn.ids.next(), code(turn.chance), gift.template, person.id, grant_id, "active", turn.now, expires_at
            )
            coupons.issue(turn.db, row)
