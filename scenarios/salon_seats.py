"""沙龙座位: how a seat is taken, waited for, given up and offered on. Shared by members' words, guides' and programs'.

Seats are the stock `salon:<id>`: one conditional update decides who gets the last one. As long as somebody waits, a
seat that comes free is theirs: who comes anew waits behind them.
"""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot import clock
from bot.clock import end_of_day, quiet_until, read_quiet
from bot.ids import code
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import checkout, refunds, rewards, salon_rules
from scenarios.checkout import Hold, Want
from scenarios.salon_rules import Admission, Guest
from storage import oneid, points, salons, shop, stock
from storage.members import Person
from storage.tables import Salon, SalonSeat

KIND = "salon"
OFFER, MOVE = "salon_offer", "salon_move"
PAID_TO = "salon"  # the account that points for seats go to
POINTS_LIVE_DAYS = 30  # points that come back live at least so long
ABSENT_WITHIN = timedelta(days=90)
OVER = ("cancelled", "lapsed")


def shown(turn: Turn, salon: Salon) -> dict[str, object]:
    """A salon as texts name it."""
    return {"no": f"S{salon.no}", "title": salon.title, "place": salon.place,
            "when": clock.shown(salon.starts_at, ZoneInfo(salon.zone))}  # fmt: skip


def price(turn: Turn, salon: Salon) -> str:
    """What a seat costs, as people read it."""
    if salon.sku:
        return turn.texts.render("salon/price_money", amount=yuan(_ticket(turn, salon).price_fen))
    return turn.texts.render("salon/price_points", points=salon.points) if salon.points else ""


def _ticket(turn: Turn, salon: Salon) -> checkout.Goods:
    return checkout.goods(turn, salon.sku, 0)


def spelled(typed: str) -> str:
    """The number of a salon as it was typed: `S12`, `12`; a guide's words go on with a member."""
    return typed.strip().lstrip("sS").strip().partition(" ")[0]


def find(turn: Turn, typed: str) -> Salon | None:
    """The salon somebody means, by its number."""
    digits = typed.strip().lstrip("sS").strip()
    return salons.rows.one(turn.db, no=int(digits)) if digits.isdecimal() and len(digits) < 10 else None


def mine(turn: Turn, salon: Salon, person: Person) -> SalonSeat | None:
    """Somebody's seat, under whichever of their names it was taken."""
    return salons.seat_of(turn.db, salon.id, oneid.same(turn.db, person.id))


def why_not(turn: Turn, salon: Salon, person: Person) -> str:
    """Why somebody may not sign up: `closed`, `tier`, `absent`, `points`; "" when they may."""
    if salon.status != "open" or turn.now >= salon.starts_at:
        return "closed"
    who = json.loads(salon.who)
    admission = Admission(tuple(who["tiers"]), who["absences_most"])
    absences = 0
    if admission.absences_most:
        absences = salons.absences(turn.db, oneid.same(turn.db, person.id), turn.now - ABSENT_WITHIN)
    refused = salon_rules.refused(Guest(person.tier, absences), admission)
    short = salon.points > 0 and points.held(turn.db, person.id) < salon.points
    return refused or ("points" if short else "")


def sign_up(turn: Turn, salon: Salon, person: Person, seat: SalonSeat | None, by: str) -> SalonSeat:
    """A seat, or a place in the queue; who has either keeps it. `seat` is what `mine` found."""
    if seat is not None and seat.status not in OVER:
        return seat
    place = salons.next_place(turn.db, salon.id)  # whoever asks about this salon later waits here until we are done
    if seat is None:
        seat = SalonSeat(
            id=turn.ids.next(), salon_id=salon.id, member_id=person.id, status="waiting", place=place,
            token=code(turn.chance, 16), points=0, paid_key="", checkout_id=None, by=by, offered_until=None,
            made_at=turn.now, changed_at=turn.now, attended_at=None,
        )  # fmt: skip
        got = _got(turn, salon, seat, person)
        return salons.seats.add(turn.db, seat.model_copy(update=got))
    got = _got(turn, salon, seat, person)
    _change(turn, seat, **{"status": "waiting", "place": place, "by": by, **got})
    return seat


def _got(turn: Turn, salon: Salon, seat: SalonSeat, person: Person) -> dict[str, object]:
    """A seat for somebody new, unless others wait already."""
    return {} if salons.first_waiting(turn.db, salon.id) is not None else _sit(turn, salon, seat, person)


def _sit(turn: Turn, salon: Salon, seat: SalonSeat, person: Person) -> dict[str, object]:
    """Take a seat that is free, and pay for it or hold it for payment: what the seat is now, {} when none is free."""
    if salon.sku:
        want = Want(KIND, salon.id, (_ticket(turn, salon),), _ticket(turn, salon).price_fen,
                    (Hold(salons.stock_name(salon.id), 1),), store=salon.store)  # fmt: skip
        held = checkout.open_checkout(turn, person, want)
        if isinstance(held, str):
            return {}
        return {"status": "confirmed" if held.status == "paid" else "held", "checkout_id": held.id}
    return _paid(turn, salon, seat, person) if stock.take(turn.db, salons.stock_name(salon.id)) else {}


