"""沙龙的时间: what happens to a salon by itself: reminders, offers that nobody took, its end.

Each is a timer with a key of its own. A reminder that comes later than its salon is cancelled, not sent; one of an
earlier plan is of an earlier `version`, and was called off with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.clock import read_quiet
from bot.events import TimerDue
from bot.own_events import SalonAttended
from bot.turn import Turn
from scenarios import salon_rules, salon_seats, vouchers
from storage import follows, oneid, salons, shop, tasks, timers
from storage.tables import Salon, SalonSeat

REMIND, END, CHANGED, CANCELLED = "salon_remind", "salon_end", "salon_changed", "salon_cancelled"
LIVE = ("waiting", "offered", "held", "confirmed")
AT_ONCE = 200  # people told in one turn: others are served in between
GRACE = timedelta(minutes=30)  # who is still checking in when it ends


def plan(turn: Turn, salon: Salon) -> None:
    """Set a salon's timers, those of this version."""
    befores = json.loads(salon.remind)
    quiet, zone = read_quiet(turn.outreach.quiet), ZoneInfo(salon.zone)
    for seconds, at in salon_rules.reminders(salon.starts_at, befores, quiet, zone, turn.now):
        payload = {"salon_id": salon.id, "version": salon.version, "after": 0}
        turn.at(at, REMIND, f"{_key(salon)}:remind:{seconds}", payload, late_by=salon.starts_at)
    turn.at(
        salon.ends_at + GRACE, END, f"{_key(salon)}:end", {"salon_id": salon.id, "version": salon.version, "after": 0}
    )


def call_off(turn: Turn, salon: Salon) -> None:
    """No timer of this version happens any more."""
    for seconds in json.loads(salon.remind):
        timers.cancel(turn.db, f"{_key(salon)}:remind:{seconds}", turn.now)
    timers.cancel(turn.db, f"{_key(salon)}:end", turn.now)


def tell_all(turn: Turn, salon: Salon, name: str) -> None:
    """Let everybody who is signed up or waits hear of a change or of the end of it, some at a time."""
    payload = {"salon_id": salon.id, "version": salon.version, "after": 0}
    turn.at(turn.now, name, f"{_key(salon)}:{name}", payload)


def _key(salon: Salon) -> str:
    return f"salon:{salon.id}:v{salon.version}"


def due(turn: Turn, event: TimerDue) -> None:
    """A salon's timer."""
    if event.name == salon_seats.OFFER:
        _offer_over(turn, event.payload["seat_id"])
        return
    if event.name not in (salon_seats.MOVE, *STEPS):
        return
    salon = salons.rows.one(turn.db, id=event.payload["salon_id"])
    if salon is None or event.payload.get("version", salon.version) != salon.version:
        return
    if event.name == CANCELLED:
        _cancelled(turn, event, salon)
    elif salon.status != "open":
        return
    elif event.name == salon_seats.MOVE:
        salon_seats.offer_next(turn, salon)
    else:
        STEPS[event.name](turn, event, salon)


def _offer_over(turn: Turn, seat_id: int) -> None:
    """Somebody did not take the seat that was kept for them: the next is asked."""
    seat = salons.seats.one(turn.db, id=seat_id)
    if seat is None or seat.status != "offered" or (seat.offered_until or turn.now) > turn.now:
        return
    salon = salons.rows.one(turn.db, id=seat.salon_id)
    assert salon is not None
    salon_seats.give_up(turn, salon, seat, refund=False, status="lapsed")
    turn.tell(seat.member_id, "salon/offer_over", **salon_seats.shown(turn, salon))


def _some(turn: Turn, event: TimerDue, salon: Salon, states: tuple[str, ...]) -> list[SalonSeat]:
    """The next people of a long list; the rest comes by a timer of its own, at once."""
    found = salons.some_seats(turn.db, salon.id, states, event.payload["after"], AT_ONCE)
    if len(found) == AT_ONCE:
        payload = {**event.payload, "after": found[-1].id}
        turn.at(turn.now, event.name, f"{_key(salon)}:{event.name}:{event.at.isoformat()}:{found[-1].id}", payload)
    return found


