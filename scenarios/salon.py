"""会员沙龙 salon: events with seats: sign up, queue, be reminded, check in.

waiting -> offered -> confirmed -> attended | absent; held: a seat waits for its ticket to be paid. Seats and the queue
are in scenarios/salon_seats.py, what happens by itself in salon_times.py, what programs ask in salon_acts.py.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot import clock
from bot.events import Address, Event, TimerDue
from bot.ids import read_code
from bot.kf_events import KfEntered
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased, OrderReduced
from bot.router import Act
from bot.texts import yuan
from bot.turn import Turn
from scenarios import salon_acts, salon_guide, salon_rules, salon_seats, salon_times
from scenarios.salon_guide import router
from storage import oneid, points, salons, shop
from storage.members import Person
from storage.tables import Salon, SalonSeat

SCENE = "salon-"  # before a check-in code, in the scene of a customer-service link
SHOWN = 8
MINE = 10


class Rules(BaseModel):
    """[scenarios.salon] of config.toml. Who cancels later than `refund_hours` before the start gets nothing back."""

    model_config = ConfigDict(extra="forbid")

    refund_hours: int = Field(default=2, ge=0, le=720)
    calendar_url: str = Field(default="", max_length=200)


@router.words("沙龙", "活动报名", public=True)
def list_salons(turn: Turn, event: Event) -> None:
    """What one can sign up for."""
    assert event.sender is not None
    choices = [
        Choice(router.word(join, f"S{salon.no}"), _line(turn, salon))
        for salon in salons.rows.all(
            turn.db, status="open", starts_at__gt=turn.now, order="starts_at", limit=SHOWN
        )
    ]  # fmt: skip
    if choices:
        turn.ask(event.sender, "salon/list", choices)
    else:
        turn.say(event.sender, "salon/none")


def _line(turn: Turn, salon: Salon) -> str:
    left = salon_guide.left(turn, salon)
    text = "salon/line" if left else "salon/line_full"
    return turn.texts.render(text, **salon_seats.shown(turn, salon), left=left, price=salon_seats.price(turn, salon))


@router.words("报名", arg="编号", bare=True, menu=False, hot=salon_seats.spelled)
def join(turn: Turn, event: Event, typed: str) -> None:
    """Take a seat, or a place in the queue."""
    assert event.sender is not None
    salon = salon_seats.find(turn, typed)
    if salon is None:
        list_salons(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    seat = salon_seats.mine(turn, salon, person)
    if seat is not None and seat.status == "offered":
        _accept(turn, event.sender, salon, seat, person)
        return
    if seat is None or seat.status in salon_seats.OVER:
        why = salon_seats.why_not(turn, salon, person)
        if why:
            _refuse(turn, event.sender, salon, person, why)
            return
    say_seat(turn, event.sender, salon, salon_seats.sign_up(turn, salon, person, seat, ""))


def _refuse(turn: Turn, to: Address, salon: Salon, person: Person, why: str) -> None:
    if why == "points":
        held = points.held(turn.db, person.id)
        turn.say(to, "salon/missing_points", points=salon.points, held=held)
    else:
        turn.say(to, REFUSED[why])


REFUSED = {"closed": "salon/closed", "tier": "salon/not_for_you", "absent": "salon/absent_before"}


def say_seat(turn: Turn, to: Address, salon: Salon, seat: SalonSeat) -> None:
    """What somebody has, and what to do next."""
    named = salon_seats.shown(turn, salon)
    if seat.status == "waiting":
        turn.say(to, "salon/waiting", **named, number=salons.ahead(turn.db, seat) + 1)
    elif seat.status == "held":
        held = shop.checkouts.one(turn.db, id=seat.checkout_id)
        assert held is not None
        turn.say(to, "salon/held", **named, amount=yuan(held.price_fen), code=held.code,
                 until=clock.shown(held.hold_until))  # fmt: skip
    elif seat.status in ("attended", "absent"):
        turn.say(to, "salon/over", **named)
    else:
        paid = turn.texts.render("salon/paid_points", points=seat.points) if seat.points else ""
        calendar = _calendar(turn, seat)
        turn.say(to, "salon/confirmed", **named, paid=paid, token=seat.token, calendar=calendar)


def _calendar(turn: Turn, seat: SalonSeat) -> str:
    base = turn.using(Rules).calendar_url.rstrip("/")
    return turn.texts.render("salon/calendar", url=f"{base}/m/salons/{seat.token}.ics") if base else ""


@router.words("确认名额", arg="编号", menu=False, hot=salon_seats.spelled)
def take_offer(turn: Turn, event: Event, typed: str) -> None:
    """Somebody who waited takes the seat that came free."""
    join(turn, event, typed)


def _accept(turn: Turn, to: Address, salon: Salon, seat: SalonSeat, person: Person) -> None:
    if points.held(turn.db, person.id) < salon.points:
        _refuse(turn, to, salon, person, "points")
    elif salon_seats.accept(turn, salon, seat, person):
        say_seat(turn, to, salon, seat)
    else:
        turn.say(to, "salon/closed")


@router.words("取消报名", arg="编号", bare=True, menu=False, hot=salon_seats.spelled)
def leave(turn: Turn, event: Event, typed: str) -> None:
    """Give a seat or a place in the queue up."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    salon = salon_seats.find(turn, typed)
    seat = salon_seats.mine(turn, salon, person) if salon is not None else None
    if salon is None or seat is None or seat.status in salon_seats.OVER:
        my_salons(turn, event)
        return
    if turn.now >= salon.starts_at or seat.status in ("attended", "absent"):
        turn.say(event.sender, "salon/begun", **salon_seats.shown(turn, salon))
        return
    in_time = turn.since(turn.using(Rules).refund_hours * 3600) <= salon.starts_at
    cost = seat.status == "confirmed" and (seat.points > 0 or seat.checkout_id is not None)
    salon_seats.give_up(turn, salon, seat, refund=in_time)
    text = "salon/left" if not cost else "salon/left_refunded" if in_time else "salon/left_late"
    turn.say(event.sender, text, **salon_seats.shown(turn, salon))


