"""沙龙：导购的一侧: what is planned, who comes, signing a member up, counting people in at the door."""

from __future__ import annotations

from bot.events import Event
from bot.ids import read_code
from bot.router import Router
from bot.turn import Turn
from scenarios import finding, salon_rules, salon_seats
from scenarios.sight import sees
from storage import members, salons, stock
from storage.tables import Salon, SalonSeat

router = Router("salon")  # the whole play's: members' words join it in scenarios/salon.py

SHOWN = 10
LISTED = 30
LISTED_STATES = ("confirmed", "held", "attended", "absent", "waiting", "offered")  # who came and who did not as well


def left(turn: Turn, salon: Salon) -> int:
    """Seats that somebody could take now: none while others wait for them."""
    there = stock.find(turn.db, salons.stock_name(salon.id))
    return 0 if there is None or salons.first_waiting(turn.db, salon.id) is not None else there.remaining


@router.words("沙龙安排", audience="guide", may="salon.sign_up")
def plan(turn: Turn, event: Event) -> None:
    """The salons to come, with how many come and wait."""
    assert event.sender is not None
    lines = []
    for salon in salons.rows.all(turn.db, status="open", ends_at__gt=turn.now, order="starts_at", limit=SHOWN):
        counts = salons.counts(turn.db, salon.id)
        coming = sum(counts.get(state, 0) for state in salons.COMING)
        lines.append(turn.texts.render("salon/plan_line", **salon_seats.shown(turn, salon), coming=coming,
                                       seats=salon.seats, waiting=counts.get("waiting", 0),
                                       code=salon.check_code))  # fmt: skip
    if lines:
        turn.say(event.sender, "salon/plan", lines="\n".join(lines))
    else:
        turn.say(event.sender, "salon/plan_none")


@router.words("报名", audience="guide", arg="编号 会员", may="salon.sign_up", menu=False, hot=salon_seats.spelled)
def sign_up(turn: Turn, event: Event, typed: str) -> None:
    """Sign a member up: `报名 S12 王女士`."""
    assert event.sender is not None
    number, _, who = typed.partition(" ")
    salon = salon_seats.find(turn, number)
    if salon is None or not who:
        plan(turn, event)
        return
    person = finding.member(turn, event, who, lambda ref: router.word(sign_up, f"S{salon.no} {ref}"))
    if person is None:
        return
    seat = salon_seats.mine(turn, salon, person)
    why = salon_seats.why_not(turn, salon, person) if seat is None or seat.status in salon_seats.OVER else ""
    name = finding.called(turn, person)
    if why:
        turn.say(event.sender, REFUSED[why], name=name)
        return
    seat = salon_seats.sign_up(turn, salon, person, seat, event.sender.external_id)
    state = turn.texts.render(STATES.get(seat.status, "salon/for_confirmed"))
    turn.say(event.sender, "salon/signed_up_for", **salon_seats.shown(turn, salon), name=name, state=state)


REFUSED = {
    "closed": "salon/closed_for", "tier": "salon/not_for_them", "absent": "salon/absent_for",
    "points": "salon/missing_for",
}  # fmt: skip
STATES = {"waiting": "salon/for_waiting", "held": "salon/for_held", "offered": "salon/for_waiting"}


@router.words("沙龙名单", audience="guide", arg="编号", may="salon.sign_up", menu=False)
def attendees(turn: Turn, event: Event, typed: str) -> None:
    """Who comes and who waits, of those whom the speaker may see."""
    assert event.sender is not None
    salon = salon_seats.find(turn, typed)
    if salon is None:
        plan(turn, event)
        return
    seats = salons.some_seats(turn.db, salon.id, LISTED_STATES, 0, 500)
    seen = [seat for seat in seats if sees(turn, seat.member_id)]
    lines = "\n".join(_line(turn, place, seat) for place, seat in enumerate(seen[:LISTED], 1))
    unseen = len(seats) - len(seen)
    others = turn.texts.render("salon/attendees_others", count=unseen) if unseen else ""
    turn.say(event.sender, "salon/attendees", **salon_seats.shown(turn, salon), lines=lines or "-", count=len(seen),
             others=others)  # fmt: skip


def _line(turn: Turn, place: int, seat: SalonSeat) -> str:
    person = members.find(turn.db, seat.member_id)
    name = finding.shown_name(turn, person.name if person else "")
    state = turn.texts.render(f"salon/state_{seat.status}")
    return turn.texts.render("salon/attendee", place=place, name=name, state=state)


@router.words("沙龙签到", audience="guide", arg="报名码", may="salon.check_in", menu=False)
def check_in(turn: Turn, event: Event, typed: str) -> None:
    """Count somebody in by the code of their seat."""
    assert event.sender is not None
    seat = salons.seats.one(turn.db, token=read_code(typed))
    if seat is None or seat.status not in ("confirmed", "attended", "absent"):
        turn.say(event.sender, "salon/no_seat_code")
        return
    salon = salons.rows.one(turn.db, id=seat.salon_id)
    assert salon is not None
    person = members.find(turn.db, seat.member_id)
    name = finding.shown_name(turn, person.name if person else "")
    wrong = salon_rules.may_check_in(salon.starts_at, salon.ends_at, turn.now)
    if wrong and seat.status != "attended":
        text = "salon/too_early" if wrong == "early" else "salon/too_late"
    else:
        text = "salon/counted_in" if salon_seats.check_in(turn, salon, seat) else "salon/counted_before"
    turn.say(event.sender, text, **salon_seats.shown(turn, salon), **({} if wrong else {"name": name}))