def _remind(turn: Turn, event: TimerDue, salon: Salon) -> None:
    """Tell everybody who comes; where only a guide may write, it is a task of theirs too."""
    if turn.now >= salon.starts_at:
        return
    for seat in _some(turn, event, salon, ("confirmed",)):
        if not turn.tell(seat.member_id, "salon/reminder", **salon_seats.shown(turn, salon), token=seat.token):
            _task(turn, event, salon, seat)


def _changed(turn: Turn, event: TimerDue, salon: Salon) -> None:
    for seat in _some(turn, event, salon, LIVE):
        turn.tell(seat.member_id, "salon/changed", **salon_seats.shown(turn, salon))


def _cancelled(turn: Turn, event: TimerDue, salon: Salon) -> None:
    """What was paid goes back, and everybody hears of it."""
    for seat in _some(turn, event, salon, LIVE):
        salon_seats.give_up(turn, salon, seat, refund=True)
        turn.tell(seat.member_id, "salon/cancelled", **salon_seats.shown(turn, salon))


def _task(turn: Turn, event: TimerDue, salon: Salon, seat: SalonSeat) -> None:
    """No open window of customer service: whoever follows the member should say it before the salon begins."""
    userid = follows.guide_of(turn.db, seat.member_id)
    if userid is None:
        return
    person = oneid.current(turn.db, seat.member_id)
    name = (person.name if person else "") or turn.texts.render("common/unnamed")
    text = turn.texts.render("salon/task", name=name, **salon_seats.shown(turn, salon))
    tasks.add(turn.db, turn.ids, userid, "salon", text, salon.starts_at, f"salon:{seat.id}:{event.at.isoformat()}",
              "rule:salon", turn.now, seat.member_id)  # fmt: skip


def _end(turn: Turn, event: TimerDue, salon: Salon) -> None:
    """Who came is thanked, who did not come is noted; nobody waits any more."""
    follow = json.loads(salon.follow)
    found = _some(turn, event, salon, ("waiting", "offered", "held", "confirmed", "attended"))
    for seat in found:
        if seat.status == "attended":
            _thank(turn, salon, seat, follow)
        elif seat.status == "confirmed":
            salon_seats.settle(turn, seat, "absent")
            turn.tell(seat.member_id, "salon/missed", **salon_seats.shown(turn, salon))
        else:
            salon_seats.give_up(turn, salon, seat, refund=True, status="lapsed")
    if len(found) < AT_ONCE:
        salons.rows.change(turn.db, {"status": "done", "settled_at": turn.now}, id=salon.id, status="open")


def _thank(turn: Turn, salon: Salon, seat: SalonSeat, follow: dict[str, str]) -> None:
    """Thanks, the coupon and the survey that the salon was made with, once."""
    person = oneid.current(turn.db, seat.member_id)
    template = shop.templates.one(turn.db, name=follow["coupon"]) if follow["coupon"] else None
    coupon = ""
    if person is not None and template is not None:
        got = vouchers.issue(turn, person, template, f"salon:{salon.id}")
        if isinstance(got, str):
            turn.audit("rule:salon", "coupon.not_given", f"salon_seat:{seat.id}", why=got)
        else:
            coupon = turn.texts.render("salon/thanks_coupon", name=got.template, code=got.code)
    survey = turn.texts.render("salon/thanks_survey", url=follow["survey"]) if follow["survey"] else ""
    turn.tell(seat.member_id, "salon/thanks", **salon_seats.shown(turn, salon), coupon=coupon, survey=survey)
    turn.announce(SalonAttended(key=turn.cause, source=turn.event.source, at=turn.now, salon_id=salon.id,
                                member_id=seat.member_id))  # fmt: skip


STEPS: dict[str, Callable[[Turn, TimerDue, Salon], None]] = {
    REMIND: _remind, END: _end, CHANGED: _changed, CANCELLED: _cancelled,
}  # fmt: skip