@router.words("我的沙龙", "我的报名")
def my_salons(turn: Turn, event: Event) -> None:
    """What somebody signed up for."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    found = salons.seats.all(turn.db, member_id__in=oneid.same(turn.db, person.id), order="-id", limit=MINE)
    lines = []
    for seat in found:
        salon = salons.rows.one(turn.db, id=seat.salon_id)
        assert salon is not None
        state = turn.texts.render(STATES[seat.status])
        lines.append(turn.texts.render("salon/mine_line", **salon_seats.shown(turn, salon), state=state))
    if lines:
        turn.say(event.sender, "salon/mine", lines="\n".join(lines))
    else:
        turn.say(event.sender, "salon/mine_none")


STATES = {
    "waiting": "salon/state_waiting", "offered": "salon/state_offered", "held": "salon/state_held",
    "confirmed": "salon/state_confirmed", "attended": "salon/state_attended", "absent": "salon/state_absent",
    "cancelled": "salon/state_cancelled", "lapsed": "salon/state_lapsed",
}  # fmt: skip


@router.words("签到", arg="签到码", menu=False)
def check_in(turn: Turn, event: Event, typed: str) -> None:
    """Say the code that hangs at the door."""
    assert event.sender is not None
    _check_in(turn, event.sender, typed, turn.ensure_person(event.sender, "word"))


@router.on(KfEntered)
def scanned(turn: Turn, event: KfEntered) -> None:
    """The QR code at the door opens a chat whose scene names the salon."""
    if event.scene_param.startswith(SCENE):
        to = Address("wecom", event.external_userid)
        _check_in(turn, to, event.scene_param.removeprefix(SCENE), turn.ensure_person(to, "word"))


def _check_in(turn: Turn, to: Address, typed: str, person: Person) -> None:
    salon = salons.rows.one(turn.db, check_code=read_code(typed))
    if salon is None:
        turn.say(to, "salon/no_code")
        return
    seat = salon_seats.mine(turn, salon, person)
    if seat is None or seat.status not in ("confirmed", "attended", "absent"):
        turn.say(to, "salon/no_seat", **salon_seats.shown(turn, salon))
        return
    wrong = salon_rules.may_check_in(salon.starts_at, salon.ends_at, turn.now)
    if wrong and seat.status != "attended":
        turn.say(to, "salon/too_early" if wrong == "early" else "salon/too_late", **salon_seats.shown(turn, salon))
        return
    first = salon_seats.check_in(turn, salon, seat)
    turn.say(to, "salon/checked_in" if first else "salon/checked_in_before", **salon_seats.shown(turn, salon))


# -- tickets ----------------------------------------------------------------------------------------------------------


@router.on(CheckoutPaid)
def paid(turn: Turn, event: CheckoutPaid) -> None:
    """The ticket is paid: the seat is theirs."""
    seat = _of_checkout(turn, event)
    if seat is not None and seat.status in ("held", "lapsed"):  # lapsed: a late payment that found a seat
        salon_seats.settle(turn, seat, "confirmed")
        salon = salons.rows.one(turn.db, id=seat.salon_id)
        assert salon is not None
        turn.tell(seat.member_id, "salon/ticket_paid", **salon_seats.shown(turn, salon), token=seat.token)


@router.on(CheckoutReleased)
def not_paid(turn: Turn, event: CheckoutReleased) -> None:
    """Not paid in time: the seat is for whoever waits."""
    seat = _of_checkout(turn, event)
    if seat is not None and seat.status == "held":
        salon = salons.rows.one(turn.db, id=seat.salon_id)
        assert salon is not None
        salon_seats.settle(turn, seat, "lapsed")
        turn.tell(seat.member_id, "salon/released", **salon_seats.shown(turn, salon))
        salon_seats.offer_next(turn, salon)


def _of_checkout(turn: Turn, event: CheckoutPaid | CheckoutReleased) -> SalonSeat | None:
    if event.checkout_kind != salon_seats.KIND:
        return None
    return salons.seats.one(turn.db, checkout_id=event.checkout_id)


@router.on(OrderReduced)
def refunded(turn: Turn, event: OrderReduced) -> None:
    """A ticket whose money all went back is no ticket any more."""
    order = shop.orders.one(turn.db, id=event.order_id)
    if event.kept_fen or order is None or order.checkout_id is None:
        return
    seat = salons.seats.one(turn.db, checkout_id=order.checkout_id)
    if seat is not None and seat.status == "confirmed":
        salon = salons.rows.one(turn.db, id=seat.salon_id)
        assert salon is not None
        salon_seats.settle(turn, seat, "cancelled")
        salon_seats.offer_next(turn, salon)


@router.on(TimerDue)
def due(turn: Turn, event: TimerDue) -> None:
    """Reminders, offers that nobody took, ends."""
    salon_times.due(turn, event)


router.acts = {
    "salons": Act(salon_acts.NewSalon, salon_acts.create, may="salon.manage", scoped=True),
    "salons/change": Act(salon_acts.Change, salon_acts.change, may="salon.manage", scoped=True),
    "salons/cancel": Act(salon_acts.Cancel, salon_acts.cancel, may="salon.manage", scoped=True),
    "salons/check-in": Act(salon_acts.CheckIn, salon_acts.check_in, may="salon.check_in"),
}
