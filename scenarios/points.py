"""积分 points: an order earns, the refund window passes, points become the member's, and expire oldest first."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import end_of_day, till
from bot.events import Event, TimerDue
from bot.order_events import OrderEntered
from bot.router import Router
from bot.turn import Turn
from scenarios import rewards, tier_book
from storage import drives, lots, points, shop
from storage.ledger import EXPIRED, POINTS, Move, account

router = Router("points")

EXPIRY = rewards.EXPIRY
AT_ONCE = 500
SHOWN = 5


class Rules(BaseModel):
    """[scenarios.points] of config.toml. `per_yuan`: points for each whole yuan paid; `valid_days` 0 = for ever."""

    model_config = ConfigDict(extra="forbid")

    per_yuan: int = Field(default=1, ge=0, le=100)
    refund_days: int = Field(default=7, ge=0, le=90)
    valid_days: int = Field(default=365, ge=0, le=3650)


def earned(amount_fen: int, per_yuan: int) -> int:
    """Points for an order: whole yuan count."""
    return amount_fen // 100 * per_yuan


@router.on(OrderEntered)
def order_entered(turn: Turn, event: OrderEntered) -> None:
    """Promise the order's points, by the buyer's level, until its refund window ends."""
    rules = turn.using(Rules)
    order = shop.orders.one(turn.db, id=event.order_id)
    assert order is not None
    due_at = order.paid_at + timedelta(days=rules.refund_days)
    amount = earned(order.amount_fen, rules.per_yuan) * tier_book.points_percent(turn, event.member_id) // 100
    rewards.promise(turn, order, event.member_id, amount, due_at, f"order:{order.id}:points", "order")


@router.on(TimerDue)
def timer_due(turn: Turn, event: TimerDue) -> None:
    """A promise matures; a day's lots expire."""
    rules = turn.using(Rules)
    if event.name == rewards.TIMER:
        expires_at = end_of_day(turn.now, rules.valid_days) if rules.valid_days else None
        reward = rewards.mature(turn, event.payload["reward_id"], expires_at)
        if reward is not None and expires_at is not None:
            turn.at(expires_at, EXPIRY, f"points:{expires_at.isoformat()}", {})
        if reward is not None and reward.kept:
            turn.tell(reward.member_id, "points/credited", points=reward.kept)
    elif event.name == EXPIRY:
        expire(turn)


def expire(turn: Turn) -> None:
    """Take out what has expired, so many at once; the rest a second later."""
    over = lots.expired(turn.db, turn.now, AT_ONCE)
    for owner, expires_at, amount in over:
        turn.move(Move(f"expire:{owner}:{expires_at.isoformat()}", owner, EXPIRED, POINTS, amount, "expired"))
    if len(over) == AT_ONCE:
        turn.at(turn.since(1), EXPIRY, f"points:more:{turn.cause}", {})


@router.words("我的积分", "积分")
def my_points(turn: Turn, event: Event) -> None:
    """What a member has, what waits, what ends next."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    waiting = sum(reward.kept for reward in drives.rewards.all(turn.db, member_id=person.id, status="pending"))
    lines = [
        turn.texts.render("points/lot", points=amount, until=till(expires_at, turn.now))
        for expires_at, amount in lots.of(turn.db, account(person.id))[:SHOWN]
        if expires_at != lots.NEVER
    ]
    turn.say(
        event.sender, "points/mine", points=points.held(turn.db, person.id), waiting=waiting,
        owed=points.owed(turn.db, person.id), lots="\n".join(lines),
    )  # fmt: skip
