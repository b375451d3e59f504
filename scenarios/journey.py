"""营销旅程 journey: the bot acts at the right time without being asked: a birthday, after an order, a long sleep.

What each journey does is a file (scenarios/journey_files.py); how people go along it is in journey_steps.py. Here is
what makes them begin: events, and a look at every morning's birthdays and sleepers, some members at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import ZONE, end_of_day
from bot.events import ContactAdded, TimerDue
from bot.order_events import OrderEntered
from bot.router import Act, Refusal, Router
from bot.turn import Turn
from scenarios import journey_files, journey_steps
from scenarios.journey_files import Definition
from storage import journeys
from storage.segments import birthdays
from storage.tables import JourneySwitch

router = Router("journey")

DAY, SOME = "journey_day", "journey_some"
AT_ONCE = 200  # members begun in one turn: others are served in between
router.dailies[DAY] = (9, 20)  # after the quiet hours, off the full hour's rush


class Rules(BaseModel):
    """[scenarios.journey] of config.toml: which journeys are on, and where the shop's own lie."""

    model_config = ConfigDict(extra="forbid")

    on: list[str] = Field(default=[], max_length=50)
    folder: str = ""

    @model_validator(mode="after")
    def _readable(self) -> Rules:
        assert self.made is not None  # read at the start: what is wrong is said then
        return self

    @cached_property
    def made(self) -> list[Definition]:
        """The journeys that are on."""
        return journey_files.load(self.on, self.folder)

    def by(self, *triggers: str) -> list[Definition]:
        """Those that begin so."""
        return [one for one in self.made if one.trigger in triggers]


@router.on(ContactAdded)
def joined(turn: Turn, event: ContactAdded) -> None:
    """Somebody new: once in their life, however often they come back."""
    assert event.sender is not None
    person = turn.person(event.sender)
    if person is not None:
        for made in turn.using(Rules).by("joined"):
            journey_steps.enter(turn, made, person.id, "")


@router.on(OrderEntered)
def ordered(turn: Turn, event: OrderEntered) -> None:
    """An order: some journeys end with it, some begin."""
    rules = turn.using(Rules)
    for made in rules.made:
        if made.exit_on_order:
            journey_steps.leave_for_order(turn, event.member_id, made)
    for made in rules.by("order", *(["first_order"] if event.first else [])):
        journey_steps.enter(turn, made, event.member_id, _occasion(made, turn.now, f"order:{event.order_id}"))


def _occasion(made: Definition, at: datetime, each: str) -> str:
    """What a member may begin a journey for only once."""
    year = f"{at.astimezone(ZONE):%Y}"
    return {"never": "", "yearly": year, "each": each}[made.again]


@router.on(TimerDue)
def due(turn: Turn, event: TimerDue) -> None:
    """A morning, the rest of a morning's people, or the next step of somebody."""
    if event.name == journey_steps.TIMER:
        journey_steps.due(turn, event.payload["run_id"])
    elif event.name == DAY:
        for made in turn.using(Rules).by("birthday", "asleep"):
            _begin(turn, made, event.at, 0)
    elif event.name == SOME:
        for made in turn.using(Rules).made:
            if made.name == event.payload["name"]:
                _begin(turn, made, datetime.fromisoformat(event.payload["day"]), event.payload["after"])


def _begin(turn: Turn, made: Definition, day: datetime, after: int) -> None:
    """The next members whose day it is; the rest by a timer of their own, at once."""
    found = _birthdays(turn, made, day, after) if made.trigger == "birthday" else _asleep(turn, made, day, after)
    for member_id, occasion in found:
        journey_steps.enter(turn, made, member_id, occasion)
    if len(found) == AT_ONCE:
        last = found[-1][0]
        payload = {"name": made.name, "day": day.isoformat(), "after": last}
        turn.at(turn.now, SOME, f"journey:{made.name}:{day.isoformat()}:{last}", payload)


def _birthdays(turn: Turn, made: Definition, day: datetime, after: int) -> list[tuple[int, str]]:
    today = day.astimezone(ZONE).date()
    met = birthdays(today, 0)  # 29 February is kept on the 28th of a year without one
    return [(one, f"{today:%Y}") for one in journeys.birthdays(turn.db, met, after, AT_ONCE)]


def _asleep(turn: Turn, made: Definition, day: datetime, after: int) -> list[tuple[int, str]]:
    """Who bought last so many days ago, on that day: a week's delay of the bot is made good."""
    until = end_of_day(day, -made.asleep_days)
    found = journeys.asleep(turn.db, until - timedelta(days=7), until, after, AT_ONCE)
    return [(one, _occasion(made, day, f"since:{last.astimezone(ZONE):%Y-%m-%d}")) for one, last in found]


# -- what programs may ask ---------------------------------------------------------------------------------------------


class Switch(BaseModel):
    """Which journey, and who says so."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    by: str = Field(default="api", max_length=64)


def pause(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Nobody begins and nobody goes on, until it is resumed."""
    return _switch(turn, given, "paused")


def resume(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Everybody goes on from where they are."""
    answer = _switch(turn, given, "running")
    if isinstance(answer, dict):
        for run in journeys.runs.all(turn.db, name=given.name, next_at__lte=turn.now, limit=100_000):
            turn.at(turn.now, journey_steps.TIMER, f"journey:{run.id}:{run.step}:resumed:{turn.cause}",
                    {"run_id": run.id})  # fmt: skip
    return answer


def stop(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Over for everybody, for good: who is on it gets nothing more."""
    answer = _switch(turn, given, "stopped")
    if isinstance(answer, dict):
        change = {"status": "stopped", "why": "stopped", "next_at": None, "ended_at": turn.now}
        answer["runs"] = journeys.runs.change(turn.db, change, name=given.name, status="running")
    return answer


def _switch(turn: Turn, given: Switch, status: str) -> dict[str, Any] | Refusal:
    known = [*(one.name for one in turn.using(Rules).made)]
    if given.name not in known and not journeys.versions.all(turn.db, name=given.name, limit=1):
        shown = turn.texts.render("common/comma").join(known)
        return Refusal(404, "not_found", "journey/no_such", {"name": given.name, "known": shown})
    row = journeys.switches.one(turn.db, name=given.name)
    if row is not None and row.status == "stopped" and status != "stopped":
        return Refusal(409, "wrong_state", "journey/stopped", {"name": given.name})
    if row is None:
        row = JourneySwitch(name=given.name, status=status, changed_by=given.by, changed_at=turn.now)
        journeys.switches.add(turn.db, row)
    else:
        change = {"status": status, "changed_by": given.by, "changed_at": turn.now}
        journeys.switches.change(turn.db, change, name=given.name)
    turn.audit(given.by, f"journey.{status}", f"journey:{given.name}")
    return {"name": given.name, "status": status}


router.acts = {
    "journeys/pause": Act(Switch, pause, may="journey.manage"),
    "journeys/resume": Act(Switch, resume, may="journey.manage"),
    "journeys/stop": Act(Switch, stop, may="journey.manage"),
}