def _paid(turn: Turn, salon: Salon, seat: SalonSeat, person: Person) -> dict[str, object]:
    """The seat is theirs; points are paid under a key of this very time."""
    key = f"salon:{seat.id}:{turn.ids.next()}" if salon.points else ""
    if key and not points.spend(turn, person.id, salon.points, PAID_TO, key, "salon"):
        raise Retry(f"salon seat {seat.id}: the points went elsewhere meanwhile")
    return {"status": "confirmed", "points": salon.points, "paid_key": key, "offered_until": None}


def accept(turn: Turn, salon: Salon, seat: SalonSeat, person: Person) -> bool:
    """Somebody who waited takes the seat that is kept for them; False when it went to another."""
    name = salons.stock_name(salon.id)
    if salon.sku:
        stock.release(turn.db, name)
        got = _sit(turn, salon, seat, person)
    else:
        got = _paid(turn, salon, seat, person) if stock.commit(turn.db, name) else {}
    if got:
        _change(turn, seat, **got)
    return bool(got)


def give_up(turn: Turn, salon: Salon, seat: SalonSeat, *, refund: bool, status: str = "cancelled") -> None:
    """Leave a seat or the queue; what was paid goes back where `refund` says so. The next in the queue is asked."""
    was, name = seat.status, salons.stock_name(salon.id)
    salons.hold(
        turn.db, salon.id
    )  # whoever asks at this moment waits in the queue before we look at it, or comes after
    _change(turn, seat, status=status, offered_until=None)
    if was == "offered":
        stock.release(turn.db, name)
    elif was == "held" and seat.checkout_id is not None:
        checkout.release(turn, seat.checkout_id, "given_up")
    elif was == "confirmed" and seat.checkout_id is not None:
        _refund_money(turn, seat, refund=refund)
    elif was == "confirmed":
        stock.give_back(turn.db, name)
        if refund:
            _refund_points(turn, seat)
    if was != "waiting":
        _offer(turn, salon)


def _refund_points(turn: Turn, seat: SalonSeat) -> None:
    if seat.points:
        until = end_of_day(turn.now, POINTS_LIVE_DAYS)
        rewards.credit(turn, seat.member_id, seat.points, PAID_TO, f"{seat.paid_key}:undo",
                       f"reversal of {seat.paid_key}", until)  # fmt: skip
        _change(turn, seat, points=0)


def _refund_money(turn: Turn, seat: SalonSeat, *, refund: bool) -> None:
    """The ticket is for others; its money goes back through the shop."""
    held = shop.checkouts.one(turn.db, id=seat.checkout_id)
    order = shop.orders.one(turn.db, id=held.order_id) if held is not None and held.order_id else None
    if held is not None:
        checkout.refuse(turn, held)
    if order is not None and refund:
        refunds.owe(turn, order, order.amount_fen, "salon", f"salon:{seat.id}:{seat.checkout_id}")


def offer_next(turn: Turn, salon: Salon) -> None:
    """Keep free seats for those who waited longest, and tell them; at night they hear of it in the morning."""
    salons.hold(turn.db, salon.id)
    _offer(turn, salon)


def _offer(turn: Turn, salon: Salon) -> None:
    if salon.status != "open" or turn.now >= salon.starts_at:
        return
    zone = ZoneInfo(salon.zone)
    morning = quiet_until(turn.now, read_quiet(turn.outreach.quiet), zone)
    if morning is not None and morning < salon.starts_at:
        turn.at(morning, MOVE, f"salon:{salon.id}:move:{morning.isoformat()}", {"salon_id": salon.id})
        return
    while (seat := salons.first_waiting(turn.db, salon.id)) is not None:
        if not stock.reserve(turn.db, salons.stock_name(salon.id)):
            return
        until = salon_rules.offer_until(turn.now, timedelta(minutes=salon.accept_minutes), salon.starts_at)
        assert until is not None
        _change(turn, seat, status="offered", offered_until=until)
        turn.at(until, OFFER, f"salon:{seat.id}:offer:{turn.ids.next()}", {"seat_id": seat.id})
        turn.tell(seat.member_id, "salon/offered", **shown(turn, salon), until=clock.shown(until, zone))


def _change(turn: Turn, seat: SalonSeat, **values: object) -> None:
    """Change a seat as it was read; raises `Retry` when somebody else changed it meanwhile."""
    values["changed_at"] = turn.now
    if not salons.seats.change(turn.db, values, id=seat.id, status=seat.status):
        raise Retry(f"salon seat {seat.id}")
    for name, value in values.items():
        setattr(seat, name, value)


def check_in(turn: Turn, salon: Salon, seat: SalonSeat) -> bool:
    """Somebody came; False when they were counted before. Who was marked absent and came late came."""
    if seat.status == "attended":
        return False
    _change(turn, seat, status="attended", attended_at=turn.now)
    return True


def settle(turn: Turn, seat: SalonSeat, status: str) -> None:
    """What became of a seat when the salon was over, or called off."""
    _change(turn, seat, status=status, offered_until=None)
