"""旅程的开始: who begins a journey by the clock: birthdays, sleepers and coupons that end soon every morning, some
members at a time; the members of a team and whoever bargains, so many hours before the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.clock import ZONE, end_of_day
from bot.events import TimerDue
from bot.own_events import BargainOpened, TeamOpened
from bot.turn import Turn
from scenarios import journey_steps
from scenarios.journey_causes import REMINDER
from scenarios.journey_files import Definition
from storage import drives, expiring, grants, journeys, oneid, shop
from storage.segments import birthdays

DAY, SOME, NEAR = "journey_day", "journey_some", "journey_near"
DAILY = ("birthday", "asleep", "coupon_ending")
AT_ONCE = 200  # members begun in one turn: others are served in between


def due(turn: Turn, event: TimerDue, made: Iterable[Definition]) -> None:
    """A morning, the rest of a morning's people, or the end of something that comes near."""
    if event.name not in (DAY, SOME, NEAR):
        return
    for one in made:
        if event.name == DAY and one.trigger in DAILY:
            _some(turn, one, event.at, None)
        elif one.name != event.payload.get("name"):
            continue
        elif event.name == SOME:
            _some(turn, one, datetime.fromisoformat(event.payload["day"]), event.payload["after"])
        elif event.name == NEAR:
            _near(turn, one, event.payload)


def occasion(made: Definition, at: datetime, each: str, orders: int = 0) -> str:
    """What a member may begin a journey for only once."""
    year = f"{at.astimezone(ZONE):%Y}"
    return {"never": "", "yearly": year, "each": each, "nth": f"nth:{orders}"}[made.again]


# -- mornings ----------------------------------------------------------------------------------------------------------


def _some(turn: Turn, made: Definition, day: datetime, after: Any) -> None:
    """The next members whose day it is; the rest by a timer of their own, at once."""
    more = {"birthday": _birthdays, "asleep": _asleep, "coupon_ending": _coupons}[made.trigger](turn, made, day, after)
    if more is not None:
        payload = {"name": made.name, "day": day.isoformat(), "after": more}
        turn.at(turn.now, SOME, f"journey:{made.name}:{day.isoformat()}:{more}", payload)


def _birthdays(turn: Turn, made: Definition, day: datetime, after: Any) -> Any:
    today = day.astimezone(ZONE).date()
    met = birthdays(today, 0)  # 29 February is kept on the 28th of a year without one; lunar ones: storage/lunar.py
    found = journeys.birthdays(turn.db, met, after or 0, AT_ONCE)
    for member_id in found:
        journey_steps.enter(turn, made, member_id, f"{today:%Y}")
    return found[-1] if len(found) == AT_ONCE else None


def _asleep(turn: Turn, made: Definition, day: datetime, after: Any) -> Any:
    """Who bought last so many days ago, on that day: a week's delay of the bot is made good."""
    until = end_of_day(day, -made.asleep_days)
    found = journeys.asleep(turn.db, until - timedelta(days=7), until, after or 0, AT_ONCE)
    for member_id, last in found:
        journey_steps.enter(turn, made, member_id, occasion(made, day, f"since:{last.astimezone(ZONE):%Y-%m-%d}"))
    return found[-1][0] if len(found) == AT_ONCE else None


def _coupons(turn: Turn, made: Definition, day: datetime, after: Any) -> Any:
    """Coupons that end within so many days. A template that reminds by itself (`remind_days`) speaks for its own, and
    the journey for all others; the right to remind of a coupon is one, whoever uses it."""
    begins = (datetime.fromisoformat(after[0]), int(after[1])) if after else (turn.now, 0)
    page = expiring.page(turn.db, begins, end_of_day(day, made.days_before), AT_ONCE)
    reminding = {one.id for one in shop.templates.all(turn.db, remind_days__gt=0)}
    for voucher in page:
        person = oneid.current(turn.db, voucher.member_id)
        if person is None or voucher.template_id in reminding:
            continue
        if grants.used(turn.db, person, REMINDER, str(voucher.id)):
            continue
        if journey_steps.enter(turn, made, person.id, f"coupon:{voucher.id}") is not None:
            grants.claim(turn.db, turn.ids, person, REMINDER, str(voucher.id), "", turn.cause, turn.now)
    return [page[-1].expires_at.isoformat(), page[-1].id] if len(page) == AT_ONCE else None


# -- before an end -----------------------------------------------------------------------------------------------------


def watch(turn: Turn, made: Definition, event: TeamOpened | BargainOpened) -> None:
    """Come back some hours before the end; when that is past already, at half of the time that is left."""
    at = event.deadline - timedelta(hours=made.hours_before)
    if at <= turn.now:
        at = turn.now + (event.deadline - turn.now) / 2
    subject = f"team:{event.team_id}" if isinstance(event, TeamOpened) else f"bargain:{event.bargain_id}"
    payload = {"name": made.name, "subject": subject}
    turn.at(at, NEAR, f"journey:{made.name}:near:{subject}", payload, late_by=event.deadline)


def _near(turn: Turn, made: Definition, payload: dict[str, Any]) -> None:
    kind, _, number = payload["subject"].partition(":")
    for member_id in _team(turn, made, int(number)) if kind == "team" else _bargain(turn, int(number)):
        journey_steps.enter(turn, made, member_id, payload["subject"])


def _team(turn: Turn, made: Definition, team_id: int) -> list[int]:
    """Who paid for a seat in a team that lacks people: the leader first, or alone."""
    team = drives.teams.one(turn.db, id=team_id, status="open")
    if team is None or (made.lacks_most and team.size - team.paid > made.lacks_most):
        return []
    paid = [seat.member_id for seat in drives.seats.all(turn.db, team_id=team_id, status="paid")]
    if made.tell == "leader":
        return [one for one in paid if one == team.leader_id]
    return sorted(paid, key=lambda one: (one != team.leader_id, one))


def _bargain(turn: Turn, bargain_id: int) -> list[int]:
    found = drives.bargains.one(turn.db, id=bargain_id, status="open")
    return [found.member_id] if found is not None else []
