"""奖励: how plays give: packs out of one grant, and points that an order causes. Shared by the plays, itself none.

What an order causes is pending until its refund window ends, and shrinks with every refund: of a reward of 100 for
an order of which a third was refunded, floor(100 * kept / paid) stands. What was spent meanwhile becomes debt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.ids import code
from bot.turn import Retry, Turn
from scenarios import vouchers
from storage import coupons, drives, oneid, points, shop
from storage.coupons import Voucher
from storage.ledger import ISSUER, POINTS, Move
from storage.members import Person
from storage.tables import Order, Reward

TIMER = "reward"
EXPIRY = "points_expiry"  # the timer of a day on which points end
ORDINARY_DAYS = 30  # a coupon whose template is missing still keeps the promise


class CouponGift(BaseModel):
    """One kind of coupon in a pack. `valid_days` 0: the coupon template of that name decides everything."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field(min_length=1, max_length=40)
    count: int = Field(default=1, ge=1, le=20)
    valid_days: int = Field(default=30, ge=0, le=3650)


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
        points.give(turn, person.id, pack.points, ISSUER, f"grant:{grant_id}:{POINTS}", reason, fresh=person.fresh)
    for gift in pack.coupons:
        template = None if gift.valid_days else shop.templates.one(turn.db, name=gift.template)
        expires_at = turn.now + timedelta(days=gift.valid_days or ORDINARY_DAYS)
        for _ in range(gift.count):
            if template is not None:
                refused = vouchers.add_to_pack(turn, person, template, grant_id)
                if isinstance(refused, str):  # the rest of the pack is not held up by it
                    turn.audit("rule:rewards", "coupon.not_given", f"grant:{grant_id}", why=refused, name=gift.template)
                continue
            row = Voucher(
                turn.ids.next(), code(turn.chance), gift.template, person.id, grant_id, "active", turn.now, expires_at
            )
            coupons.issue(turn.db, row)


def credit(
    turn: Turn, member_id: int, amount: int, source: str, key: str, reason: str, expires_at: datetime | None
) -> None:
    """Points that end some day, and the timer that sees to it; None = they never end."""
    points.give(turn, member_id, amount, source, key, reason, expires_at=expires_at)
    if expires_at is not None:
        turn.at(expires_at, EXPIRY, f"points:{expires_at.isoformat()}", {})


def pending_account(member_id: int) -> str:
    """Where promised points wait."""
    return f"pending:{member_id}"


def promise(turn: Turn, order: Order, member_id: int, amount: int, due_at: datetime, key: str, reason: str) -> bool:
    """Points for a member because of an order, pending until `due_at`; False when `key` was promised before."""
    if amount <= 0 or drives.rewards.one(turn.db, key=key) is not None:
        return False
    row = Reward(id=turn.ids.next(), key=key, order_id=order.id, member_id=member_id, amount=amount, kept=amount,
                 status="pending", reason=reason, due_at=due_at, made_at=turn.now)  # fmt: skip
    drives.rewards.add(turn.db, row)
    turn.move(Move(f"reward:{row.id}", ISSUER, pending_account(member_id), POINTS, amount, reason))
    turn.at(due_at, TIMER, f"reward:{row.id}", {"reward_id": row.id})
    reduce(turn, row, order)
    return True


def mature(turn: Turn, reward_id: int, expires_at: datetime | None) -> Reward | None:
    """The refund window is over: what stands of a promise becomes the member's. None when it was credited before."""
    reward = drives.rewards.one(turn.db, id=reward_id)
    if reward is None or reward.status != "pending":
        return None
    _change(turn, reward, {"status": "credited"})
    waited, reward.member_id = pending_account(reward.member_id), _owner(turn, reward)
    if reward.kept:
        points.give(turn, reward.member_id, reward.kept, waited, f"reward:{reward_id}:due", reward.reason,
                    expires_at=expires_at)  # fmt: skip
    return reward


def _change(turn: Turn, reward: Reward, values: dict[str, Any]) -> None:
    """Change a reward as it was read; raises `Retry` when another process ripened or reduced it meanwhile."""
    if not drives.rewards.change(turn.db, values, id=reward.id, kept=reward.kept, status=reward.status):
        raise Retry(f"reward {reward.id}")


def _owner(turn: Turn, reward: Reward) -> int:
    """Whoever the reward's member is today: two members may have proved to be one since it was promised."""
    person = oneid.current(turn.db, reward.member_id)
    return person.id if person is not None else reward.member_id


def reduce(turn: Turn, reward: Reward, order: Order) -> None:
    """Bring a reward down to what the order's refunds leave of it; never up again."""
    kept = reward.amount * (order.amount_fen - order.refunded_fen) // order.amount_fen if order.amount_fen else 0
    less = reward.kept - kept
    if less <= 0:
        return
    _change(turn, reward, {"kept": kept})
    key = f"reward:{reward.id}:less:{kept}"
    if reward.status == "pending":
        turn.move(Move(key, pending_account(reward.member_id), ISSUER, POINTS, less, "refund"))
    else:
        points.take_back(turn, _owner(turn, reward), less, ISSUER, key, "refund")
    reward.kept = kept


def reduce_all(turn: Turn, order: Order) -> None:
    """A refund of the order was counted: every reward it caused follows."""
    for reward in drives.rewards.all(turn.db, order_id=order.id):
        reduce(turn, reward, order)
