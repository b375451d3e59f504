"""拼团 group-buy: open a team, fill its seats, all pay the team price, or all get their money back.

A seat is held for payment by one conditional update and paid by another; both need the team open and its deadline
ahead. Settling happens once: whoever pays the last seat makes it a success, the deadline's timer makes it expired.
README draws it.
"""

from __future__ import annotations

from datetime import timedelta

from bot.clock import shown
from bot.events import Event, TimerDue
from bot.ids import code, read_code
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased, OrderReduced
from bot.own_events import TeamOpened
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, checkout, refunds, teams
from scenarios.checkout import Want
from scenarios.teams import Drive
from storage import drives, shop
from storage.members import Person
from storage.tables import Checkout, Team, TeamSeat

router = Router("group_buy")
KIND = "group_buy"
DEADLINE = "team_deadline"
REFUSED = {"sold_out": "group_buy/sold_out", "limit": "group_buy/limit"}


@router.words("拼团", public=True)
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
    teams.take_seat(turn, team, person, held, None)
    turn.at(team.deadline, DEADLINE, f"team:{team.id}", {"team_id": team.id})
    turn.announce(TeamOpened(key=turn.cause, source=event.source, at=turn.now, team_id=team.id, deadline=team.deadline))
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
    teams.take_seat(turn, team, person, held, there)
    _ask_to_pay(turn, event, team, held)


def _already(turn: Turn, event: Event, team: Team, seat: TeamSeat) -> None:
    """The second tap shows what the first one did."""
    held = shop.checkouts.one(turn.db, id=seat.checkout_id, status="held")
    if held is not None:
        _ask_to_pay(turn, event, team, held)
    elif event.sender is not None:
        turn.say(event.sender, "group_buy/in_it", code=team.code, missing=team.size - team.paid,
                 until=shown(team.deadline))  # fmt: skip


def _ask_to_pay(turn: Turn, event: Event, team: Team, held: Checkout) -> None:
    assert event.sender is not None
    turn.say(event.sender, "group_buy/joined", code=team.code, price=yuan(held.price_fen),
             pay_until=shown(held.hold_until), checkout=held.code)  # fmt: skip


def _checkout(turn: Turn, person: Person, team: Team, rules: Drive) -> Checkout | str:
    limit = checkout.one_of(turn, team.campaign_id, person.id, rules.per_member)
    goods = (checkout.goods(turn, rules.sku, rules.price_fen),)
    want = Want(KIND, team.id, goods, rules.price_fen, (limit,), minutes=rules.hold_minutes)
    return checkout.open_checkout(turn, person, want)


@router.words("退团", arg="团号", menu=False)
def leave_team(turn: Turn, event: Event, typed: str) -> None:
    """Give up a seat: one that is not paid at once, a paid one for a refund while the team is open."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    team = drives.teams.one(turn.db, code=read_code(typed))
    seat = drives.seats.one(turn.db, team_id=team.id, member_id=person.id) if team else None
    if team is None or seat is None or seat.status in ("released", "refunded"):
        turn.say(event.sender, "group_buy/not_in", code=typed)
    elif team.status != "open" or team.deadline <= turn.now:
        turn.say(event.sender, "group_buy/settled", code=team.code)
    elif seat.status == "held":
        news = checkout.release(turn, seat.checkout_id, "given_up")
        if news is not None:
            turn.announce(news)
        turn.say(event.sender, "group_buy/left", code=team.code)
    elif teams.leave(turn, seat):
        order = shop.orders.one(turn.db, id=seat.order_id)
        assert order is not None
        left = order.amount_fen - order.refunded_fen
        refunds.owe(turn, order, left, "left_team", f"team:{team.id}:left:{order.id}")
        turn.say(event.sender, "group_buy/left_paid", code=team.code, amount=yuan(left))
    else:
        turn.say(event.sender, "group_buy/settled", code=team.code)


@router.on(CheckoutReleased)
def seat_released(turn: Turn, event: CheckoutReleased) -> None:
    """A seat was not paid in time or given up: someone else may have it."""
    if event.checkout_kind != KIND:
        return
    seat = drives.seats.one(turn.db, checkout_id=event.checkout_id, status="held")
    if seat is None or not teams.free(turn, seat):
        return
    if event.why == "unpaid":
        turn.tell(event.member_id, "group_buy/released")
    team = drives.teams.one(turn.db, id=seat.team_id, status="open")
    if team is not None:
        teams.lead_on(turn, team, seat.member_id)


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
        refunds.owe(turn, order, order.amount_fen, "team_over", f"order:{order.id}:team_over")
        turn.tell(event.member_id, "group_buy/too_late", code=team.code, amount=yuan(order.amount_fen))
        return
    paid = {"status": "paid", "order_id": order.id, "paid_fen": order.amount_fen, "checkout_id": event.checkout_id}
    drives.seats.change(turn.db, paid, id=seat.id, status=seat.status)
    if drives.succeed(turn.db, team.id, turn.now):
        teams.succeeded(turn, team)
    else:
        teams.tell_progress(turn, team.id)


@router.on(TimerDue)
def deadline_passed(turn: Turn, event: TimerDue) -> None:
    """The team's time is over."""
    if event.name == DEADLINE:
        teams.settle(turn, event.payload["team_id"])


@router.on(OrderReduced)
def seat_refunded(turn: Turn, event: OrderReduced) -> None:
    """Somebody took the money back while the team was open: the seat is free, and the next one leads."""
    if event.kept_fen:
        return
    seat = drives.seats.one(turn.db, order_id=event.order_id)
    if seat is not None and seat.status == "paid":
        teams.leave(turn, seat)


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
