"""团 teams: a group-buy's seats and how a team ends: full, over, or with a new leader. README draws it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import shown
from bot.texts import yuan
from bot.turn import Turn
from scenarios import checkout
from storage import drives, shop
from storage.members import Person
from storage.tables import Checkout, Team, TeamSeat


class Drive(BaseModel):
    """A group-buy campaign's config. `leader_free`: the leader's payment is refunded when the team succeeds."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    size: int = Field(ge=2, le=100)
    price_fen: int = Field(ge=1)
    hours: int = Field(default=24, ge=1, le=24 * 14)
    hold_minutes: int = Field(default=15, ge=1, le=120)
    per_member: int = Field(default=1, ge=1, le=100)
    leader_free: bool = False
    below_cost: bool = False

    @model_validator(mode="after")
    def _hold_fits(self) -> Drive:
        if self.hold_minutes >= self.hours * 60:
            raise ValueError("hold_minutes: a seat is held for longer than the team lives")
        return self


def take_seat(turn: Turn, team: Team, person: Person, held: Checkout, there: TeamSeat | None) -> None:
    """Write the seat; who left a team before takes their old row again."""
    if there is not None:
        again = {"status": "held", "checkout_id": held.id, "order_id": None, "paid_fen": 0, "joined_at": turn.now}
        drives.seats.change(turn.db, again, id=there.id, status=there.status)
        return
    seat = TeamSeat(id=turn.ids.next(), team_id=team.id, member_id=person.id, status="held", checkout_id=held.id,
                    order_id=None, paid_fen=0, joined_at=turn.now)  # fmt: skip
    drives.seats.add(turn.db, seat)


def free(turn: Turn, seat: TeamSeat) -> bool:
    """A seat that was not paid is for somebody else; False when it is no longer held."""
    if not drives.seats.change(turn.db, {"status": "released"}, id=seat.id, status="held"):
        return False
    drives.free_seat(turn.db, seat.team_id)
    return True


def tell_progress(turn: Turn, team_id: int) -> None:
    """Tell everyone who paid how many are missing."""
    team = drives.teams.one(turn.db, id=team_id)
    assert team is not None
    for seat in drives.seats.all(turn.db, team_id=team_id, status="paid"):
        turn.tell(seat.member_id, "group_buy/progress", code=team.code, paid=team.paid, missing=team.size - team.paid,
                  until=shown(team.deadline))  # fmt: skip


def succeeded(turn: Turn, team: Team) -> None:
    """Everyone is told; a free leader gets the money back."""
    rules = Drive.model_validate_json(team.rules)
    for seat in drives.seats.all(turn.db, team_id=team.id, status="paid"):
        turn.tell(seat.member_id, "group_buy/success", code=team.code, size=team.size)
        if rules.leader_free and seat.member_id == team.leader_id:
            order = shop.orders.one(turn.db, id=seat.order_id)
            assert order is not None
            checkout.refund(turn, order, order.amount_fen, "leader_free", f"team:{team.id}:leader_free")
            turn.tell(seat.member_id, "group_buy/leader_free", amount=yuan(order.amount_fen))


def settle(turn: Turn, team_id: int) -> bool:
    """Expire a team whose deadline passed: each paid seat is refunded under its own key. False when it is settled."""
    if not drives.expire(turn.db, team_id, turn.now):
        return False
    team = drives.teams.one(turn.db, id=team_id)
    assert team is not None
    for seat in drives.seats.all(turn.db, team_id=team_id, status="held"):
        if checkout.release(turn, seat.checkout_id) is not None:
            free(turn, seat)
    for seat in drives.seats.all(turn.db, team_id=team_id, status="paid"):
        order = shop.orders.one(turn.db, id=seat.order_id)
        assert order is not None
        checkout.refund(turn, order, order.amount_fen, "team_expired", f"team:{team_id}:seat:{seat.id}")
        drives.seats.change(turn.db, {"status": "refunded"}, id=seat.id, status="paid")
        turn.tell(seat.member_id, "group_buy/expired", code=team.code, amount=yuan(seat.paid_fen))
    return True


def leave(turn: Turn, seat: TeamSeat) -> bool:
    """A paid seat is given up: it is free, and the next one leads. False when the team is settled."""
    if not drives.leave(turn.db, seat.team_id):
        return False
    drives.seats.change(turn.db, {"status": "refunded"}, id=seat.id, status="paid")
    team = drives.teams.one(turn.db, id=seat.team_id)
    assert team is not None
    lead_on(turn, team, seat.member_id)
    tell_progress(turn, team.id)
    return True


def lead_on(turn: Turn, team: Team, leaving: int) -> None:
    """Whoever leaves leads no more: of those who stay the first who paid leads, else the first who waits."""
    staying = [seat for seat in drives.seats.all(turn.db, team_id=team.id) if seat.status in ("paid", "held")]
    if team.leader_id == leaving and staying:
        following = min(staying, key=lambda seat: (seat.status != "paid", seat.id))
        drives.teams.change(turn.db, {"leader_id": following.member_id}, id=team.id)
        turn.tell(following.member_id, "group_buy/you_lead", code=team.code)
