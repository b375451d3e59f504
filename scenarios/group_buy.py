"""拼团 group-buy: open a team, fill its seats, all pay the team price, or all get their money back.

A seat is held for payment by one conditional update and paid by another; both need the team open and its deadline
ahead. Settling happens once: whoever pays the last seat makes it a success, the deadline's timer makes it expired.
README draws it.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import shown
from bot.events import Event, TimerDue
from bot.ids import code, read_code
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased, OrderReduced
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, checkout
from scenarios.checkout import Hold, Want
from storage import drives, shop
from storage.members import Person
from storage.tables import Checkout, Team, TeamSeat

router = Router("group_buy")
KIND = "group_buy"
DEADLINE = "team_deadline"
REFUSED = {"sold_out": "group_buy/sold_out", "limit": "group_buy/limit"}


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


@router.words("拼团")
def list_drives(turn: Turn, event: Event) -> None:
    """Which group-buys are running."""
    assert event.sender is not None
    choices = []
    for campaign in campaigns.running(turn, KIND):
        rules = campaigns.rules(campaign, Drive)
        label = turn.texts.render("group_buy/drive", name=campaign.name, size=rules.size, price=yuan(rules.price_fen),
                                  until=shown(campaign.ends_at))  # fmt: skip
        choices.append(Choice(router.word(open_team, campaigns.named(campaign)), label))
    if not choices:
        turn.say(event.sender, "group_buy/no_drives")
        return
    turn.ask(event.sender, "group_buy/drives", choices)


@router.words("开团", arg="序号", bare=True, menu=False)
def open_team(turn: Turn, event: Event, typed: str) -> None:
    """Start a team and hold its leader's seat."""
    assert event.sender is not None
    campaign = campaigns.chosen(turn, KIND, typed)
    if campaign is None:
        list_drives(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    rules = campaigns.rules(campaign, Drive)
    team = Team(
        id=turn.ids.next(), code=code(turn.chance, 8), campaign_id=campaign.id, leader_id=person.id,
        rules=rules.model_dump_json(), size=rules.size, held=0, paid=0, status="open",
        deadline=min(turn.now + timedelta(hours=rules.hours), campaign.ends_at), opened_at=turn.now, settled_at=None,
    )  # fmt: skip
    held = _checkout(turn, person, team, rules)
    if isinstance(held, str):
        turn.say(event.sender, REFUSED[held])
        return
    drives.teams.add(turn.db, team)
    drives.hold_seat(turn.db, team.id, turn.now)
    _take_seat(turn, team, person, held, None)
    turn.at(team.deadline, DEADLINE, f"team:{team.id}", {"team_id": team.id})
    turn.say(event.sender, "group_buy/opened", code=team.code, size=team.size, price=yuan(held.price_fen),
             until=shown(team.deadline), pay_until=shown(held.hold_until), checkout=held.code)  # fmt: skip


@router.words("参团", arg="团号", menu=False)
def join_team(turn: Turn, event: Event, typed: str) -> None:
    """Take a seat in a team and hold it for payment."""
    assert event.sender is not None
    team = drives.teams.one(turn.db, code=read_code(typed))
    if team is None:
        turn.say(event.sender, "group_buy/unknown", code=typed)
        return
    person = turn.ensure_person(event.sender, "word")
    there = drives.seats.one(turn.db, team_id=team.id, member_id=person.id)
    if there is not None and there.status in ("held", "paid"):
        _already(turn, event, team, there)
        return
    if not drives.hold_seat(turn.db, team.id, turn.now):
        full = team.status == "success" or (team.status == "open" and team.deadline > turn.now)
        turn.say(event.sender, "group_buy/full" if full else "group_buy/over")
        return
    held = _checkout(turn, person, team, Drive.model_validate_json(team.rules))
    if isinstance(held, str):
        drives.free_seat(turn.db, team.id)
        turn.say(event.sender, REFUSED[held])
        return
    _take_seat(turn, team, person, held, there)
    _ask_to_pay(turn, event, team, held)


def _already(turn: Turn, event: Event, team: Team, seat: TeamSeat) -> None:
    """The second tap shows what the first one did."""
    held = shop.checkouts.one(turn.db, id=seat.checkout_id, status="held")
    if held is not None:
        _ask_to_pay(turn, event, team, held)
    elif event.sender is not None:
        turn.say(event.sender, "group_buy/in_it", code=team.code, missing=team.size - team.paid)


def _ask_to_pay(turn: Turn, event: Event, team: Team, held: Checkout) -> None:
    assert event.sender is not None
    turn.say(event.sender, "group_buy/joined", code=team.code, price=yuan(held.price_fen),
             pay_until=shown(held.hold_until), checkout=held.code)  # fmt: skip


def _checkout(turn: Turn, person: Person, team: Team, rules: Drive) -> Checkout | str:
    limit = Hold(f"limit:campaign:{team.campaign_id}:{person.id}", 1, rules.per_member, "limit")
    goods = (checkout.goods(turn, rules.sku, rules.price_fen),)
    want = Want(KIND, team.id, goods, rules.price_fen, (limit,), minutes=rules.hold_minutes)
    return checkout.open_checkout(turn, person, want)


def _take_seat(turn: Turn, team: Team, person: Person, held: Checkout, there: TeamSeat | None) -> None:
    """Write the seat; who left a team before takes their old row again."""
    if there is not None:
        again = {"status": "held", "checkout_id": held.id, "order_id": None, "paid_fen": 0, "joined_at": turn.now}
        drives.seats.change(turn.db, again, id=there.id, status=there.status)
        return
    seat = TeamSeat(id=turn.ids.next(), team_id=team.id, member_id=person.id, status="held", checkout_id=held.id,
                    order_id=None, paid_fen=0, joined_at=turn.now)  # fmt: skip
    drives.seats.add(turn.db, seat)


@router.on(CheckoutReleased)
def seat_released(turn: Turn, event: CheckoutReleased) -> None:
    """A seat was not paid in time: someone else may have it."""
    if event.checkout_kind != KIND:
        return
    if drives.seats.change(turn.db, {"status": "released"}, checkout_id=event.checkout_id, status="held"):
        drives.free_seat(turn.db, event.subject_id)
        turn.tell(event.member_id, "group_buy/released")


@router.on(CheckoutPaid)
def seat_paid(turn: Turn, event: CheckoutPaid) -> None:
    """A seat is paid: in time it counts; after the end, or when others took the place, the money goes back."""
    if event.checkout_kind != KIND:
        return
    team = drives.teams.one(turn.db, id=event.subject_id)
    seat = drives.seats.one(turn.db, team_id=event.subject_id, member_id=event.member_id)
    order = shop.orders.one(turn.db, id=event.order_id)
    assert team is not None
    assert seat is not None
    assert order is not None
    waiting = seat.status == "held"
    seated = waiting or (seat.status == "released" and drives.hold_seat(turn.db, team.id, turn.now))
    if not seated or not drives.pay_held_seat(turn.db, team.id, turn.now):
        if waiting and drives.seats.change(turn.db, {"status": "released"}, id=seat.id, status="held"):
            drives.free_seat(turn.db, team.id)
        checkout.refund(turn, order, order.amount_fen, "team_over", f"order:{order.id}:team_over")
        turn.tell(event.member_id, "group_buy/too_late", code=team.code, amount=yuan(order.amount_fen))
        return
    paid = {"status": "paid", "order_id": order.id, "paid_fen": order.amount_fen, "checkout_id": event.checkout_id}
    drives.seats.change(turn.db, paid, id=seat.id, status=seat.status)
    if drives.succeed(turn.db, team.id, turn.now):
        _succeeded(turn, team)
    else:
        _progress(turn, team.id)


def _progress(turn: Turn, team_id: int) -> None:
    """Tell everyone who paid how many are missing."""
    team = drives.teams.one(turn.db, id=team_id)
    assert team is not None
    for seat in drives.seats.all(turn.db, team_id=team_id, status="paid"):
        turn.tell(seat.member_id, "group_buy/progress", code=team.code, paid=team.paid, missing=team.size - team.paid,
                  until=shown(team.deadline))  # fmt: skip


def _succeeded(turn: Turn, team: Team) -> None:
    """Everyone is told; a free leader gets the money back."""
    rules = Drive.model_validate_json(team.rules)
    for seat in drives.seats.all(turn.db, team_id=team.id, status="paid"):
        turn.tell(seat.member_id, "group_buy/success", code=team.code, size=team.size)
        if rules.leader_free and seat.member_id == team.leader_id:
            order = shop.orders.one(turn.db, id=seat.order_id)
            assert order is not None
            checkout.refund(turn, order, order.amount_fen, "leader_free", f"team:{team.id}:leader_free")
            turn.tell(seat.member_id, "group_buy/leader_free", amount=yuan(order.amount_fen))


@router.on(TimerDue)
def deadline_passed(turn: Turn, event: TimerDue) -> None:
    """The team's time is over."""
    if event.name == DEADLINE:
        settle(turn, event.payload["team_id"])


def settle(turn: Turn, team_id: int) -> bool:
    """Expire a team whose deadline passed: each paid seat is refunded under its own key. False when it is settled."""
    if not drives.expire(turn.db, team_id, turn.now):
        return False
    team = drives.teams.one(turn.db, id=team_id)
    assert team is not None
    for seat in drives.seats.all(turn.db, team_id=team_id, status="held"):
        news = checkout.release(turn, seat.checkout_id)
        if news is not None:
            seat_released(turn, news)
    for seat in drives.seats.all(turn.db, team_id=team_id, status="paid"):
        order = shop.orders.one(turn.db, id=seat.order_id)
        assert order is not None
        checkout.refund(turn, order, order.amount_fen, "team_expired", f"team:{team_id}:seat:{seat.id}")
        drives.seats.change(turn.db, {"status": "refunded"}, id=seat.id, status="paid")
        turn.tell(seat.member_id, "group_buy/expired", code=team.code, amount=yuan(seat.paid_fen))
    return True


@router.on(OrderReduced)
def seat_refunded(turn: Turn, event: OrderReduced) -> None:
    """Somebody took the money back while the team was open: the seat is free, and the next one leads."""
    if event.kept_fen:
        return
    seat = drives.seats.one(turn.db, order_id=event.order_id)
    if seat is None or seat.status != "paid" or not drives.leave(turn.db, seat.team_id):
        return
    drives.seats.change(turn.db, {"status": "refunded"}, id=seat.id, status="paid")
    team = drives.teams.one(turn.db, id=seat.team_id)
    assert team is not None
    staying = [s for s in drives.seats.all(turn.db, team_id=team.id) if s.status in ("paid", "held")]
    if team.leader_id == seat.member_id and staying:
        following = min(staying, key=lambda s: (s.status != "paid", s.id))
        drives.teams.change(turn.db, {"leader_id": following.member_id}, id=team.id)
        turn.tell(following.member_id, "group_buy/you_lead", code=team.code)
    _progress(turn, team.id)


@router.words("我的拼团")
def my_teams(turn: Turn, event: Event) -> None:
    """Where a member has a seat."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    lines = []
    for seat in drives.seats.all(turn.db, member_id=person.id, order="-id", limit=10):
        team = drives.teams.one(turn.db, id=seat.team_id)
        assert team is not None
        state = turn.texts.render(STATES[team.status if seat.status == "paid" else seat.status])
        lines.append(turn.texts.render("group_buy/seat", code=team.code, paid=team.paid, size=team.size, state=state))
    if not lines:
        turn.say(event.sender, "group_buy/none_mine")
        return
    turn.say(event.sender, "group_buy/mine", lines="\n".join(lines))


STATES = {
    "held": "group_buy/state_held",
    "released": "group_buy/state_released",
    "refunded": "group_buy/state_refunded",
    "open": "group_buy/state_open",
    "success": "group_buy/state_success",
    "expired": "group_buy/state_expired",
}


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign's prices."""
    price = ("price_fen", rules.price_fen)
    least = ("leader_free", lowest_fen(rules)) if rules.leader_free else price
    return campaigns.price_problems(shelf.products[rules.sku], price, least, below_cost=rules.below_cost)


def lowest_fen(rules: Drive) -> int:
    """What one piece brings in at least: a free leader's price is shared by the team."""
    return rules.price_fen * (rules.size - rules.leader_free) // rules.size


router.campaign = CampaignKind(
    Drive, problems, lambda rules, shelf: campaigns.pieces_fen(shelf, rules.sku, lowest_fen(rules)), campaigns.one_sku
)
